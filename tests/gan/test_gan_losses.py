from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from neubauer.gan.losses import LOSSES

REAL = torch.tensor([0.3, -1.2, 2.0])
FAKE = torch.tensor([-0.7, 0.4, 1.1])


def test_cross_entropy_is_binary_cross_entropy():
    expected = F.binary_cross_entropy_with_logits(REAL, torch.full((3,), 0.9))
    expected = expected + F.binary_cross_entropy_with_logits(FAKE, torch.zeros(3))
    for name in ("nonsaturating", "minimax"):
        torch.testing.assert_close(LOSSES[name].discriminator(REAL, FAKE, 0.1), expected)
    saturating = torch.log(1 - torch.sigmoid(FAKE)).mean()
    torch.testing.assert_close(LOSSES["minimax"].generator(FAKE, REAL), saturating)
    torch.testing.assert_close(LOSSES["nonsaturating"].generator(FAKE, REAL), -torch.log(torch.sigmoid(FAKE)).mean())


@pytest.mark.parametrize(
    ("name", "discriminator", "generator"),
    [
        ("least-squares", (0.49 + 4.84 + 1) / 6 + (0.49 + 0.16 + 1.21) / 6, (2.89 + 0.36 + 0.01) / 6),
        ("hinge", (0.7 + 2.2 + 0) / 3 + (0.3 + 1.4 + 2.1) / 3, -0.8 / 3),
        ("wasserstein", 0.8 / 3 - 1.1 / 3, -0.8 / 3),
    ],
)
def test_values_by_hand(name, discriminator, generator):
    assert LOSSES[name].discriminator(REAL, FAKE, 0.0).item() == pytest.approx(discriminator, rel=1e-5)
    assert LOSSES[name].generator(FAKE, REAL).item() == pytest.approx(generator, rel=1e-5)


def test_relativistic_compares_pairs():
    loss = LOSSES["relativistic"]
    torch.testing.assert_close(loss.discriminator(REAL, FAKE, 0.0), -torch.log(torch.sigmoid(REAL - FAKE)).mean())
    # only differences count
    torch.testing.assert_close(loss.generator(FAKE + 5, REAL + 5), loss.generator(FAKE, REAL))


@pytest.mark.parametrize("name", LOSSES)
def test_players_pull_in_opposite_directions(name):
    real, fake = REAL.clone().requires_grad_(), FAKE.clone().requires_grad_()
    on_real, on_fake = torch.autograd.grad(LOSSES[name].discriminator(real, fake, 0.0), (real, fake))
    assert on_real.sum() < 0 < on_fake.sum()
    (pull,) = torch.autograd.grad(LOSSES[name].generator(fake, real), fake)
    assert pull.sum() < 0
