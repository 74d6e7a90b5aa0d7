"""What every reader of images promises."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from neubauer.errors import InputError
from neubauer.images.find import find_images
from neubauer.images.read import open_image
from neubauer.images.readers.registry import READERS, reader_of, suffixes

PIXELS = np.random.default_rng(0).integers(0, 255, (1, 40, 50), np.uint8)
EVERY = [(name, suffix) for name, reader in READERS.items() for suffix in reader.suffixes]
BY_PILLOW = {".jpg": "JPEG", ".jpeg": "JPEG", ".png": "PNG", ".bmp": "BMP", ".webp": "WEBP"}
NO_WRITER = {suffix: f"no library at hand writes {suffix}" for suffix in (".czi", ".nd2", ".lif", ".ndpi")}


def write_sample(file: Path) -> None:
    """A file of `PIXELS` in the format of its suffix; the kinds of TIFF differ in nothing that is written here."""
    if file.suffix in NO_WRITER:
        pytest.skip(NO_WRITER[file.suffix])
    if file.suffix in BY_PILLOW:
        Image.fromarray(PIXELS[0]).save(file, format=BY_PILLOW[file.suffix])
    else:
        assert file.suffix in READERS["tiff"].suffixes, f"write a sample of {file.suffix} here"
        tifffile.imwrite(file, PIXELS[0], compression="zlib")


@pytest.mark.parametrize(("name", "suffix"), EVERY)
def test_text_is_named(name: str, suffix: str, tmp_path: Path) -> None:
    file = tmp_path / f"image{suffix}"
    file.write_text("this is not an image")
    with pytest.raises(InputError, match=file.name):
        open_image(file).read()


@pytest.mark.parametrize("share", [0.02, 0.5, 0.9])
@pytest.mark.parametrize(("name", "suffix"), EVERY)
def test_truncated_files_are_named(name: str, suffix: str, share: float, tmp_path: Path) -> None:
    file = tmp_path / f"image{suffix}"
    write_sample(file)
    whole = file.read_bytes()
    file.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(InputError, match=file.name):
        open_image(file).read()


@pytest.mark.parametrize(("name", "suffix"), EVERY)
def test_regions_are_parts_of_the_whole(name: str, suffix: str, tmp_path: Path) -> None:
    file = tmp_path / f"image{suffix}"
    write_sample(file)
    assert reader_of(file, file.read_bytes()[:16]) is READERS[name]
    image = open_image(file)
    assert (image.shape[1:], image.dtype, image.name, image.path) == (PIXELS.shape[1:], PIXELS.dtype, "image", file)
    whole = image.read()
    if suffix not in (".jpg", ".jpeg", ".webp"):  # these lose something
        np.testing.assert_array_equal(whole, PIXELS)
    region = image.region(3, 20, 7, 31)
    np.testing.assert_array_equal(region, whole[:, 3:20, 7:31])
    region[:] = 0  # the caller's own
    np.testing.assert_array_equal(image.read(), whole)


@pytest.mark.parametrize("name", READERS)
def test_folders_find_its_files(name: str, tmp_path: Path) -> None:
    for suffix in READERS[name].suffixes:
        assert suffix == suffix.lower()
        assert suffix.startswith(".")
        (tmp_path / f"a{suffix.upper()}").write_text("")
    assert len(find_images([tmp_path])) == len(READERS[name].suffixes)
    assert set(READERS[name].suffixes) <= set(suffixes())


def test_one_reader_takes_what_no_other_does() -> None:
    assert [name for name, reader in READERS.items() if reader.last] == ["raster"]
