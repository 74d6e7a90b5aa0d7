"""What becomes of pixels that are no numbers, wherever images are taken but for counting."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scenes import discs
from tifffile import imwrite

from neubauer.errors import InputError
from neubauer.gan.data.image_pairs import Domain
from neubauer.gan.data.images import images_from_folder
from neubauer.images.read import from_array, open_image
from neubauer.models.classifier.crops import read_crops
from neubauer.models.estimators.style_translator import StyleTranslator
from neubauer.models.inpainter.evaluate import look
from neubauer.models.labelfree.inputs import collect_images
from neubauer.models.shared.inputs import as_source
from neubauer.models.translator.tiles import read_once
from neubauer.runs.job import Item
from neubauer.runs.jobs.inpaint import Inpaint


def tissue(seed: int) -> np.ndarray:
    """(3, 60, 70) float32 in 0 ... 1."""
    return np.random.default_rng(seed).random((3, 60, 70)).astype(np.float32) ** (1 + seed % 2)


def with_hole(pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    lost = np.zeros(pixels.shape[-2:], bool)
    lost[10:20, 5:30] = True
    return np.where(lost, np.nan, pixels).astype(np.float32), lost


def test_a_translation_misses_the_same() -> None:
    translator = StyleTranslator("reinhard").fit([tissue(0), tissue(2)], [tissue(1), tissue(3)])
    broken, lost = with_hole(tissue(4))
    made = translator.predict(broken, tile=32)
    np.testing.assert_array_equal(np.isnan(made), np.broadcast_to(lost, made.shape))
    known = translator.predict(np.where(lost, np.median(tissue(4)), tissue(4)).astype(np.float32))
    assert np.abs(made - known)[:, ~lost].mean() < 0.02
    for source in (translator.source(broken), read_once(translator.source(broken))):
        np.testing.assert_array_equal(source.missing(0, 60, 0, 70), lost)


def test_missing_pixels_are_holes(tmp_path: Path) -> None:
    pixels = discs(9, seed=5)[0].astype(np.float32)
    broken, lost = with_hole(pixels)
    imwrite(tmp_path / "a.tif", broken)
    out = tmp_path / "out"
    out.mkdir()
    for method in ("biharmonic", "texture"):
        Inpaint(method=method).one(Item("a", tmp_path / "a.tif"), out)
        made = open_image(out / "a.tif").read()[0]
        assert np.isfinite(made).all()
        np.testing.assert_array_equal(made[~lost], pixels[~lost])
        assert open_image(out / "a_holes.png").read()[0][lost].all()
    with pytest.raises(InputError, match="is missing"):
        look(tmp_path / "a.tif", None, [0], 1)


def test_crops_of_cells(tmp_path: Path) -> None:
    crop = discs(1, 32, seed=1)[0].astype(np.float32)
    few, many = crop.copy(), crop.copy()
    few[:5] = np.nan
    many[:20] = np.inf
    crops = read_crops([crop, few, many])
    assert crops.kept == [0, 1]
    assert np.isfinite(crops.pixels[1]).all()
    assert "62.5 % is missing" in str(crops.failed[2])


def test_what_networks_learn_from_is_whole(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    pixels = discs(9, seed=5)[0].astype(np.float32)
    dead, (broken, _) = pixels.copy(), with_hole(pixels)
    dead[3, 4] = np.nan
    for name, image in (("good", pixels), ("dead", dead), ("broken", broken)):
        imwrite(tmp_path / f"{name}.tif", image)
    found = images_from_folder(tmp_path)
    assert len(found) == 2
    assert np.isfinite(found.images).all()
    assert "broken.tif" in caplog.text
    with pytest.raises(InputError, match="broken"):
        Domain.of([from_array(pixels), from_array(broken, name="broken")], "A")
    with pytest.warns(UserWarning, match="not used: .*broken.tif"):
        sources, _ = collect_images(tmp_path, None, None)
    assert sorted(s.name for s in sources) == ["dead", "good"]


def test_the_channel_that_says_all() -> None:
    signal, lost = with_hole(discs(9, seed=5)[0])
    other = np.where(lost, np.nan, 7).astype(np.float32)
    source = as_source(np.stack([other, signal]), 1)
    np.testing.assert_array_equal(source.missing(0, 128, 0, 128), lost)
    np.testing.assert_array_equal(source.read()[0][~lost], signal[~lost])
