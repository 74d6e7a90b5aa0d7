"""What every reader of images promises."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from neubauer.errors import InputError
from neubauer.images.find import find_images
from neubauer.images.read import open_image
from neubauer.images.readers.registry import READERS, reader_of, suffixes
from neubauer.images.write import write_image

PIXELS = np.random.default_rng(0).integers(0, 255, (1, 40, 50), np.uint8)
WRITTEN_BY_US = {".tif", ".tiff", ".png"}
EVERY = [(name, suffix) for name, reader in READERS.items() for suffix in reader.suffixes]


@pytest.mark.parametrize(("name", "suffix"), EVERY)
def test_text_and_damage_are_named(name: str, suffix: str, tmp_path: Path) -> None:
    file = tmp_path / f"image{suffix}"
    file.write_text("this is not an image")
    with pytest.raises(InputError, match=file.name):
        open_image(file).read()
    if suffix in WRITTEN_BY_US:
        write_image(file, PIXELS)
        file.write_bytes(file.read_bytes()[:100])
        with pytest.raises(InputError, match=file.name):
            open_image(file).read()


@pytest.mark.parametrize(("name", "suffix"), [pair for pair in EVERY if pair[1] in WRITTEN_BY_US])
def test_regions_are_parts_of_the_whole(name: str, suffix: str, tmp_path: Path) -> None:
    file = tmp_path / f"image{suffix}"
    write_image(file, PIXELS)
    assert reader_of(file, file.read_bytes()[:16]) is READERS[name]
    image = open_image(file)
    assert (image.shape, image.dtype, image.name, image.path) == (PIXELS.shape, PIXELS.dtype, "image", file)
    whole = image.read()
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
