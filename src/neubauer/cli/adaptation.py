"""`--adapt-from`: a translator that carries images to the kind that a model knows."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from neubauer.images.source import ImageSource
    from neubauer.models.estimators.style_translator import StyleTranslator
    from neubauer.models.shared.inputs import ImageLike


@dataclass(frozen=True)
class Adaptation:
    """A translator in front of a model.

    Attributes
    ----------
    translator : the translator, A to B.
    record : for run.json.
    """

    translator: StyleTranslator
    record: dict[str, object]

    def apply(self, image: ImageLike) -> ImageSource:
        """The image as the model sees it; translated once, however often it is read."""
        from neubauer.models.translator.tiles import read_once

        return read_once(self.translator.source(image))


def load_adaptation(file: Path | None) -> Adaptation | None:
    """What the option `--adapt-from` says.

    Raises
    ------
    InputError : no such file, or not a translator.
    """
    if file is None:
        return None
    from neubauer.models.estimators.style_translator import StyleTranslator

    translator = StyleTranslator.load(file)
    digest = hashlib.sha256(file.read_bytes()).hexdigest()[:16]
    return Adaptation(translator, {"adapt_from": file.stem, "adapt_sha256": digest})
