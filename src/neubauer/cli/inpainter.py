"""`neubauer train inpainter`, `neubauer inpaint`, `neubauer evaluate inpainter`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from neubauer.cli.common import INTERRUPTED, SOME_FAILED, changes_of, errors_to_exit, new_file, say
from neubauer.cli.options import Changes, Json, Overwrite, RecipeSteps, Threads
from neubauer.errors import InputError

if TYPE_CHECKING:
    import numpy as np

    from neubauer.images.source import ImageSource

METHODS = ("biharmonic", "texture")


def train_inpainter(
    images: Annotated[list[str], typer.Argument(metavar="IMAGES...", help="Undamaged images: files, folders, globs.")],
    out: Annotated[Path, typer.Option(help="The inpainter file to write (.safetensors).")],
    steps: RecipeSteps = None,
    seed: Annotated[int, typer.Option(min=0, help="Of weights, crops and holes.")] = 0,
    set_: Changes = None,
    threads: Threads = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a training that was stopped.")] = False,
    overwrite: Overwrite = False,
) -> None:
    """Learn what images look like, to fill in damaged regions.

    The run folder (metrics, pictures, checkpoint) is beside the file, with `.run` for its suffix. Exit code 0: trained;
    1: training diverged; 130: stopped.
    """
    with errors_to_exit("interrupted"):
        new_file(out, overwrite or resume)
        from neubauer.gan.training.report import TrainingDiverged
        from neubauer.images.find import find_images
        from neubauer.models.estimators.inpainter import Inpainter

        if threads:
            import torch

            torch.set_num_threads(threads)
        inpainter = Inpainter(changes_of(set_ or []))
        try:
            inpainter.fit(
                find_images(images), steps=steps, seed=seed, out=out.with_suffix(".run"), resume=resume, progress=True
            )
        except TrainingDiverged as error:
            say(f"error: {error}")
            raise typer.Exit(SOME_FAILED) from error
        if inpainter.report is not None and inpainter.report.reason == "interrupted":
            say("the checkpoint is kept; --resume goes on from here")
            raise typer.Exit(INTERRUPTED)
        inpainter.save(out)
        print(out)


def inpaint(
    inputs: Annotated[list[str], typer.Argument(metavar="INPUT...", help="Image files, folders or globs.")],
    out: Annotated[Path, typer.Option(help="Folder for the repaired images.")],
    holes: Annotated[
        str, typer.Option(help="Folder of masks (NAME.png, NAME_holes.png ...; not 0: hole), or auto: find them.")
    ] = "auto",
    model: Annotated[Path | None, typer.Option(help="An inpainter file.")] = None,
    method: Annotated[str | None, typer.Option(help="Instead of a model: biharmonic or texture.")] = None,
    samples: Annotated[int, typer.Option(min=1, max=8, help="Completions that are averaged, and say how sure.")] = 4,
    seed: Annotated[int, typer.Option(min=0, help="Of the choice of patches, for texture.")] = 0,
    overwrite: Annotated[bool, typer.Option(help="Replace images that are there.")] = False,
    as_json: Json = False,
) -> None:
    """Fill in damaged regions; everything else comes back bit for bit.

    Writes NAME.tif, NAME_holes.png (what was filled in), NAME_found.png (the same, to look at) and, with a model,
    NAME_uncertainty.tif. Exit code 0: all done; 1: some images failed, each is named, the others are done.
    """
    with errors_to_exit("interrupted: what was written is complete"):
        if (model is None) == (method is None):
            raise InputError("--model, --method", "both" if model else "neither", "one of them")
        if method is not None and method not in METHODS:
            raise InputError("--method", repr(method), "one of " + ", ".join(METHODS))
        from neubauer.images.find import find_images, unique_stems
        from neubauer.images.read import open_image
        from neubauer.images.write import write_image

        fill = _Filler(model, method, samples, seed)
        names = unique_stems(find_images(inputs))
        done: list[dict[str, object]] = []
        failed: dict[str, str] = {}
        for path, name in names.items():
            file = new_file(out / f"{name}.tif", overwrite)
            try:
                source = open_image(path)
                gaps = _holes(holes, path, source)
                repaired, uncertainty = fill(source, gaps) if gaps.any() else (source.read(), None)
                write_image(file, repaired, pixel_size_um=source.pixel_size_um, channel_names=source.channel_names)
                _write_holes(out, name, source, gaps, uncertainty)
                share = float(gaps.mean())
                done.append({"image": name, "file": str(file), "filled": share})
                say(f"{name}: " + (f"{100 * share:.2g} % filled in" if share else "no holes; unchanged"))
            except InputError as error:
                failed[str(path)] = str(error)
                say(f"failed: {error}")
        if as_json:
            print(json.dumps({"images": done, "failed": failed}))
        else:
            print(out)
    if failed:
        raise typer.Exit(SOME_FAILED)


def evaluate_inpainter(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="An inpainter file.")],
    images: Annotated[list[str], typer.Argument(metavar="IMAGES...", help="Undamaged images, not trained on.")],
    share: Annotated[float, typer.Option(min=0.001, max=0.9, help="Of the area that is cut out.")] = 0.2,
    seed: Annotated[int, typer.Option(min=0, help="Of the holes.")] = 0,
    as_json: Json = False,
) -> None:
    """Cut holes, fill them in, compare with the truth; biharmonic and texture filling beside it."""
    with errors_to_exit():
        from neubauer.images.find import find_images
        from neubauer.models.estimators.inpainter import Inpainter
        from neubauer.models.inpainter.evaluate import evaluate_inpainting

        scores = evaluate_inpainting(find_images(images), Inpainter.load(model), share=share, seed=seed)
        if as_json:
            print(json.dumps(scores))
            return
        from rich.console import Console
        from rich.table import Table

        table = Table("", "PSNR, dB", "SSIM", "kernel distance", title=f"{100 * share:g} % cut out")
        for name, found in scores.items():
            table.add_row(name, *(f"{found[k]:.4g}" for k in ("psnr", "ssim", "kernel_distance")))
        Console().print(table)


class _Filler:
    """Image and holes to repaired image and, from a model, uncertainty."""

    def __init__(self, model: Path | None, method: str | None, samples: int, seed: int) -> None:
        from neubauer.models.estimators.inpainter import Inpainter

        self.inpainter = None if model is None else Inpainter.load(model)
        self.method, self.samples, self.seed = method, samples, seed

    def __call__(self, source: ImageSource, holes: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        from neubauer.images.fill import fill_biharmonic, fill_texture

        if self.inpainter is not None:
            return self.inpainter.predict(source, holes, samples=self.samples)
        if self.method == "texture":
            return fill_texture(source.read(), holes, self.seed), None
        return fill_biharmonic(source.read(), holes), None


def _holes(holes: str, path: Path, source: ImageSource) -> np.ndarray:
    """(Y, X) bool: found in the image, or read from the mask of its name."""
    from neubauer.images.holes import check_holes, find_holes, read_holes

    if holes == "auto":
        return check_holes(find_holes(source.read()), f"holes found in {path}")
    folder = Path(holes)
    stems = (path.stem, f"{path.stem}_holes", f"{path.stem}_mask")
    files = [file for file in sorted(folder.glob("*")) if file.stem in stems] if folder.is_dir() else [folder]
    if not files or not files[0].is_file():
        raise InputError(
            folder, f"no mask for {path.name}", f"{path.stem}.png or {path.stem}_holes.png, or --holes auto"
        )
    return read_holes(files[0], (source.shape[1], source.shape[2]))


def _write_holes(out: Path, name: str, source: ImageSource, holes: np.ndarray, uncertainty: np.ndarray | None) -> None:
    import numpy as np

    from neubauer.images.holes import show_holes
    from neubauer.images.write import write_image

    write_image(out / f"{name}_holes.png", holes[None].astype(np.uint8) * 255)
    if holes.any():
        write_image(out / f"{name}_found.png", np.moveaxis(show_holes(source.read(), holes), -1, 0))
    if uncertainty is not None:
        write_image(out / f"{name}_uncertainty.tif", uncertainty[None], pixel_size_um=source.pixel_size_um)
