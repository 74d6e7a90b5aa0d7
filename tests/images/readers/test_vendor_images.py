"""CZI, ND2 and LIF through bioio (replaced here by a small stand-in: the real one is optional)."""

import sys
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

from neubauer.errors import InputError
from neubauer.images.read import open_image


class Lazy:
    """Like a dask array: indexing computes nothing but what was asked for."""

    def __init__(self, array: np.ndarray) -> None:
        self.array, self.shape, self.dtype = array, array.shape, array.dtype
        self.largest = 0

    def __getitem__(self, key):
        part = self.array[key]
        self.largest = max(self.largest, part.size)
        return part


@pytest.fixture
def install(monkeypatch):
    def _install(array: np.ndarray, axes: str = "TCZYX", scenes: tuple[str, ...] = ("one",), size=(0.2, 0.1)) -> Lazy:
        data = Lazy(array)

        def bio_image(path):
            if path.read_bytes() == b"broken":
                raise RuntimeError("no\nreader")
            return SimpleNamespace(
                scenes=scenes,
                dims=SimpleNamespace(order=axes),
                dask_data=data,
                physical_pixel_sizes=SimpleNamespace(Z=None, Y=size[0], X=size[1]),
                channel_names=[f"c{i}" for i in range(array.shape[axes.index("C")])],
            )

        module = ModuleType("bioio")
        module.BioImage = bio_image
        monkeypatch.setitem(sys.modules, "bioio", module)
        return data

    return _install


@pytest.fixture
def czi(tmp_path):
    path = tmp_path / "well.czi"
    path.write_bytes(b"ZISRAWFILE")
    return path


def test_without_bioio(czi, monkeypatch):
    monkeypatch.setitem(sys.modules, "bioio", None)
    with pytest.raises(
        InputError, match=r"well\.czi.*pip install 'neubauer\[bioio\]' \(bioio-czi has the licence GPL-3"
    ):
        open_image(czi)


def test_channels_and_regions(czi, install):
    pixels = np.random.default_rng(0).integers(0, 999, (1, 2, 1, 30, 40), dtype=np.uint16)
    data = install(pixels)
    source = open_image(czi)
    assert (source.name, source.shape, source.dtype) == ("well", (2, 30, 40), np.uint16)
    assert source.pixel_size_um == (0.2, 0.1)
    assert source.channel_names == ("c0", "c1")
    np.testing.assert_array_equal(source.region(2, 9, 5, 40), pixels[0, :, 0, 2:9, 5:40])
    assert data.largest == 7 * 35


def test_stacks(czi, install):
    pixels = np.random.default_rng(0).integers(0, 999, (3, 2, 4, 30, 40), dtype=np.uint16)
    install(pixels, size=(None, None))
    with pytest.raises(InputError, match="T: 3, Z: 4"):
        open_image(czi)
    source = open_image(czi, project="max", frame=2)
    assert source.pixel_size_um is None
    np.testing.assert_array_equal(source.read(), pixels[2].max(axis=1))


def test_rgb(czi, install):
    pixels = np.random.default_rng(0).integers(0, 255, (1, 1, 1, 30, 40, 3), dtype=np.uint8)
    install(pixels, axes="TCZYXS")
    source = open_image(czi)
    assert source.channel_names is None
    np.testing.assert_array_equal(source.read(), np.moveaxis(pixels[0, 0, 0], -1, 0))


def test_several_scenes_and_damage(czi, install):
    install(np.zeros((1, 1, 1, 9, 9)), scenes=("A1", "A2"))
    with pytest.raises(InputError, match="2 images in one file: A1, A2"):
        open_image(czi)
    czi.write_bytes(b"broken")
    with pytest.raises(InputError, match="bioio cannot read"):
        open_image(czi)
