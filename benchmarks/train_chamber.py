"""Train `chamber-cells`, the counter of cells in straightened counting chambers, on simulated ones alone.

python benchmarks/train_chamber.py --out build/chamber      goes on where it was stopped
python benchmarks/train_chamber.py --bundle                 puts the trained one into the package, with its card
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import torch
from report import write_result
from skimage.measure import regionprops

from neubauer.cells.annotation import Annotation
from neubauer.chamber.rulings import rulings
from neubauer.chamber.simulate.photograph import ABSORBED
from neubauer.chamber.simulate.scene import Scene, draw_scene
from neubauer.chamber.simulate.style import draw_style
from neubauer.chamber.straighten import as_pixels
from neubauer.models.counter.augment import Augmentation
from neubauer.models.counter.evaluate import Scores, evaluate_counter
from neubauer.models.counter.fit import FitSettings
from neubauer.models.counter.prepare import split
from neubauer.models.counter.remember import keep_what_is_known
from neubauer.models.estimators.cell_counter import CellCounter
from neubauer.models.shared.bundled import WEIGHTS
from neubauer.models.shared.inputs import Annotated, as_source

NAME = "chamber-cells"
FOLDER = Path(__file__).resolve().parents[1] / "build" / "chamber"
SIDE = 0.5
"""Of a training scene, mm."""
DIAMETER = 14.0
"""Pixels, and micrometres, of a typical cell."""
SCENES, VALIDATION = 360, 0.15
KNOWN = 60
"""Training scenes that are remembered, to tell strange ones from."""
TEST_SEED, TESTED = 10_000_000, 20
LICENCE = "BSD-3-Clause; trained on drawn chambers alone"
AUGMENTATION = Augmentation(illumination=0.2, compression=0.25, coarse=0.2, scale=(0.9, 1.1), blur=0.8)


def scene(seed: int) -> tuple[np.ndarray, Scene]:
    """A straightened window of any chamber as the counter sees it, and the truth."""
    rng = np.random.default_rng(seed)
    ruling = list(rulings().values())[int(rng.choice(5, p=[0.5, 0.15, 0.15, 0.1, 0.1]))]
    x, y = (rng.uniform(-0.15, size - SIDE + 0.15) for size in ruling.size)
    style = draw_style(rng)
    number = 0.0 if rng.random() < 0.04 else float(np.exp(rng.uniform(np.log(8), np.log(600))))
    number *= min(1.0, (14 / style.cell_diameter) ** 2)
    found = draw_scene(ruling, (x, y, x + SIDE, y + SIDE), number, style, rng)
    light = (found.light[..., None] * np.exp(-found.density[..., None] * ABSORBED)).mean(-1)
    limit = rng.uniform(1.5, 2.3)  # the brightest that the camera can tell
    light = np.minimum(light + style.noise * rng.standard_normal(light.shape), limit)
    return as_pixels(light), found


def pair(seed: int) -> Annotated:
    """The same as the counter trains on it."""
    pixels, found = scene(seed)
    there = np.unique(found.labels[found.labels > 0])
    labels = np.where(found.labels > 0, np.searchsorted(there, found.labels) + 1, 0).astype(np.int32)
    centres = np.array([part.centroid for part in regionprops(labels)]).reshape(-1, 2)
    index = np.zeros(len(there), np.int64)
    return Annotated(as_source(pixels), Annotation("masks", labels.shape, ("cell",), index, centres, None, labels))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=2500)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", type=Path, default=FOLDER)
    parser.add_argument("--bundle", action="store_true", help="put the trained model into the package")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    arguments.out.mkdir(parents=True, exist_ok=True)
    path = arguments.out / f"{NAME}.safetensors"
    if not path.exists():
        train(path, arguments.steps)
    if arguments.bundle:
        bundle(path)


def train(path: Path, steps: int) -> None:
    begin = time.monotonic()
    pairs = [pair(seed) for seed in range(SCENES)]
    print(
        f"{len(pairs)} scenes, {sum(len(p.annotation) for p in pairs)} cells, {time.monotonic() - begin:.0f} s",
        flush=True,
    )
    settings = FitSettings(steps, 8, 128, augmentation=AUGMENTATION, border_weight=2.0)
    counter = CellCounter(
        diameter=DIAMETER,
        settings=settings,
        widths=(16, 32, 48, 64),
        depths=(1, 1, 2, 2),
        layout_diameter=16.0,
        validation=VALIDATION,
    )

    def report(step: int, losses: dict[str, float]) -> None:
        if step % 250 == 0:
            terms = ", ".join(f"{name} {value:.4f}" for name, value in losses.items())
            print(f"{step} steps, {time.monotonic() - begin:.0f} s: {terms}", flush=True)

    checkpoint = path.with_suffix(".checkpoint")
    images, annotations = [p.source for p in pairs], [p.annotation for p in pairs]
    counter.fit(images, annotations, report=report, checkpoint=checkpoint, resume=checkpoint.exists())
    counter.config.training |= {
        "name": NAME,
        "minutes": round((time.monotonic() - begin) / 60, 1),
        "calibrated_on": "simulated images",
    }
    counter.save(path)


def bundle(path: Path) -> None:
    """Put the trained counter into the package, with its card, and its results on scenes that it never saw."""
    counter = CellCounter.load(path)
    trained, held_out = split(range(SCENES), VALIDATION, 0)  # type: ignore[arg-type] # seeds are divided like scenes
    seen, unseen = ([(pair(int(seed)), DIAMETER) for seed in some[:KNOWN]] for some in (trained, held_out))  # type: ignore[call-overload]
    keep_what_is_known(counter, seen, unseen)
    # it knows straightened chambers alone: it is not offered for other images
    counter.config.training |= {"for": "straightened counting chambers", "licence": LICENCE}
    scores, _ = evaluate_counter(counter, [pair(TEST_SEED + k) for k in range(TESTED)])
    counter.save(WEIGHTS / path.name)
    write_result(f"bundled_{NAME}", {"scores": {"simulated": scores}, "test_images": {"simulated": TESTED}})
    (WEIGHTS / f"{NAME}.md").write_text(card(counter, scores), encoding="utf-8")


def card(counter: CellCounter, scores: Scores) -> str:
    """The model card, Markdown."""
    training = counter.config.training
    parameters = sum(p.numel() for p in counter.network_.parameters()) if counter.network_ else 0
    rows = [f"| {key} | {value:.3g} |" for key, value in scores["total"].items()]
    return "\n".join(
        [
            f"# {NAME}",
            "",
            "Cells in straightened photographs of counting chambers, in phase contrast or bright field, with or "
            "without trypan blue; `neubauer chamber` uses it.",
            "",
            "- **Input**: 1 channel, intensity relative to the background, one pixel to a micrometre, cells of 8 to 24 "
            "micrometres: what `neubauer chamber` makes of a photograph. It is not meant for images as they are.",
            "- **Classes**: cell.",
            "- **Data**: drawn by the simulator of this project alone (`neubauer.chamber.simulate`); weights under "
            "the licence of the project, BSD-3-Clause.",
            f"- **Training**: {training['images']} scenes of {SIDE} mm x {SIDE} mm of all five rulings, "
            f"{training['cells']} cells with masks; {training['validation_images']} further scenes for thresholds, "
            f"probabilities and intervals; {training['steps']} steps of 8 crops of 128 px, seed 0; "
            f"{training['minutes']:.0f} minutes on a busy CPU; {parameters:,} parameters.",
            "- **Reproduce**: `python benchmarks/train_chamber.py --bundle`.",
            "",
            f"## Measured on {TESTED} drawn scenes that neither training nor calibration saw",
            "",
            "| | |",
            "| --- | --- |",
            *rows,
            "",
            "Counts per scene: `mae`, `bias`; `interval_coverage` is to be compared with 0.9; `ap50`, `ap75`, `ap` are "
            "TP / (TP + FP + FN) at IoU .5, .75 and averaged over .5 to .95.",
            "",
            "**Limits**: real photographs differ from drawn ones; results on a few are in the benchmarks. Look at the "
            "overlays.",
            "",
        ]
    )


if __name__ == "__main__":
    main()
