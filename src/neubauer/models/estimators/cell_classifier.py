"""`CellClassifier`: a classifier of single cells that learns, from many labels or few."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch

from neubauer.cells.table import Cells
from neubauer.errors import InputError
from neubauer.gan.data.images import ImageSet
from neubauer.models.classifier.baselines import Forest, LinearSvm
from neubauer.models.classifier.calibrate import fit_temperature
from neubauer.models.classifier.cells import classify_cells
from neubauer.models.classifier.config import ClassifierConfig, Method
from neubauer.models.classifier.crops import squares_for
from neubauer.models.classifier.fit import FitSettings, fit_network
from neubauer.models.classifier.generated import GenerationSettings
from neubauer.models.classifier.network import NetworkScorer, build_network
from neubauer.models.classifier.predict import KIND, TrainedClassifier
from neubauer.models.classifier.prepare import (
    Images,
    Labels,
    default_size,
    image_set,
    read_labelled,
    read_unlabelled,
    split,
)
from neubauer.models.classifier.rare_classes import with_generated
from neubauer.models.classifier.semi_supervised import DEFAULT_SEMI_SUPERVISED, fit_semi_supervised
from neubauer.models.kinds import KINDS
from neubauer.models.shared.fitting import Report
from neubauer.models.shared.inputs import ImageLike
from neubauer.nets.classifier import CellNet

SMALL = 40
"""Side (pixels) below which the network keeps the full resolution a little longer."""


@KINDS.register(KIND)
class CellClassifier(TrainedClassifier):
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
        `neubauer.models.classifier.semi_supervised`.
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
        super().__init__()
        self.method: Method = method
        self.size, self.diameter, self.threshold, self.validation = size, diameter, threshold, validation
        self.settings = settings or FitSettings()
        self.recipe, self.changes, self.refines = recipe, changes, tuple(refines)

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
            train, said = with_generated(config, train, validation, self.settings, generated)
            config.training["generated"] = said
        network = build_network(config)
        if unlabelled is not None:
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

    def classify_cells(
        self,
        cells: Cells,
        image: ImageLike,
        *,
        classes: Sequence[str] | None = None,
        diameter: float | None = None,
    ) -> Cells:
        """The cells of an image with the classes that this classifier gives them, see
        `neubauer.models.classifier.cells.classify_cells`.

        Raises
        ------
        InputError : the image cannot be used, is not that of the cells, or a class is not one of the counter's.
        """
        return classify_cells(self, cells, image, classes=classes, diameter=diameter)

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read a classifier: a file, or the name of a bundled model (`neubauer models` lists them).

        Raises
        ------
        InputError : neither, or not a classifier.
        """
        classifier = super().load(path)
        config = classifier.config
        classifier.method, classifier.size, classifier.diameter = config.method, config.size, config.diameter
        classifier.threshold, classifier.refines = config.threshold, config.refines
        return classifier
