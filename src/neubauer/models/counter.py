"""`CellCounter`: image to cells."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from pydantic import ValidationError

from neubauer.cells.annotation import Annotation, Kind
from neubauer.cells.measure import add_micrometres, measure
from neubauer.cells.table import Cells, CountEstimate
from neubauer.errors import InputError, NeubauerError
from neubauer.images.contrast import LEAST, contrast_to_noise
from neubauer.images.normalise import percentile_limits
from neubauer.images.read import ImageSource
from neubauer.images.stack import Project
from neubauer.images.stain import Stain
from neubauer.layouts.decode import Thresholds
from neubauer.layouts.spec import LayoutSpec
from neubauer.models.conformal import interval
from neubauer.models.counter_config import CounterConfig
from neubauer.models.counter_data import TrainingImage
from neubauer.models.counter_fit import FitSettings, calibration_in, fit_network, later, stages
from neubauer.models.counter_inputs import WHOLE, Annotated, ImageLike, Reading, as_source, collect
from neubauer.models.counter_prepare import annotated_diameters, split, training_image
from neubauer.models.counter_start import start_from
from neubauer.models.diameter import estimate_diameter
from neubauer.models.fitting import Checkpoint, Report
from neubauer.models.layout_cells import Objects, find_objects, full_labels
from neubauer.models.layout_predict import TILE, Layout, predict_layout
from neubauer.nets.blocks import channels_last, fuse_norms
from neubauer.nets.store import load_model, save_model
from neubauer.nets.unet import LayoutNet

if TYPE_CHECKING:
    from neubauer.gan.labelfree_config import LabelFreeConfig

KIND = "counter"
SAME_SCALE = 1.3
"""Estimated diameters within this ratio of the training range are put down to the cells, not to the magnification."""
CELL_SIGMA, POINT_SIGMA = 0.12, 0.2
"""Widths of a cell in the density maps. With points alone the density is often all there is to count by, in images in
which cells overlap; a wider target then tolerates that nobody can say exactly where each is."""
MIN_SCALE, MAX_SCALE = 1 / 32, 16.0
"""Size ratios between the network's view and the image beyond which a diameter is absurd."""


class CellCounter:
    """Counts, detects, segments and classifies cells.

    Parameters
    ----------
    diameter : typical cell diameter in pixels of the training images; needed for points only, where it cannot be
        measured (by default the median distance of nearest neighbours is taken).
    settings : sizes and rates of the training.
    start : a counter (file, or name of a bundled model) to begin from instead of random weights: with few annotated
        images of a similar kind, that saves most of them. The network is then as large as that counter's.
    widths, depths : of the network, see `LayoutNet`.
    layout_diameter : cell diameter (pixels) at which the network sees the images: larger is slower and sees finer
        detail.
    validation : share of the annotated images that is kept from training, for thresholds, probabilities and intervals.

    Examples
    --------
    >>> counter = CellCounter().fit("images/", "masks/")          # doctest: +SKIP
    >>> counter.predict("new.tif").counts()                       # doctest: +SKIP
    {'cell': 87}
    """

    def __init__(
        self,
        *,
        diameter: float | None = None,
        settings: FitSettings | None = None,
        start: str | Path | None = None,
        widths: Sequence[int] = (32, 48, 64, 96),
        depths: Sequence[int] = (1, 1, 2, 2),
        layout_diameter: float = 24.0,
        validation: float = 0.2,
    ) -> None:
        self.diameter, self.layout_diameter = diameter, layout_diameter
        self.settings = settings or FitSettings()
        self.widths, self.depths, self.validation = tuple(widths), tuple(depths), validation
        self.start = None if start is None else (start, CellCounter.load(start))
        if self.start is not None:
            begin = self.start[1].config
            self.widths, self.depths, self.layout_diameter = begin.widths, begin.depths, begin.layout_diameter
        self.config_: CounterConfig | None = None
        self.network_: LayoutNet | None = None

    # --- training -----------------------------------------------------------------------------------------------------

    def fit(
        self,
        images: str | Path | Sequence[ImageLike],
        annotations: str | Path | Sequence[Annotation | None] | dict[Kind, str | Path] | None = None,
        *,
        kind: Kind = "masks",
        classes: Sequence[str] | None = None,
        groups: Sequence[str] | None = None,
        labelfree: LabelFreeConfig | str | None = None,
        report: Callable[[int, dict[str, float]], None] | None = None,
        checkpoint: str | Path | None = None,
        resume: bool = False,
        reading: Reading = WHOLE,
    ) -> CellCounter:
        """Train on annotated images, or on images alone.

        Without annotations, with `labelfree`, or where some of a list of annotations are None, the images without
        annotation are learnt from too (see `neubauer.models.labelfree`); `diameter` is then needed.

        Parameters
        ----------
        images : folder, files, globs or arrays (see `neubauer.images.read.from_array`).
        annotations : a folder (of what `kind` says), a dict of kind -> folder for a mix, or one `Annotation` per image.
        kind : of a folder of annotations: `"masks"`, `"boxes"` or `"points"`.
        classes : names, where the files do not say them or their order matters.
        groups : with one `Annotation` per image, which images belong together (the same slide, patient or field): they
            are all trained on, or all validated on.
        labelfree : how to learn from images without annotation; a config or the name of a recipe.
        report : called every 50 steps with the number of steps done and the mean losses.
        checkpoint : file that keeps the state of an unfinished supervised training; it is removed at the end.
        resume : go on from that file, exactly as if the training had not stopped.
        reading : what to take of files that hold several planes, channels or stains.

        Raises
        ------
        InputError : a file cannot be used (which one, what was found, what was expected), or fewer than two images are
            annotated; without annotations, see `fit_labelfree`.
        """
        if self.diameter is not None:
            self.check_diameter(self.diameter)
        some_missing = isinstance(annotations, Sequence) and any(a is None for a in annotations)
        if annotations is None or labelfree is not None or some_missing:
            from neubauer.models.labelfree import fit_labelfree

            given = {kind: annotations} if isinstance(annotations, str | Path) else annotations
            fit_labelfree(
                self,
                images,
                given,
                classes=classes,
                groups=groups,
                config=labelfree,
                report=report,
                reading=reading,
            )
            return self
        where: Sequence[Annotation] | dict[Kind, str | Path]
        where = {kind: annotations} if isinstance(annotations, str | Path) else annotations  # type: ignore[assignment]
        pairs = collect(images, where, classes, reading=reading)
        train, held_out = split(pairs, self.validation, self.settings.seed, groups)
        typical, per_image, spread = annotated_diameters(pairs, self.diameter)
        first = pairs[0]
        points = all(p.annotation.kind == "points" for p in pairs)
        stage, again = stages(self.settings, points)
        if self.settings.augmentation.stains and first.source.shape[0] != 3:
            raise InputError(
                first.source.path, f"{first.source.shape[0]} channels", "RGB images, where stains are to be varied"
            )
        config = CounterConfig(
            classes=first.annotation.classes,
            channels=first.source.shape[0],
            widths=self.widths,
            depths=self.depths,
            layout_diameter=self.layout_diameter,
            density_sigma=POINT_SIGMA if points else CELL_SIGMA,
            diameter=typical,
            diameter_range=spread,
            extents=not points,
            training={
                "images": len(train),
                "validation_images": len(held_out),
                "cells": int(sum(len(p.annotation) for p in train)),
                "annotation": sorted({p.annotation.kind for p in pairs}),
                "steps": self.settings.steps,
                "seed": self.settings.seed,
                **({"all_images_steps": again.steps} if again else {}),
                **({"start": str(self.start[0])} if self.start else {}),
            },
        )
        spec = LayoutSpec(config.classes, config.layout_diameter, config.density_sigma)
        torch.manual_seed(self.settings.seed)
        network = LayoutNet(config.channels, spec.channels, config.widths, config.depths)
        if self.start is not None:
            start_from(network, spec, self.start[1], self.start[0])
        data = {id(p): training_image(p, spec, per_image[id(p)], config.percentiles) for p in pairs}
        kept = None if checkpoint is None else Checkpoint(Path(checkpoint), {}, resume)
        held_groups = None
        if groups is not None:
            of = {id(p): group for p, group in zip(pairs, groups, strict=True)}
            held_groups = [of[id(p)] for p in held_out]
        self._train(network, config, data, train, held_out, held_groups, stage, again, report, kept)
        return self

    def _train(
        self,
        network: LayoutNet,
        config: CounterConfig,
        data: dict[int, TrainingImage],
        train: Sequence[Annotated],
        held_out: Sequence[Annotated],
        held_groups: Sequence[str] | None,
        settings: FitSettings,
        again: FitSettings | None,
        report: Report | None,
        kept: Checkpoint | None,
    ) -> None:
        """Train and calibrate, then go on with all images (`data`, by `id` of the pair) if there is `again`."""
        spec = LayoutSpec(config.classes, config.layout_diameter, config.density_sigma)
        found = calibration_in(kept) if kept and again else None
        if found is None:
            if kept is not None:
                kept = replace(kept, identity=_identity(settings, config), last=False)  # there until it is calibrated
            self.network_ = fit_network(network, [data[id(p)] for p in train], spec, settings, report, kept)
            self._set(config)
            self.calibrate(held_out, held_groups)
        else:  # stopped when it was going on
            self.network_ = network
            self._set(config.model_copy(update={"calibration": found}))
        if again is None:
            if kept is not None:
                kept.path.unlink()
            return
        if kept is not None:
            identity = _identity(again, self.config)
            kept = replace(kept, identity=identity, resume=found is not None, first=False, last=True)
        self.network_ = fit_network(network, list(data.values()), spec, again, later(report, settings.steps), kept)
        self._set(self.config)

    def calibrate(self, pairs: Sequence[Annotated], groups: Sequence[str] | None = None) -> CellCounter:
        """Find thresholds, probabilities, way of counting and intervals anew, on annotated images not trained on.

        `groups` says which of them belong together, as in `fit`.
        """
        from neubauer.models.counter_tune import tune

        estimated = len(set(self.config.diameter_range)) > 1
        for _ in range(2 if estimated else 1):  # the estimate of an image's scale depends on the thresholds
            self.config_ = self.config.model_copy(update={"calibration": tune(self, pairs, groups)})
        return self

    def _set(self, config: CounterConfig) -> None:
        assert self.network_ is not None
        self.config_ = config
        self._spec = LayoutSpec(config.classes, config.layout_diameter, config.density_sigma)
        self._fast = channels_last(fuse_norms(copy.deepcopy(self.network_).eval()))

    # --- prediction ---------------------------------------------------------------------------------------------------

    @property
    def config(self) -> CounterConfig:
        """What the counter knows about itself; raises NeubauerError before `fit` or `load`."""
        if self.config_ is None:
            raise NeubauerError("this CellCounter is not trained: call fit() or CellCounter.load() first")
        return self.config_

    @property
    def thresholds(self) -> Thresholds:
        """Of the decoder."""
        calibration = self.config.calibration
        n = len(self.config.classes)
        return Thresholds(calibration.centre or (0.3,) * n, calibration.foreground or (0.5,) * n)

    def predict(
        self,
        image: ImageLike,
        *,
        diameter: float | None = None,
        project: Project | None = None,
        frame: int | None = None,
        channel: int | str | None = None,
        stain: Stain | None = None,
        tile: int = TILE,
    ) -> Cells:
        """Find the cells of one image of any size.

        Parameters
        ----------
        image : file or array.
        diameter : typical cell diameter in pixels of this image; by default it is estimated (see
            `cells.info["diameter"]`).
        project, frame : what to make of a stack, see `open_image`.
        channel : the one to look at, by its number from 0 or its name.
        stain : of an RGB bright-field image, see `neubauer.images.stain.separate_stain`: with it a one-channel model,
            such as one for fluorescence, counts nuclei by their haematoxylin.
        tile : side of the tiles (pixels at the scale of the model); the result does not depend on it, memory does.

        Returns
        -------
        Cells : table, labels, counts with intervals, flags.

        Raises
        ------
        InputError : not an image, other channels than the model's, or an absurd diameter.
        """
        source = as_source(image, self.config.channels, Reading(project, frame, channel, stain))
        layout, objects, info = self.locate(source, diameter=diameter, tile=tile)
        labels = full_labels(objects, layout)
        return self._cells(source, layout, objects, labels, info)

    def locate(
        self, source: ImageSource, *, diameter: float | None = None, tile: int = TILE
    ) -> tuple[Layout, Objects, dict[str, object]]:
        """The layout and the objects of an image, without labels and measurements; what `predict` builds on."""
        limits = percentile_limits(source, *self.config.percentiles)
        used, how = self._diameter(source, limits, diameter)
        scale = self.config.layout_diameter / used
        layout = predict_layout(self._fast, self._spec, source, limits, scale, tile=tile)
        objects = find_objects(layout, self.thresholds, self.config.layout_diameter)
        contrast = round(contrast_to_noise(source, limits), 1)
        return layout, objects, {"diameter": round(used, 2), "diameter_from": how, "contrast_to_noise": contrast}

    def check_diameter(self, diameter: float) -> None:
        """Raise InputError if images cannot be scaled so that cells of this diameter (pixels) have the model's size."""
        seen = self.layout_diameter if self.config_ is None else self.config_.layout_diameter
        low, high = seen / MAX_SCALE, seen / MIN_SCALE
        if not low <= diameter <= high:
            raise InputError("diameter", f"{diameter:g} px", f"{low:g} to {high:g} px")

    def _diameter(self, source: ImageSource, limits: np.ndarray, given: float | None) -> tuple[float, str]:
        config = self.config
        if given is not None:
            self.check_diameter(given)
            return float(given), "given"
        if not config.extents:
            return config.diameter, "training images"
        estimate = estimate_diameter(self._fast, self._spec, self.thresholds, source, limits, config.diameter_range)
        if estimate is None:
            return config.diameter, "training images"
        low, high = config.diameter_range
        if high / low < SAME_SCALE**2 and low / SAME_SCALE <= estimate <= high * SAME_SCALE:
            return config.diameter, "training images"  # all of one magnification, and so is this one
        return estimate, "estimated"

    def _cells(
        self, source: ImageSource, layout: Layout, objects: Objects, labels: np.ndarray, info: dict[str, object]
    ) -> Cells:
        config = self.config
        table = measure(labels, source)
        order = table["label"].to_numpy() - 1
        table.insert(0, "image", source.name)
        table.insert(2, "class", [config.classes[i] for i in objects.class_index[order]])
        table.insert(3, "probability", self.probability(objects)[order].round(4))
        if source.pixel_size_um is not None:
            table = add_micrometres(table, source.pixel_size_um)
        estimates, flags = self.estimate_counts(layout, objects)
        contrast = info["contrast_to_noise"]
        if isinstance(contrast, float) and contrast < LEAST:
            flags.append("no contrast but noise: is there anything in it?" if contrast else "all pixels are the same")
            estimates = {name: replace(e, low=0) for name, e in estimates.items()}  # validation images were not like it
        return Cells(
            table,
            config.classes,
            source.name,
            layout.shape,
            labels,
            source.pixel_size_um,
            estimates,
            flags,
            info
            | {"outlines": "learnt" if config.extents else "markers around points: areas are not measured"}
            | (
                {"calibrated_on": "simulated images"}
                if config.training.get("calibrated_on") == "simulated images"
                else {}
            ),
        )

    def probability(self, objects: Objects) -> np.ndarray:
        """(N,) calibrated probability that the object is a cell of its class."""
        a, b, c = self.config.calibration.score
        return 1 / (1 + np.exp(-(a + objects.features @ np.array([b, c]))))

    def estimate_counts(self, layout: Layout, objects: Objects) -> tuple[dict[str, CountEstimate], list[str]]:
        """Counts with intervals per class and in total, and reasons to look at the image by eye."""
        calibration = self.config.calibration
        peaks = dict(zip(self.config.classes, objects.counts().astype(float), strict=True))
        peaks["total"] = float(len(objects))
        density = self.density_counts(layout)
        estimates = {}
        for name, method in calibration.count_method.items():
            count = density[name] if method == "density" else peaks[name]
            estimates[name] = CountEstimate(count, *interval(count, calibration.interval_width[name]))
        flags = []
        difference = abs(peaks["total"] - density["total"]) / np.sqrt(estimates["total"].count + 1)
        if difference > calibration.disagreement:
            flags.append(f"objects ({peaks['total']:.0f}) and density ({density['total']:.1f}) disagree")
        doubts = self.config.training.get("doubts")
        flags += [f"label-free training left a doubt: {d}" for d in doubts] if isinstance(doubts, list) else []
        return estimates, flags

    def density_counts(self, layout: Layout) -> dict[str, float]:
        """Counts per class and in total by the density maps, corrected as found on validation images."""
        raw = dict(zip(self.config.classes, layout.density_sums.tolist(), strict=True))
        raw["total"] = float(layout.density_sums.sum())
        factor = self.config.calibration.density_factor
        return {name: count * factor.get(name, 1.0) for name, count in raw.items()}

    # --- files --------------------------------------------------------------------------------------------------------

    def save(self, path: str | Path) -> Path:
        """Write one `.safetensors` file: weights, and the config as JSON in its header."""
        config = self.config.model_dump(mode="json")
        assert self.network_ is not None
        return save_model(path, KIND, config, self.network_.state_dict())

    @classmethod
    def load(cls, path: str | Path) -> CellCounter:
        """Read a counter: a file, or the name of a bundled model (`neubauer models` lists them).

        Raises
        ------
        InputError : neither, or not a counter.
        """
        from neubauer.models.registry import resolve

        file = resolve(path)
        raw, tensors = load_model(file, KIND)
        try:
            config = CounterConfig.model_validate(raw)
        except ValidationError as error:
            first = error.errors()[0]
            found = f"a config with {'.'.join(map(str, first['loc']))}: {first['msg']}"
            raise InputError(file, found, "a counter of this version of neubauer") from error
        counter = cls(widths=config.widths, depths=config.depths)
        spec = LayoutSpec(config.classes, config.layout_diameter, config.density_sigma)
        network = LayoutNet(config.channels, spec.channels, config.widths, config.depths)
        try:
            network.load_state_dict({name: t.float() if t.is_floating_point() else t for name, t in tensors.items()})
        except RuntimeError as error:
            raise InputError(file, "weights that do not fit the config", "a counter as it was saved") from error
        counter.network_ = network.eval()
        counter._set(config)
        return counter


def _identity(settings: FitSettings, config: CounterConfig) -> dict[str, object]:
    """What makes a training the one that a checkpoint is of."""
    return {"settings": asdict(settings), "config": config.model_dump(mode="json")}
