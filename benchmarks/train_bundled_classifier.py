"""Train the bundled classifier of blood cells, measure it on images that it never saw, and write it with its card."""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from blood_cells import DIAMETER, masked_diameter, rapid, split_pbc
from datasets import data_option
from report import write_result

from neubauer.metrics.classification import ClassificationScores, classification_scores
from neubauer.models.classifier.evaluate import evaluate_classifier, restricted
from neubauer.models.classifier.fit import FitSettings
from neubauer.models.classifier.network import build_network
from neubauer.models.estimators.cell_classifier import CellClassifier
from neubauer.models.shared.bundled import WEIGHTS

NAME = "blood-cells"
SEED = 0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--steps", type=int, default=5000)
    parser.add_argument("--measure", action="store_true", help="keep the weights, write results and card anew")
    parser.add_argument("--out", type=Path, default=WEIGHTS, help="folder for the model and its card")
    data_option(parser)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    train, test = split_pbc(arguments.data, SEED)
    path = arguments.out / f"{NAME}.safetensors"
    if not arguments.measure:
        start = time.monotonic()

        def report(step: int, losses: dict[str, float]) -> None:
            if step % 250 == 0:
                print(f"{step} steps, {time.monotonic() - start:.0f} s: {losses['loss']:.4f}", flush=True)

        settings = FitSettings(steps=arguments.steps, seed=SEED)
        classifier = CellClassifier(settings=settings, validation=0.125, diameter=DIAMETER, refines=("WBC",))
        classifier.fit(train.files, train.names, report=report)
        classifier.config.training |= {"name": NAME, "minutes": round((time.monotonic() - start) / 60, 1)}
        classifier.save(path)
    classifier = CellClassifier.load(path)
    scores = evaluate_classifier(classifier, test.files, test.names)
    moved = transfer(classifier, arguments.data)
    facts = dict(classifier.config.training)
    parameters = sum(p.numel() for p in build_network(classifier.config).parameters())
    path.with_suffix(".md").write_text(card(facts, scores, moved, parameters), encoding="utf-8")
    write_result("classify_bundled", {"training": facts, "pbc": scores.as_dict(), "wbc-rapid": moved})


def transfer(classifier: CellClassifier, data: Path) -> dict[str, Any]:
    """Scores on another stain without any adaptation: `wbc-rapid`, with the size of its cells told and not told, among
    all classes and among the five that it has."""
    found = rapid(data)
    classes = classifier.config.classes
    true = np.array([classes.index(name) for name in found.names])
    present = sorted(set(found.names))
    results: dict[str, Any] = {"n": len(true)}
    for how, diameter in (("given", masked_diameter(data)), ("not given", None)):
        probabilities = classifier.predict_proba(found.files, diameter=diameter)
        for among, p in (("eight", probabilities), ("five", restricted(probabilities, classes, present))):
            s = classification_scores(true, p, classes)
            results[f"diameter {how}, among {among} classes"] = {
                "accuracy": s.accuracy,
                "balanced_accuracy": s.balanced_accuracy,
                "auc": s.auc,
                "calibration_error": s.calibration_error,
                "recall": {name: s.per_class[name]["recall"] for name in present},
            }
    return results


def card(facts: dict[str, Any], scores: ClassificationScores, moved: dict[str, Any], parameters: int) -> str:
    """The model card."""
    rows = "\n".join(
        f"| {name} | {row['n']} | {row['precision']:.3f} | {row['recall']:.3f} |"
        for name, row in scores.per_class.items()
    )
    told, open_ = (moved[f"diameter given, among {n} classes"] for n in ("five", "eight"))
    return f"""# {NAME}

Eight kinds of normal blood cells, one cell per image, bright field, RGB.

- **Input**: RGB crops of 64 x 64 px with the cell in the middle, at a scale at which a white cell measures about
  {DIAMETER:.0f} px. Crops of another size are scaled to 64 px, or by their cells' diameter where it is given.
- **Classes**: {", ".join(scores.classes)}
  (ig: immature granulocytes, that is promyelocytes, myelocytes and metamyelocytes).
- **With a counter**: it tells the objects apart that a counter calls WBC, unless other classes are named.
- **Data**: Acevedo et al., Data in Brief 30:105474, 2020: peripheral blood of one hospital, CellaVision DM96,
  May-Gruenwald-Giemsa; reduced from the central 200 x 200 px of the original images. CC BY 4.0, and so are these
  weights.
- **Training**: {facts["images"]} images; {facts["validation_images"]} further ones for the temperature of the
  probabilities; {facts["steps"]} steps of 128 images, seed {SEED}, {facts["minutes"]} minutes on one CPU core;
  {parameters:,} parameters.
- **Reproduce**: `python benchmarks/train_bundled_classifier.py` with the development sets at hand.

## Measured on {scores.n} images that neither training nor calibration saw

Split 70 / 10 / 20 at random, with equal shares of every class.

accuracy {scores.accuracy:.4f}, balanced accuracy {scores.balanced_accuracy:.4f}, AUC {scores.auc:.4f}, calibration
error {scores.calibration_error:.4f}; {scores.known:.4f} of the images are known (probability of at least 0.5), and of
these {scores.accuracy_known:.4f} are right.

| | images | precision | recall |
| --- | --- | --- | --- |
{rows}

**Limits**: patients are not identified in the data, so cells of one patient may be on both sides of the split: expect
less on other patients. **It does not carry over to other stains**: on {moved["n"]} cells of another laboratory (rapid
stain, yellow background, five of the eight classes) accuracy is {open_["accuracy"]:.2f}, and {told["accuracy"]:.2f} if
it has to choose among these five; its probabilities mean nothing there (calibration error
{open_["calibration_error"]:.2f}). Train on your own images, or translate the stain, before you use it.

It knows normal cells only: blasts, atypical lymphocytes and smudge cells get one of the eight
names, or "unknown". Not a medical device.
"""


if __name__ == "__main__":
    main()
