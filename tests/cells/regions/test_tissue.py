"""Tissue is found on bright and on dark ground, and nothing on empty ground."""

from __future__ import annotations

import numpy as np
import pytest
import shapely

from neubauer.cells.regions.raster import mask_of
from neubauer.cells.regions.tissue import find_tissue
from neubauer.images.read import from_array

SHAPE = (300, 400)


def drawn(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Where tissue is: a large piece with a hole, and a small one; and the specks and pin holes that are drawn too."""
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
    tissue = ((y - 140) / 110) ** 2 + ((x - 150) / 120) ** 2 < 1
    tissue &= (y - 120) ** 2 + (x - 150) ** 2 > 30**2
    tissue |= (y - 230) ** 2 + (x - 340) ** 2 < 35**2
    rng = np.random.default_rng(seed)
    dirt = tissue.copy()
    for cy, cx in rng.integers(5, [SHAPE[0] - 5, SHAPE[1] - 5], (25, 2)):
        dirt[cy - 1 : cy + 2, cx - 1 : cx + 2] ^= True
    return tissue, dirt


def stained(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """(Y, X, 3) uint8: pink on glass that is lit unevenly."""
    tissue, dirt = drawn(seed)
    rng = np.random.default_rng(seed)
    light = 240 * (1 - 0.07 * np.linspace(0, 1, SHAPE[1]))
    image = np.where(dirt[..., None], [0.85, 0.6, 0.8], 1.0) * light[None, :, None]
    return np.clip(image + rng.normal(0, 4, image.shape), 0, 255).astype(np.uint8), tissue


def fluorescent(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """(Y, X) uint16: glowing, brighter in places, over noise."""
    tissue, dirt = drawn(seed)
    rng = np.random.default_rng(seed)
    image = 300 + dirt * (250 + 600 * (rng.random(SHAPE) < 0.1)) + rng.normal(0, 40, SHAPE)
    return np.clip(image, 0, None).astype(np.uint16), tissue


@pytest.mark.parametrize("make", [stained, fluorescent])
def test_tissue_is_found_with_its_hole_and_without_specks(make: type) -> None:
    image, tissue = make()
    regions = find_tissue(from_array(image, pixel_size_um=(0.5, 0.5)))
    assert [(r.name, r.kind) for r in regions.regions] == [("tissue 1", "tissue"), ("tissue 2", "tissue")]
    assert len(shapely.get_parts(regions.regions[0].area)[0].interiors) == 1
    found = mask_of(regions.union, np.arange(SHAPE[0]) + 0.5, np.arange(SHAPE[1]) + 0.5)
    assert (found & tissue).sum() / (found | tissue).sum() > 0.93


@pytest.mark.parametrize("factor", [3, 4])
def test_large_images_are_looked_at_when_small(factor: int) -> None:
    image, tissue = stained()
    large = np.kron(image, np.ones((factor, factor, 1), np.uint8))
    regions = find_tissue(from_array(large))
    assert regions.union.area / factor**2 == pytest.approx(tissue.sum(), rel=0.06)
    assert regions.shape == large.shape[:2]


def test_where_all_is_tissue_all_is_found() -> None:
    rng = np.random.default_rng(0)
    colours = np.array([[220, 150, 200], [120, 70, 150], [235, 190, 215]])
    image = np.kron(colours[rng.integers(0, 3, (30, 40))], np.ones((10, 10, 1), int)).astype(np.uint8)
    image[:6, :12] = 245  # a little glass
    assert find_tissue(from_array(image)).union.area / (300 * 400) > 0.97


def test_empty_ground_has_none_and_that_is_said() -> None:
    rng = np.random.default_rng(0)
    glass = np.clip(238 + rng.normal(0, 4, (*SHAPE, 3)), 0, 255).astype(np.uint8)
    dark = np.clip(300 + rng.normal(0, 40, SHAPE), 0, None).astype(np.uint16)
    for image in (glass, dark, np.full(SHAPE, 7, np.uint8)):
        regions = find_tissue(from_array(image))
        assert not len(regions)
        assert regions.notes == ("no tissue is found: nothing is counted",)
