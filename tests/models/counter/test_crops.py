"""Training crops: image and layout must stay on top of each other, whatever is done to them."""

from __future__ import annotations

import numpy as np
import pytest
from scenes import as_boxes, as_points, discs
from torch.nn import functional as F

from neubauer.cells.annotation import Annotation
from neubauer.layouts.marks import marks_of_annotation
from neubauer.layouts.spec import LayoutSpec
from neubauer.models.counter.augment import Augmentation
from neubauer.models.counter.crops import CropSampler, TrainingImage
from neubauer.models.counter.layout import MARGIN

SPEC = LayoutSpec(("cell",), 14.0)
STILL = Augmentation(often=(0, 0, 0, 0))
MOVED = Augmentation(often=(1, 1, 0, 0))


def sampler(annotation: Annotation, augmentation: Augmentation, pixels: np.ndarray | None = None) -> CropSampler:
    masks = discs(16, seed=3)[1]
    assert masks.labels is not None
    shown = (masks.labels > 0)[None].astype(np.float16) if pixels is None else pixels
    marks = marks_of_annotation(annotation, annotation.shape, SPEC.diameter)
    return CropSampler([TrainingImage(shown, marks, annotation.kind == "masks")], SPEC, 96, augmentation, seed=0)


@pytest.mark.parametrize(("augmentation", "tolerance"), [(STILL, 1e-6), (MOVED, 0.05)])
def test_foreground_stays_on_the_cells(augmentation: Augmentation, tolerance: float) -> None:
    batch = sampler(discs(16, seed=3)[1], augmentation).batch(8)
    shown = F.avg_pool2d(batch.pixels, 2)[:, 0]
    known = batch.known[:, SPEC.foreground]
    difference = (shown - batch.maps[:, SPEC.foreground]).abs() * known
    assert float(difference.mean()) <= tolerance
    assert float(batch.maps[:, SPEC.foreground].mean()) > 0.05


@pytest.mark.parametrize("kind", ["boxes", "points"])
def test_centres_move_with_the_image(kind: str) -> None:
    masks = discs(16, seed=3)[1]
    annotation = as_boxes(masks) if kind == "boxes" else as_points(masks)
    batch = sampler(annotation, MOVED).batch(8)
    peaks = batch.maps[:, SPEC.centre] > 0.8
    shown = F.avg_pool2d(batch.pixels, 2)[:, 0]
    assert int(peaks.sum()) > 20
    assert float(shown[peaks].mean()) > 0.95
    # the density counts the centres that the crop shows
    assert float(batch.maps[:, SPEC.density].sum()) == pytest.approx(len(_components(peaks.numpy())), abs=3)


def _components(peaks: np.ndarray) -> list[int]:
    from scipy import ndimage as ndi

    return [i for crop in peaks for i in range(ndi.label(crop)[1])]


def test_nothing_is_taught_beyond_the_image() -> None:
    small = discs(6, size=64, seed=5)[1]
    assert small.labels is not None
    batch = sampler(small, STILL, (small.labels > 0)[None].astype(np.float16)).batch(4)
    assert float((batch.known[:, SPEC.foreground] > 0).float().mean()) == pytest.approx((64 / 96) ** 2, abs=0.05)


def test_crops_show_borders_as_a_prediction_sees_them_and_lose_no_cell_there() -> None:
    """With a margin of nothing around the image, and the density of a cell at the border all inside."""
    centres = np.array([[0.0, 60.0], [119.0, 60.0], [60.0, 0.0], [60.0, 119.0], [0.0, 0.0], [60.0, 60.0]])
    points = Annotation("points", (120, 120), ("cell",), np.zeros(6, np.int64), centres)
    batch = sampler(points, STILL, np.ones((1, 120, 120), np.float16)).batch(40)
    beyond = batch.pixels[:, 0] < 0.5
    assert 0 < beyond.all(2).sum(1).max() <= MARGIN
    density = batch.maps[:, SPEC.density].sum(1)
    counts = density.sum((1, 2))
    assert float((counts - counts.round()).abs().max()) < 0.01
    assert not density[F.avg_pool2d(beyond.float(), 2) == 1].any()


def test_the_seed_decides() -> None:
    annotation = discs(16, seed=3)[1]
    a, b = (sampler(annotation, Augmentation()).batch(3) for _ in range(2))
    assert (a.pixels == b.pixels).all()
    assert (a.maps == b.maps).all()


def test_restaining_keeps_the_tissue_in_range_and_changes_its_colour() -> None:
    from skimage import data

    tissue = (data.immunohistochemistry()[:128, :128].transpose(2, 0, 1) / 255).astype(np.float16)
    empty = Annotation("points", (128, 128), ("cell",), np.zeros(0, np.int64), np.zeros((0, 2)))
    plain = sampler(empty, STILL, tissue).batch(1).pixels
    stained = sampler(empty, Augmentation(often=(0, 0, 0, 0), stains=1.0), tissue).batch(1).pixels
    assert plain.shape == stained.shape
    assert 0 <= float(stained.min()) <= float(stained.max()) <= 1
    ratio = (stained.mean((0, 2, 3)) / plain.mean((0, 2, 3))).numpy()
    assert np.ptp(ratio) > 0.01
