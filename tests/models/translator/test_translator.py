"""Translators learn colours without moving cells, whatever the tiles, the bit depth and the channels."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from translator_scenes import SMALL, scene

from neubauer.errors import InputError
from neubauer.gan.config.base import merge
from neubauer.images.write import write_image
from neubauer.models.estimators.style_translator import StyleTranslator

Stains = Callable[..., tuple[list[np.ndarray], list[np.ndarray]]]


def error(made: np.ndarray, wanted: np.ndarray) -> float:
    return float(np.abs(made.astype(float) - wanted.astype(float)).mean())


LEARNS = [("cut", 200, 0.5), ("cyclegan", 200, 0.7), ("pix2pix", 80, 0.3), ("macenko", 0, 0.6), ("reinhard", 0, 0.8)]


@pytest.mark.parametrize(("recipe", "steps", "rest"), LEARNS)
def test_new_images_get_the_other_stain(stains: Stains, recipe: str, steps: int, rest: float) -> None:
    """What is left of the difference to the same cells in the other stain."""
    a, b = stains(12, 0 if recipe == "pix2pix" else 1000)
    changes = merge(SMALL, {"training": {"steps": steps}}) if steps else {}
    if recipe == "cyclegan":
        changes = merge(changes, {"identity": 0.0})
    translator = StyleTranslator(recipe, changes).fit(a, b)
    left = [error(translator.predict(scene(i, False)), scene(i, True)) for i in (500, 501)]
    before = [error(scene(i, False), scene(i, True)) for i in (500, 501)]
    assert np.mean(left) < rest * np.mean(before)


def test_the_way_back(stains: Stains) -> None:
    translator = StyleTranslator("reinhard").fit(*stains(4))
    there = translator.predict(scene(7, False))
    back = translator.predict(there, "b2a")
    assert error(back, scene(7, False)) < 0.4 * error(there, scene(7, False))


@pytest.fixture(scope="module")
def trained() -> StyleTranslator:
    changes = merge(SMALL, {"training": {"steps": 30}})
    return StyleTranslator("cut", changes).fit(
        [scene(i, False) for i in range(6)], [scene(90 + i, True) for i in range(6)]
    )


def test_tiles_leave_no_seams(trained: StyleTranslator) -> None:
    image = np.concatenate([scene(i, False) for i in range(3)], 2)[:, :61, :157]
    whole = trained.predict(image)
    assert whole.shape == image.shape
    assert np.abs(whole.astype(int) - trained.predict(image, tile=50)).max() <= 1
    assert np.abs(whole[:, 11:40, 30:100].astype(int) - trained.source(image).region(11, 40, 30, 100)).max() <= 1


def test_a_file_translates_like_the_original(trained: StyleTranslator, tmp_path: Path) -> None:
    again = StyleTranslator.load(trained.save(tmp_path / "t.safetensors"))
    assert (again.predict(scene(3, False)) == trained.predict(scene(3, False))).all()
    colours = StyleTranslator("reinhard").fit([scene(i, False) for i in range(3)], [scene(i, True) for i in range(3)])
    again = StyleTranslator.load(colours.save(tmp_path / "r.safetensors"))
    assert again.ways == ("a2b", "b2a")
    assert (again.predict(scene(3, False)) == colours.predict(scene(3, False))).all()


def test_bit_depths_and_channels_may_differ() -> None:
    """Grey 16 bit to RGB 8 bit."""
    grey = [(scene(i, False)[:1].astype(np.uint16) * 12 + 300) for i in range(6)]
    colour = [scene(50 + i, True) for i in range(6)]
    translator = StyleTranslator("cyclegan", merge(SMALL, {"training": {"steps": 4}})).fit(grey, colour)
    made = translator.predict(grey[0])
    assert made.shape == (3, 64, 64)
    assert made.dtype == np.uint8
    back = translator.predict(made, "b2a")
    assert back.shape == (1, 64, 64)
    assert back.dtype == np.uint16
    with pytest.raises(InputError, match="1 channels in A and 3 in B"):
        StyleTranslator("cut", SMALL).fit(grey, colour)


def test_a_stopped_training_goes_on(tmp_path: Path, stains: Stains) -> None:
    a, b = stains(4)
    constant = {"generator": {"schedule": "constant"}, "discriminator": {"schedule": "constant"}}
    changes = merge(SMALL, {"training": {**constant, "precision": "float32"}})
    whole = StyleTranslator("cut", changes).fit(a, b, steps=6, out=tmp_path / "whole")
    StyleTranslator("cut", changes).fit(a, b, steps=3, out=tmp_path / "parts")
    parts = StyleTranslator("cut", changes).fit(a, b, steps=6, out=tmp_path / "parts", resume=True)
    assert (whole.predict(a[0]) == parts.predict(a[0])).all()


def test_images_of_another_data_type_are_refused(trained: StyleTranslator) -> None:
    with pytest.raises(InputError, match="uint16 pixels; expected uint8"):
        trained.predict(scene(3, False).astype(np.uint16))


def test_bad_input(tmp_path: Path, folders: tuple[Path, Path], stains: Stains) -> None:
    a, b = folders
    images = stains(3)
    for make, expected in (
        (lambda: StyleTranslator("cutt"), "cut"),
        (lambda: StyleTranslator("dcgan"), "a recipe that translates"),
        (lambda: StyleTranslator("cut", {"crop_": 64}), "crop"),
        (lambda: StyleTranslator("cut").fit(a, a), "two different kinds"),
        (lambda: StyleTranslator("cut").fit(images[0][:1], images[1]), "1 image; expected at least 2"),
        (lambda: StyleTranslator("cut").fit([images[0][0], images[0][1][:1]], images[1]), "3 channels of uint8"),
        (lambda: StyleTranslator("cut").fit([images[0][0], images[0][1].astype(np.uint16)], images[1]), "uint16"),
        (lambda: StyleTranslator("macenko").fit([i[:1] for i in images[0]], images[1]), "RGB"),
        (lambda: StyleTranslator("cut").fit(tmp_path / "none", b), "none"),
    ):
        with pytest.raises(InputError, match=expected):
            make()
    write_image(b / "5.png", scene(1, True)[:, :50])
    with pytest.raises(InputError, match=r"5\.png"):
        StyleTranslator("pix2pix", SMALL).fit(a, b)
    for file in b.iterdir():
        file.rename(b / f"other{file.name}")
    with pytest.raises(InputError, match="pairs of one name"):
        StyleTranslator("pix2pix", SMALL).fit(a, b)
