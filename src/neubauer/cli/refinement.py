"""`neubauer count --classifier`: what tells the counted cells apart."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from neubauer.errors import InputError

if TYPE_CHECKING:
    from neubauer.cells.table import Cells
    from neubauer.models.estimators.cell_classifier import CellClassifier
    from neubauer.models.shared.inputs import ImageLike


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

    classifier: CellClassifier
    refined: tuple[str, ...]
    diameter: float | None
    classes: tuple[str, ...]
    record: dict[str, object]

    def apply(self, cells: Cells, image: ImageLike) -> Cells:
        """The cells of an image with the classifier's classes."""
        return self.classifier.classify_cells(cells, image, classes=self.refined, diameter=self.diameter)


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
    from neubauer.models.classifier.cells import classes_after, refined_classes
    from neubauer.models.estimators.cell_classifier import CellClassifier
    from neubauer.models.shared.bundled import resolve

    file = resolve(classifier)
    loaded = CellClassifier.load(file)
    wanted = None if classify is None else [name.strip() for name in classify.split(",")]
    refined = refined_classes(loaded.config, counted, wanted)
    digest = hashlib.sha256(file.read_bytes()).hexdigest()[:16]
    record: dict[str, object] = {"classifier": file.stem, "classifier_sha256": digest}
    record |= {"classify": list(refined), "classify_diameter": diameter}
    return Refinement(loaded, refined, diameter, classes_after(loaded.config, counted, refined), record)
