"""The layout network: shapes, how far it sees, and fused norms."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from neubauer.nets.blocks import channels_last, fuse_norms
from neubauer.nets.unet import LayoutNet


def network(widths: tuple[int, ...] = (4, 6, 8), depths: tuple[int, ...] = (1, 1, 1), channels: int = 1) -> LayoutNet:
    """A network in evaluation mode whose norms have statistics of their own, and which passes everything on.

    Positive weights and biases: no ReLU cuts a signal off, so that what an output pixel can see it does see.
    """
    torch.manual_seed(0)
    net = LayoutNet(channels, 5, widths, depths).double().eval()
    for module in net.modules():
        if isinstance(module, nn.Conv2d):
            module.weight.data = torch.rand_like(module.weight) + 0.1
            module.weight.data /= module.weight[0].numel()
        elif isinstance(module, nn.BatchNorm2d):
            assert module.running_mean is not None
            assert module.running_var is not None
            module.running_mean.uniform_(-1, 0)
            module.running_var.uniform_(0.5, 2)
            module.weight.data.uniform_(0.5, 1.5)
            module.bias.data.uniform_(0, 1)
    return net


@pytest.mark.parametrize(("channels", "size"), [(1, (8, 8)), (3, (32, 24)), (7, (16, 64))])
def test_output_has_half_the_resolution(channels: int, size: tuple[int, int]) -> None:
    net = network(channels=channels)
    assert net.stride == 8
    out = net(torch.rand(2, channels, *size, dtype=torch.float64))
    assert out.shape == (2, 5, size[0] // 2, size[1] // 2)


def test_widths_and_depths_must_match() -> None:
    with pytest.raises(ValueError, match="3 widths but 2 depths"):
        LayoutNet(1, 5, (4, 6, 8), (1, 1))


@pytest.mark.parametrize(
    ("widths", "depths"), [((4,), (1,)), ((4, 6, 8), (1, 1, 1)), ((4, 4, 4, 4), (1, 1, 2, 2)), ((4, 4), (3, 2))]
)
def test_halo_is_enough_and_not_much_more(widths: tuple[int, ...], depths: tuple[int, ...]) -> None:
    """Change one input pixel: outputs farther away than the halo stay, and some not far within it change."""
    net = network(widths, depths)
    halo = net.halo
    assert halo % net.stride == 0
    size = 2 * net.stride * (-(-(halo + 2 * net.stride) // net.stride))
    image = torch.rand(1, 1, size, size, dtype=torch.float64)
    reach = 0
    with torch.no_grad():
        before = net(image)
        middle = size // 2
        for y in range(middle, middle + net.stride):  # the grid of the strides makes some pixels reach farther
            changed = image.clone()
            changed[0, 0, y, y] += 100
            rows, columns = torch.nonzero((net(changed) != before).any(1)[0]).T
            for near, far in ((2 * rows, 2 * rows + 1), (2 * columns, 2 * columns + 1)):
                reach = max(reach, int(y - far.min()), int(near.max() - y))
    assert reach <= halo
    assert halo < 2 * reach + net.stride


def test_a_tile_with_its_halo_gives_what_the_image_gives() -> None:
    net = network()
    halo, tile = net.halo, 32
    image = torch.rand(1, 1, 2 * halo + 3 * tile, 2 * halo + tile, dtype=torch.float64)
    with torch.no_grad():
        whole = net(image)
        part = net(image[:, :, tile : tile + 2 * halo + tile])
    inner = slice(halo // 2, (halo + tile) // 2)
    of_whole = whole[:, :, (tile + halo) // 2 : (tile + halo + tile) // 2, inner]
    torch.testing.assert_close(part[:, :, inner, inner], of_whole)


def test_fused_norms_keep_the_output() -> None:
    net = network(channels=3)
    fused = channels_last(fuse_norms(copy.deepcopy(net)))
    assert any(isinstance(m, nn.BatchNorm2d) for m in net.modules())
    assert not any(isinstance(m, nn.BatchNorm2d) for m in fused.modules())
    image = torch.rand(1, 3, 32, 32, dtype=torch.float64)
    with torch.no_grad():
        expected = net(image)
        torch.testing.assert_close(fused(image), expected)
        torch.testing.assert_close(fuse_norms(fused)(image), expected)  # a second time changes nothing
