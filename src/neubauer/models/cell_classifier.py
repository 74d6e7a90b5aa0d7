"""`CellClassifier`: an image of one cell to its class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import torch
from pydantic import ValidationError
from scipy.special import softmax

from neubauer.errors import InputError, NeubauerError
from neubauer.gan.images import ImageSet, IntensityRange
from neubauer.models.classifier_baselines import Forest, LinearSvm
from neubauer.models.classifier_calibrate import fit_temperature
from neubauer.models.classifier_config import UNKNOWN, ClassifierConfig, Method
from neubauer.models.classifier_crops import read_crops, sources, squares_for, usable
from neubauer.models.classifier_fit import FitSettings, fit_network
from neubauer.models.classifier_network import BATCH, NetworkScorer, Scorer, build_network, restore
from neubauer.models.classifier_prepare import (
    Images,
    Labels,
    default_size,
    image_set,
    read_labelled,
    read_unlabelled,
    split,
)
from neubauer.models.counter_inputs import ImageLike
from neubauer.models.fitting import Report
from neubauer.nets.store import load_model, save_model

if TYPE_CHECKING:
    from neubauer.cells.table import Cells
    from neubauer.models.generated_augmentation import GenerationSettings

KIND = "classifier"
SMALL = 40
"""Side (pixels) below which the network keeps the full resolution a little longer."""


class CellClassifier:
    """Tells kinds of cells apart, in images that show one cell each.

    Parameters
    ----------
    method : `"network"` (compact residual network), `"cnn"` (plain convolutional network), `"svm"` (linear, on
        gradients and colours) or `"forest"` (random forest on region properties and texture); the last two are
        trained in seconds.
    size : side (pixels) of the square that is looked at; by default the typical side of the training crops, 64 at most.
    diameter : typical cell diameter in pixels of the training crops; by default it is measured.
    threshold : probability below which a cell is called `"unknown"`.
    validation : share of the images that is kept from training, for calibration.
    settings : sizes and rates of the training of networks.
    recipe, changes : how unlabelled images are learnt from, and what is changed in that recipe (nested tables), see
        `neubauer.models.classifier_semi_supervised`.
    refines : classes of a counter whose objects this classifier tells apart; by default all.

    Examples
    --------
    >>> classifier = CellClassifier().fit("cells/")              # doctest: +SKIP
    >>> classifier.predict(["new.png"])                          # doctest: +SKIP
      image      class  probability  basophil  eosinophil ...
    """

    def __init__(
        self,
        *,
        method: Method = "network",
        size: int | None = None,
        diameter: float | None = None,
        threshold: float = 0.5,
        validation: float = 0.15,
        settings: FitSettings | None = None,
        recipe: str | None = None,
        changes: Mapping[str, Any] | None = None,
        refines: Sequence[str] = (),
    ) -> None:
        self.method: Method = method
        self.size, self.diameter, self.threshold, self.validation = size, diameter, threshold, validation
        self.settings = settings or FitSettings()
        self.recipe, self.changes, self.refines = recipe, changes, tuple(refines)
        self.config_: ClassifierConfig | None = None
        self.scorer_: Scorer | None = None

    # --- training -----------------------------------------------------------------------------------------------------

    def fit(
        self,
        images: Images,
        labels: Labels = None,
        unlabelled: Images | None = None,
        *,
        groups: Sequence[str] | None = None,
        generated: GenerationSettings | None = None,
        report: Report | None = None,
    ) -> CellClassifier:
        """Train on images of single cells.

        Parameters
        ----------
        images : a folder with one sub-folder per class; a folder of images with `labels` a CSV file (columns `image`,
            `class` and, optionally, `group`); or arrays (N, C, Y, X) or a list of files or arrays with `labels` one
            name for each.
        labels : see there.
        unlabelled : further images without classes, to learn from too (`"network"` only).
        groups : with names as labels, which images belong together (slide, patient, field): they are all trained on, or
            all validated on.
        generated : enlarge rare classes by generated images if that helps; the comparison is kept in
            `config.training["generated"]` (`"network"` only).
        report : called now and then with the number of steps done and the mean loss, if that is known.

        Raises
        ------
        InputError : fewer than two classes or two images in one, an image in two classes, crops of very different
            size, of different number of channels or data type, or labels that do not fit. Images that cannot be read
            are left out, each with a warning.
        TrainingDiverged : learning from unlabelled images failed.
        """
        if self.method != "network" and (unlabelled is not None or generated is not None):
            raise InputError("method", repr(self.method), "network, to learn from unlabelled or generated images")
        labelled = read_labelled(images, labels, groups)
        classes = tuple(sorted(set(labelled.names)))
        side = labelled.crops.side()
        size = self.size or default_size(side)
        everything = image_set(labelled, classes, size / side, size)
        assert everything.labels is not None
        held_out = split(everything.labels, self.validation, self.settings.seed, labelled.groups)
        train, validation = (everything.subset(np.flatnonzero(part)) for part in (~held_out, held_out))
        assert validation.labels is not None
        facts = {
            "images": len(train),
            "validation_images": len(validation),
            "images_per_class": np.bincount(everything.labels).tolist(),
            "seed": self.settings.seed,
        }
        self.config_ = ClassifierConfig(
            classes=classes,
            channels=everything.shape[0],
            method=self.method,
            size=size,
            side=side,
            diameter=self.diameter or labelled.diameter(),
            limits=everything.intensity.limits,
            dtype=everything.intensity.dtype,
            stem_stride=1 if size < SMALL else 2,
            threshold=self.threshold,
            refines=self.refines,
            training=facts,
        )
        if self.method == "svm":
            self.scorer_ = LinearSvm.fit(train, self.settings.seed)
        elif self.method == "forest":
            self.scorer_ = Forest.fit(train, self.settings.seed)
        else:
            self.scorer_ = self._fit_network(train, validation, unlabelled, generated, report)
        logits = self.scorer_.logits(validation.intensity.normalise(validation.images))
        self.config_.temperature = fit_temperature(logits, validation.labels)
        facts["validation_accuracy"] = round(float((logits.argmax(1) == validation.labels).mean()), 4)
        self.config_.training = facts | self.config_.training
        return self

    def _fit_network(
        self,
        train: ImageSet,
        validation: ImageSet,
        unlabelled: Images | None,
        generated: GenerationSettings | None,
        report: Report | None,
    ) -> NetworkScorer:
        config = self.config
        torch.manual_seed(self.settings.seed)
        if generated is not None:
            from neubauer.models.classifier_generated import with_generated

            train, said = with_generated(config, train, validation, self.settings, generated)
            config.training["generated"] = said
        network = build_network(config)
        if unlabelled is not None:
            from neubauer.models.classifier_semi_supervised import DEFAULT_SEMI_SUPERVISED, fit_semi_supervised
            from neubauer.nets.classifier import CellNet

            assert isinstance(network, CellNet)
            more = read_unlabelled(unlabelled, (config.channels, config.dtype))
            rest = ImageSet(squares_for(config, more), train.intensity)
            recipe = self.recipe or DEFAULT_SEMI_SUPERVISED
            network, _ = fit_semi_supervised(
                network,
                train,
                rest,
                recipe,
                self.changes,
                steps=self.settings.steps,
                seed=self.settings.seed,
                augmentation=self.settings.augmentation,
                on_step=None if report is None else lambda step: report(step, {}),
            )
            config.training |= {"unlabelled_images": len(rest), "recipe": recipe, "steps": self.settings.steps}
        else:
            network = fit_network(network, train, self.settings, report)
            config.training["steps"] = self.settings.steps
        return NetworkScorer(network)

    # --- prediction ---------------------------------------------------------------------------------------------------

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

    def classify_cells(
        self,
        cells: Cells,
        image: ImageLike,
        *,
        classes: Sequence[str] | None = None,
        diameter: float | None = None,
    ) -> Cells:
        """The cells of an image with the classes that this classifier gives them, see
        `neubauer.models.count_and_classify.classify_cells`."""
        from neubauer.models.count_and_classify import classify_cells

        return classify_cells(self, cells, image, classes=classes, diameter=diameter)

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
        """Write one `.safetensors` file: weights (halved to 16 bits), and the config as JSON in its header."""
        halved = {n: t.half() if t.dtype == torch.float32 and t.ndim > 1 else t for n, t in self.scorer.tensors.items()}
        return save_model(path, KIND, self.config.model_dump(mode="json"), halved)

    @classmethod
    def load(cls, path: str | Path) -> CellClassifier:
        """Read a classifier: a file, or the name of a bundled model (`neubauer models` lists them).

        Raises
        ------
        InputError : neither, or not a classifier.
        """
        from neubauer.models.registry import resolve

        file = resolve(path)
        raw, tensors = load_model(file, KIND)
        try:
            config = ClassifierConfig.model_validate(raw)
        except ValidationError as error:
            first = error.errors()[0]
            found = f"a config with {'.'.join(map(str, first['loc']))}: {first['msg']}"
            raise InputError(file, found, "a classifier of this version of neubauer") from error
        classifier = cls(
            method=config.method,
            size=config.size,
            diameter=config.diameter,
            threshold=config.threshold,
            refines=config.refines,
        )
        classifier.config_, classifier.scorer_ = config, restore(config, tensors, str(file))
        return classifier
