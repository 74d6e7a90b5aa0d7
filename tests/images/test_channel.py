"""One channel of several, by number or name."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from neubauer.errors import InputError
from neubauer.images.channel import choose_channel
from neubauer.images.read import from_array, open_image
from neubauer.images.write import write_image

PIXELS = np.arange(2 * 6 * 8, dtype=np.uint16).reshape(2, 6, 8)


@pytest.mark.parametrize("channel", [1, "1", "GFP", "gfp"])
def test_by_number_or_name(tmp_path: Path, channel: int | str) -> None:
    write_image(tmp_path / "two.ome.tif", PIXELS, pixel_size_um=(0.5, 0.5), channel_names=["DAPI", "GFP"])
    chosen = choose_channel(open_image(tmp_path / "two.ome.tif"), channel)
    assert (chosen.read() == PIXELS[1:]).all()
    assert chosen.channel_names == ("GFP",)
    assert chosen.pixel_size_um == pytest.approx((0.5, 0.5))


@pytest.mark.parametrize("channel", [2, -1, "2", "RFP", ""])
def test_one_that_is_not_there(channel: int | str) -> None:
    with pytest.raises(InputError, match="2 channels"):
        choose_channel(from_array(PIXELS, axes="CYX"), channel)


def test_a_name_that_two_have(tmp_path: Path) -> None:
    write_image(tmp_path / "two.ome.tif", PIXELS, channel_names=["DAPI", "dapi"])
    with pytest.raises(InputError, match="DAPI, dapi"):
        choose_channel(open_image(tmp_path / "two.ome.tif"), "dapi")
