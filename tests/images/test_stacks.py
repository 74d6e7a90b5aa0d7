"""Z and T stacks: a choice instead of a guess."""

import numpy as np
import pytest
import tifffile

from neubauer.errors import InputError
from neubauer.images.read import open_image


@pytest.fixture
def stack() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 2**16, (6, 30, 40), dtype=np.uint16)


@pytest.fixture
def z_stack(tmp_path, stack):
    path = tmp_path / "z.ome.tif"
    tifffile.imwrite(path, stack, metadata={"axes": "ZYX"}, compression="zlib")
    return path


def test_a_stack_needs_a_choice(z_stack):
    with pytest.raises(InputError) as info:
        open_image(z_stack)
    for part in ("z.ome.tif", "Z: 6", "--project max", "--frame N"):
        assert part in str(info.value)


@pytest.mark.parametrize("project", ["max", "min", "mean", "sum"])
def test_project(z_stack, stack, project):
    source = open_image(z_stack, project=project)
    expected = getattr(stack, project)(axis=0)
    assert source.shape == (1, 30, 40)
    assert source.dtype == (np.uint16 if project in ("max", "min") else np.float32)
    np.testing.assert_allclose(source.region(3, 20, 5, 39)[0], expected[3:20, 5:39], rtol=1e-6)


def test_frame(z_stack, stack):
    source = open_image(z_stack, frame=4)
    assert source.dtype == np.uint16
    np.testing.assert_array_equal(source.read()[0], stack[4])
    for wrong in (-1, 6):
        with pytest.raises(InputError, match=f"asked for frame {wrong}; expected a frame from 0 to 5"):
            open_image(z_stack, frame=wrong)


def test_project_has_to_be_known(z_stack):
    with pytest.raises(InputError, match="'median'"):
        open_image(z_stack, project="median")


def test_a_plain_image_ignores_the_choice(tmp_path, stack):
    tifffile.imwrite(tmp_path / "a.tif", stack[0])
    source = open_image(tmp_path / "a.tif", project="mean", frame=3)
    assert source.dtype == np.uint16
    np.testing.assert_array_equal(source.read()[0], stack[0])


@pytest.mark.parametrize("options", [{}, {"metadata": None}, {"metadata": None, "compression": "zlib"}])
def test_pages_without_a_meaning_are_a_stack(tmp_path, stack, options):
    tifffile.imwrite(tmp_path / "a.tif", stack, photometric="minisblack", **options)
    with pytest.raises(InputError, match=r"[QI]: 6.*axes CYX"):
        open_image(tmp_path / "a.tif")
    np.testing.assert_array_equal(open_image(tmp_path / "a.tif", frame=2).read()[0], stack[2])


@pytest.mark.parametrize("kind", ["ome", "imagej"])
@pytest.mark.parametrize("compression", [None, "zlib"])
def test_channels_survive_and_two_stack_axes_need_both(tmp_path, kind, compression):
    pixels = np.random.default_rng(0).integers(0, 999, (3, 4, 2, 20, 24), dtype=np.uint16)
    path = tmp_path / "a.tif"
    tifffile.imwrite(
        path, pixels, ome=kind == "ome", imagej=kind == "imagej", metadata={"axes": "TZCYX"}, compression=compression
    )
    for incomplete in ({"project": "max"}, {"frame": 1}, {}):
        with pytest.raises(InputError, match=r"T: 3, Z: 4.*--frame N along T together with --project max over Z"):
            open_image(path, **incomplete)
    source = open_image(path, project="max", frame=1)
    assert source.shape == (2, 20, 24)
    np.testing.assert_array_equal(source.read(), pixels[1].max(axis=0))


def test_stack_of_rgb(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (4, 20, 24, 3), dtype=np.uint8)
    tifffile.imwrite(tmp_path / "a.tif", pixels, photometric="rgb", metadata={"axes": "TYXS"})
    source = open_image(tmp_path / "a.tif", project="min")
    np.testing.assert_array_equal(source.read(), np.moveaxis(pixels.min(axis=0), -1, 0))


def test_channels_behind_the_stack_axis_order(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 999, (2, 5, 20, 24), dtype=np.uint16)
    tifffile.imwrite(tmp_path / "a.ome.tif", pixels, metadata={"axes": "CZYX"})
    source = open_image(tmp_path / "a.ome.tif", frame=3)
    np.testing.assert_array_equal(source.read(), pixels[:, 3])


def test_a_missing_file_of_a_multi_file_stack(tmp_path, stack):
    xml = tifffile.OmeXml()
    xml.addimage("uint16", (2, 30, 40), (2, 1, 1, 30, 40, 1), axes="ZYX")
    planes = [
        f'<TiffData IFD="0" FirstZ="{z}" PlaneCount="1"><UUID FileName="z{z}.ome.tif">urn:uuid:{z}</UUID>'
        for z in range(2)
    ]
    text = xml.tostring().replace('<TiffData IFD="0" PlaneCount="2"/>', "".join(p + "</TiffData>" for p in planes))
    assert "z1.ome.tif" in text
    for z in range(2):
        tifffile.imwrite(tmp_path / f"z{z}.ome.tif", stack[z], description=text.encode(), metadata=None)
    np.testing.assert_array_equal(open_image(tmp_path / "z0.ome.tif", project="max").read()[0], stack[:2].max(axis=0))
    (tmp_path / "z1.ome.tif").unlink()
    with pytest.raises(InputError, match="no plane 1"):
        open_image(tmp_path / "z0.ome.tif", project="max")
