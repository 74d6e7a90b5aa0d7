"""ResNet-18 in PyTorch, written out: torchvision is not needed for it."""

from __future__ import annotations

from itertools import pairwise

from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils import fuse_conv_bn_eval


class _Block(nn.Module):
    def __init__(self, a: int, b: int, stride: int) -> None:
        super().__init__()
        self.conv1, self.norm1 = nn.Conv2d(a, b, 3, stride, 1, bias=False), nn.BatchNorm2d(b)
        self.conv2, self.norm2 = nn.Conv2d(b, b, 3, 1, 1, bias=False), nn.BatchNorm2d(b)
        self.shortcut: nn.Module | None = None
        if stride > 1 or a != b:
            self.shortcut = nn.Sequential(nn.Conv2d(a, b, 1, stride, bias=False), nn.BatchNorm2d(b))

    def forward(self, x: Tensor) -> Tensor:
        y = self.norm2(self.conv2(F.relu(self.norm1(self.conv1(x)), inplace=True)))
        return F.relu(y + (x if self.shortcut is None else self.shortcut(x)), inplace=True)


class ResNet18(nn.Module):
    """He et al., CVPR 2016, table 1: 7x7 convolution and pooling, then eight blocks of 64 to 512 channels."""

    def __init__(self, channels: int, classes: int) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(channels, 64, 7, 2, 3, bias=False),
            nn.BatchNorm2d(64),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(3, 2, 1),
        )
        widths = (64, 64, 128, 256, 512)
        blocks: list[nn.Module] = []
        for i, (a, b) in enumerate(pairwise(widths)):
            blocks += [_Block(a, b, 2 if i else 1), _Block(b, b, 1)]
        self.body = nn.Sequential(*blocks)
        self.head = nn.Linear(512, classes)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, Y, X) -> logits (N, classes)."""
        return self.head(self.body(self.stem(x)).mean((2, 3)))


def fold(network: ResNet18) -> ResNet18:
    """Fold every normalisation into its convolution, in place."""
    for part in (network.stem, *(b.shortcut for b in network.body if b.shortcut is not None)):  # type: ignore[union-attr]
        part[0], part[1] = fuse_conv_bn_eval(part[0], part[1]), nn.Identity()  # type: ignore[index,operator]
    for block in network.body:
        assert isinstance(block, _Block)
        block.conv1, block.norm1 = fuse_conv_bn_eval(block.conv1, block.norm1), nn.Identity()  # type: ignore[assignment,arg-type]
        block.conv2, block.norm2 = fuse_conv_bn_eval(block.conv2, block.norm2), nn.Identity()  # type: ignore[assignment,arg-type]
    return network
