"""`neubauer count --classifier`: what tells the counted cells apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from neubauer.cells.table import Cells
from neubauer.errors import InputError
from neubauer.models.classifier.cells import classes_after, classify_cells, refined_classes
from neubauer.models.classifier.predict import TrainedClassifier
from neubauer.models.shared.bundled import resolve
from neubauer.models.shared.inputs import ImageLike
from neubauer.runs.digests import file_digest


@dataclass(frozen=True)
class Refinement:
    """A classifier and what it is applied to.

    Attributes
    ----------
    classifier : the classifier.
    refined : classes of the counter whose cells it tells apart.
    diameter : their diameter in pixels, or None.
    classes : classes of the result.
    record : for run.json.
    """

    classifier: TrainedClassifier
    refined: tuple[str, ...]
    diameter: float | None
    classes: tuple[str, ...]
    record: dict[str, object]

    def apply(self, cells: Cells, image: ImageLike) -> Cells:
        """The cells of an image with the classifier's classes."""
        return classify_cells(self.classifier, cells, image, classes=self.refined, diameter=self.diameter)


def load_refinement(
    classifier: str | None, counted: Sequence[str], classify: str | None, diameter: float | None
) -> Refinement | None:
    """What the options `--classifier`, `--classify` and `--classify-diameter` say.

    Raises
    ------
    InputError : the last two without the first, a diameter that is not positive, a class that the counter does not
        know, or no such classifier.
    """
    if classifier is None:
        if classify is not None or diameter is not None:
            raise InputError("--classify", "no classifier", "it beside --classifier")
        return None
    if diameter is not None and not diameter > 0:
        raise InputError("--classify-diameter", f"{diameter:g}", "a positive number")

    file = resolve(classifier)
    loaded = TrainedClassifier.load(file)
    wanted = None if classify is None else [name.strip() for name in classify.split(",")]
    refined = refined_classes(loaded.config, counted, wanted)
    record: dict[str, object] = {"classifier": file.stem, "classifier_sha256": file_digest(file)}
    record |= {"classify": list(refined), "classify_diameter": diameter}
    return Refinement(loaded, refined, diameter, classes_after(loaded.config, counted, refined), record)
