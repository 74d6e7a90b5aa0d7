"""Stains are told apart, region by region as in the whole."""

from __future__ import annotations

import numpy as np
import pytest
from skimage import data
from skimage.color import hed2rgb

from neubauer.errors import InputError
from neubauer.images.read import from_array
from neubauer.images.stain import separate_stain


def test_each_stain_comes_back_as_it_was_put_in() -> None:
    stains = np.zeros((30, 90, 3))
    for i in range(3):
        stains[:, 30 * i : 30 * i + 30, i] = 0.1
    image = from_array((hed2rgb(stains) * 255).astype(np.uint8))
    for i, name in enumerate(("haematoxylin", "eosin", "dab")):
        amount = separate_stain(image, name).read()[0]  # type: ignore[arg-type]
        means = [amount[:, 30 * k : 30 * k + 30].mean() for k in range(3)]
        assert int(np.argmax(means)) == i
        assert means[i] == pytest.approx(0.1, abs=0.02)


def test_a_region_is_part_of_the_whole() -> None:
    stained = separate_stain(from_array(data.immunohistochemistry()), "haematoxylin")
    assert stained.shape == (1, 512, 512)
    np.testing.assert_array_equal(stained.region(10, 50, 20, 90), stained.read()[:, 10:50, 20:90])


def test_grey_images_and_unknown_stains_are_refused() -> None:
    with pytest.raises(InputError, match="1 channels"):
        separate_stain(from_array(np.zeros((9, 9), np.uint8)), "eosin")
    with pytest.raises(InputError, match="haematoxylin, eosin, dab"):
        separate_stain(from_array(data.immunohistochemistry()), "silver")  # type: ignore[arg-type]
