"""The pieces of a training without annotations: pseudo-labels, refit of the simulator, repainting, trust, the game."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch

from neubauer.errors import InputError
from neubauer.gan.config.base import validate
from neubauer.gan.config.labelfree import LabelFreeConfig, PainterConfig
from neubauer.gan.games.image_layout import ImageLayout
from neubauer.layouts.decode import Thresholds
from neubauer.layouts.simulator.appearance import Appearance
from neubauer.layouts.simulator.population import Population
from neubauer.layouts.simulator.simulate import simulate
from neubauer.layouts.spec import LayoutSpec
from neubauer.models.counter.layout import Layout
from neubauer.models.counter.loss import activate, layout_loss
from neubauer.models.counter.objects import Objects
from neubauer.models.labelfree.crops import Found, mixed, pseudo_labelled, scaled_pixels, simulated, source_of
from neubauer.models.labelfree.paint import UnpairedCrops, painting, train_painter
from neubauer.models.labelfree.painter import PainterFacts, PainterModel, load_painter
from neubauer.models.labelfree.refit import population_distance, refit
from neubauer.models.labelfree.repaint import repaint, scene_of
from neubauer.models.labelfree.simulate import procedural
from neubauer.models.labelfree.trust import agreement, doubts
from neubauer.nets.store import load_model, save_model
from neubauer.nets.unet import LayoutNet

SPEC = LayoutSpec(("cell",), 12.0)
POPULATION = Population.model_validate({"kinds": [{"diameter": 12.0}], "coverage": (0.2, 0.3), "background": "dark"})
STYLE = {"background": (0.1,), "colours": ((0.8,),), "nuclei": ((0.8,),)}
APPEARANCE = Appearance.model_validate({"looks": [{}], "styles": [STYLE]})
THRESHOLDS = Thresholds((0.35,), (0.45,))


def found_of(labels: np.ndarray, centres: np.ndarray, diameters: np.ndarray, peak: float = 0.9) -> Found:
    """What a perfect network would find."""
    small = labels[::2, ::2]
    maps = np.zeros((4, *small.shape), np.float16)
    maps[3] = small > 0
    rows, columns = (np.clip(np.round(centres[:, i] / 2).astype(int), 0, small.shape[i] - 1) for i in (0, 1))
    maps[0, rows, columns] = peak
    probability = np.full((1, *small.shape), 255, np.uint8)
    layout = Layout(
        maps, probability, np.array([float(len(centres))]), 1.0, labels.shape, labels.shape, np.zeros((1, 1, 8))
    )
    n = len(centres)
    return Found(layout, Objects(small, centres, diameters, np.zeros((n, 2)), np.ones((n, 1)), np.full(n, 0.5)), labels)


def scenes(n: int, population: Population = POPULATION, seed: int = 0) -> list[Found]:
    rng = np.random.default_rng(seed)
    made = [simulate(population, (96, 96), rng) for _ in range(n)]
    return [found_of(s.labels, s.centres, s.diameters) for s in made]


def test_nothing_is_learnt_from_where_the_network_was_not_sure() -> None:
    labels = np.zeros((32, 32), np.int32)
    labels[4:12, 4:12] = 1
    found = found_of(labels, np.array([[7.5, 7.5]]), np.array([9.0]))
    maps = found.layout.maps.copy()
    maps[0, 10, 10] = 0.25  # a faint peak elsewhere
    maps[3, 12:14, 2:4] = 0.9  # foreground of no object
    maps[3, 2, 8:10] = 0.5  # neither foreground nor background
    found = replace(found, layout=replace(found.layout, maps=maps))
    image = pseudo_labelled(np.zeros((1, 32, 32)), found, THRESHOLDS, np.zeros(1))
    assert image.complete
    assert len(image.marks.centres) == 1
    assert image.marks.ignore[20:22, 20:22].all()
    assert image.marks.ignore[24:28, 4:8].all()
    assert image.marks.ignore.sum() == 4 + 16
    assert image.marks.unknown_extent[4:6, 16:20].all()
    assert not image.marks.ignore[labels > 0].any()


def test_cells_cut_by_the_border_are_counted_as_in_the_simulation() -> None:
    labels = np.zeros((32, 32), np.int32)
    labels[0:4, 4:12], labels[10:18, 24:32] = 1, 2
    found = found_of(labels, np.array([[1.5, 7.5], [13.5, 27.5]]), np.array([6.0, 9.0]))
    counts = [
        len(pseudo_labelled(np.zeros((1, 32, 32)), found, THRESHOLDS, np.array([least])).marks.centres)
        for least in (0, 50, 100)
    ]
    assert counts == [2, 1, 0]


def test_shares_of_a_mixture() -> None:
    made = simulated(POPULATION, procedural(POPULATION, APPEARANCE), 12, 32, 0)
    assert len(mixed(made, made[:3], 0.5)) == 24
    assert len(mixed(made[:3], made, 0.5)) == 24
    assert len(mixed(made[:4], made[:4], 0.75)) == 16
    assert mixed(made, [], 0.5) == made


def test_large_images_are_cut_to_a_window() -> None:
    rng = np.random.default_rng(0)
    source = source_of(rng.random((1, 1100, 40)).astype(np.float32))
    assert scaled_pixels(source, LayoutSpec(("cell",), 24.0), 24, (1, 99.8)).shape == (1, 1024, 40)
    assert scaled_pixels(source, LayoutSpec(("cell",), 24.0), 48, (1, 99.8)).shape == (1, 550, 20)


def test_refit_finds_size_and_density() -> None:
    truth = POPULATION.model_copy(update={"coverage": (0.3, 0.45), "kinds": POPULATION.scaled(1.2).kinds})
    found = scenes(40, truth, 1)
    fitted = refit(POPULATION, found)
    assert fitted.kinds[0].diameter == pytest.approx(14.4, rel=0.08)
    before, after = (population_distance(found, scenes(40, p, 2)) for p in (POPULATION, fitted))
    assert after["diameter"] < 0.5 * before["diameter"]
    assert after["coverage"] < 0.5 * before["coverage"]
    nonsense = refit(POPULATION, [found_of(np.ones((96, 96), np.int32), np.array([[40.0, 40.0]]), np.array([99.0]))])
    assert np.mean(nonsense.coverage) <= 2 * np.mean(POPULATION.coverage) + 1e-9


def test_predicted_masks_can_be_drawn_again() -> None:
    scene = simulate(POPULATION, (96, 96), np.random.default_rng(3))
    again = scene_of(scene.labels, scene.class_index)
    assert (again.labels == scene.labels).all()
    for i, body in enumerate(again.bodies, start=1):
        inside = scene.labels[body.window] == i
        assert (body.rim[inside] <= 1).all()
        assert (body.rim[~inside] >= 1).all()
    found = found_of(scene.labels, scene.centres, scene.diameters)
    picture = repaint(found, procedural(POPULATION, APPEARANCE))[0]
    assert picture[scene.labels > 0].mean() > picture[scene.labels == 0].mean() + 0.3


def test_agreement_and_doubts() -> None:
    a, b = scenes(3, seed=4), scenes(3, seed=5)
    assert agreement(a, a, 12) == 1
    assert agreement(a, b, 12) < 0.6
    good = {"density_difference": 0.05, "cycle_f1": 0.95, "seeds_f1": 0.9}
    assert doubts(good) == []
    assert "two seeds find different cells" in doubts(good | {"seeds_f1": 0.5})[0]
    assert len(doubts({"cycle_f1": 0.1, "images_without_cells": 0.9})) == 2


def test_the_painter_learns_what_real_images_look_like(tmp_path: Path) -> None:
    """Real cells are darker at the right and their background is brighter than what is drawn; cells stay in place."""
    draw = procedural(POPULATION, APPEARANCE)
    drawn = simulated(POPULATION, draw, 12, 48, 0)
    real = [0.25 + 0.5 * i.pixels.astype(np.float32) for i in simulated(POPULATION, draw, 12, 48, 50)]
    with torch.random.fork_rng():
        torch.manual_seed(0)
        segmenter = LayoutNet(1, SPEC.channels, (8, 8), (1, 1))
    config = PainterConfig(
        steps=200,
        batch_size=4,
        side=32,
        widths=(8, 12),
        depths=(1, 1),
        critic_widths=(8, 16),
        learning_rate=1e-3,
        keep_weight=0.1,
    )
    painter = train_painter(segmenter, real, drawn, SPEC, config, 0)
    scene = simulate(POPULATION, (50, 50), np.random.default_rng(7))
    rng = np.random.default_rng
    before, after = draw(scene, rng(1))[0], painting(painter, draw, SPEC)(scene, rng(1))[0]
    cells = scene.labels > 0
    wanted = np.mean([r.min() for r in real])
    assert after.shape == before.shape
    assert abs(after[~cells].mean() - wanted) < 0.6 * abs(before[~cells].mean() - wanted)
    assert after[cells].mean() > after[~cells].mean() + 0.1
    facts = PainterFacts(
        population=POPULATION,
        appearance=APPEARANCE,
        layout_diameter=SPEC.diameter,
        density_sigma=SPEC.density_sigma,
        style=config.style,
        widths=config.widths,
        depths=config.depths,
    )
    again = load_painter(PainterModel(facts, painter).save(tmp_path / "p.safetensors"))
    assert np.allclose(again.paint(scene, rng(1))[0], after, atol=1e-4)  # nothing but the seed decides
    raw, tensors = load_model(tmp_path / "p.safetensors", "painter")
    save_model(tmp_path / "q.safetensors", "painter", raw | {"style": 9}, tensors)
    with pytest.raises(InputError, match="painter of this version"):
        load_painter(tmp_path / "q.safetensors")


def test_the_game_has_a_critic_of_layouts_if_wanted() -> None:
    config = PainterConfig(
        steps=1, batch_size=2, side=32, widths=(8,), depths=(1,), critic_widths=(8, 8), layout_weight=0.5
    )
    drawn = simulated(POPULATION, procedural(POPULATION, APPEARANCE), 2, 32, 0)
    terms = partial(layout_loss, spec=SPEC, class_weight=torch.ones(1))
    game = ImageLayout(config, 1, SPEC, LayoutNet(1, SPEC.channels, (8,), (1,)), terms, partial(activate, spec=SPEC))
    batch = UnpairedCrops([d.pixels.astype(np.float32) for d in drawn], drawn, SPEC, 32).batch(
        np.arange(2), np.random.default_rng(0)
    )
    assert set(game.discriminator_loss(batch).terms) == {"image", "layout"}
    losses = game.generator_loss(batch).terms
    assert {"image", "keep", "layout", "find-centre"} <= set(losses)
    losses["layout"].backward()
    gradients = [p.grad for p in game.segmenter.parameters() if p.grad is not None]
    assert any(bool((g != 0).any()) for g in gradients)
    assert all(p.grad is None for p in game.painter.parameters())
    pictures = game.preview(game.generator)
    assert pictures is not None
    assert pictures.shape == (6, 1, 32, 32)


def test_config_says_what_is_wrong() -> None:
    with pytest.raises(InputError, match="hinge"):
        validate(PainterConfig, {"loss": "hing"}, "painter")
    with pytest.raises(InputError, match="one by one"):
        validate(PainterConfig, {"loss": "relativistic"}, "painter")
    config = LabelFreeConfig(warm_steps=10, steps=5, rounds=2, twin_steps=1, painter=PainterConfig(steps=3))
    assert config.total_steps == 10 + 3 + 2 * 2 + 1
