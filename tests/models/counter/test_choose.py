"""Which bundled counter knows images like these."""

from __future__ import annotations

import numpy as np
import pytest
from scenes import discs
from skimage import data

from neubauer.errors import InputError
from neubauer.images.read import from_array
from neubauer.models.counter import predict
from neubauer.models.counter.choose import choose_counter
from neubauer.models.counter.file import KIND
from neubauer.models.counter.predict import TrainedCounter
from neubauer.models.shared.bundled import bundled
from neubauer.models.shared.inputs import WHOLE, Reading


def test_bright_nuclei_on_a_dark_ground_are_for_the_fluorescence_model() -> None:
    choice = choose_counter([from_array(discs(20, size=200, radius=(8, 12), gap=4)[0])], WHOLE)
    assert choice.name == "nuclei-fluorescence"
    assert "times as far from what it has learnt" in choice.reason


def test_a_stain_is_for_the_model_of_the_stain() -> None:
    tissue = from_array(data.immunohistochemistry()[:200, :200])
    assert choose_counter([tissue], Reading(stain="haematoxylin")).name == "nuclei-haematoxylin"
    assert choose_counter([tissue], WHOLE).name.startswith("nuclei-histology")


def test_a_picture_without_cells_fits_no_model() -> None:
    choice = choose_counter([from_array(data.coffee())], WHOLE)
    assert not choice.fits
    assert "no bundled model has learnt images like these" in choice.reason


def test_no_counter_takes_five_channels() -> None:
    image = from_array(np.random.default_rng(0).integers(0, 255, (5, 64, 64), np.uint8), axes="CYX")
    with pytest.raises(InputError, match="none for these images"):
        choose_counter([image], WHOLE)


def test_bundled_counters_know_sizes_their_images_and_their_licence() -> None:
    counters = [TrainedCounter.load(m.path) for m in bundled() if m.header()["kind"] == KIND]
    counters = [c for c in counters if "for" not in c.config.training]  # of a task of its own
    assert len(counters) >= 5
    for counter in counters:
        assert counter.scale_ is not None
        assert counter.known_ is not None
        assert counter.config.training["licence"]
        assert set(counter.config.calibration.count_method.values()) == {"peaks"}


def test_of_a_large_image_the_middle_tells_the_size(monkeypatch: pytest.MonkeyPatch) -> None:
    image = discs(24, size=256, radius=(9, 12), gap=4)[0].repeat(2, 0).repeat(2, 1)
    counter = TrainedCounter.load("nuclei-fluorescence")
    whole = counter.predict(image)
    passes = []
    decoded = TrainedCounter._decoded
    monkeypatch.setattr(TrainedCounter, "_decoded", lambda *a: passes.append(a) or decoded(*a))
    monkeypatch.setattr(predict, "PROBE", 100)
    parts = counter.predict(image)
    assert len(passes) == 1
    assert abs(len(parts) - len(whole)) <= 1
    assert parts.info["diameter"] == pytest.approx(whole.info["diameter"], rel=0.05)
    assert whole.info["diameter"] == pytest.approx(42, rel=0.1)
