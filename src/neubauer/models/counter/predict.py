"""A counter that is trained: image to cells."""

from __future__ import annotations

import copy
from dataclasses import replace
from pathlib import Path
from typing import Self

import numpy as np
from torch import Tensor

from neubauer.cells.measure import add_micrometres, measure
from neubauer.cells.regions.regions import Regions
from neubauer.cells.table import Cells, CountEstimate
from neubauer.errors import InputError, NeubauerError
from neubauer.images.contrast import LEAST, contrast_to_noise
from neubauer.images.normalise import percentile_limits
from neubauer.images.read import ImageSource
from neubauer.images.stack import Project
from neubauer.images.stain import Stain
from neubauer.layouts.decode import Thresholds
from neubauer.layouts.spec import LayoutSpec
from neubauer.models.counter.config import CounterConfig
from neubauer.models.counter.counts import ImageCounts
from neubauer.models.counter.diameter import estimate_diameter
from neubauer.models.counter.file import KIND, load_parts, tensors_of
from neubauer.models.counter.focus import Focus
from neubauer.models.counter.layout import TILE, Layout, predict_layout
from neubauer.models.counter.missing import missing_flags, missing_info, without_missing
from neubauer.models.counter.objects import Objects, find_objects, full_labels
from neubauer.models.counter.parts import keep_rows, name_regions
from neubauer.models.counter.scale import Look, look_at
from neubauer.models.counter.strangeness import Known
from neubauer.models.shared.bundled import resolve
from neubauer.models.shared.inputs import ImageLike, Reading, as_source
from neubauer.nets.blocks import channels_last, fuse_norms
from neubauer.nets.scale import ScaleNet
from neubauer.nets.store import save_model
from neubauer.nets.unet import LayoutNet

SAME_SCALE = 1.3
"""Estimated diameters within this ratio of the training range are put down to the cells, not to the magnification."""
RIGHT_SIZE = 1.2
"""If the cells that are found measure up to this factor more or less than estimated, the network saw them well."""
ABSURD = 2.5
"""Cells that measure this factor more or less than estimated are none."""
PROBE = 2 * TILE
"""Images with a longer side than this, in pixels at the scale of the model, are not looked at twice as a whole."""
LOOK_AROUND = 2.0
"""How far around regions is looked, in cell diameters: cells whose centre lies in a region reach beyond it."""
ENOUGH = 5
"""So many cells say how large they typically are."""
NEGATIVE = 0.8
"""From this probability on an image is taken for a negative, and turned."""
MIN_SCALE, MAX_SCALE = 1 / 32, 16.0
"""Size ratios between the network's view and the image beyond which a diameter is absurd."""


def typical(objects: Objects, seen_as: float) -> float:
    """Median diameter of the objects, in pixels; that by which they were seen where there are too few, or where they
    are of quite another size and so no cells."""
    measured = float(np.median(objects.diameters)) if len(objects) >= ENOUGH else seen_as
    return measured if 1 / ABSURD <= measured / seen_as <= ABSURD else seen_as


class TrainedCounter:
    """Counts, detects, segments and classifies cells.

    Attributes
    ----------
    layout_diameter : cell diameter (pixels) at which the network sees the images.
    """

    layout_diameter: float = 24.0

    def __init__(self) -> None:
        self.config_: CounterConfig | None = None
        self.network_: LayoutNet | None = None
        self.scale_: ScaleNet | None = None
        self.known_: Known | None = None

    def set(
        self,
        config: CounterConfig,
        network: LayoutNet | None = None,
        scale: ScaleNet | None = None,
        known: Known | None = None,
    ) -> Self:
        """Take over what a training found: the config, and those of the others that do not stay; returns itself."""
        if network is not None:
            self.network_ = network
        if scale is not None:
            self.scale_ = scale
        if known is not None:
            self.known_ = known
        assert self.network_ is not None
        self.config_ = config
        self._spec = LayoutSpec(config.classes, config.layout_diameter, config.density_sigma)
        self._fast = channels_last(fuse_norms(copy.deepcopy(self.network_).eval()))
        self._scale = channels_last(fuse_norms(copy.deepcopy(self.scale_).eval())) if self.scale_ else None
        return self

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
        regions: Regions | None = None,
    ) -> Cells:
        """Find the cells of one image of any size.

        Where pixels are missing (NaN, infinite) nothing is counted: neither objects of which most lies there nor
        density. `cells.info` has their number and share, and a flag says so.

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
        regions : count in these alone (`neubauer.read_regions`, `neubauer.find_tissue`). The cells are those that would
            be found without regions, and whose centre lies in one; of a large image only what is near them is looked
            at. `neubauer.regions_table` makes a table of the result.

        Returns
        -------
        Cells : table, labels, counts with intervals, flags.

        Raises
        ------
        InputError : not an image, one without any finite number, other channels than the model's, an absurd diameter,
            or regions of an image of another size.
        """
        source = as_source(image, self.config.channels, Reading(project, frame, channel, stain))
        if regions is not None and tuple(regions.shape) != source.shape[1:]:
            found = f"regions of an image of {regions.shape[0]} x {regions.shape[1]} pixels"
            raise InputError(source.path, found, f"{source.shape[1]} x {source.shape[2]}, the size of the image")
        layout, objects, info = self.locate(source, diameter=diameter, tile=tile, regions=regions)
        labels = full_labels(objects, layout)
        return self._cells(source, layout, objects, labels, info, regions)

    def locate(
        self,
        source: ImageSource,
        *,
        diameter: float | None = None,
        tile: int = TILE,
        regions: Regions | None = None,
    ) -> tuple[Layout, Objects, dict[str, object]]:
        """The layout and the objects of an image, without labels and measurements; what `predict` builds on.

        With regions, large images are looked at near them alone; all objects are given that are seen there, also those
        whose centre lies outside.

        Raises
        ------
        InputError : pixels are damaged, none has a finite number, or an absurd diameter.
        """
        missing = missing_info(source)
        limits = percentile_limits(source, *self.config.percentiles)
        look = None if self._scale is None else look_at(self._scale, source, limits)
        info: dict[str, object] = {"contrast_to_noise": round(contrast_to_noise(source, limits), 1)}
        if look is not None and look.negative > NEGATIVE:
            low, high = self.config.percentiles
            limits = percentile_limits(source, 100 - high, 100 - low)[:, ::-1]
            look = look_at(self._scale, source, limits)  # type: ignore[arg-type] # there is one
            info["polarity"] = "negative"
        used, how = self._diameter(source, limits, diameter, look)
        large = max(source.shape[1:]) * self.config.layout_diameter / used > PROBE
        if how == "estimated" and large:  # its middle is looked at twice, not all of it
            used = typical(self._middle(source, limits, used), used)
        margin = LOOK_AROUND * self.config.layout_diameter if large else None
        focus = None if regions is None else Focus(regions, margin)
        layout, objects = self._decoded(source, limits, used, tile, focus)
        if how == "estimated":
            measured = typical(objects, used)
            if not large and not 1 / RIGHT_SIZE <= measured / used <= RIGHT_SIZE:
                layout, objects = self._decoded(source, limits, measured, tile, focus)
            used = typical(objects, measured)
        return layout, objects, {"diameter": round(used, 2), "diameter_from": how} | info | missing

    def _decoded(
        self, source: ImageSource, limits: np.ndarray, diameter: float, tile: int, focus: Focus | None
    ) -> tuple[Layout, Objects]:
        scale = self.config.layout_diameter / diameter
        layout = predict_layout(self._fast, self._spec, source, limits, scale, tile=tile, focus=focus)
        objects = find_objects(layout, self.thresholds, self.config.layout_diameter)
        return layout, without_missing(objects, layout, source)

    def _middle(self, source: ImageSource, limits: np.ndarray, diameter: float) -> Objects:
        """The objects in the middle of a large image."""
        scale = self.config.layout_diameter / diameter
        y, x = ((max(0, round((n - TILE / scale) / 2)), n) for n in source.shape[1:])
        window = (y[0], y[1] - y[0], x[0], x[1] - x[0])
        layout = predict_layout(self._fast, self._spec, source, limits, scale, window=window)
        return find_objects(layout, self.thresholds, self.config.layout_diameter)

    def check_diameter(self, diameter: float) -> None:
        """Raise InputError if images cannot be scaled so that cells of this diameter (pixels) have the model's size."""
        seen = self.layout_diameter if self.config_ is None else self.config_.layout_diameter
        low, high = seen / MAX_SCALE, seen / MIN_SCALE
        if not low <= diameter <= high:
            raise InputError("diameter", f"{diameter:g} px", f"{low:g} to {high:g} px")

    def _diameter(
        self, source: ImageSource, limits: np.ndarray, given: float | None, look: Look | None
    ) -> tuple[float, str]:
        config = self.config
        if given is not None:
            self.check_diameter(given)
            return float(given), "given"
        if not config.extents:
            return config.diameter, "training images"
        if look is not None:
            estimate = look.diameter
        else:
            estimate = estimate_diameter(self._fast, self._spec, self.thresholds, source, limits, config.diameter_range)
        if estimate is None:
            return config.diameter, "training images"
        low, high = config.diameter_range
        if high / low < SAME_SCALE**2 and low / SAME_SCALE <= estimate <= high * SAME_SCALE:
            return config.diameter, "training images"  # all of one magnification, and so is this one
        return estimate, "estimated"

    def _cells(
        self,
        source: ImageSource,
        layout: Layout,
        objects: Objects,
        labels: np.ndarray | None,
        info: dict[str, object],
        regions: Regions | None,
    ) -> Cells:
        config = self.config
        assert labels is not None  # `keep_rows` takes those of cells without them
        table = measure(labels, source)
        order = table["label"].to_numpy() - 1
        table.insert(0, "image", source.name)
        table.insert(2, "class", [config.classes[i] for i in objects.class_index[order]])
        table.insert(3, "probability", self.probability(objects)[order].round(4))
        if source.pixel_size_um is not None:
            table = add_micrometres(table, source.pixel_size_um)
        counts, index = self.counts(layout), objects.class_index
        by_region: list[dict[str, CountEstimate]] = []
        notes: tuple[str, ...] = ()
        if regions is not None:
            members, index = regions.members(table[["centroid-0", "centroid-1"]].to_numpy()), index[order]
            by_region = [
                counts.estimates(index[inside], sums) for inside, sums in zip(members.T, layout.part_sums, strict=True)
            ]
            table["region"] = name_regions(regions, members)
            counted = np.asarray(members.any(1))
            table, labels = keep_rows(table, labels, counted)
            index, notes = index[counted], regions.notes
        estimates = counts.estimates(index, layout.density_sums)
        flags = [*missing_flags(info), *notes, *counts.flags(estimates, index)]
        if info.get("polarity") == "negative":
            flags.append("dark where cells should be bright, or the other way round: counted as its negative")
        contrast = info["contrast_to_noise"]
        if isinstance(contrast, float) and contrast < LEAST:
            flags.append("no contrast but noise: is there anything in it?" if contrast else "all pixels are the same")
            for made in (estimates, *by_region):  # validation images were not like it
                made.update({name: replace(e, low=0) for name, e in made.items()})
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
            counts.unfamiliar(self._fast.stride),
            regions,
            by_region,
        )

    def probability(self, objects: Objects) -> np.ndarray:
        """(N,) calibrated probability that the object is a cell of its class."""
        a, b, c = self.config.calibration.score
        return 1 / (1 + np.exp(-(a + objects.features @ np.array([b, c]))))

    def counts(self, layout: Layout) -> ImageCounts:
        """What the layout of an image says of the numbers of cells in it."""
        return ImageCounts(self.config, self.known_, layout)

    # --- files --------------------------------------------------------------------------------------------------------

    def save(self, path: str | Path) -> Path:
        """Write one `.safetensors` file: weights, and the config as JSON in its header.

        Raises
        ------
        OutputError : the file cannot be written.
        NeubauerError : there is no training to save yet.
        """
        return save_model(path, KIND, self.config.model_dump(mode="json"), self.tensors())

    def tensors(self) -> dict[str, Tensor]:
        """All that a file holds beside the config, by name; raises NeubauerError before `fit` or `load`."""
        if self.network_ is None:
            raise NeubauerError("this CellCounter is not trained: call fit() or CellCounter.load() first")
        return tensors_of(self.network_, self.scale_, self.known_)

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read a counter: a file, or the name of a bundled model (`neubauer models` lists them).

        Raises
        ------
        InputError : neither, or not a counter.
        """
        return cls().set(*load_parts(resolve(path)))
