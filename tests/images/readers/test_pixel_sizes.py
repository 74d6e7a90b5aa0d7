"""Pixel sizes: believed where they are a microscope's, ignored where they are a printer's."""

import numpy as np
import pytest
import tifffile

from neubauer.errors import InputError
from neubauer.images.read import open_image

PIXELS = np.zeros((8, 9), np.uint16)


@pytest.mark.parametrize(
    ("x", "unit", "expected"),
    [(0.5, "µm", 0.5), (500, "nm", 0.5), (0.0005, "mm", 0.5), (5000, "Å", 0.5), (50, "µm", 50), (1, "pixel", None)],
)
def test_ome(tmp_path, x, unit, expected):
    metadata = {"axes": "YX", "PhysicalSizeX": x, "PhysicalSizeXUnit": unit}
    metadata |= {"PhysicalSizeY": 2 * x, "PhysicalSizeYUnit": unit}
    tifffile.imwrite(tmp_path / "a.ome.tif", PIXELS, metadata=metadata)
    size = open_image(tmp_path / "a.ome.tif").pixel_size_um
    assert size == (None if expected is None else pytest.approx((2 * expected, expected)))


def test_ome_default_unit_and_missing_size(tmp_path):
    tifffile.imwrite(
        tmp_path / "a.ome.tif", PIXELS, metadata={"axes": "YX", "PhysicalSizeX": 0.3, "PhysicalSizeY": 0.2}
    )
    assert open_image(tmp_path / "a.ome.tif").pixel_size_um == (0.2, 0.3)
    tifffile.imwrite(tmp_path / "b.ome.tif", PIXELS, metadata={"axes": "YX", "PhysicalSizeX": 0.3})
    assert open_image(tmp_path / "b.ome.tif").pixel_size_um is None


@pytest.mark.parametrize(
    ("unit", "per_unit", "expected"),
    [
        ("micron", 4, 0.25),
        ("um", 4, 0.25),
        ("\\u00B5m", 4, 0.25),
        ("nm", 0.004, 0.25),
        ("mm", 20, 50),
        ("pixel", 1, None),
        ("inch", 72, None),
        ("cm", 40_000, 0.25),
    ],
)
def test_imagej(tmp_path, unit, per_unit, expected):
    metadata = {"axes": "YX", "unit": unit}
    tifffile.imwrite(tmp_path / "a.tif", PIXELS, imagej=True, resolution=(per_unit, per_unit), metadata=metadata)
    size = open_image(tmp_path / "a.tif").pixel_size_um
    assert size == (None if expected is None else pytest.approx((expected, expected)))


@pytest.mark.parametrize(
    ("per_unit", "unit", "expected"),
    [
        ((2_000_000 / 129, 2_000_000 / 129), "CENTIMETER", (0.645, 0.645)),
        ((20_000, 10_000), "CENTIMETER", (1.0, 0.5)),
        ((101_600, 101_600), "INCH", (0.25, 0.25)),
        ((72, 72), "INCH", None),
        ((96, 96), "INCH", None),
        ((300, 300), "INCH", None),
        ((1, 1), "INCH", None),
        ((118.11, 118.11), "CENTIMETER", None),
        ((20_000, 20_000), "NONE", None),
        ((0, 0), "CENTIMETER", None),
    ],
)
def test_resolution_tags(tmp_path, per_unit, unit, expected):
    tifffile.imwrite(tmp_path / "a.tif", PIXELS, resolution=per_unit, resolutionunit=unit, metadata=None)
    size = open_image(tmp_path / "a.tif").pixel_size_um
    assert size == (None if expected is None else pytest.approx(expected))


def test_broken_ome_xml(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", PIXELS, description="<?xml version='1.0'?><OME><Image></OME>", metadata=None)
    with pytest.raises(InputError, match="metadata"):
        open_image(tmp_path / "a.tif")
