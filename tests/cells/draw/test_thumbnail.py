"""Small pictures stay small, whatever the image."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from neubauer.cells.draw.thumbnail import LARGEST, SIDE, thumbnail


@pytest.mark.parametrize("shape", [(600, 900), (1200, 300), (40, 50)])
def test_even_noise_is_within_bounds(shape: tuple[int, int]) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)
    content = thumbnail(Image.fromarray(noise))
    assert len(content) <= LARGEST
    assert content == thumbnail(Image.fromarray(noise))
    with Image.open(io.BytesIO(content)) as picture:
        assert max(picture.size) == min(SIDE, max(shape))
        assert picture.width / picture.height == pytest.approx(shape[1] / shape[0], rel=0.02)
