from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from neubauer.gan.losses import CLASS_LOSSES, LOSSES

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


def test_a_discriminative_classifier_asks_for_the_class_and_for_real():
    loss = CLASS_LOSSES["discriminative"]
    logits = torch.tensor([[2.0, 0.0, -1.0, 0.5], [0.3, 1.0, 0.1, -2.0]])  # two classes of real, two of generated items
    label = torch.tensor([0, 1])
    probability = logits.softmax(1)
    expected = -probability.log()[[0, 1], label].mean() - probability.log()[[0, 1], label + 2].mean()
    torch.testing.assert_close(loss.discriminator(logits, logits, label), expected)
    torch.testing.assert_close(loss.generator(logits, label), F.softplus(torch.tensor(-3.0)))


def test_only_an_auxiliary_classifier_rewards_typical_items():
    label = torch.tensor([0])
    typical, rare = torch.tensor([[6.0, 0.0]]), torch.tensor([[1.0, 0.0]])
    auxiliary = CLASS_LOSSES["auxiliary"]
    assert auxiliary.generator(typical, label) < auxiliary.generator(rare, label)
    # the same likelihoods of the class, each as probable of a real as of a generated item
    discriminative = CLASS_LOSSES["discriminative"]
    assert discriminative.generator(typical.repeat(1, 2), label) == discriminative.generator(rare.repeat(1, 2), label)
