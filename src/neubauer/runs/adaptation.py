"""`--adapt-from`: a translator that carries images to the kind that a model knows."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from neubauer.images.source import ImageSource
from neubauer.models.shared.inputs import ImageLike
from neubauer.models.translator.predict import TrainedTranslator
from neubauer.models.translator.tiles import read_once
from neubauer.runs.digests import file_digest


@dataclass(frozen=True)
class Adaptation:
    """A translator in front of a model.

    Attributes
    ----------
    translator : the translator, A to B.
    record : for run.json.
    """

    translator: TrainedTranslator
    record: dict[str, object]

    def apply(self, image: ImageLike) -> ImageSource:
        """The image as the model sees it; translated once, however often it is read."""
        return read_once(self.translator.source(image))


def load_adaptation(file: Path | None) -> Adaptation | None:
    """What the option `--adapt-from` says.

    Raises
    ------
    InputError : no such file, or not a translator.
    """
    if file is None:
        return None
    translator = TrainedTranslator.load(file)
    return Adaptation(translator, {"adapt_from": file.stem, "adapt_sha256": file_digest(file)})
