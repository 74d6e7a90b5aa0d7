"""TIFF in all its layouts: regions equal the whole, and only what is touched is decoded."""

import os
import tracemalloc

import numpy as np
import pytest
import tifffile

from neubauer.errors import InputError
from neubauer.images.read import open_image
from neubauer.images.readers import tiff_planes
from neubauer.images.readers.cache import PixelCache

BOXES = [(0, 90, 0, 70), (10, 11, 3, 70), (31, 65, 15, 33), (89, 90, 69, 70), (0, 33, 60, 70)]


def noise(*shape: int, dtype: str = "uint16") -> np.ndarray:
    values = np.random.default_rng(0).integers(0, 250, shape)
    return (values / 7).astype(dtype) if dtype.startswith("float") else values.astype(dtype)


@pytest.fixture
def decoded(monkeypatch) -> list[int]:
    """Numbers of the strips and tiles that were decoded, with an empty cache to begin with."""
    numbers: list[int] = []
    original = tiff_planes.SegmentedPlane._decode

    def count(self, file, index):
        numbers.append(index)
        return original(self, file, index)

    monkeypatch.setattr(tiff_planes.SegmentedPlane, "_decode", count)
    monkeypatch.setattr(tiff_planes, "PIXELS", PixelCache())
    return numbers


LAYOUTS = {
    "raw": {},
    "raw big-endian": {"byteorder": ">"},
    "raw strips": {"rowsperstrip": 7, "metadata": None},
    "strips": {"rowsperstrip": 7, "compression": "zlib", "predictor": True},
    "one strip": {"rowsperstrip": 90, "compression": "lzw"},
    "strips big-endian": {"rowsperstrip": 16, "compression": "zlib", "byteorder": ">"},
    "tiles": {"tile": (32, 16), "compression": "zlib", "predictor": True},
    "raw tiles": {"tile": (16, 32)},
    "zstd tiles": {"tile": (32, 32), "compression": "zstd"},
    "BigTIFF": {"tile": (32, 32), "bigtiff": True},
    "BigTIFF strips": {"rowsperstrip": 7, "compression": "packbits", "bigtiff": True},
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int32", "float32", "float64"])
def test_grey_regions_equal_the_whole(tmp_path, layout, dtype):
    pixels = noise(90, 70, dtype=dtype)
    tifffile.imwrite(tmp_path / "a.tif", pixels, **LAYOUTS[layout])
    source = open_image(tmp_path / "a.tif")
    assert (source.shape, source.dtype) == ((1, 90, 70), np.dtype(dtype))
    assert source.dtype.isnative
    for y0, y1, x0, x1 in BOXES:
        np.testing.assert_array_equal(source.region(y0, y1, x0, x1)[0], pixels[y0:y1, x0:x1])


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("planar", ["contig", "separate"])
def test_rgb_regions_equal_the_whole(tmp_path, layout, planar):
    pixels = noise(3, 90, 70, dtype="uint8")
    stored = np.moveaxis(pixels, 0, -1) if planar == "contig" else pixels
    tifffile.imwrite(tmp_path / "a.tif", stored, photometric="rgb", planarconfig=planar, **LAYOUTS[layout])
    source = open_image(tmp_path / "a.tif")
    assert source.shape == (3, 90, 70)
    for y0, y1, x0, x1 in BOXES:
        np.testing.assert_array_equal(source.region(y0, y1, x0, x1), pixels[:, y0:y1, x0:x1])


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("kind", ["ome", "imagej", "shaped"])
def test_five_channels_page_by_page(tmp_path, layout, kind):
    pixels = noise(5, 90, 70)
    options = LAYOUTS[layout] | {"metadata": {"axes": "CYX"}}
    if kind == "imagej":
        options = {k: v for k, v in options.items() if k not in ("bigtiff", "byteorder")}
    tifffile.imwrite(
        tmp_path / "a.tif", pixels, photometric="minisblack", ome=kind == "ome", imagej=kind == "imagej", **options
    )
    source = open_image(tmp_path / "a.tif")
    assert source.shape == (5, 90, 70)
    for y0, y1, x0, x1 in BOXES:
        np.testing.assert_array_equal(source.region(y0, y1, x0, x1), pixels[:, y0:y1, x0:x1])


def test_jpeg_tiles_are_rgb(tmp_path):
    y, x = np.mgrid[:96, :96]
    pixels = np.stack([2 * x, 2 * y, x + y]).astype(np.uint8)
    tifffile.imwrite(
        tmp_path / "a.tif",
        np.moveaxis(pixels, 0, -1),
        tile=(32, 32),
        photometric="rgb",
        compression="jpeg",
        compressionargs={"level": 98},
    )
    got = open_image(tmp_path / "a.tif").region(20, 80, 10, 70)
    assert np.abs(got.astype(int) - pixels[:, 20:80, 10:70]).max() < 12


def test_only_touched_segments_are_decoded_and_only_once(tmp_path, decoded):
    tifffile.imwrite(tmp_path / "t.tif", noise(512, 512), tile=(64, 64), compression="zlib")
    source = open_image(tmp_path / "t.tif")
    source.region(70, 130, 0, 64)
    assert decoded == [8, 16]
    source.region(64, 192, 0, 64)
    assert decoded == [8, 16]

    decoded.clear()
    tifffile.imwrite(tmp_path / "s.tif", noise(512, 512), rowsperstrip=64, compression="zlib")
    source = open_image(tmp_path / "s.tif")
    for x0 in range(0, 512, 128):  # neighbouring regions share strips
        source.region(100, 200, x0, x0 + 128)
    assert decoded == [1, 2, 3]


def test_planar_channels_decode_their_own_segments(tmp_path, decoded):
    tifffile.imwrite(
        tmp_path / "t.tif", noise(3, 128, 128), tile=(64, 64), compression="zlib", photometric="rgb", planarconfig=2
    )
    open_image(tmp_path / "t.tif").region(64, 128, 64, 128)
    assert decoded == [3, 7, 11]


@pytest.mark.parametrize("options", [{}, {"tile": (256, 256), "compression": "zlib"}])
def test_a_region_of_a_large_file_takes_little_memory(tmp_path, decoded, options):
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((6000, 6000), np.uint16), **options)
    source = open_image(tmp_path / "a.tif")
    tracemalloc.start()
    source.region(3000, 3300, 1000, 1300)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 3e6  # the whole takes 72 MB


def test_the_cache_stays_within_its_limit():
    cache = PixelCache(limit=1000)
    made = []

    def get(key: int, n_bytes: int) -> None:
        cache.get(key, lambda: made.append(key) or np.zeros(n_bytes, np.uint8))

    for key in (1, 2, 1, 3, 1, 2):  # 2 is the one that was not used for longest when 3 comes
        get(key, 400)
    assert made == [1, 2, 3, 2]
    get(4, 5000)  # larger than the limit, but kept while it is the newest
    get(4, 5000)
    assert made == [1, 2, 3, 2, 4]


def test_no_file_stays_open(tmp_path):
    tifffile.imwrite(tmp_path / "tiles.tif", noise(64, 64), tile=(16, 16))
    tifffile.imwrite(tmp_path / "raw.tif", noise(64, 64))
    n_open = len(os.listdir("/dev/fd"))
    sources = [open_image(tmp_path / name) for name in ("tiles.tif", "raw.tif") for _ in range(20)]
    assert [source.read().shape for source in sources] == [(1, 64, 64)] * 40
    assert len(os.listdir("/dev/fd")) == n_open


def test_alpha_is_dropped_and_other_extra_channels_are_kept(tmp_path):
    pixels = noise(90, 70, 4, dtype="uint8")
    tifffile.imwrite(tmp_path / "rgba.tif", pixels, photometric="rgb", extrasamples=["unassalpha"])
    np.testing.assert_array_equal(open_image(tmp_path / "rgba.tif").read(), np.moveaxis(pixels, -1, 0)[:3])
    tifffile.imwrite(tmp_path / "4.tif", pixels, photometric="rgb", extrasamples=["unspecified"])
    assert open_image(tmp_path / "4.tif").shape == (4, 90, 70)
    planar = np.moveaxis(pixels, -1, 0)
    tifffile.imwrite(tmp_path / "p.tif", planar, photometric="rgb", planarconfig=2, extrasamples=["unassalpha"])
    np.testing.assert_array_equal(open_image(tmp_path / "p.tif").read(), planar[:3])


def test_1_bit_and_palette(tmp_path):
    bits = noise(90, 70) > 100
    for photometric, shown in (("minisblack", bits), ("miniswhite", ~bits)):
        tifffile.imwrite(tmp_path / "b.tif", bits, photometric=photometric)
        np.testing.assert_array_equal(open_image(tmp_path / "b.tif").read()[0], shown * np.uint8(255))
    colours = np.random.default_rng(1).integers(0, 256, (3, 256)).astype(np.uint16)
    index = noise(90, 70, dtype="uint8")
    tifffile.imwrite(tmp_path / "p.tif", index, photometric="palette", colormap=colours * 257)
    source = open_image(tmp_path / "p.tif")
    assert (source.shape, source.dtype) == ((3, 90, 70), np.uint8)
    np.testing.assert_array_equal(source.region(5, 50, 3, 40), colours[:, index[5:50, 3:40]])


def test_pyramid_is_read_at_full_resolution(tmp_path):
    pixels = noise(256, 256)
    with tifffile.TiffWriter(tmp_path / "a.ome.tif") as tif:
        tif.write(pixels, subifds=2, tile=(64, 64), metadata={"axes": "YX"})
        for step in (2, 4):
            tif.write(np.ascontiguousarray(pixels[::step, ::step]), subfiletype=1, tile=(64, 64))
    np.testing.assert_array_equal(open_image(tmp_path / "a.ome.tif").read()[0], pixels)


def test_several_images_in_one_file(tmp_path):
    with tifffile.TiffWriter(tmp_path / "a.ome.tif") as tif:
        tif.write(noise(90, 70), metadata={"axes": "YX", "Name": "first"})
        tif.write(noise(50, 40), metadata={"axes": "YX", "Name": "second"})
    with pytest.raises(InputError, match=r"2 images in one file: first YX \(90, 70\), second YX \(50, 40\)"):
        open_image(tmp_path / "a.ome.tif")
    with tifffile.TiffWriter(tmp_path / "b.ome.tif") as tif:
        tif.write(noise(90, 70), metadata={"axes": "YX", "Name": "slide"})
        tif.write(noise(50, 40), metadata={"axes": "YX", "Name": "Thumbnail"})
    assert open_image(tmp_path / "b.ome.tif").shape == (1, 90, 70)


def test_a_stack_written_page_by_page(tmp_path):
    planes = noise(3, 90, 70)
    with tifffile.TiffWriter(tmp_path / "a.tif") as tif:
        for plane in planes:
            tif.write(plane)
    with pytest.raises(InputError, match=r"a stack \(I: 3"):
        open_image(tmp_path / "a.tif")
    assert (open_image(tmp_path / "a.tif", frame=2).read()[0] == planes[2]).all()
    assert (
        open_image(tmp_path / "a.tif", project="max").region(3, 50, 5, 60)[0] == np.max(planes, 0)[3:50, 5:60]
    ).all()


def test_damaged_segment(tmp_path):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, noise(256, 256), tile=(64, 64), compression="zlib")
    with tifffile.TiffFile(path) as tif:
        offset = tif.pages[0].dataoffsets[5]
    content = bytearray(path.read_bytes())
    content[offset : offset + 200] = bytes(200)
    path.write_bytes(content)
    source = open_image(path)
    source.region(0, 64, 0, 64)
    with pytest.raises(InputError, match=r"a\.tif: found damaged"):
        source.region(64, 128, 64, 128)


@pytest.mark.parametrize("options", [{}, {"compression": "zlib", "rowsperstrip": 8}, {"imagej": True}, {"ome": True}])
@pytest.mark.parametrize("keep", [0.3, 0.7, 0.999])
def test_truncated(tmp_path, options, keep):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, noise(4, 90, 70), photometric="minisblack", **{"metadata": {"axes": "ZYX"}} | options)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * keep)])
    with pytest.raises(InputError, match=r"a\.tif"):
        open_image(path, project="max").read()


@pytest.mark.parametrize("options", [{}, {"compression": "zlib"}, {"tile": (16, 16)}])
def test_absurd_size_in_a_small_file(tmp_path, options):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, noise(64, 64), metadata=None, **options)
    with tifffile.TiffFile(path, mode="r+") as tif:
        for name in ("ImageWidth", "ImageLength", "RowsPerStrip"):
            if name in tif.pages[0].tags:
                tif.pages[0].tags[name].overwrite(60_000)
    with pytest.raises(InputError, match=r"a\.tif"):
        open_image(path)


def test_complex_and_cmyk(tmp_path):
    tifffile.imwrite(tmp_path / "c.tif", np.zeros((9, 9), np.complex64))
    with pytest.raises(InputError, match="complex64"):
        open_image(tmp_path / "c.tif")
    tifffile.imwrite(tmp_path / "k.tif", noise(9, 9, 4, dtype="uint8"), photometric="separated")
    with pytest.raises(InputError, match="CMYK"):
        open_image(tmp_path / "k.tif")


def test_nan_in_a_float_tiff(tmp_path):
    pixels = noise(64, 64, dtype="float32")
    pixels[40, 40] = np.nan
    tifffile.imwrite(tmp_path / "a.tif", pixels, tile=(16, 16))
    source = open_image(tmp_path / "a.tif")
    assert source.region(0, 40, 0, 64).shape == (1, 40, 64)
    np.testing.assert_array_equal(np.argwhere(source.missing(0, 64, 0, 64)), [[40, 40]])
    pixels[40, 40] = np.percentile(pixels[np.isfinite(pixels)], 50, method="lower")
    np.testing.assert_array_equal(source.read()[0], pixels)


def test_oddities_are_not_logged(tmp_path, caplog):
    path = tmp_path / "a.ome.tif"
    tifffile.imwrite(path, noise(64, 64))
    path.write_bytes(path.read_bytes()[:-10])
    with tifffile.TiffFile(path) as tif:
        assert len(tif.pages) == 1
    assert caplog.records  # tifffile complains on its own
    caplog.clear()
    with pytest.raises(InputError, match="description"):
        open_image(path)
    assert not caplog.records
