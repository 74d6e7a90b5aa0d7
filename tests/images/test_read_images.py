"""PNG, JPEG, BMP, WebP and arrays: what is read is what was stored."""

import struct
import zlib

import imagecodecs
import numpy as np
import pytest
from PIL import Image

from neubauer.errors import InputError
from neubauer.images.read import from_array, open_image


@pytest.fixture
def rgb() -> np.ndarray:
    """(Y, X, 3) uint8, smooth enough for JPEG."""
    y, x = np.mgrid[:40, :60]
    return np.stack([4 * x, 5 * y, 2 * (x + y)], axis=-1).astype(np.uint8)


@pytest.mark.parametrize("suffix", ["png", "bmp", "webp"])
def test_lossless_rgb(tmp_path, rgb, suffix):
    path = tmp_path / f"smear.{suffix}"
    Image.fromarray(rgb).save(path, lossless=True)
    source = open_image(path)
    assert (source.name, source.shape, source.dtype) == ("smear", (3, 40, 60), np.uint8)
    assert source.pixel_size_um is None
    assert source.channel_names is None
    np.testing.assert_array_equal(source.read(), np.moveaxis(rgb, -1, 0))
    np.testing.assert_array_equal(source.region(3, 9, 10, 31), np.moveaxis(rgb, -1, 0)[:, 3:9, 10:31])


def test_jpeg(tmp_path, rgb):
    path = tmp_path / "a.jpg"
    Image.fromarray(rgb).save(path, quality=98, subsampling=0)
    assert np.abs(open_image(path).read().astype(int) - np.moveaxis(rgb, -1, 0)).max() < 12


@pytest.mark.parametrize(("orientation", "turn"), [(3, 2), (6, 3), (8, 1)])
def test_exif_orientation_is_applied(tmp_path, rgb, orientation, turn):
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / "a.jpg"
    Image.fromarray(rgb).save(path, quality=98, subsampling=0, exif=exif)
    expected = np.moveaxis(np.rot90(rgb, turn), -1, 0)
    source = open_image(path)
    assert source.shape == expected.shape
    assert np.abs(source.read().astype(int) - expected).max() < 12


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_png_keeps_16_bits(tmp_path, channels):
    pixels = np.random.default_rng(0).integers(0, 2**16, (20, 30, channels), dtype=np.uint16)
    path = tmp_path / "a.png"
    path.write_bytes(imagecodecs.png_encode(pixels if channels > 1 else pixels[..., 0]))
    source = open_image(path)
    assert source.dtype == np.uint16
    np.testing.assert_array_equal(source.read(), np.moveaxis(pixels, -1, 0)[:3])  # opacity is dropped


def test_opacity_is_dropped_and_colours_are_kept(tmp_path, rgb):
    opacity = np.arange(40 * 60, dtype=np.uint16).reshape(40, 60, 1).astype(np.uint8)
    Image.fromarray(np.concatenate([rgb, opacity], axis=-1)).save(tmp_path / "a.png")
    np.testing.assert_array_equal(open_image(tmp_path / "a.png").read(), np.moveaxis(rgb, -1, 0))
    Image.fromarray(np.concatenate([rgb[..., :1], opacity], axis=-1), "LA").save(tmp_path / "b.png")
    np.testing.assert_array_equal(open_image(tmp_path / "b.png").read(), rgb[np.newaxis, ..., 0])


def test_palette_becomes_rgb_and_1_bit_becomes_0_and_255(tmp_path, rgb):
    indexed = Image.fromarray(rgb).quantize(16)
    indexed.save(tmp_path / "p.png")
    expected = np.moveaxis(np.asarray(indexed.convert("RGB")), -1, 0)
    np.testing.assert_array_equal(open_image(tmp_path / "p.png").read(), expected)
    bits = rgb[..., 0] > 100
    Image.fromarray(bits).save(tmp_path / "b.png")
    assert Image.open(tmp_path / "b.png").mode == "1"
    source = open_image(tmp_path / "b.png")
    assert source.dtype == np.uint8
    np.testing.assert_array_equal(source.read()[0], bits * 255)


def test_the_content_decides_not_the_suffix(tmp_path, rgb):
    Image.fromarray(rgb).save(tmp_path / "a.png")
    for wrong in ("a.jpg", "a.tif", "a.czi.png"):
        (tmp_path / wrong).write_bytes((tmp_path / "a.png").read_bytes())
        np.testing.assert_array_equal(open_image(tmp_path / wrong).read(), np.moveaxis(rgb, -1, 0))


def test_a_region_is_the_callers_own(tmp_path, rgb):
    Image.fromarray(rgb[..., 0]).save(tmp_path / "a.png")
    for source in (open_image(tmp_path / "a.png"), from_array(rgb[..., 0].copy())):
        source.read()[:] = 7
        np.testing.assert_array_equal(source.read()[0], rgb[..., 0])


@pytest.mark.parametrize("box", [(-1, 5, 0, 5), (0, 41, 0, 5), (0, 5, 55, 61), (5, 5, 0, 5), (6, 5, 0, 5)])
def test_a_region_has_to_lie_inside(rgb, box):
    with pytest.raises(ValueError, match="not inside the image of 40 x 60"):
        from_array(rgb).region(*box)


@pytest.mark.parametrize(("suffix", "keep"), [("png", 0.6), ("jpg", 0.6), ("jpg", 0.97), ("bmp", 0.5), ("webp", 0.5)])
def test_truncated(tmp_path, suffix, keep):
    path = tmp_path / f"a.{suffix}"
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    Image.fromarray(noise).save(path)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * keep)])
    with pytest.raises(InputError, match=rf"a\.{suffix}.*damaged"):
        open_image(path).read()


def test_truncated_16_bit_colour_png(tmp_path):
    path = tmp_path / "a.png"
    noise = np.random.default_rng(0).integers(0, 2**16, (64, 64, 3), dtype=np.uint16)
    path.write_bytes(imagecodecs.png_encode(noise)[:9000])
    with pytest.raises(InputError, match="damaged"):
        open_image(path).read()


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"", "an empty file"),
        (b"area,mean\n1,2\n", "text, not an image"),
        (bytes(range(256)), "no known image format"),
        (b"II*\0", "damaged TIFF"),
        (b"\x89PNG\r\n\x1a\n", "no known image format"),
    ],
)
def test_not_an_image(tmp_path, content, found):
    path = tmp_path / "a.tif"
    path.write_bytes(content)
    with pytest.raises(InputError, match=found) as info:
        open_image(path)
    assert str(path) in str(info.value)
    assert "\n" not in str(info.value)


def test_no_such_file_and_folder(tmp_path):
    with pytest.raises(InputError, match="No such file"):
        open_image(tmp_path / "a.png")
    with pytest.raises(InputError, match=r"(?i)directory"):
        open_image(tmp_path)


def test_decompression_bomb(tmp_path):
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 100_000, 100_000, 8, 0, 0, 0, 0)
    content = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")
    (tmp_path / "bomb.png").write_bytes(content)
    with pytest.raises(InputError, match=r"too large.*tiled TIFF"):
        open_image(tmp_path / "bomb.png")


def test_animation(tmp_path, rgb):
    frames = [Image.fromarray(rgb), Image.fromarray(rgb[::-1].copy())]
    frames[0].save(tmp_path / "a.webp", save_all=True, append_images=frames[1:])
    with pytest.raises(InputError, match="animation of 2"):
        open_image(tmp_path / "a.webp")


@pytest.mark.parametrize("shape", [(1, 1), (1, 100_000), (5000, 1)])
def test_extreme_shapes(tmp_path, shape):
    pixels = np.arange(np.prod(shape), dtype=np.uint32).reshape(shape).astype(np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    np.testing.assert_array_equal(open_image(tmp_path / "a.png").read()[0], pixels)
    np.testing.assert_array_equal(from_array(pixels).read()[0], pixels)


@pytest.mark.parametrize(
    ("shape", "axes", "expected"),
    [
        ((20, 30), None, (1, 20, 30)),
        ((20, 30, 3), None, (3, 20, 30)),
        ((5, 20, 30), None, (5, 20, 30)),
        ((1, 1, 100), None, (1, 1, 100)),
        ((20, 30, 7), "YXC", (7, 20, 30)),
        ((3, 20, 3), "CYX", (3, 20, 3)),
        ((20, 3, 30), "ycx", (3, 20, 30)),
    ],
)
def test_from_array(shape, axes, expected):
    array = np.random.default_rng(0).random(shape, dtype=np.float32)
    source = from_array(array, name="n", axes=axes, pixel_size_um=(0.5, 0.25))
    assert (source.shape, source.dtype, source.name, source.pixel_size_um) == (expected, np.float32, "n", (0.5, 0.25))
    moved = array if axes != "YXC" and array.shape[-1] != 3 else np.moveaxis(array, -1, 0)
    if axes == "CYX":
        moved = array
    if axes == "ycx":
        moved = array.transpose(1, 0, 2)
    np.testing.assert_array_equal(source.read(), moved.reshape(expected))


@pytest.mark.parametrize("shape", [(3, 20, 3), (20, 30, 7), (2, 3, 4, 5), (9,)])
def test_from_array_does_not_guess(shape):
    with pytest.raises(InputError, match="pass axes"):
        from_array(np.zeros(shape))


def test_from_array_rejects_what_is_no_image():
    with pytest.raises(InputError, match="complex"):
        from_array(np.zeros((4, 4), complex))
    with pytest.raises(InputError, match=r"\(0, 4\)"):
        from_array(np.zeros((0, 4)))
    with pytest.raises(InputError, match="ZYX"):
        from_array(np.zeros((9, 8, 7)), axes="ZYX")


def test_from_array_drops_an_opaque_fourth_channel_only(rgb):
    opaque = np.full((40, 60, 1), 255, np.uint8)
    assert from_array(np.concatenate([rgb, opaque], axis=-1)).shape[0] == 3
    assert from_array(np.concatenate([rgb, opaque], axis=-1), axes="YXC").shape[0] == 4
    assert from_array(np.concatenate([rgb, rgb[..., :1]], axis=-1)).shape[0] == 4
