"""Images unlike the training images are told by their distance from them."""

from __future__ import annotations

import numpy as np
import pytest

from neubauer.models.counter.shift import SLOPE, shift
from neubauer.models.counter.strangeness import Known, remember, strangeness, usual_distance

RNG = np.random.default_rng(0)
MIXING = RNG.normal(size=(4, 32))


AWAY = 8 * MIXING[0]


def features(seed: int = 0, blocks: int = 6) -> np.ndarray:
    """Of an image whose blocks scatter in four of 32 directions."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=(blocks, blocks, 4)) @ MIXING


@pytest.fixture(scope="module")
def known() -> Known:
    return remember([features(seed=i) for i in range(20)], [features(seed=100 + i) for i in range(20)])


def test_of_new_images_of_the_known_kind_few_are_strange(known: Known) -> None:
    found = [strangeness(known.distances(features(seed=1000 + i))) for i in range(200)]
    assert np.mean(np.array(found) > 1) < 0.1
    assert np.exp(np.log(found).mean()) == pytest.approx(known.middle, rel=0.1)


def test_of_another_kind_all_are_and_the_parts_that_are_strange_are_told(known: Known) -> None:
    assert all(strangeness(known.distances(features(seed=i) + AWAY)) > 1.5 for i in range(20))
    half = features(seed=7)
    half[:3] += AWAY
    distances = known.distances(half)
    assert distances.shape == (6, 6)
    assert distances[:3].min() > distances[3:].max()


def test_what_is_kept_survives_a_file(known: Known) -> None:
    again = Known.of(known.tensors())
    assert again is not None
    image = features(seed=3) + 1
    np.testing.assert_allclose(again.distances(image), known.distances(image), rtol=1e-5)
    assert Known.of({}) is None


def test_few_images_promise_little() -> None:
    many = np.exp(np.random.default_rng(0).normal(0, 0.2, 200))
    assert usual_distance(many) == pytest.approx(np.quantile(many, 0.95), rel=0.1)
    assert usual_distance([1.0]) > usual_distance([1.0, 1.01]) > 1.3


def test_the_farther_the_more_a_count_may_be_off() -> None:
    assert shift(0.5) == shift(1.0) == 0
    assert shift(2.0) == pytest.approx(SLOPE * np.log(2))


def test_what_the_network_does_not_see_the_look_of_the_pixels_tells() -> None:
    """Its features vary much more, and do not differ; of the two numbers behind them one does."""

    def seen(seed: int, brighter: float = 0.0) -> np.ndarray:
        looks = np.random.default_rng(seed).normal((0.5 + brighter, 3), (0.02, 0.5), size=(6, 6, 2))
        return np.concatenate([100 * features(seed), looks], -1)

    known = remember([seen(i) for i in range(20)], [seen(100 + i) for i in range(20)], looks=2)
    assert strangeness(known.distances(seen(200))) < 1.3
    assert strangeness(known.distances(seen(200, brighter=0.2))) > 2
