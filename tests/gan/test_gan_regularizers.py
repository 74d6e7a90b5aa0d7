from __future__ import annotations

import pytest
import torch
from torch import nn

from neubauer.gan import regularizers


@pytest.fixture
def linear() -> nn.Module:
    """A discriminator whose gradient is its weight, everywhere."""
    layer = nn.Sequential(nn.Flatten(), nn.Linear(12, 1))
    nn.init.constant_(layer[1].weight, 0.5)  # gradient of norm sqrt(3)
    return layer


def test_zero_centred_penalty_of_a_linear_function(linear):
    x = torch.randn(5, 3, 2, 2, requires_grad=True)
    penalty = regularizers.zero_centred_penalty(linear(x), x)
    assert penalty.item() == pytest.approx(0.5 * 12 * 0.25)
    penalty.backward()  # differentiable again: 0.5 * sum w^2 has gradient w
    torch.testing.assert_close(linear[1].weight.grad, linear[1].weight.data)


def test_gradient_penalty_of_a_linear_function(linear):
    real, fake = torch.randn(5, 3, 2, 2), torch.randn(5, 3, 2, 2)
    penalty = regularizers.gradient_penalty(linear, real, fake)
    assert penalty.item() == pytest.approx((3**0.5 - 1) ** 2, rel=1e-5)
    assert regularizers.gradient_penalty(linear, real, fake, target=3**0.5).item() == pytest.approx(0, abs=1e-10)


def test_gradient_penalty_looks_between_real_and_fake():
    seen = []

    def record(x):
        seen.append(x.detach())
        return x.flatten(1).sum(1)

    regularizers.gradient_penalty(record, torch.ones(200, 1, 2), torch.zeros(200, 1, 2))
    values = seen[0]
    assert 0 <= values.min() < 0.1 < 0.9 < values.max() <= 1
    assert (values[:, :, 0] == values[:, :, 1]).all()  # one point per item


def test_penalties_work_in_bfloat16():
    net = nn.Sequential(nn.Conv2d(3, 8, 4, 2, 1), nn.LeakyReLU(0.2), nn.Flatten(), nn.Linear(32, 1))
    x = torch.randn(16, 3, 4, 4, requires_grad=True)
    exact = regularizers.zero_centred_penalty(net(x), x)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        rough = regularizers.zero_centred_penalty(net(x), x)
    assert rough.item() == pytest.approx(exact.item(), rel=0.05)
    rough.backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in (net[0].weight, net[3].weight))


def test_feature_matching_compares_means():
    real, fake = torch.randn(6, 4), torch.randn(6, 4, requires_grad=True)
    assert regularizers.feature_matching(real, real[torch.randperm(6)]).item() == pytest.approx(0, abs=1e-12)
    regularizers.feature_matching(real.requires_grad_(), fake).backward()
    assert real.grad is None
    assert fake.grad is not None


def test_mode_seeking_is_the_lack_of_spread_within_classes():
    label = torch.arange(64) % 2
    means = torch.tensor([-0.5, 0.5])[label].reshape(-1, 1, 1, 1)
    real = means + 0.2 * torch.randn(64, 3, 8, 8)
    seek = regularizers.mode_seeking
    assert seek(real, real.flip(0).roll(1, 0), label).item() == pytest.approx(0, abs=1e-6)
    assert seek(real, means.expand_as(real), label).item() == pytest.approx(1)  # one image per class
    assert seek(real, means.expand_as(real), torch.zeros_like(label)).item() < 0.6  # regardless of class they differ
    half = means + (real - means) / 2
    assert seek(real, half, label).item() == pytest.approx(0.5, abs=1e-5)
    assert seek(real, 2 * real, label).item() == 0  # more than enough is not rewarded
    assert seek(real[:2], real[:2], label[:2]).item() == 0  # no pair of a class


def test_mode_seeking_drives_images_apart():
    real, fake = torch.randn(8, 1, 8, 8), (torch.zeros(8, 1, 8, 8) + 1e-3 * torch.randn(8, 1, 8, 8)).requires_grad_()
    label = torch.zeros(8, dtype=torch.long)
    before = regularizers.mode_seeking(real, fake, label)
    (gradient,) = torch.autograd.grad(before, fake)
    assert regularizers.mode_seeking(real, fake - 10 * gradient, label) < before


def test_spectral_norm_bounds_every_layer():
    net = nn.Sequential(nn.Conv2d(3, 8, 3), nn.Flatten(), nn.Linear(32, 1), nn.Embedding(4, 5))
    nn.init.normal_(net[0].weight, std=10)
    regularizers.spectral_norm(regularizers.spectral_norm(net))  # twice is once
    for _ in range(30):
        net[:3](torch.randn(2, 3, 4, 4))
    assert torch.linalg.matrix_norm(net[0].weight.flatten(1), 2).item() == pytest.approx(1, abs=0.02)
    assert len(net[0].parametrizations.weight) == 1


def test_instance_noise():
    x = torch.zeros(20, 1, 30, 30)
    assert regularizers.instance_noise(x, 0.0) is x
    assert regularizers.instance_noise(x, 0.3).std().item() == pytest.approx(0.3, rel=0.05)
