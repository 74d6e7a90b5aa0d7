"""Building blocks of networks."""

from __future__ import annotations

import torch

from neubauer.nets.blocks import SmoothShuffle


def test_shuffled_pixels_leave_no_checkerboard() -> None:
    signs = torch.tensor([1.0, -1.0, -1.0, 1.0])  # of the four pixels that each place is unfolded into
    x = (5 + signs)[None, :, None, None].expand(1, 4, 6, 6).repeat(1, 2, 1, 1)
    y = SmoothShuffle(2)(x)
    assert y.shape == (1, 2, 12, 12)
    assert torch.allclose(y[:, :, 1:-1, 1:-1], torch.full((1, 2, 10, 10), 5.0))
