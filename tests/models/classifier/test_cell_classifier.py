"""`CellClassifier` from images to classes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from drawn_cells import KINDS, MILD, draw_cells, write_folders

from neubauer.errors import InputError, NeubauerError
from neubauer.models.classifier.crops import read_crops, squares_for
from neubauer.models.classifier.evaluate import evaluate_classifier
from neubauer.models.classifier.fit import FitSettings
from neubauer.models.classifier.generated import GenerationSettings
from neubauer.models.classifier.pictures import contact_sheet, draw_confusion, saliency_picture
from neubauer.models.classifier.saliency import saliency
from neubauer.models.estimators.cell_classifier import CellClassifier

QUICK = FitSettings(steps=60, batch=32, average=0.9, augmentation=MILD)


def test_it_learns_and_its_probabilities_add_up(trained: CellClassifier) -> None:
    images, names = draw_cells(60, seed=9)
    table = trained.predict(images)
    assert list(table) == ["image", "class", "probability", *KINDS]
    assert (table["class"] == names).mean() > 0.9
    np.testing.assert_allclose(table[list(KINDS)].sum(1), 1, atol=1e-5)
    np.testing.assert_allclose(table["probability"], table[list(KINDS)].max(1))
    assert trained.config.training["images_per_class"] == [40, 40, 40]
    assert trained.config.diameter == pytest.approx(15, rel=0.25)


def test_below_the_threshold_a_cell_is_unknown(trained: CellClassifier) -> None:
    images, _ = draw_cells(6, seed=9)
    probabilities = trained.predict_proba(images)
    config = trained.config.model_copy(update={"threshold": float(np.sort(probabilities.max(1))[2])})
    strict = CellClassifier()
    strict.config_, strict.scorer_ = config, trained.scorer_
    found = strict.predict(images)
    assert (found["class"] == "unknown").sum() == 2
    assert (found.loc[found["class"] == "unknown", "probability"] < config.threshold).all()


def test_save_and_load_give_the_same_classes(trained: CellClassifier, tmp_path: Path) -> None:
    images, _ = draw_cells(30, seed=5)
    again = CellClassifier.load(trained.save(tmp_path / "model.safetensors"))
    assert again.config == trained.config
    np.testing.assert_allclose(again.predict_proba(images), trained.predict_proba(images), atol=0.03)


@pytest.mark.parametrize("method", ["svm", "forest", "cnn"])
def test_the_other_methods_learn_and_are_saved(method: str, tmp_path: Path) -> None:
    images, names = draw_cells(75, seed=1)
    classifier = CellClassifier(method=method, settings=QUICK).fit(images, names)  # type: ignore[arg-type]
    new, true = draw_cells(30, seed=2)
    assert (classifier.predict(new)["class"] == true).mean() > 0.7
    again = CellClassifier.load(classifier.save(tmp_path / "model.safetensors"))
    np.testing.assert_allclose(again.predict_proba(new), classifier.predict_proba(new), atol=0.03)


def test_sixteen_bits_and_four_channels() -> None:
    images, names = draw_cells(60, seed=1, kinds=("round", "small"))
    deep = (np.concatenate([images, images[:, :1]], 1).astype(np.uint16) * 13) + 500
    classifier = CellClassifier(settings=QUICK).fit(deep, names)
    new, true = draw_cells(20, seed=2, kinds=("round", "small"))
    new_deep = (np.concatenate([new, new[:, :1]], 1).astype(np.uint16) * 13) + 500
    assert (classifier.predict(new_deep)["class"] == true).mean() > 0.9
    with pytest.raises(InputError, match="uint8 pixels"):
        classifier.predict(np.concatenate([new, new[:, :1]], 1))
    with pytest.raises(InputError, match="3 channels"):
        classifier.predict(new_deep[:, :3])


def test_the_same_seed_gives_the_same_classifier() -> None:
    images, names = draw_cells(30, seed=1)
    settings = FitSettings(steps=5, batch=8)
    first, second = (CellClassifier(settings=settings).fit(images, names) for _ in range(2))
    np.testing.assert_array_equal(first.predict_proba(images), second.predict_proba(images))


def test_the_recipe_for_unlabelled_images_can_be_changed() -> None:
    images, names = draw_cells(24, seed=1)
    more, _ = draw_cells(60, seed=2)

    def fit(**options: Any) -> CellClassifier:
        return CellClassifier(settings=FitSettings(steps=2, augmentation=MILD), **options).fit(images, names, more)

    with pytest.raises(InputError, match="batchsize"):
        fit(recipe="fixmatch", changes={"training": {"batchsize": 30}})
    assert fit(recipe="fixmatch", changes={"training": {"batch_size": 30}}).config.training["recipe"] == "fixmatch"
    with pytest.raises(InputError, match="recipe"):
        fit(recipe="fixmatsch")
    with pytest.raises(InputError, match="network, to learn from unlabelled"):
        fit(method="svm")


def test_generated_images_are_compared_before_they_are_used() -> None:
    images, names = draw_cells(72, seed=1, kinds=("round", "round", "small", "small", "round", "small", "granular"))
    settings = FitSettings(steps=8, batch=16, augmentation=MILD)
    tiny = {"generator": {"widths": [16, 8]}, "discriminator": {"widths": [8, 16]}, "training": {"batch_size": 16}}
    generated = GenerationSettings("acgan", tiny, steps=2, shares=(0.5,), seeds=2, tries=2)
    classifier = CellClassifier(settings=settings, validation=0.4)
    classifier.fit(images, names, generated=generated)
    said = classifier.config.training["generated"]
    assert isinstance(said, dict)
    assert said["rare"] == ("granular",)
    assert {arm["images"] for arm in said["validation"]} == {"none", "repeated", "generated"}
    assert len(said["without"]["recall"]) == 2
    assert "recall" in said["text"]


def test_magnification(trained: CellClassifier) -> None:
    """Twice as large images show as much unless the diameter says otherwise."""
    images, names = draw_cells(12, seed=3, side=64, diameter=32)
    with pytest.warns(UserWarning, match="12 images are of another size"):
        whole = trained.predict(images)
    assert (whole["class"] == names).mean() > 0.8
    scaled = trained.predict(images, diameter=2 * trained.config.diameter)
    assert (scaled["class"] == names).mean() > 0.8
    crops = read_crops(list(images))
    close = squares_for(trained.config, crops, trained.config.diameter)  # as if 32 px were the middle of 64
    np.testing.assert_array_equal(close, images[:, :, 16:48, 16:48])
    with pytest.raises(InputError, match="a positive number"):
        trained.predict(images, diameter=0)


def test_a_file_that_cannot_be_read_does_not_cost_the_others(trained: CellClassifier, tmp_path: Path) -> None:
    folder = write_folders(tmp_path, *draw_cells(3, seed=0))
    files = sorted(folder.glob("*/*.png"))
    files[1].write_bytes(b"no image")
    with pytest.warns(UserWarning, match=f"left out: .*{files[1].name}"):
        table = trained.predict(files)
    assert list(table["image"]) == [files[0].stem, files[2].stem]
    with pytest.raises(InputError, match=files[1].name):
        trained.predict_proba(files)


def test_untrained_and_foreign_models_are_refused(trained: CellClassifier, tmp_path: Path) -> None:
    with pytest.raises(NeubauerError, match="not trained"):
        CellClassifier().predict(np.zeros((1, 3, 32, 32), np.uint8))
    with pytest.raises(InputError, match="kind 'counter'"):
        CellClassifier.load("blood-smear")
    with pytest.raises(InputError, match="neither a file nor a bundled model"):
        CellClassifier.load("blood-cell")


def test_evaluation_names_classes_that_the_classifier_does_not_know(trained: CellClassifier, tmp_path: Path) -> None:
    images, names = draw_cells(30, seed=8, kinds=("round", "small"))
    scores = evaluate_classifier(trained, write_folders(tmp_path / "cells", images, names))
    assert scores.accuracy > 0.9
    assert scores.per_class["granular"]["n"] == 0
    write_folders(tmp_path / "cells", images[:2], ["strange"] * 2)
    with pytest.raises(InputError, match="the class strange"):
        evaluate_classifier(trained, tmp_path / "cells")


def test_the_saliency_lies_on_the_cell(trained: CellClassifier) -> None:
    images, _ = draw_cells(6, seed=4, kinds=("round",))
    maps = np.stack([saliency(trained, image) for image in images])
    y, x = np.mgrid[:32, :32] - 15.5
    inside = np.hypot(y, x) < 9
    assert np.abs(maps[:, inside]).mean() > 2 * np.abs(maps[:, ~inside]).mean()


def test_pictures(trained: CellClassifier, tmp_path: Path) -> None:
    images, names = draw_cells(15, seed=4)
    pixels = trained.normalise(images)
    sheet = contact_sheet(pixels, [f"{i}" for i in range(15)], "round: 15 images")
    assert sheet.size[0] > 12 * 80
    assert np.asarray(sheet).std() > 10
    scores = evaluate_classifier(trained, images, names)
    assert draw_confusion(scores, tmp_path / "confusion.png").stat().st_size > 5000
    picture = np.asarray(saliency_picture(pixels[0], saliency(trained, images[0]), "cell"))
    left, right = np.array_split(picture[24:], 2, axis=1)
    assert not np.array_equal(left, right[:, : left.shape[1]])
