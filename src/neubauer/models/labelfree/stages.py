"""Stages of a training without annotations: draw, train, look at the real images, fit both sides to each other, train
again."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch

from neubauer.gan.config.labelfree import LabelFreeConfig
from neubauer.layouts.decode import Thresholds
from neubauer.layouts.simulator.appearance import Appearance
from neubauer.layouts.simulator.population import Population
from neubauer.layouts.spec import LayoutSpec
from neubauer.models.counter.crops import TrainingImage
from neubauer.models.counter.fit import FitSettings, fit_network
from neubauer.models.labelfree.crops import Found, find, mixed, pseudo_labelled, simulated
from neubauer.models.labelfree.paint import painting, train_painter
from neubauer.models.labelfree.painter import PainterFacts, PainterModel
from neubauer.models.labelfree.refit import refit
from neubauer.models.labelfree.repaint import draw_six, repaint
from neubauer.models.labelfree.simulate import Paint, procedural
from neubauer.nets.painter import Painter
from neubauer.nets.unet import LayoutNet

CENTRE, FOREGROUND = 0.4, 0.45
"""Thresholds of the decoder. Those that are best for simulated images are too strict for real ones, in which a network
that never saw their annotations is less sure."""
SHOWN = 6


class Progress:
    """The steps of all stages as those of one training.

    Parameters
    ----------
    report : called with the number of steps done and the losses.
    """

    def __init__(self, report: Callable[[int, dict[str, float]], None] | None = None) -> None:
        self.report, self.before, self.now = report, 0, 0

    def begin(self) -> None:
        """A new stage."""
        self.before, self.now = self.before + self.now, 0

    def step(self, step: int, losses: dict[str, float]) -> None:
        """`step` steps of this stage are done."""
        self.now = step
        if self.report:
            self.report(self.before + step, losses)

    def tick(self) -> None:
        """One more step of this stage is done."""
        self.step(self.now + 1, {})


@dataclass
class Stages:
    """A training without annotations, and what it has come to; everything at the scale of the layout.

    Attributes
    ----------
    config, spec : what to do.
    widths, depths : of the segmenters.
    images : (C, Y, X) real ones.
    population, appearance : the simulator.
    annotated : real images that a person has annotated, if any.
    progress : told of every step.
    preview : PNG file that shows, after each stage, what is understood of six images; None: no picture.
    network : the newest segmenter.
    painter : after the game.
    """

    config: LabelFreeConfig
    spec: LayoutSpec
    widths: tuple[int, ...]
    depths: tuple[int, ...]
    images: list[np.ndarray]
    population: Population
    appearance: Appearance
    annotated: list[TrainingImage] = field(default_factory=list)
    progress: Progress = field(default_factory=Progress)
    preview: Path | None = None
    network: LayoutNet | None = None
    painter: Painter | None = None

    def run(self, seed: int) -> LayoutNet:
        """All stages; returns the last segmenter."""
        c = self.config
        self.network = self.train(self.simulated(c.renderings, seed), c.warm_steps, seed)
        for _ in range(c.refits):
            self.population = refit(self.population, self.look(self.network))
        if c.painter.steps:
            self.progress.begin()
            drawn = simulated(self.population, self.draw, c.renderings, self.side, seed + 20)
            self.painter = train_painter(
                self.network, self.images, drawn, self.spec, c.painter, seed, report=self.progress.tick
            )
        made = self.simulated(c.renderings, seed + 30)
        for i in range(max(c.rounds, 1)):
            images = self.with_real(made) if c.rounds else made
            self.network = self.train(images, c.round_steps, seed + 1 + i, self.network)
        return self.network

    def twin(self, seed: int) -> LayoutNet:
        """A second segmenter from scratch, with other images, weights and crops, from the labels that the first one
        finds."""
        made = self.simulated(self.config.renderings, seed + 40)
        images = self.with_real(made) if self.config.rounds else made
        return self.train(images, self.config.twin_steps, seed + 50)

    @property
    def side(self) -> int:
        """Of simulated images: as the shorter side of the real ones, so that as much of them lies at the border, where
        cells are cut."""
        shorter = float(np.median([min(i.shape[1:]) for i in self.images]))
        return int(np.clip(2 * round(shorter / 2), 64, self.config.side))

    @property
    def thresholds(self) -> Thresholds:
        """Of the decoder."""
        n = len(self.spec.classes)
        return Thresholds((CENTRE,) * n, (FOREGROUND,) * n)

    @property
    def draw(self) -> Paint:
        """Scene to image without a network."""
        return procedural(self.population, self.appearance)

    @property
    def paint(self) -> Paint:
        """Scene to image as well as it can be done by now."""
        return self.draw if self.painter is None else painting(self.painter, self.draw, self.spec)

    @property
    def painter_model(self) -> PainterModel | None:
        """The painter with all that belongs to it; None where the training was without."""
        if self.painter is None:
            return None
        facts = PainterFacts(
            population=self.population,
            appearance=self.appearance,
            layout_diameter=self.spec.diameter,
            density_sigma=self.spec.density_sigma,
            style=self.config.painter.style,
            widths=self.config.painter.widths,
            depths=self.config.painter.depths,
        )
        return PainterModel(facts, self.painter)

    def simulated(self, n: int, seed: int) -> list[TrainingImage]:
        """Simulated images; once there is a painter, half of them are painted and half are as drawn."""
        side = self.side
        if self.painter is None:
            return simulated(self.population, self.draw, n, side, seed)
        drawn = simulated(self.population, self.draw, n // 2, side, seed)
        return drawn + simulated(self.population, self.paint, n - n // 2, side, seed + 2)

    def look(self, network: LayoutNet) -> list[Found]:
        """What a network finds in the real images."""
        return [find(network, self.spec, image, self.thresholds) for image in self.images]

    def with_real(self, made: Sequence[TrainingImage]) -> list[TrainingImage]:
        """Simulated images, and the real ones with the labels that the newest segmenter finds in them."""
        assert self.network is not None
        thresholds, p = self.thresholds, self.population
        least = p.cut * np.pi / 4 * np.array([kind.diameter for kind in p.kinds]) ** 2
        real = [
            pseudo_labelled(image, found, thresholds, least)
            for image, found in zip(self.images, self.look(self.network), strict=True)
        ]
        return mixed(made, real, self.config.share)

    def train(
        self, images: Sequence[TrainingImage], steps: int, seed: int, start: LayoutNet | None = None
    ) -> LayoutNet:
        """A segmenter, trained on these and on the annotated images; from scratch, or going on from `start`."""
        c = self.config
        images = mixed(images, self.annotated, c.share)
        self.progress.begin()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            fresh = LayoutNet(len(images[0].pixels), self.spec.channels, self.widths, self.depths)
        settings = FitSettings(steps=steps, batch=c.batch, crop=c.crop, seed=seed)
        network = fresh if start is None else copy.deepcopy(start)
        network = fit_network(network, images, self.spec, settings, self.progress.step)
        self.show(network)
        return network

    def show(self, network: LayoutNet) -> None:
        """Bring the preview up to date."""
        if self.preview is None:
            return
        chosen = np.linspace(0, len(self.images) - 1, min(SHOWN, len(self.images))).round().astype(int)
        images = [self.images[i] for i in chosen]
        found = [find(network, self.spec, image, self.thresholds) for image in images]
        draw_six(images, found, [repaint(f, self.paint) for f in found], self.preview)
