"""Training the painter, and painting with it."""

from __future__ import annotations

import copy
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import torch

from neubauer.gan.config.labelfree import PainterConfig
from neubauer.gan.game import Batch
from neubauer.gan.games.image_layout import ImageLayout, shown_maps
from neubauer.gan.training.trainer import Trainer
from neubauer.images.normalise import CLIP
from neubauer.layouts.encode import encode
from neubauer.layouts.marks import from_labels
from neubauer.layouts.simulator.simulate import Scene
from neubauer.layouts.spec import LayoutSpec
from neubauer.models.counter.crops import TrainingImage
from neubauer.models.counter.fit import class_weight
from neubauer.models.counter.loss import activate, layout_loss
from neubauer.models.labelfree.simulate import Paint
from neubauer.nets.painter import Painter
from neubauer.nets.unet import LayoutNet


class UnpairedCrops:
    """Real crops, and crops of renderings with their layouts, that have nothing to do with each other.

    Parameters
    ----------
    real : (C, Y, X) images at the scale of the layout.
    drawn : renderings with all their labels, each at least `side` wide and high.
    spec : the layout.
    side : of the crops, pixels, even.
    report : called with each batch that is drawn.
    """

    def __init__(
        self,
        real: Sequence[np.ndarray],
        drawn: Sequence[TrainingImage],
        spec: LayoutSpec,
        side: int,
        report: Callable[[], None] | None = None,
    ) -> None:
        self.real = [np.pad(i, [(0, 0), *[(0, max(0, side - n)) for n in i.shape[1:]]], mode="reflect") for i in real]
        self.drawn, self.spec, self.side, self.report = list(drawn), spec, side, report

    def __len__(self) -> int:
        return max(len(self.real), 64)

    def batch(self, indices: np.ndarray, rng: np.random.Generator) -> Batch:
        """`image`, `rendering` (n, C, side, side); `maps`, `known` (n, M, side / 2, side / 2)."""
        images = [_turned(_window(self.real[i % len(self.real)], self.side, rng), rng) for i in indices]
        renderings, maps, known = [], [], []
        for i in rng.integers(len(self.drawn), size=len(indices)):
            drawn = self.drawn[i]
            both = np.concatenate([drawn.pixels.astype(np.float32), drawn.marks.labels[None].astype(np.float32)])
            both = _turned(_window(both, self.side, rng), rng)
            labels = both[-1].astype(np.int64)
            nothing = np.zeros(labels.shape, bool)
            layout = encode(from_labels(labels, drawn.marks.class_index, nothing, nothing), self.spec)
            renderings.append(both[:-1])
            maps.append(layout[0])
            known.append(layout[1])
        if self.report:
            self.report()
        parts = {"image": images, "rendering": renderings, "maps": maps, "known": known}
        return {name: torch.from_numpy(np.stack(part)) for name, part in parts.items()}


def train_painter(
    segmenter: LayoutNet,
    real: Sequence[np.ndarray],
    drawn: Sequence[TrainingImage],
    spec: LayoutSpec,
    config: PainterConfig,
    seed: int,
    run: Path | None = None,
    report: Callable[[], None] | None = None,
) -> Painter:
    """Play `ImageLayout`.

    Parameters
    ----------
    segmenter : trained on renderings; it is not changed.
    real, drawn, report : see `UnpairedCrops`.
    run : folder to keep of the run; by default nothing is kept.

    Returns
    -------
    The painter: its moving average, in evaluation mode.

    Raises
    ------
    TrainingDiverged : see `Trainer`.
    """
    if run is None:
        with tempfile.TemporaryDirectory() as folder:
            return train_painter(segmenter, real, drawn, spec, config, seed, Path(folder) / "run", report)
    weight = class_weight(drawn, len(spec.classes))

    def terms(raw: torch.Tensor, maps: torch.Tensor, known: torch.Tensor) -> dict[str, torch.Tensor]:
        return layout_loss(raw, maps, known, spec, weight.to(raw.device))

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        game = ImageLayout(config, len(real[0]), spec, copy.deepcopy(segmenter), terms, partial(activate, spec=spec))
    data = UnpairedCrops(real, drawn, spec, config.side, report)
    Trainer(config.training(seed), run, progress=False).fit(game, data)
    return game.painter.eval().cpu()


def painting(painter: Painter, draw: Paint, spec: LayoutSpec) -> Paint:
    """Scene to image: what `draw` renders, painted."""

    def paint(scene: Scene, rng: np.random.Generator) -> np.ndarray:
        rendering = draw(scene, rng)
        size = rendering.shape[1:]
        padded = [-(-n // 16) * 16 for n in size]
        rendering = np.pad(rendering, [(0, 0), *((0, p - n) for p, n in zip(padded, size, strict=True))], mode="edge")
        labels = np.pad(scene.labels, [(0, p - n) for p, n in zip(padded, size, strict=True)])
        nothing = np.zeros(labels.shape, bool)
        maps = encode(from_labels(labels, scene.class_index, nothing, nothing), spec)[0][shown_maps(spec)]
        with torch.random.fork_rng(devices=[]), torch.inference_mode():
            torch.manual_seed(int(rng.integers(2**31)))
            made = painter(
                torch.from_numpy(rendering)[None], torch.from_numpy(maps)[None], torch.randn(1, painter.style)
            )
        return np.clip(made[0].numpy()[:, : size[0], : size[1]], *CLIP)

    return paint


def _window(image: np.ndarray, side: int, rng: np.random.Generator) -> np.ndarray:
    """A random (side, side) window of (C, Y, X)."""
    top, left = (int(rng.integers(n - side + 1)) for n in image.shape[1:])
    return image[:, top : top + side, left : left + side]


def _turned(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """One of the eight mirrorings and quarter turns of (C, Y, X)."""
    turned = np.rot90(image, int(rng.integers(4)), (1, 2))
    return np.ascontiguousarray(turned[:, :, ::-1] if rng.random() < 0.5 else turned)
