from __future__ import annotations

import numpy as np
import pytest

from neubauer.errors import InputError
from neubauer.layouts.simulator.appearance import Appearance, KindLook, NucleusLook, Style
from neubauer.layouts.simulator.estimate import estimate
from neubauer.layouts.simulator.population import CellKind, Population
from neubauer.layouts.simulator.render import render
from neubauer.layouts.simulator.scale import corrected, diameters, measure_scale
from neubauer.layouts.simulator.simulate import simulate

QUALITY = {"noise": 0.02, "blur": 0.7, "unevenness": 0.02, "grain": 0.01}
NUCLEI = Population(kinds=(CellKind(diameter=18),), coverage=(0.05, 0.25), background="dark", clumping=0.1)
BRIGHT = Appearance(
    looks=(KindLook(),), styles=(Style(background=(0.1,), colours=((0.7,),), nuclei=((0.7,),), **QUALITY),)
)
SMEAR = Population(
    kinds=(CellKind(name="red", diameter=18, share=10), CellKind(name="white", diameter=32, share=1)),
    coverage=(0.2, 0.4),
    background="bright",
)
PAPER, RED, WHITE, DARK = (0.9, 0.85, 0.8), (0.7, 0.4, 0.4), (0.6, 0.5, 0.7), (0.2, 0.1, 0.5)
STAINED = Appearance(
    looks=(KindLook(), KindLook(opacity=(1, 1), nucleus=NucleusLook(share=(0.5, 0.5)))),
    styles=(Style(background=PAPER, colours=(RED, WHITE), nuclei=(RED, DARK), **QUALITY),),
)


def images(p: Population, a: Appearance, n: int = 12, side: int = 160) -> list[np.ndarray]:
    made = []
    for i in range(n):
        rng = np.random.default_rng(i)
        made.append(render(simulate(p, (side, side), rng), p, a, rng))
    return made


@pytest.fixture(scope="module")
def nuclei() -> list[np.ndarray]:
    return images(NUCLEI, BRIGHT)


def test_bright_cells_on_dark(nuclei):
    population, appearance, warnings = estimate(nuclei, diameter=18)
    assert population.background == "dark"
    assert not warnings
    assert population.kinds[0].diameter == 18
    assert np.median(population.coverage) == pytest.approx(0.15, abs=0.06)
    style = appearance.styles[0]
    assert style.background[0] == pytest.approx(0.1, abs=0.05)
    assert style.colours[0][0] == pytest.approx(0.65, abs=0.12)
    assert np.median([s.noise for s in appearance.styles]) == pytest.approx(0.02, rel=0.5)
    assert len(appearance.backdrops) == len(appearance.styles) == len(nuclei)


def test_dark_cells_on_bright(nuclei):
    assert estimate([1 - i for i in nuclei], diameter=18).population.background == "bright"


def test_what_the_user_says_about_the_background_counts(nuclei):
    assert estimate(nuclei, diameter=18, background="dark").population.background == "dark"


def test_density_follows_the_images():
    sparse, dense = (NUCLEI.model_copy(update={"coverage": (c,)}) for c in (0.06, 0.3))
    a, b = (estimate(images(p, BRIGHT), diameter=18).population.coverage for p in (sparse, dense))
    assert np.median(b) > 2.5 * np.median(a)


def test_blur_follows_the_images():
    def blur(sigma: float) -> float:
        style = BRIGHT.styles[0].model_copy(update={"blur": sigma})
        made = images(NUCLEI, BRIGHT.model_copy(update={"styles": (style,), "variety": 0}))
        return float(np.median([s.blur for s in estimate(made, diameter=18).appearance.styles]))

    assert blur(1.2) > 1.3 * blur(0.4)


def test_kinds_get_their_own_colours():
    population, appearance, _ = estimate(images(SMEAR, STAINED), SMEAR, STAINED)
    assert population.classes == ("red", "white")
    assert population.shares[0] > 0.75
    median = {
        "red": np.median([s.colours[0] for s in appearance.styles], 0),
        "nucleus": np.median([s.nuclei[1] for s in appearance.styles], 0),
    }
    assert median["red"] == pytest.approx(RED, abs=0.12)
    assert median["nucleus"] == pytest.approx(DARK, abs=0.15)


def test_estimates_of_renderings_of_an_estimate_agree(nuclei):
    """What was estimated makes images from which the same is estimated."""
    first = estimate(nuclei, diameter=18)
    again = estimate(images(first.population, first.appearance), diameter=18)
    assert np.median(again.population.coverage) == pytest.approx(np.median(first.population.coverage), abs=0.06)
    contrasts = [np.median([s.colours[0][0] - s.background[0] for s in e.appearance.styles]) for e in (first, again)]
    assert contrasts[1] == pytest.approx(contrasts[0], rel=0.3)


def test_few_images_make_a_warning(nuclei):
    assert (
        "few" in estimate(nuclei[:1], diameter=18).warnings[0]
        or "1 image" in estimate(nuclei[:1], diameter=18).warnings[0]
    )


def test_images_without_cells_make_a_warning(nuclei):
    rng = np.random.default_rng(0)
    empty = [0.1 + 0.02 * rng.standard_normal((1, 160, 160)).astype(np.float32) for _ in range(3)]
    population, _, warnings = estimate([*nuclei, *empty], diameter=18)
    assert any("without any cell" in w for w in warnings)
    assert population.coverage[0] == 0


@pytest.mark.parametrize(
    ("made", "kwargs", "message"),
    [
        (list, {"diameter": 18}, "none"),
        (lambda: [np.zeros((1, 64, 64), np.float32), np.zeros((3, 64, 64), np.float32)], {"diameter": 18}, "channels"),
        (lambda: [np.zeros((1, 64, 64), np.float32)] * 12, {"diameter": 18}, "bright or dark"),
        (lambda: [np.zeros((1, 64, 64), np.float32)] * 12, {"diameter": 18, "background": "dark"}, "nothing"),
        (lambda: images(NUCLEI, BRIGHT, 2), {}, "diameter"),
    ],
)
def test_refusals(made, kwargs, message):
    with pytest.raises(InputError, match=message):
        estimate(made(), **kwargs)


def test_as_many_bright_as_dark_structures_are_refused():
    both = []
    for i, j in zip(images(NUCLEI, BRIGHT), images(NUCLEI, BRIGHT)[::-1], strict=True):
        both.append((i - j + 1) / 2)
    with pytest.raises(InputError, match="bright or dark"):
        estimate(both, diameter=18)


def test_diameters_are_measured(nuclei):
    scales = [measure_scale(i, bright_cells=True) for i in nuclei]
    found, warnings = diameters(scales, None)
    assert found == pytest.approx(18, rel=0.2)
    assert not warnings
    found, warnings = diameters(scales, 19)
    assert (found == 19).all()
    assert not warnings


@pytest.mark.parametrize("wrong", [9, 40])
def test_a_diameter_off_by_a_factor_of_two_makes_a_warning(nuclei, wrong):
    _, warnings = diameters([measure_scale(i, bright_cells=True) for i in nuclei], wrong)
    assert len(warnings) == 1
    assert f"{wrong} px" in warnings[0]


def test_mixed_magnifications_are_told_apart(nuclei):
    large = images(NUCLEI.scaled(2.5), BRIGHT, 12, 320)
    found, warnings = diameters([measure_scale(i, bright_cells=True) for i in [*nuclei, *large]], None)
    assert any("magnifications" in w for w in warnings)
    assert np.median(found[12:]) / np.median(found[:12]) == pytest.approx(2.5, rel=0.25)


def test_a_few_annotated_images_say_how_far_measurements_are_off(nuclei):
    """Three large ones are annotated, in which cells are taken for a tenth smaller than they look."""
    large = images(NUCLEI.scaled(2.5), BRIGHT, 3, 320)
    scales = [measure_scale(i, bright_cells=True) for i in [*nuclei, *large]]
    by_hand = [None] * len(nuclei) + [0.9 * s.diameter for s in scales[-3:]]
    assert corrected(scales, by_hand) == pytest.approx(0.9 * np.median([s.diameter for s in scales]))
    assert corrected(scales, [None] * len(scales)) is None
    assert corrected(scales[-3:], by_hand[-3:]) is None  # one magnification: as annotated


def test_images_that_do_not_say_how_large_cells_are():
    rng = np.random.default_rng(0)
    noise = [measure_scale(rng.standard_normal((1, 96, 96)).astype(np.float32), bright_cells=True) for _ in range(5)]
    with pytest.raises(InputError, match="diameter"):
        diameters(noise, None)
    assert (diameters(noise, 12)[0] == 12).all()
