from __future__ import annotations

import pytest
import torch

from neubauer.nets.registry import BACKBONES, GENERATORS, build_discriminator, build_generator
from neubauer.nets.shapes import base_size, count_stages, fit_widths

NARROW = {
    "mlp": ({}, {}),
    "dcgan": ({"widths": [8, 8]}, {"widths": [8, 8]}),
    "resnet": ({"widths": [8, 8]}, {"widths": [8, 8]}),
    "r3": ({"widths": [8, 8], "group_width": 4}, {"widths": [8, 8], "group_width": 4}),
}


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 48, 48), (5, 50, 70), (2, 64, 128), (1, 256, 256)])
@pytest.mark.parametrize("net", GENERATORS)
def test_any_size_and_number_of_channels(net, shape):
    generator = build_generator(net, shape, 12, 3, NARROW[net][0])
    discriminator = build_discriminator(net, shape, 3, "projection", NARROW[net][1])
    label = torch.tensor([0, 2])
    images = generator(torch.randn(2, 12), label)
    assert images.shape == (2, *shape)
    verdict = discriminator(images, label)
    assert verdict.score.shape == (2,)
    assert verdict.features.shape == (2, discriminator.backbone.features)


@pytest.mark.parametrize("net", GENERATORS)
def test_the_class_matters(net):
    shape = (1, 16, 16)
    generator = build_generator(net, shape, 4, 2, NARROW[net][0]).eval()
    if net == "resnet":  # its classes start equal
        torch.nn.init.normal_(generator.blocks[0].norm1.offset.weight)
    z = torch.randn(1, 4).expand(2, 4)
    a, b = generator(z, torch.tensor([0, 1]))
    assert not torch.allclose(a, b)
    discriminator = build_discriminator(net, shape, 2, "projection", NARROW[net][1]).eval()
    x = torch.randn(1, *shape).expand(2, *shape)
    assert torch.diff(discriminator(x, torch.tensor([0, 1])).score).abs() > 0


@pytest.mark.parametrize("net", BACKBONES)
def test_classifiers(net):
    for conditioning, outputs in (("auxiliary", 3), ("discriminative", 6)):
        discriminator = build_discriminator(net, (1, 16, 16), 3, conditioning, NARROW[net][1])
        logits = discriminator(torch.randn(4, 1, 16, 16)).class_logits
        assert logits is not None
        assert logits.shape == (4, outputs)


def test_stages_prefer_even_division():
    assert [count_stages((s, s), 4) for s in (28, 32, 48, 64, 256)] == [2, 3, 4, 4, 6]
    assert count_stages((28, 28), 8) == 2
    assert base_size((28, 28), 2) == (7, 7)
    assert base_size((50, 70), 4) == (4, 5)


def test_widths_fit_the_stages():
    assert fit_widths([512, 256, 128], 2) == [256, 128]
    assert fit_widths([512, 256, 128], 5) == [512, 256, 128, 128, 128]


def test_r3_starts_as_its_shortcuts():
    generator = build_generator("r3", (1, 16, 16), 4, 0, NARROW["r3"][0])
    x = torch.randn(2, 8, 4, 4)
    assert torch.equal(generator.stages[0](x), x)
