"""What is written comes back, and a file appears whole or not at all."""

import numpy as np
import pytest
import tifffile

from neubauer.errors import InputError, OutputError
from neubauer.images import write
from neubauer.images.read import open_image
from neubauer.images.write import atomic_path, write_image, write_labels


def noise(*shape: int, dtype: str = "uint8") -> np.ndarray:
    return np.random.default_rng(0).integers(0, 127, shape).astype(dtype)


@pytest.mark.parametrize("dtype", write.TIFF_DTYPES)
@pytest.mark.parametrize("channels", [1, 3, 5])
@pytest.mark.parametrize("size_um", [None, (0.645, 0.33), (55.0, 55.0)])
@pytest.mark.parametrize("name", ["cells.tif", "cells.ome.tiff"])
def test_tiff_round_trip(tmp_path, dtype, channels, size_um, name):
    pixels = noise(channels, 30, 40, dtype=dtype)
    write_image(tmp_path / name, pixels, pixel_size_um=size_um)
    source = open_image(tmp_path / name)
    assert (source.name, source.dtype, source.pixel_size_um) == ("cells", np.dtype(dtype), size_um)
    np.testing.assert_array_equal(source.read(), pixels)


def test_channel_names_round_trip(tmp_path):
    names = ("DAPI", "GFP <b>", "Ki-67")
    write_image(tmp_path / "a.tif", noise(3, 20, 30), channel_names=names)
    assert open_image(tmp_path / "a.tif").channel_names == names
    with pytest.raises(InputError, match="2 channel names"):
        write_image(tmp_path / "a.tif", noise(3, 20, 30), channel_names=names[:2])


def test_three_8_bit_channels_are_rgb_for_viewers(tmp_path):
    write_image(tmp_path / "a.tif", noise(3, 20, 30))
    with tifffile.TiffFile(tmp_path / "a.tif") as tif:
        assert tif.pages[0].photometric == tifffile.PHOTOMETRIC.RGB


@pytest.mark.parametrize(("suffix", "dtype"), [(".png", "uint8"), (".png", "uint16"), (".PNG", "uint8")])
@pytest.mark.parametrize("channels", [1, 3])
def test_png_round_trip(tmp_path, suffix, dtype, channels):
    pixels = noise(channels, 20, 30, dtype=dtype) * 2
    write_image(tmp_path / f"a{suffix}", pixels)
    source = open_image(tmp_path / f"a{suffix}")
    assert source.dtype == dtype
    np.testing.assert_array_equal(source.read(), pixels)


@pytest.mark.parametrize("channels", [1, 3])
def test_jpeg_is_close(tmp_path, channels):
    y, x = np.mgrid[:40, :50]
    pixels = np.stack([2 * x, 2 * y, x + y]).astype(np.uint8)[:channels]
    write_image(tmp_path / "a.jpg", pixels)
    assert np.abs(open_image(tmp_path / "a.jpg").read().astype(int) - pixels).max() < 12


@pytest.mark.parametrize(
    ("name", "pixels"),
    [
        ("a.png", noise(2, 9, 9)),
        ("a.png", noise(1, 9, 9, dtype="float32")),
        ("a.jpg", noise(1, 9, 9, dtype="uint16")),
        ("a.gif", noise(1, 9, 9)),
        ("a.tif", noise(1, 9, 9, dtype="int64")),
        ("a.tif", noise(2, 2, 9, 9)),
    ],
)
def test_what_a_format_cannot_hold(tmp_path, name, pixels):
    with pytest.raises(InputError, match=name):
        write_image(tmp_path / name, pixels)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("shape", [(1, 1), (30, 40), (1100, 60)])
@pytest.mark.parametrize("dtype", ["int32", "int64", "uint16", "bool"])
def test_labels_round_trip(tmp_path, shape, dtype):
    labels = (np.arange(np.prod(shape)).reshape(shape) % 2000).astype(dtype)
    write_labels(tmp_path / "a_masks.tif", labels, pixel_size_um=(0.5, 0.5))
    source = open_image(tmp_path / "a_masks.tif")
    assert (source.dtype, source.pixel_size_um) == (np.int32, (0.5, 0.5))
    np.testing.assert_array_equal(source.read()[0], labels)


def test_large_labels_are_compressed_tiles(tmp_path, monkeypatch):
    labels = np.zeros((1300, 1100), np.int32)
    labels[5:9, 5:9] = 70_000
    write_labels(tmp_path / "a.tif", labels)
    with tifffile.TiffFile(tmp_path / "a.tif") as tif:
        assert tif.pages[0].tile == (512, 512)
        assert not tif.is_bigtiff
    assert (tmp_path / "a.tif").stat().st_size < labels.nbytes / 20
    monkeypatch.setattr(write, "CLASSIC_TIFF_BYTES", labels.nbytes - 1)
    write_labels(tmp_path / "b.tif", labels)
    with tifffile.TiffFile(tmp_path / "b.tif") as tif:
        assert tif.is_bigtiff
    np.testing.assert_array_equal(open_image(tmp_path / "b.tif").read()[0], labels)


@pytest.mark.parametrize("labels", [np.zeros((3, 3)), np.zeros((1, 3, 3), int), np.full((3, 3), 2**31)])
def test_labels_that_are_none(tmp_path, labels):
    with pytest.raises(InputError, match=r"a\.tif"):
        write_labels(tmp_path / "a.tif", labels)


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "a.tif"
    write_labels(path, np.ones((4, 4), int))
    before = path.read_bytes()

    def interrupted() -> None:
        with atomic_path(path) as temporary:
            temporary.write_bytes(b"half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_cannot_be_written(tmp_path):
    with pytest.raises(OutputError, match=r"a\.tif: cannot be written"):
        write_labels(tmp_path / "missing" / "a.tif", np.ones((4, 4), int))
    with pytest.raises(OutputError, match=r"a\.png: cannot be written"):
        write_image(tmp_path / "missing" / "a.png", noise(4, 4))
