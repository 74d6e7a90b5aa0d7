"""Inpainting as a job: a damaged image to a repaired one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from neubauer.errors import InputError
from neubauer.images.fill import fill_biharmonic, fill_texture
from neubauer.images.holes import check_holes, find_holes, read_holes, show_holes
from neubauer.images.read import open_image
from neubauer.images.source import ImageSource
from neubauer.images.write import write_image
from neubauer.models.inpainter.predict import TrainedInpainter
from neubauer.runs.digests import file_digest
from neubauer.runs.job import Item, OneByOne

METHODS = ("biharmonic", "texture")
AUTO = "auto"


@dataclass
class Inpaint(OneByOne):
    """Fill in the holes of images.

    Attributes
    ----------
    model, method : an inpainter file, or `biharmonic` or `texture`: one of the two.
    holes : folder of masks, one mask, or `auto`: found in the images. Missing pixels (NaN, infinite) are holes, too.
    samples : completions that are averaged.
    seed : of the choice of patches, for `texture`.

    Raises
    ------
    InputError : from `settings` or the first item: one of them cannot be used.
    """

    model: Path | None = None
    method: str | None = None
    holes: str = AUTO
    samples: int = 4
    seed: int = 0

    verb = "inpaint"

    @cached_property
    def inpainter(self) -> TrainedInpainter | None:
        """The inpainter, loaded."""
        return None if self.model is None else TrainedInpainter.load(self.model)

    def settings(self) -> dict[str, Any]:
        """See `Job.settings`."""
        if (self.model is None) == (self.method is None):
            raise InputError("--model, --method", "both" if self.model else "neither", "one of them")
        if self.method is not None and self.method not in METHODS:
            raise InputError("--method", repr(self.method), "one of " + ", ".join(METHODS))
        _ = self.inpainter  # what is wrong with it is said before anything is done
        holes = self.holes if self.holes == AUTO else str(Path(self.holes).resolve())
        found: dict[str, Any] = {"holes": holes, "samples": self.samples, "seed": self.seed, "method": self.method}
        if self.model is not None:
            found |= {"model": self.model.stem, "model_sha256": file_digest(self.model)}
        return found

    def outputs(self, name: str) -> list[str]:
        """See `Job.outputs`; the last two only where something was filled in, the last only with a model."""
        return [f"{name}.tif", f"{name}_holes.png", f"{name}_found.png", f"{name}_uncertainty.tif"]

    def one(self, item: Item, folder: Path) -> dict[str, Any]:
        """See `Job.do`."""
        source, name = open_image(item.path), item.name
        holes = self._holes(item.path, source) | source.missing(0, source.shape[1], 0, source.shape[2])
        holes = check_holes(holes, f"holes of {item.path}")
        repaired, uncertainty = self._fill(source, holes) if holes.any() else (source.read(), None)
        size, names = source.pixel_size_um, source.channel_names
        write_image(folder / f"{name}.tif", repaired, pixel_size_um=size, channel_names=names)
        write_image(folder / f"{name}_holes.png", holes[None].astype(np.uint8) * 255)
        if holes.any():
            write_image(folder / f"{name}_found.png", np.moveaxis(show_holes(source.read(), holes), -1, 0))
        if uncertainty is not None:
            write_image(folder / f"{name}_uncertainty.tif", uncertainty[None], pixel_size_um=size)
        return {"image": name, "filled": float(holes.mean())}

    def _holes(self, path: Path, source: ImageSource) -> np.ndarray:
        """(Y, X) bool: found in the image, or read from the mask of its name."""
        if self.holes == AUTO:
            return check_holes(find_holes(source.read()), f"holes found in {path}")
        folder = Path(self.holes)
        stems = (path.stem, f"{path.stem}_holes", f"{path.stem}_mask")
        files = [file for file in sorted(folder.glob("*")) if file.stem in stems] if folder.is_dir() else [folder]
        if not files or not files[0].is_file():
            raise InputError(
                folder, f"no mask for {path.name}", f"{path.stem}.png or {path.stem}_holes.png, or --holes auto"
            )
        return read_holes(files[0], (source.shape[1], source.shape[2]))

    def _fill(self, source: ImageSource, holes: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        """The repaired image and, from a model, how uncertain it is."""
        if self.inpainter is not None:
            return self.inpainter.predict(source, holes, samples=self.samples)
        if self.method == "texture":
            return fill_texture(source.read(), holes, self.seed), None
        return fill_biharmonic(source.read(), holes), None

    def tables(self) -> list[str]:
        """See `Job.tables`: there are none."""
        return []

    def merge(self, out: Path, rows: Mapping[str, Mapping[str, Any]], folder: Path) -> None:
        """See `Job.merge`: items share nothing."""

    def __getstate__(self) -> dict[str, Any]:
        """Without what each process loads for itself."""
        return {k: v for k, v in self.__dict__.items() if k != "inpainter"}
