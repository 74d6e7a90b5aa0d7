"""A classifier that is trained: images of single cells to their classes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Self

import numpy as np
import pandas as pd
import torch
from scipy.special import softmax

from neubauer.errors import NeubauerError
from neubauer.gan.data.images import IntensityRange
from neubauer.models.classifier.config import UNKNOWN, ClassifierConfig
from neubauer.models.classifier.crops import read_crops, sources, squares_for, usable
from neubauer.models.classifier.network import BATCH, Scorer, restore
from neubauer.models.shared.bundled import resolve
from neubauer.models.shared.config_file import config_in
from neubauer.models.shared.inputs import ImageLike
from neubauer.nets.store import load_model, save_model

KIND = "classifier"


class TrainedClassifier:
    """Tells kinds of cells apart, in images that show one cell each."""

    def __init__(self) -> None:
        self.config_: ClassifierConfig | None = None
        self.scorer_: Scorer | None = None

    @property
    def config(self) -> ClassifierConfig:
        """What the classifier knows about itself; raises NeubauerError before `fit` or `load`."""
        if self.config_ is None:
            raise NeubauerError("this CellClassifier is not trained: call fit() or CellClassifier.load() first")
        return self.config_

    @property
    def scorer(self) -> Scorer:
        """What decides: normalised images to logits."""
        _ = self.config
        assert self.scorer_ is not None
        return self.scorer_

    def predict(self, images: np.ndarray | Sequence[ImageLike], *, diameter: float | None = None) -> pd.DataFrame:
        """The class of each image.

        Parameters
        ----------
        images : (N, C, Y, X), or a list of files or arrays.
        diameter : typical diameter of the cells in pixels of these images. By default an image about as large as the
            training crops is taken to have their magnification, and any other to show as much as they do.

        Returns
        -------
        One row per image: `image`, `class` (`"unknown"` below the threshold), `probability` of the likeliest class, and
        the probability of each class. Files that cannot be read are missing; a warning names them.

        Raises
        ------
        InputError : no image can be used.
        """
        crops = usable(read_crops(sources(images), (self.config.channels, self.config.dtype)))
        return self.table(crops.names, self.probabilities(squares_for(self.config, crops, diameter)))

    def predict_proba(self, images: np.ndarray | Sequence[ImageLike], *, diameter: float | None = None) -> np.ndarray:
        """(N, K) calibrated probabilities; see `predict`.

        Raises
        ------
        InputError : an image cannot be used.
        """
        crops = read_crops(sources(images), (self.config.channels, self.config.dtype))
        for error in crops.failed.values():
            raise error
        return self.probabilities(squares_for(self.config, crops, diameter))

    def table(self, names: Sequence[str], probabilities: np.ndarray) -> pd.DataFrame:
        """The table that `predict` returns, of names and probabilities (N, K)."""
        config = self.config
        best = probabilities.max(1)
        found = np.where(best < config.threshold, UNKNOWN, np.asarray(config.classes)[probabilities.argmax(1)])
        columns = {name: probabilities[:, k] for k, name in enumerate(config.classes)}
        return pd.DataFrame({"image": list(names), "class": found, "probability": best} | columns)

    def normalise(self, squares: np.ndarray) -> np.ndarray:
        """(N, C, size, size) in the training images' own numbers -> float32 in [-1, 1]."""
        return IntensityRange(self.config.limits, self.config.dtype).normalise(squares)

    def probabilities(self, squares: np.ndarray) -> np.ndarray:
        """(N, C, size, size) at the classifier's scale, in the training images' own numbers -> (N, K)."""
        parts = [squares[i : i + BATCH] for i in range(0, len(squares), BATCH)]  # what is normalised stays in the cache
        logits = np.concatenate([self.scorer.logits(self.normalise(part)) for part in parts])
        return softmax(logits / self.config.temperature, 1)

    # --- files --------------------------------------------------------------------------------------------------------

    def save(self, path: str | Path) -> Path:
        """Write one `.safetensors` file: weights (halved to 16 bits), and the config as JSON in its header.

        Raises
        ------
        OutputError : the file cannot be written.
        NeubauerError : there is no training to save yet.
        """
        halved = {n: t.half() if t.dtype == torch.float32 and t.ndim > 1 else t for n, t in self.scorer.tensors.items()}
        return save_model(path, KIND, self.config.model_dump(mode="json"), halved)

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read a classifier: a file, or the name of a bundled model (`neubauer models` lists them).

        Raises
        ------
        InputError : neither, or not a classifier.
        """
        file = resolve(path)
        raw, tensors = load_model(file, KIND)
        config = config_in(file, ClassifierConfig, raw)
        classifier = cls()
        classifier.config_, classifier.scorer_ = config, restore(config, tensors, str(file))
        return classifier
