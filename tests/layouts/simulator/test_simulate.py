from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from neubauer.layouts.encode import encode
from neubauer.layouts.simulator.outlines import draw_body
from neubauer.layouts.simulator.population import CellKind, Population
from neubauer.layouts.simulator.simulate import simulate
from neubauer.layouts.spec import LayoutSpec

ROUND = CellKind(name="a", diameter=12, diameter_sd=0, elongation=(1, 1), irregularity=0)


def population(**changes) -> Population:
    return Population(**({"kinds": (ROUND,), "coverage": (0.2,), "overlap": 0.0, "clumping": 0.0} | changes))


def scenes(p: Population, n: int = 20, side: int = 128):
    return [simulate(p, (side, side), np.random.default_rng(i)) for i in range(n)]


def test_population_survives_json():
    p = population(kinds=(ROUND, CellKind(name="b", diameter=30, shape="rod", elongation=(2, 4), share=0.1)))
    assert Population.model_validate_json(p.model_dump_json()) == p


@pytest.mark.parametrize("wrong", [{"overlap": 1.0}, {"kinds": ()}, {"clumping": -0.1}, {"colour": 1}])
def test_population_refuses_nonsense(wrong):
    with pytest.raises(ValidationError):
        population(**wrong)


def test_scaled_and_balanced():
    p = population(kinds=(ROUND, CellKind(name="b", diameter=24, share=0.01)))
    assert [k.diameter for k in p.scaled(2).kinds] == [24, 48]
    assert p.typical_diameter == 12
    assert p.shares[1] < p.balanced().shares[1] == pytest.approx(0.1 / 4 / (1 + 0.1 / 4), rel=0.02)


def test_the_same_seed_gives_the_same_cells():
    a, b, c = (simulate(population(), (64, 80), np.random.default_rng(s)) for s in (1, 1, 2))
    assert np.array_equal(a.labels, b.labels)
    assert np.array_equal(a.centres, b.centres)
    assert not np.array_equal(a.labels, c.labels)
    assert a.labels.shape == (64, 80)


def test_labels_and_arrays_belong_together():
    kinds = (ROUND, CellKind(name="b", diameter=30, share=0.3, shape="lobed"))
    for scene in scenes(population(kinds=kinds, overlap=0.4, clumping=0.6, coverage=(0.5,)), 5):
        n = len(scene.bodies)
        assert n > 10
        assert np.array_equal(np.unique(scene.labels), np.arange(n + 1))
        y, x = np.round(scene.centres).astype(int).T
        assert np.array_equal(scene.labels[y, x], np.arange(1, n + 1))
        area = np.bincount(scene.labels.ravel())[1:]
        assert np.allclose(scene.diameters, 2 * np.sqrt(area / np.pi))
        assert [b.kind for b in scene.bodies] == scene.class_index.tolist()


def test_density_is_that_of_the_coverage():
    covered = [(s.labels > 0).mean() for s in scenes(population(coverage=(0.1,)), 60)]
    assert np.mean(covered) == pytest.approx(0.1, rel=0.15)
    sparse, dense = (np.mean([len(s.bodies) for s in scenes(population(coverage=(c,)))]) for c in (0.05, 0.2))
    assert dense / sparse == pytest.approx(4, rel=0.35)


def test_coverage_varies_between_images_as_its_quantiles():
    covered = np.array([(s.labels > 0).mean() for s in scenes(population(coverage=(0.0, 0.0, 0.3)), 60)])
    assert 0.3 < (covered < 0.02).mean() < 0.7
    assert covered.max() > 0.2


def test_cells_do_not_reach_into_each_other_further_than_they_may():
    for overlap in (0.0, 0.3):
        for scene in scenes(population(overlap=overlap, clumping=0.7, coverage=(0.5,)), 5):
            centres = np.array([b.centre for b in scene.bodies])
            apart = np.hypot(*(centres[:, None] - centres[None]).transpose(2, 0, 1))[np.triu_indices(len(centres), 1)]
            assert apart.min() >= (1 - overlap) * ROUND.diameter - 1e-6


def test_clumped_cells_have_nearer_neighbours():
    def nearest(clumping: float) -> float:
        found = []
        for scene in scenes(population(clumping=clumping, coverage=(0.08,))):
            c = np.array([b.centre for b in scene.bodies])
            d = np.hypot(*(c[:, None] - c[None]).transpose(2, 0, 1)) + 1e9 * np.eye(len(c))
            found.extend(d.min(1))
        return float(np.median(found))

    assert nearest(0.9) < 0.8 * nearest(0.0)


def test_cells_are_cut_by_the_border():
    scene = simulate(population(coverage=(0.4,)), (96, 96), np.random.default_rng(0))
    edge = np.concatenate([scene.labels[0], scene.labels[-1], scene.labels[:, 0], scene.labels[:, -1]])
    assert len(np.unique(edge)) > 5


def test_shares_of_kinds():
    kinds = (ROUND, CellKind(name="b", diameter=12, share=3))
    index = np.concatenate([s.class_index for s in scenes(population(kinds=kinds))])
    assert (index == 1).mean() == pytest.approx(0.75, abs=0.06)


@pytest.mark.parametrize(
    ("shape", "elongation"),
    [("ellipse", (1, 1)), ("ellipse", (3, 3)), ("rod", (3, 3)), ("polygon", (1, 1)), ("lobed", (1, 1))],
)
def test_every_shape_has_about_the_area_of_its_diameter(shape, elongation):
    kind = CellKind(diameter=40, shape=shape, elongation=elongation, irregularity=0.05)
    areas, ratios = [], []
    for seed in range(20):
        body = draw_body(kind, 0, np.array([64.0, 64.0]), 20.0, (128, 128), np.random.default_rng(seed))
        inside = np.argwhere(body.rim <= 1)
        areas.append(len(inside))
        values = np.linalg.eigvalsh(np.cov(inside.T))
        ratios.append(np.sqrt(values[1] / values[0]))
    assert np.mean(areas) == pytest.approx(np.pi * 20**2, rel=0.15)
    assert np.median(ratios) == pytest.approx(elongation[0], rel=0.3)


def test_a_simulated_scene_is_a_layout():
    spec = LayoutSpec(("a",), 12.0)
    scene = simulate(population(), (64, 64), np.random.default_rng(0))
    maps, known = encode(scene, spec)
    assert maps[spec.density].sum() == pytest.approx(len(scene.bodies), rel=1e-3)
    assert known[spec.foreground].all()


def test_no_cells():
    scene = simulate(population(coverage=(0.0,)), (32, 32), np.random.default_rng(0))
    assert scene.labels.max() == 0
    assert scene.centres.shape == (0, 2)
    assert len(scene.bodies) == 0


def test_cells_of_which_little_is_seen_are_drawn_but_not_counted():
    p = population(coverage=(0.6,), overlap=0.3, clumping=0.5)
    whole = scenes(p, 5, 64)
    strict = scenes(p.model_copy(update={"kinds": (ROUND.model_copy(update={"cut": 0.9}),)}), 5, 64)
    for a, b in zip(whole, strict, strict=True):
        assert len(a.bodies) == len(b.bodies) > len(b.class_index)
        assert b.labels.max() == len(b.class_index) == sum(body.counted for body in b.bodies)
        area = np.bincount(b.labels.ravel(), minlength=1)[1:]
        assert (area >= 0.85 * np.pi * 6**2).all()
        assert (np.flatnonzero(b.labels)[:, None] == np.flatnonzero(a.labels)).any(1).all()
