"""`CellCounter`: a counter that learns, from annotations or without."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Self

from neubauer.cells.annotation import Annotation, Kind
from neubauer.gan.config.labelfree import LabelFreeConfig
from neubauer.models.counter.file import KIND
from neubauer.models.counter.fit import FitSettings
from neubauer.models.counter.plan import TrainingPlan
from neubauer.models.counter.predict import TrainedCounter
from neubauer.models.counter.supervised import fit_supervised
from neubauer.models.counter.tune import calibrate
from neubauer.models.kinds import KINDS
from neubauer.models.labelfree.fit import fit_labelfree
from neubauer.models.labelfree.painter import PainterModel
from neubauer.models.shared.fitting import Checkpoint
from neubauer.models.shared.inputs import WHOLE, Annotated, ImageLike, Reading, collect


@KINDS.register(KIND)
class CellCounter(TrainedCounter):
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

    Attributes
    ----------
    painter_ : after a training without annotations that had one, what paints layouts in the style of the images.

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
        super().__init__()
        self.diameter, self.layout_diameter = diameter, layout_diameter
        self.settings = settings or FitSettings()
        self.widths, self.depths, self.validation = tuple(widths), tuple(depths), validation
        self.start = None if start is None else (start, TrainedCounter.load(start))
        if self.start is not None:
            begin = self.start[1].config
            self.widths, self.depths, self.layout_diameter = begin.widths, begin.depths, begin.layout_diameter
        self.painter_: PainterModel | None = None

    @property
    def plan(self) -> TrainingPlan:
        """How the next training will be."""
        sizes = (self.widths, self.depths, self.layout_diameter)
        return TrainingPlan(self.diameter, self.settings, *sizes, self.validation)

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
        preview: str | Path | None = None,
        reading: Reading = WHOLE,
    ) -> CellCounter:
        """Train on annotated images, or on images alone.

        Without annotations, with `labelfree`, or where some of a list of annotations are None, the images without
        annotation are learnt from too (see `neubauer.models.labelfree.fit`); `diameter` is then needed.

        Parameters
        ----------
        images : folder, files, globs or arrays (see `neubauer.images.read.from_array`).
        annotations : a folder, or a file for all images (of what `kind` says), a dict of kind -> folder for a mix, or
            one `Annotation` per image.
        kind : the most that is taken of the files: `"masks"`, `"boxes"` or `"points"`.
        classes : names, where the files do not say them or their order matters.
        groups : with one `Annotation` per image, which images belong together (the same slide, patient or field): they
            are all trained on, or all validated on.
        labelfree : how to learn from images without annotation; a config or the name of a recipe.
        report : called every 50 steps with the number of steps done and the mean losses.
        checkpoint : file that keeps the state of an unfinished supervised training; it is removed at the end.
        resume : go on from that file, exactly as if the training had not stopped.
        preview : PNG file that shows what is understood of six images, brought up to date during a training without
            annotations; see `fit_labelfree`.
        reading : what to take of files that hold several planes, channels or stains.

        Raises
        ------
        InputError : a file cannot be used (which one, what was found, what was expected), or fewer than two images are
            annotated; without annotations, see `fit_labelfree`.
        """
        if self.diameter is not None:
            self.check_diameter(self.diameter)
        given = {kind: annotations} if isinstance(annotations, str | Path) else annotations
        if isinstance(given, dict):
            all_marked = labelfree is None
        else:
            all_marked = labelfree is None and given is not None and all(a is not None for a in given)
        if all_marked:
            pairs = collect(images, given, classes, reading=reading)  # type: ignore[arg-type] # none is None
            kept = None if checkpoint is None else Checkpoint(Path(checkpoint), {}, resume)
            trained = fit_supervised(self.plan, pairs, groups=groups, start=self.start, report=report, checkpoint=kept)
        else:
            trained, stages = fit_labelfree(
                self.plan,
                images,
                given,
                classes=classes,
                groups=groups,
                config=labelfree,
                report=report,
                preview=preview,
                reading=reading,
            )
            self.painter_ = stages.painter_model
        return self.set(trained.config, trained.network_, trained.scale_, trained.known_)

    def calibrate(
        self, pairs: Sequence[Annotated], groups: Sequence[str] | None = None, by_objects: bool = False
    ) -> Self:
        """Find thresholds, probabilities, way of counting and intervals anew, on annotated images not trained on.

        `groups` says which of them belong together, as in `fit`. With `by_objects` cells are counted by objects in any
        case: for counters that will see other kinds of images, on which the density is farther off.

        Raises
        ------
        InputError : pixels of an image are damaged or not finite.
        """
        calibrate(self, pairs, groups, by_objects)
        return self

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read a counter: a file, or the name of a bundled model (`neubauer models` lists them).

        Raises
        ------
        InputError : neither, or not a counter.
        """
        counter = super().load(path)
        counter.widths, counter.depths = counter.config.widths, counter.config.depths
        return counter
