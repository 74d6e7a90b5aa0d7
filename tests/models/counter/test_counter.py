"""The counter end to end: it learns in seconds, comes back from its file, and does not care about tiles."""

from __future__ import annotations

import copy
import os
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scenes import as_boxes, as_points, discs

from neubauer.cells.annotation import Annotation
from neubauer.errors import InputError, NeubauerError
from neubauer.images.read import from_array
from neubauer.images.write import write_image, write_labels
from neubauer.models.counter.augment import Augmentation
from neubauer.models.counter.evaluate import evaluate_counter
from neubauer.models.counter.fit import FitSettings, stages
from neubauer.models.estimators.cell_counter import CellCounter
from neubauer.models.shared.inputs import Annotated, as_source, collect

SCENES = [discs(8 + 2 * (i % 4), seed=i) for i in range(12)]
TEST = [discs(14, seed=100 + i) for i in range(3)]


def tiny(steps: int = 260) -> CellCounter:
    settings = FitSettings(steps=steps, batch=4, crop=96)
    return CellCounter(settings=settings, widths=(16, 24, 32), depths=(1, 1, 1), diameter=None)


@pytest.fixture(scope="module")
def counter() -> CellCounter:
    return tiny().fit([i for i, _ in SCENES], [a for _, a in SCENES])


def test_learns_from_masks(counter: CellCounter) -> None:
    scores, failed = evaluate_counter(counter, [Annotated(from_array(i), a) for i, a in TEST])
    assert not failed
    assert scores["total"]["f1"] > 0.9
    assert scores["total"]["ap50"] > 0.8
    assert scores["total"]["mae"] <= 1.5


def test_learns_classes_from_boxes() -> None:
    """Every other disc is much brighter: a class of its own."""
    pairs = []
    for i in range(14):
        image, masks = discs(10, seed=i)
        assert masks.labels is not None
        index = np.arange(10) % 2
        image = np.where((masks.labels > 0) & (masks.labels % 2 == 0), image + 2500, image).astype(np.uint16)
        pairs.append((image, as_boxes(masks, index, ("dim", "bright"))))
    model = tiny(500).fit([i for i, _ in pairs[:12]], [a for _, a in pairs[:12]])
    scores, _ = evaluate_counter(model, [Annotated(from_array(i), a) for i, a in pairs[12:]])
    assert scores["total"]["f1"] > 0.85
    assert scores["dim"]["f1"] > 0.7
    assert scores["bright"]["f1"] > 0.7


def test_learns_from_points() -> None:
    model = tiny().fit([i for i, _ in SCENES], [as_points(a) for _, a in SCENES])
    scores, _ = evaluate_counter(model, [Annotated(from_array(i), as_points(a)) for i, a in TEST])
    assert scores["total"]["f1"] > 0.85
    assert not model.config.extents


def _nuclei(annotation: Annotation) -> Annotation:
    return replace(as_points(annotation), classes=("nucleus",))


def test_a_trained_counter_is_a_better_start(counter: CellCounter, tmp_path: Path) -> None:
    """Few steps on few points: enough for a counter that begins as a trained one, of another class name."""
    file = counter.save(tmp_path / "begin.safetensors")
    few = [(i, _nuclei(a)) for i, a in SCENES[:4]]
    f1 = {}
    for start in (None, file):
        model = CellCounter(settings=FitSettings(steps=10, batch=4, crop=96, learning_rate=3e-4), start=start)
        model.fit([i for i, _ in few], [a for _, a in few])
        scores, _ = evaluate_counter(model, [Annotated(from_array(i), _nuclei(a)) for i, a in TEST])
        f1[start] = scores["total"]["f1"]
    assert model.config.training["start"] == str(file)
    assert model.widths == (16, 24, 32)
    assert f1[file] > 0.85 > f1[None]


def test_a_start_for_other_channels_is_refused(counter: CellCounter, tmp_path: Path) -> None:
    file = counter.save(tmp_path / "grey.safetensors")
    rng = np.random.default_rng(0)
    colour = [rng.integers(0, 255, (3, *i.shape[-2:]), dtype=np.uint8) for i, _ in SCENES]
    with pytest.raises(InputError, match=r"grey\.safetensors: found a counter for 1 channels; expected .* 3 channels"):
        CellCounter(settings=FitSettings(steps=1), start=file).fit(colour, [a for _, a in SCENES])


def test_predicts_what_the_file_predicts(counter: CellCounter, tmp_path: Path) -> None:
    image = TEST[0][0]
    cells = counter.predict(image)
    again = CellCounter.load(counter.save(tmp_path / "c.safetensors")).predict(image)
    assert cells.labels is not None
    assert (cells.labels == again.labels).all()
    assert cells.table.equals(again.table)
    assert cells.estimates == again.estimates
    assert cells.table["label"].tolist() == list(range(1, len(cells) + 1))
    assert cells.table["probability"].between(0, 1).all()


def test_tiles_give_the_same_objects(counter: CellCounter) -> None:
    image = np.concatenate([np.concatenate([i for i, _ in SCENES[r : r + 4]], 1) for r in (0, 4, 8)])
    whole = counter.predict(image)
    tiled = counter.predict(image, tile=64)
    assert len(whole) > 80
    assert whole.labels is not None
    assert tiled.labels is not None
    assert (whole.labels == tiled.labels).all()


def test_diameter_rescales(counter: CellCounter) -> None:
    """Twice as large cells, given or found, are counted as well as before."""
    image, annotation = TEST[0]
    large = image.repeat(3, 0).repeat(3, 1)
    given = counter.predict(large, diameter=3 * counter.config.diameter)
    assert abs(len(given) - len(annotation)) <= 2
    assert counter.predict(image).info["diameter_from"] == "training images"


def test_intervals_hold_the_count(counter: CellCounter) -> None:
    estimate = counter.predict(TEST[0][0]).estimates["total"]
    assert estimate.low <= estimate.count <= estimate.high


def test_empty_and_constant_images_have_no_cells(counter: CellCounter) -> None:
    empty = np.full((100, 60), 1000, np.uint16)
    cells = counter.predict(empty)
    assert len(cells) == 0
    assert cells.counts() == {"cell": 0}
    assert counter.predict(np.zeros((1, 1), np.uint8)).counts() == {"cell": 0}


def test_same_seed_same_counter() -> None:
    def weights(seed: int) -> np.ndarray:
        settings = FitSettings(steps=3, batch=2, crop=64, seed=seed)
        model = CellCounter(settings=settings, widths=(8, 8), depths=(1, 1))
        model.fit([i for i, _ in SCENES[:4]], [a for _, a in SCENES[:4]])
        assert model.network_ is not None
        return np.concatenate([p.detach().numpy().ravel() for p in model.network_.parameters()])

    assert (weights(1) == weights(1)).all()
    assert not np.array_equal(weights(1), weights(2))


def dotted(settings: FitSettings, points: bool = True, **options: Any) -> CellCounter:
    """A small counter, trained on a few scenes."""
    model = CellCounter(settings=settings, widths=(8, 8), depths=(1, 1), diameter=14.0)
    return model.fit([i for i, _ in SCENES[:4]], [as_points(a) if points else a for _, a in SCENES[:4]], **options)


def weights_of(model: CellCounter) -> np.ndarray:
    assert model.network_ is not None
    return np.concatenate([t.detach().numpy().ravel() for t in model.network_.state_dict().values()])


def test_training_on_points_ends_with_plain_crops() -> None:
    """By default 0.3 of the steps for points and none for masks; where all are plain, no augmentation matters."""

    def weights(plain: float | None, augmentation: Augmentation, points: bool = True) -> np.ndarray:
        settings = FitSettings(steps=4, batch=2, crop=64, plain=plain, refit=0.0, augmentation=augmentation)
        return weights_of(dotted(settings, points))

    noisy, varied = Augmentation(noise=0.2), Augmentation()
    assert (weights(1.0, noisy) == weights(1.0, varied)).all()
    assert not np.array_equal(weights(0.0, noisy), weights(0.0, varied))
    assert (weights(None, varied) == weights(0.3, varied)).all()
    assert (weights(None, varied, points=False) == weights(0.0, varied, points=False)).all()


def test_plain_crops_are_learnt_from_with_the_statistics_of_predictions() -> None:
    """After the turn they stay as they are: the same whatever comes then."""

    def statistics(steps: int, plain: float) -> np.ndarray:
        model = dotted(FitSettings(steps=steps, batch=2, crop=64, plain=plain, refit=0.0, learning_rate=0.0))
        assert model.network_ is not None
        state = model.network_.state_dict()
        return np.concatenate([t.numpy() for name, t in state.items() if "running" in name])

    assert (statistics(2, 1.0) == statistics(4, 1.0)).all()
    assert not np.array_equal(statistics(2, 0.0), statistics(4, 0.0))


def test_training_on_points_goes_on_with_all_images() -> None:
    """By default the last third of the steps; the calibration is that of the images held out before."""
    settings = FitSettings(steps=6, batch=2, crop=64)
    first, second = stages(settings, points=True)
    assert second is not None
    assert (first.steps, first.plain, second.steps, second.plain) == (4, 0.3, 2, 1.0)
    assert stages(settings, points=False)[1] is None
    whole, before = dotted(settings), dotted(first)
    assert whole.config.calibration == before.config.calibration
    assert not np.array_equal(weights_of(whole), weights_of(before))
    assert whole.config.training["all_images_steps"] == 2


@pytest.mark.parametrize(("stop_at", "refit"), [(10, 6 / 7), (10, 0.0), (60, 6 / 7)])
def test_a_training_stopped_in_any_stage_ends_with_the_same_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stop_at: int, refit: float
) -> None:
    settings = FitSettings(steps=70, batch=1, crop=32, refit=refit)  # all at once, or 10 and 60 steps
    whole, kept = dotted(settings), tmp_path / "kept"
    with monkeypatch.context() as patch:

        def calibrate(*_: object) -> None:
            raise KeyboardInterrupt

        if stop_at == 10:
            patch.setattr("neubauer.models.counter.supervised.calibrate", calibrate)

        def report(step: int, _: dict[str, float]) -> None:
            if step == stop_at == 60:
                os.kill(os.getpid(), signal.SIGINT)

        with pytest.raises(KeyboardInterrupt):
            dotted(settings, checkpoint=kept, report=report)
    with pytest.raises(InputError, match="steps"):
        dotted(replace(settings, steps=77), checkpoint=kept, resume=True)
    resumed = dotted(settings, checkpoint=kept, resume=True)
    assert (weights_of(resumed) == weights_of(whole)).all()
    assert resumed.config == whole.config
    assert not kept.exists()


def test_files_in_and_a_mix_of_annotations(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    (tmp_path / "masks").mkdir()
    (tmp_path / "points").mkdir()
    for i, (image, annotation) in enumerate(SCENES[:4]):
        write_image(tmp_path / "images" / f"{i}.tif", image[None])
        assert annotation.labels is not None
        if i < 2:
            write_labels(tmp_path / "masks" / f"{i}_masks.tif", annotation.labels)
        else:
            rows = "\n".join(f"{y},{x}" for y, x in annotation.centres)
            (tmp_path / "points" / f"{i}.csv").write_text("y,x\n" + rows)
    write_image(tmp_path / "images" / "unmarked.tif", SCENES[5][0][None])
    with pytest.warns(UserWarning, match="unmarked"):
        pairs = collect(tmp_path / "images", {"masks": tmp_path / "masks", "points": tmp_path / "points"})
    assert sorted(p.annotation.kind for p in pairs) == ["masks", "masks", "points", "points"]
    model = CellCounter(settings=FitSettings(steps=2, batch=2, crop=64), widths=(8, 8), depths=(1, 1))
    (tmp_path / "images" / "2.tif").write_text("not an image")  # one bad file does not cost the others
    with pytest.warns(UserWarning, match="unmarked"):
        model.fit(tmp_path / "images", {"masks": tmp_path / "masks", "points": tmp_path / "points"})
    assert model.config.extents
    assert model.config.training["annotation"] == ["masks", "points"]


def test_one_informative_channel_is_enough(counter: CellCounter) -> None:
    image, _ = TEST[0]
    blue = np.zeros((3, *image.shape), np.uint16)
    blue[2] = image
    assert counter.predict(blue).counts() == counter.predict(image).counts()
    assert counter.predict(np.stack([image] * 3)).counts() == counter.predict(image).counts()


def test_bad_input_is_named(counter: CellCounter, tmp_path: Path) -> None:
    image, annotation = TEST[0]
    two = np.stack([image, image[::-1]])
    with pytest.raises(InputError, match=r"2 channels.*1 channel"):
        counter.predict(two)
    with pytest.raises(InputError, match="diameter"):
        counter.predict(image, diameter=1e6)
    with pytest.raises(InputError, match="diameter"):
        counter.predict(image, diameter=-3)
    with pytest.raises(InputError, match="at least 2"):
        tiny().fit([image], [annotation])
    with pytest.raises(InputError, match="one for each image"):
        tiny().fit([image, image], [annotation])
    with pytest.raises(InputError, match="same size"):
        tiny().fit([image[:50], image], [annotation, annotation])
    with pytest.raises(NeubauerError, match="not trained"):
        CellCounter().predict(image)
    other = tmp_path / "model.safetensors"
    other.write_text("this is not a model")
    with pytest.raises(InputError, match=r"model\.safetensors"):
        CellCounter.load(other)
    with pytest.raises(InputError, match="bundled"):
        CellCounter.load("no-such-model")


def test_without_any_cell_there_is_nothing_to_learn() -> None:
    blank = Annotation("points", (64, 64), ("cell",), np.zeros(0, np.int64), np.zeros((0, 2)))
    image = np.zeros((64, 64), np.uint8)
    with pytest.raises(InputError, match="no cell"):
        tiny().fit([image, image], [blank, blank])


def test_colour_images_stay_colour() -> None:
    rng = np.random.default_rng(0)
    source = as_source(rng.integers(0, 255, (40, 50, 3), dtype=np.uint8))
    assert source.shape == (3, 40, 50)


def test_the_density_is_corrected_as_far_as_the_validation_images_agree() -> None:
    from neubauer.models.counter.tune import _correction

    density = np.array([100.0, 150, 120, 90, 140, 110, 130, 95])
    assert _correction(1.1 * density, density) == pytest.approx(1.1, abs=0.012)
    noisy = 1.1 * density * np.array([0.8, 1.2, 0.9, 1.1, 0.85, 1.15, 0.95, 1.05])
    assert 1.02 < _correction(noisy, density) < 1.08
    assert 1.0 < _correction(noisy[:2], density[:2]) < _correction(noisy, density)
    assert _correction(2 * density, density) == 1
    assert _correction(1.1 * density[:1], density[:1]) == 1


def test_an_image_is_not_corrected_by_itself():
    from neubauer.models.counter.tune import _correction, _corrections_without

    density = np.array([100.0, 120.0, 80.0])
    true = density * [1.2, 1.0, 1.0]  # one image is unlike the others
    factors = _corrections_without(true, density, np.arange(3))
    assert factors[0] == _correction(true[1:], density[1:]) == 1
    assert (factors[1:] > 1).all()
    own = np.abs(true - density * _correction(true, density))
    assert np.abs(true - density * factors).sum() > own.sum()
    assert (_corrections_without(true, density, np.array([0, 1, 1])) == 1).all()  # one other group says nothing


def test_images_of_one_group_say_as_much_about_the_density_as_one(
    counter: CellCounter, monkeypatch: pytest.MonkeyPatch
) -> None:
    from neubauer.models.counter import tune as counter_tune
    from neubauer.models.counter.tune import tune

    true = np.array([[100.0] * 2, [140.0] * 2, [120.0] * 2])
    monkeypatch.setattr(counter_tune, "_counts", lambda *_: (true, true, true / [[1.08], [1.1], [1.12]]))
    pairs = [Annotated(from_array(i), a) for i, a in TEST]
    apart, together, halves = (tune(counter, pairs, g).density_factor for g in (None, ["a"] * 3, ["a", "b", "b"]))
    assert together["total"] == 1 < halves["total"] < apart["total"]


def test_points_are_counted_by_density_unless_objects_are_clearly_better(
    counter: CellCounter, monkeypatch: pytest.MonkeyPatch
) -> None:
    from neubauer.models.counter import tune as counter_tune

    true = np.array([[100.0] * 2, [140.0] * 2, [120.0] * 2])
    off = np.array([[5.0], [-5.0], [0.0]])

    monkeypatch.setattr(counter_tune, "_corrections_without", lambda true, *_: np.ones(len(true)))

    def method(points: bool, objects: float, density: float) -> str:
        monkeypatch.setattr(counter_tune, "_counts", lambda *_: (true, true + objects * off, true + density * off))
        model = copy.copy(counter)
        model.config_ = counter.config.model_copy(update={"extents": not points})
        return counter_tune.tune(model, [Annotated(from_array(i), a) for i, a in TEST]).count_method["total"]

    assert (method(True, 1, 1), method(False, 1, 1)) == ("density", "peaks")
    assert (method(True, 0.2, 1), method(False, 1, 0.2)) == ("peaks", "density")


def test_an_empty_field_is_flagged(counter: CellCounter) -> None:
    noise = np.random.default_rng(0).normal(10, 3, (120, 160)).clip(0).astype(np.uint8)
    found = counter.predict(noise)
    assert any("noise" in flag for flag in found.flags)
    assert all(estimate.low == 0 <= estimate.count for estimate in found.estimates.values())
    assert "all pixels are the same" in counter.predict(np.full((120, 160), 20, np.uint8)).flags
    assert not any("noise" in flag or "same" in flag for flag in counter.predict(TEST[0][0]).flags)


@pytest.mark.parametrize("diameter", [0.0, -5.0, float("nan"), float("inf"), 1e9])
def test_an_absurd_diameter_is_refused_before_training(diameter: float) -> None:
    with pytest.raises(InputError, match="diameter"):
        CellCounter(diameter=diameter).fit([i for i, _ in SCENES[:2]], [as_points(a) for _, a in SCENES[:2]])


def test_evaluated_images_need_the_channels_of_the_model(counter: CellCounter) -> None:
    image, annotation = TEST[0]
    grey = np.stack([image] * 3)
    good, as_grey = (Annotated(from_array(i), annotation) for i in (image[None], grey))
    bad = Annotated(from_array(grey * np.array([1, 0.5, 0.2])[:, None, None], name="three"), annotation)
    scores, failed = evaluate_counter(counter, [good, as_grey, bad])
    assert scores["total"]["n"] == 2
    assert "3 channels" in failed["three"]
    with pytest.raises(InputError, match="3 channels"):  # the reason is not lost
        evaluate_counter(counter, [bad])


def test_cells_without_a_class_are_scored_in_total_only() -> None:
    model = CellCounter.load("blood-smear")
    image, annotation = TEST[0]
    pixels = np.stack([200 - 100 * image] * 3).clip(0, 255).astype(np.uint8)
    unknown = Annotation(
        annotation.kind,
        model.config.classes,
        annotation.shape,
        np.full(len(annotation), -1),
        annotation.centres,
        labels=annotation.labels,
    )
    scores, _ = evaluate_counter(model, [Annotated(from_array(pixels), unknown)])
    assert scores["total"]["n"] == 1
    assert all(scores[name]["n"] == 0 and np.isnan(scores[name]["recall"]) for name in model.config.classes)


@pytest.mark.parametrize("tile", [0, -64, 33])
def test_a_tile_that_does_not_fit_the_network(counter: CellCounter, tile: int) -> None:
    with pytest.raises(ValueError, match="multiple of 8"):
        counter.predict(TEST[0][0], tile=tile)
