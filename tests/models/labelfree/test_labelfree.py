"""A counter from images alone: it learns, says how far to trust it, and refuses what it cannot know."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from scenes import discs

from neubauer.errors import InputError
from neubauer.gan.config.labelfree import LabelFreeConfig, PainterConfig
from neubauer.images.read import from_array
from neubauer.models.counter.evaluate import evaluate_counter
from neubauer.models.estimators.cell_counter import CellCounter
from neubauer.models.labelfree.fit import fit_labelfree
from neubauer.models.labelfree.stages import Stages
from neubauer.models.shared.inputs import Annotated

IMAGES = [discs(8 + 2 * (i % 4), seed=i)[0] for i in range(10)]
TEST = [discs(14, seed=100 + i) for i in range(3)]
SMALL = {"renderings": 24, "side": 96, "batch": 4, "crop": 64}
SEGMENTER = {"diameter": 13, "layout_diameter": 16, "widths": (16, 24, 32), "depths": (1, 1, 1)}
FASTEST = {"renderings": 4, "side": 64, "batch": 2, "crop": 32}
NO_PAINTER = PainterConfig(steps=0)
TINY = LabelFreeConfig(
    **FASTEST,
    warm_steps=2,
    steps=2,
    twin_steps=1,
    rounds=1,
    painter=PainterConfig(steps=2, side=48, widths=(8, 8), depths=(1, 1)),
)


def blank(**options: object) -> CellCounter:
    return CellCounter(**{**SEGMENTER, **options})  # type: ignore[arg-type]


@dataclass
class Trained:
    counter: CellCounter
    stages: Stages
    steps: list[int]
    preview: Path


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    config = LabelFreeConfig(**SMALL, warm_steps=260, steps=140, twin_steps=60, rounds=1, painter=NO_PAINTER)
    counter, steps = blank(), list[int]()
    preview = tmp_path_factory.mktemp("preview") / "six.png"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        learnt, stages = fit_labelfree(
            counter.plan, IMAGES, config=config, report=lambda s, _: steps.append(s), preview=preview
        )
        counter.set(learnt.config, learnt.network_)
    assert steps[-1] == config.total_steps
    return Trained(counter, stages, steps, preview)


def test_learns_without_annotations(trained: Trained) -> None:
    scores, failed = evaluate_counter(trained.counter, [Annotated(from_array(i), a) for i, a in TEST])
    assert not failed
    assert scores["total"]["f1"] > 0.9
    assert scores["total"]["ap50"] > 0.7
    assert scores["total"]["interval_coverage"] == 1


def test_says_how_far_to_trust_it(trained: Trained) -> None:
    facts = trained.counter.config.training
    trust = facts["trust"]
    assert isinstance(trust, dict)
    assert trust["cycle_f1"] > 0.8
    assert trust["images_without_cells"] == 0
    assert 0 <= trust["seeds_f1"] <= 1
    assert facts["calibrated_on"] == "simulated images"
    cells = trained.counter.predict(TEST[0][0])
    assert cells.info["calibrated_on"] == "simulated images"
    doubts = facts["doubts"]
    assert isinstance(doubts, list)
    assert [f for f in cells.flags if "label-free" in f] == [f"label-free training left a doubt: {d}" for d in doubts]


def test_is_an_ordinary_counter_file(trained: Trained, tmp_path: Path) -> None:
    image = TEST[0][0]
    again = CellCounter.load(trained.counter.save(tmp_path / "c.safetensors"))
    assert again.predict(image).table.equals(trained.counter.predict(image).table)
    assert again.config.training["population"] == trained.stages.population.model_dump(mode="json")


def test_steps_and_preview(trained: Trained) -> None:
    from PIL import Image

    assert trained.steps == sorted(trained.steps)
    picture = Image.open(trained.preview)
    assert picture.width > 1.9 * picture.height  # six columns of three


def test_the_simulator_follows_the_images(trained: Trained) -> None:
    population = trained.stages.population
    assert population.background == "dark"
    assert 12 < population.kinds[0].diameter < 19  # 13 px at 16 px per cell
    covered = np.mean([(a.labels > 0).mean() for _, a in [discs(8 + 2 * (i % 4), seed=i) for i in range(10)]])
    assert 0.5 * covered < np.mean(population.coverage) < 2 * covered


@pytest.mark.parametrize(("n", "kept"), [(3, 0), (8, 4)])
def test_a_few_annotations_among_many_images(n: int, kept: int) -> None:
    """They calibrate only where some can be spared."""
    scenes = [discs(8, seed=i) for i in range(10)]
    marks = [a if i < n else None for i, (_, a) in enumerate(scenes)]
    counter = blank(diameter=None, validation=0.5)
    recipe = TINY.model_copy(update={"population": {"kinds": [{"name": "nucleus", "diameter": 13}]}})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        counter.fit([i for i, _ in scenes], marks, labelfree=recipe)
    assert counter.config.classes == scenes[0][1].classes  # one kind of cell is one kind, whatever a recipe calls it
    facts = counter.config.training
    assert (facts["images"], facts["annotated_images"]) == (10 - kept, n - kept)
    assert facts["calibrated_on"] == ("annotated images" if kept else "simulated images")
    assert counter.config.diameter == pytest.approx(13, rel=0.15)


def test_same_seed_same_counter() -> None:
    def weights() -> np.ndarray:
        counter = blank()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            counter.fit(IMAGES[:4], labelfree=TINY)
        assert counter.network_ is not None
        return np.concatenate([p.detach().numpy().ravel() for p in counter.network_.parameters()])

    assert (weights() == weights()).all()


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_refuses_what_it_cannot_know() -> None:
    image = IMAGES[0]
    both = [
        (i if k % 2 else 4000 - i.astype(int)).astype(np.uint16) for k, i in enumerate(IMAGES[:4])
    ]  # bright and dark cells alike
    colour = np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)
    for images, counter, options, message in (
        ([image], blank(diameter=None), {}, "diameter"),
        (both, blank(), {}, "bright or dark"),
        ([image, colour], blank(), {}, "channels"),
        ([], blank(), {}, "at least one image"),
        ([image], blank(), {"labelfree": "nuclei-labelfre"}, "nuclei-labelfree"),
        ([image], blank(), {"labelfree": "blood-smear-labelfree"}, "channels"),
        ([image], blank(), {"classes": ["a", "b"]}, "unknown size"),
        ([image], blank(), {"labelfree": LabelFreeConfig(population={"kinds": []})}, "population"),
        ([np.full((64, 64), 7, np.uint8)] * 3, blank(), {}, "images"),
    ):
        with pytest.raises(InputError, match=message):
            counter.fit(images, **{"labelfree": TINY, **options})


@pytest.mark.filterwarnings("ignore:how far to trust")
def test_warns_of_few_images_and_of_a_wrong_diameter() -> None:
    with pytest.warns(UserWarning, match="1 image;"), pytest.warns(UserWarning, match="diameter given is 26 px"):
        blank(diameter=26).fit(IMAGES[:1], labelfree=TINY)
