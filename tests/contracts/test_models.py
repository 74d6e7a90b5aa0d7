"""What every kind of model promises."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import neubauer as nb
from neubauer.errors import InputError, NeubauerError
from neubauer.models.classifier.fit import FitSettings as ClassifierSettings
from neubauer.models.counter.fit import FitSettings
from neubauer.models.kinds import KINDS
from neubauer.nets.store import read_header, save_model

RNG = np.random.default_rng(0)
IMAGES = [RNG.integers(0, 255, (1, 64, 64), np.uint8) for _ in range(4)]
QUIET = {"training": {"batch_size": 2, "preview_every": 0}}


def counter() -> Any:
    points = [
        nb.Annotation("points", (64, 64), ("cell",), np.zeros(3, np.int64), RNG.uniform(5, 60, (3, 2))) for _ in IMAGES
    ]
    settings = FitSettings(steps=2, batch=1, crop=32)
    model = nb.CellCounter(diameter=10, settings=settings, widths=(8, 8), depths=(1, 1), validation=0.25)
    return model.fit(IMAGES, points)


def classifier() -> Any:
    cells = RNG.integers(0, 255, (12, 1, 24, 24), np.uint8)
    return nb.CellClassifier(settings=ClassifierSettings(steps=2, batch=4)).fit(cells, ["a", "b", "c"] * 4)


def generator() -> Any:
    changes = {"generator": {"widths": [8]}, "discriminator": {"widths": [8], "base": 4}}
    quiet = {"training": {"batch_size": 4, "preview_every": 0, "monitor": {"every": 0}}}
    images = RNG.integers(0, 255, (12, 1, 8, 8), np.uint8)
    return nb.ImageGenerator("dcgan", changes | quiet).fit(images, steps=1)


def translator() -> Any:
    changes = {"crop": 32, "widths": [8, 8], "depths": [1, 1]} | QUIET
    return nb.StyleTranslator("cut", changes).fit(IMAGES[:2], IMAGES[2:], steps=1)


def inpainter() -> Any:
    changes = {"crop": 32, "widths": [8, 8], "depths": [1, 1], "critic_widths": [8]} | QUIET
    return nb.Inpainter(changes).fit(IMAGES, steps=1)


def sequences() -> Any:
    letters = np.array(list("ACGT"))
    texts = ["".join(row) for row in letters[RNG.integers(0, 4, (40, 16))]]
    quiet = {"training": {"batch_size": 8, "preview_every": 0, "monitor": {"every": 0}}}
    return nb.SequenceGenerator(changes=quiet).fit(texts, steps=1)


MAKE: dict[str, tuple[Callable[[], Any], Callable[[Any], Any]]] = {
    "counter": (counter, lambda m: m.predict(IMAGES[0]).table),
    "classifier": (classifier, lambda m: m.predict_proba([np.zeros((1, 24, 24), np.uint8)])),
    "image-generator": (generator, lambda m: m.sample(3, seed=1)),
    "translator": (translator, lambda m: m.predict(IMAGES[0])),
    "inpainter": (inpainter, lambda m: m.predict(IMAGES[0], np.eye(64, dtype=bool))[0]),
    "sequence-generator": (sequences, lambda m: np.array(m.sample(3, seed=1))),
}


@pytest.fixture(scope="module", params=list(KINDS))
def saved(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Any, Path]:
    """A model of each kind after a step or two, and its file."""
    make, _ = MAKE[request.param]
    model = make()
    return request.param, model, model.save(tmp_path_factory.mktemp("model") / f"{request.param}.safetensors")


def test_loaded_is_what_was_saved(saved: tuple[str, Any, Path], tmp_path: Path) -> None:
    kind, model, file = saved
    assert read_header(file)["kind"] == kind
    loaded = nb.load(file)
    assert type(loaded) is KINDS[kind] is type(model)
    _, use = MAKE[kind]
    assert np.array_equal(np.asarray(use(loaded)), np.asarray(use(KINDS[kind].load(file))))
    assert loaded.save(tmp_path / "again.safetensors").read_bytes() == file.read_bytes()


def test_files_that_are_none_of_its_own_are_named(saved: tuple[str, Any, Path], tmp_path: Path) -> None:
    kind, _, file = saved
    for other, estimator in KINDS.items():
        if other != kind:
            with pytest.raises(InputError, match=file.name):
                estimator.load(file)
    broken = tmp_path / "broken.safetensors"
    broken.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    with pytest.raises(InputError, match=r"broken\.safetensors"):
        KINDS[kind].load(broken)
    save_model(tmp_path / "strange.safetensors", "strange", {}, {})
    with pytest.raises(InputError, match=r"strange.safetensors.*'strange'.*one of"):
        nb.load(tmp_path / "strange.safetensors")


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_saved_before_it_is_fitted(kind: str, tmp_path: Path) -> None:
    with pytest.raises(NeubauerError):
        KINDS[kind]().save(tmp_path / "empty.safetensors")
    assert list(tmp_path.iterdir()) == []


def test_bundled_models_load_by_name() -> None:
    assert isinstance(nb.load("nuclei-fluorescence"), nb.CellCounter)
    assert isinstance(nb.load("blood-cells"), nb.CellClassifier)
