"""Values and axes as every viewer shows them: 0 may be white, channels may come last."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from neubauer.errors import InputError
from neubauer.images.channel import choose_channel
from neubauer.images.holes import read_holes
from neubauer.images.read import from_array, open_image

LAYOUTS: dict[str, dict[str, Any]] = {
    "raw": {},
    "big-endian": {"byteorder": ">"},
    "strips": {"rowsperstrip": 7, "compression": "zlib", "predictor": True},
    "tiles": {"tile": (32, 16), "compression": "zlib"},
}


def grey(*shape: int, dtype: str = "uint8") -> np.ndarray:
    return np.random.default_rng(0).integers(0, 120, shape).astype(dtype)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "uint32"])
def test_white_is_zero(tmp_path: Path, layout: str, dtype: str) -> None:
    pixels = grey(90, 70, dtype=dtype)
    most = np.iinfo(dtype).max
    tifffile.imwrite(tmp_path / "a.tif", most - pixels, photometric="miniswhite", **LAYOUTS[layout])
    source = open_image(tmp_path / "a.tif")
    assert source.dtype == np.dtype(dtype)
    assert source.read().dtype == np.dtype(dtype)
    np.testing.assert_array_equal(source.read()[0], pixels)
    np.testing.assert_array_equal(source.region(31, 65, 15, 33)[0], pixels[31:65, 15:33])


def test_white_is_zero_in_other_numbers(tmp_path: Path) -> None:
    pixels = grey(20, 30)
    cases = {
        "float32": (pixels / 255).astype(np.float32),
        "int16": pixels.astype(np.int16) - 50,
        "uint16": pixels.astype(np.uint16),
    }
    shown = {"float32": 1 - cases["float32"], "int16": -1 - cases["int16"], "uint16": 4095 - cases["uint16"]}
    for name, stored in cases.items():
        bits = {"bitspersample": 12} if name == "uint16" else {}
        tifffile.imwrite(tmp_path / "a.tif", stored, photometric="miniswhite", **bits)
        np.testing.assert_array_equal(open_image(tmp_path / "a.tif").read()[0], shown[name], err_msg=name)


def test_a_projection_is_of_what_is_shown(tmp_path: Path) -> None:
    stack = grey(5, 20, 30)
    tifffile.imwrite(tmp_path / "a.tif", 255 - stack, photometric="miniswhite", metadata={"axes": "ZYX"})
    np.testing.assert_array_equal(open_image(tmp_path / "a.tif", project="max").read()[0], stack.max(0))
    np.testing.assert_allclose(open_image(tmp_path / "a.tif", project="mean").read()[0], stack.mean(0), rtol=1e-6)
    np.testing.assert_array_equal(open_image(tmp_path / "a.tif", frame=3).read()[0], stack[3])


def test_masks_are_numbers(tmp_path: Path) -> None:
    holes = grey(20, 30) > 100
    tifffile.imwrite(tmp_path / "a.tif", holes)  # tifffile writes single bits with 0 for white
    np.testing.assert_array_equal(read_holes(tmp_path / "a.tif", (20, 30)), holes)


SAMPLES: dict[str, dict[str, Any]] = {
    "interleaved": {"planarconfig": "contig"},
    "nothing said": {},
    "no metadata": {"metadata": None},
    "compressed": {"compression": "zlib"},
    "named S": {"metadata": {"axes": "YXS"}},
    "named C": {"metadata": {"axes": "YXC"}},
}


@pytest.mark.parametrize("options", SAMPLES)
def test_two_channels_behind_y_and_x(tmp_path: Path, options: str) -> None:
    pixels = grey(90, 70, 2, dtype="uint16")
    tifffile.imwrite(tmp_path / "a.tif", pixels, photometric="minisblack", **SAMPLES[options])
    source = open_image(tmp_path / "a.tif")
    assert source.shape == (2, 90, 70)
    np.testing.assert_array_equal(source.read(), np.moveaxis(pixels, -1, 0))
    np.testing.assert_array_equal(choose_channel(source, 1).region(3, 50, 60, 70)[0], pixels[3:50, 60:, 1])
    np.testing.assert_array_equal(from_array(pixels).read(), source.read())


def test_a_stack_of_two_channels(tmp_path: Path) -> None:
    pixels = grey(4, 30, 20, 2)
    tifffile.imwrite(tmp_path / "a.tif", pixels, photometric="minisblack")
    with pytest.raises(InputError, match=r"a stack \(Q: 4; axes QYXS"):
        open_image(tmp_path / "a.tif")
    np.testing.assert_array_equal(open_image(tmp_path / "a.tif", frame=2).read(), np.moveaxis(pixels[2], -1, 0))
    np.testing.assert_array_equal(
        open_image(tmp_path / "a.tif", project="max").read(), np.moveaxis(pixels.max(0), -1, 0)
    )


def test_pages_wider_than_channels_stay_a_stack(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", grey(30, 20, 5), photometric="minisblack")
    with pytest.raises(InputError, match=r"a stack \(Q: 30; axes QYX"):
        open_image(tmp_path / "a.tif")


@pytest.mark.parametrize("channels", [3, 4, 5])
def test_named_samples(tmp_path: Path, channels: int) -> None:
    pixels = grey(30, 20, channels)
    tifffile.imwrite(tmp_path / "a.tif", pixels, photometric="minisblack", planarconfig="contig")
    np.testing.assert_array_equal(open_image(tmp_path / "a.tif").read(), np.moveaxis(pixels, -1, 0))
