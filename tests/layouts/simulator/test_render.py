from __future__ import annotations

import numpy as np
import pytest

from neubauer.images.normalise import CLIP
from neubauer.layouts.simulator.appearance import Appearance, KindLook, NucleusLook, Style
from neubauer.layouts.simulator.backdrop import clear_background
from neubauer.layouts.simulator.population import CellKind, Population
from neubauer.layouts.simulator.render import render
from neubauer.layouts.simulator.simulate import simulate

PLAIN = {"noise": 0.0, "blur": 0.3, "unevenness": 0.0, "grain": 0.0}
CELLS = Population(
    kinds=(CellKind(name="a", diameter=14), CellKind(name="b", diameter=14)), coverage=(0.3,), overlap=0, clumping=0
)
STYLE = Style(
    background=(0.9, 0.8, 0.7),
    colours=((0.4, 0.2, 0.1), (0.1, 0.3, 0.6)),
    nuclei=((0.0, 0.0, 0.0), (0.0, 0.0, 0.0)),
    **PLAIN,
)
EXACT = {"dome": (0, 0), "texture": 0, "strength_sd": 0, "edge": 0}


def appearance(**changes) -> Appearance:
    looks = (KindLook(**EXACT), KindLook(**EXACT))
    return Appearance(**({"looks": looks, "styles": (STYLE,), "debris": 0, "colour_sd": 0, "variety": 0} | changes))


def drawn(a: Appearance, p: Population = CELLS, seed: int = 0):
    rng = np.random.default_rng(seed)
    scene = simulate(p, (96, 96), rng)
    return scene, render(scene, p, a, rng)


def test_colours_are_those_of_the_style():
    scene, image = drawn(appearance())
    assert image.shape == (3, 96, 96)
    assert image.dtype == np.float32
    assert np.median(image[:, scene.labels == 0], 1) == pytest.approx(STYLE.background, abs=0.02)
    for k in (0, 1):
        inside = np.isin(scene.labels, np.flatnonzero(scene.class_index == k) + 1)
        assert np.median(image[:, inside], 1) == pytest.approx(STYLE.colours[k], abs=0.05)


def test_the_same_seed_gives_the_same_image():
    full = Appearance(looks=(KindLook(), KindLook()), styles=(STYLE, STYLE), debris=1)
    assert np.array_equal(drawn(full, seed=3)[1], drawn(full, seed=3)[1])
    assert not np.array_equal(drawn(full, seed=3)[1], drawn(full, seed=4)[1])


def test_overlap_is_darker_for_dyes_and_not_for_opaque_cells():
    p = CELLS.model_copy(update={"overlap": 0.5, "clumping": 1.0, "coverage": (0.6,)})

    def darkest(opacity: float) -> float:
        look = KindLook(**EXACT, opacity=(opacity, opacity))
        same = STYLE.model_copy(update={"colours": (STYLE.colours[0],) * 2})
        _, image = drawn(appearance(looks=(look, look), styles=(same,)), p)
        return float(image[0].min())

    assert darkest(1.0) == pytest.approx(0.4, abs=0.05)
    assert darkest(0.0) < 0.1


def test_pale_middle():
    look = KindLook(**EXACT, pallor=(0.8, 0.8))
    scene, image = drawn(appearance(looks=(look, look)))
    contrast = 0.9 - image[0]
    centre, rim = [], []
    for body in scene.bodies:
        values = contrast[body.window]
        own = body.rim < 0.15
        if own.any() and body.kind == 0:
            centre.append(values[own].mean())
            rim.append(values[(body.rim > 0.8) & (body.rim < 0.9)].mean())
    assert np.median(centre) < 0.5 * np.median(rim)


def test_nucleus_lies_in_its_cell():
    look = KindLook(**EXACT, nucleus=NucleusLook(share=(0.4, 0.4), lobes=(2, 3), texture=0))
    scene, image = drawn(appearance(looks=(look, look)))
    dark = image.max(0) < 0.08
    assert not dark[scene.labels == 0].any()
    assert 0.1 < dark[scene.labels > 0].mean() < 0.6


def test_noise_and_variety_change_the_image_within_limits():
    noisy = STYLE.model_copy(update={"noise": 0.1, "unevenness": 0.1, "grain": 0.1})
    _, image = drawn(appearance(styles=(noisy,), variety=0.5, debris=3))
    assert CLIP[0] <= image.min() < image.max() <= CLIP[1]
    assert np.abs(np.diff(image, axis=2)).mean() > 0.03


def test_out_of_focus_cells_have_softer_edges():
    def steepness(share: float) -> float:
        p = CELLS.model_copy(update={"out_of_focus": share, "coverage": (0.1,)})
        return float(np.abs(np.diff(drawn(appearance(), p)[1][0])).max())

    assert steepness(1.0) < 0.5 * steepness(0.0)


def test_appearance_survives_json_without_its_backdrops():
    a = appearance(backdrops=(np.zeros((3, 8, 8), np.float16),))
    again = Appearance.model_validate_json(a.model_dump_json())
    assert again.backdrops == ()
    assert again.looks == a.looks
    assert again.styles == a.styles


def test_a_backdrop_is_drawn_on():
    stripes = np.tile(np.array([0.2, 0.9], np.float16).repeat(8), 12)[None, None].repeat(96, 1).repeat(3, 0)
    a = appearance(backdrops=(stripes,))
    levels = []
    for seed in range(8):
        scene, image = drawn(a, seed=seed)
        levels.append(image[0][scene.labels == 0].std())
    assert sum(level > 0.2 for level in levels) >= 4  # most renderings, not all


def test_cells_are_taken_out_of_a_background():
    scene, image = drawn(appearance())
    rng = np.random.default_rng(0)
    clear = clear_background(image, scene.labels > 0, 14, rng)
    assert clear.shape == image.shape
    assert np.abs(clear.astype(np.float32) - np.array(STYLE.background)[:, None, None]).max() < 0.1
