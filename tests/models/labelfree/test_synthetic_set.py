from __future__ import annotations

import json

import numpy as np
import pytest

from neubauer.cells.read.load import load_annotation
from neubauer.cells.read.marks import read_marks
from neubauer.cli.synthetic import generate_labelled
from neubauer.errors import InputError
from neubauer.images.read import open_image
from neubauer.images.write import write_image
from neubauer.layouts.simulator.render import render
from neubauer.layouts.simulator.sheet import contact_sheet, save_contact_sheet
from neubauer.layouts.simulator.simulate import simulate
from neubauer.layouts.spec import LayoutSpec
from neubauer.models.counter.augment import Augmentation
from neubauer.models.counter.config import CounterConfig
from neubauer.models.counter.crops import CropSampler
from neubauer.models.estimators.cell_counter import CellCounter
from neubauer.models.labelfree.presets import preset, preset_names
from neubauer.models.labelfree.simulate import procedural, synthetic_images
from neubauer.models.labelfree.synthetic_set import Depth, source_of_appearance, write_synthetic_set
from neubauer.models.labelfree.synthetic_sources import find_source
from neubauer.nets.unet import LayoutNet


@pytest.fixture
def written(tmp_path):
    population, appearance = preset("blood-smear-labelfree")
    source = source_of_appearance(population.scaled(0.2), appearance.scaled(0.2))
    out = tmp_path / "set"
    return out, write_synthetic_set(source, out, 3, seed=1, side=128)


def test_every_file_says_the_same(written):
    out, summary = written
    classes = tuple((out / "classes.txt").read_text().split())
    assert classes == ("RBC", "WBC", "Platelets")
    coco = json.loads((out / "coco.json").read_text())
    assert [c["name"] for c in coco["categories"]] == list(classes)
    assert sum(summary["cells"].values()) == len(coco["annotations"]) > 10
    for i, entry in enumerate(coco["images"]):
        image = out / "images" / entry["file_name"]
        assert open_image(image).shape == (3, 128, 128)
        stem = f"synthetic-{i:05d}"
        masks = load_annotation(image, out / "masks" / f"{stem}_masks.tif", "masks", (128, 128))
        yolo = read_marks(out / "labels" / f"{stem}.txt", "boxes", (128, 128), classes, image)
        points = load_annotation(image, out / "points" / f"{stem}.csv", "points", (128, 128), classes)
        boxes = read_marks(out / "coco.json", "boxes", (128, 128), classes, image)
        assert len(masks) == len(yolo) == len(points) == len(boxes)
        assert np.array_equal(points.class_index, yolo.class_index)
        assert np.array_equal(points.class_index, boxes.class_index)
        assert yolo.boxes == pytest.approx(boxes.boxes, abs=1e-3)
        for label, box in enumerate(boxes.boxes, start=1):
            y, x = np.nonzero(masks.labels == label)
            assert box == pytest.approx([y.min(), x.min(), y.max() + 1, x.max() + 1])


def test_the_seed_decides(written, tmp_path):
    out, _ = written
    population, appearance = preset("blood-smear-labelfree")
    source = source_of_appearance(population.scaled(0.2), appearance.scaled(0.2))
    write_synthetic_set(source, tmp_path / "again", 1, seed=1, side=128)
    write_synthetic_set(source, tmp_path / "other", 1, seed=2, side=128)
    first, again, other = (
        open_image(folder / "images" / "synthetic-00000.png").read()
        for folder in (out, tmp_path / "again", tmp_path / "other")
    )
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_bit_depth_is_that_of_the_images():
    depth = Depth(np.array([[100.0, 4000.0]]), np.dtype(np.uint16))
    assert depth.restore(np.array([[[0.0, 0.5, 1.0, 40.0, -1.0]]])).tolist() == [[[100, 2050, 4000, 65535, 0]]]
    assert depth.restore(np.zeros((1, 1, 1))).dtype == np.uint16


@pytest.mark.filterwarnings("ignore:.*without any cell", "ignore:.*different magnifications")
def test_like_a_folder_of_16_bit_images(tmp_path, capsys):
    population, appearance = preset("nuclei-labelfree")
    depth = Depth(np.array([[300.0, 3000.0]]), np.dtype(np.uint16))
    (tmp_path / "real").mkdir()
    for i in range(10):
        rng = np.random.default_rng(i)
        scene = simulate(population, (128, 128), rng)
        write_image(tmp_path / "real" / f"{i}.tif", depth.restore(render(scene, population, appearance, rng)))
    generate_labelled("nuclei-labelfree", tmp_path / "out", 1, 0, True, like=tmp_path / "real", side=96)
    assert json.loads(capsys.readouterr().out)["images"] == 1
    made = open_image(tmp_path / "out" / "images" / "synthetic-00000.png")
    assert made.dtype == np.uint16
    assert 200 < np.median(made.read()) < 2000
    with pytest.warns(UserWarning, match="the diameter given is 60 px"):
        generate_labelled(
            "nuclei-labelfree", tmp_path / "big", 1, 0, True, like=tmp_path / "real", diameter=60, side=96
        )


@pytest.mark.parametrize("name", preset_names())
def test_presets_draw(name):
    population, appearance = preset(name)
    factor = 24 / population.typical_diameter
    population, appearance = population.scaled(factor), appearance.scaled(factor)
    scene = simulate(population, (256, 256), np.random.default_rng(0))
    image = render(scene, population, appearance, np.random.default_rng(0))
    assert image.shape == (appearance.channels, 256, 256)
    assert len(appearance.looks) == len(population.kinds)
    inside, outside = image[:, scene.labels > 0].mean(), image[:, scene.labels == 0].mean()
    assert (inside > outside) == (population.background == "dark")


def test_refusals(tmp_path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "a.txt").write_text("")
    with pytest.raises(InputError, match="already"):
        generate_labelled("nuclei-labelfree", tmp_path / "full", 1, 0, True, side=64)
    with pytest.raises(InputError, match="neither a file"):
        generate_labelled("nuclei", tmp_path / "new", 1, 0, True)
    with pytest.raises(InputError, match="without a simulator"):
        generate_labelled("nuclei-fluorescence", tmp_path / "new", 1, 0, True)
    with pytest.raises(InputError, match="no preset"):
        generate_labelled("nuclei-fluorescence", tmp_path / "new", 1, 0, True, like=tmp_path)
    assert not (tmp_path / "new").exists()


def test_synthetic_images_are_training_images():
    population, appearance = preset("nuclei-labelfree")
    images = synthetic_images(population, procedural(population, appearance), 3, 96, seed=0)
    assert [i.complete for i in images] == [True] * 3
    batch = CropSampler(images, LayoutSpec(("nucleus",), 24.0), 64, Augmentation(), 0).batch(4)
    assert batch.pixels.shape == (4, 1, 64, 64)
    assert float(batch.maps[:, 3].mean()) > 0


def test_contact_sheet(tmp_path):
    population, appearance = preset("blood-smear-labelfree")
    population, appearance = population.scaled(0.2), appearance.scaled(0.2)
    real = [np.full((3, 60, 200), 0.25, np.float32)]
    sheet = contact_sheet(real, population, appearance, columns=3, side=96, zoom=2)
    assert sheet.shape == (2 * (96 + 12 + 96), 2 * (3 * 96 + 2 * 4), 3)
    assert (sheet[:100, :100] == 64).all()  # the real crop
    assert (sheet[140:190, :180] == 255).all()  # nothing where the image ends
    assert sheet[220:].std() > 10
    save_contact_sheet(tmp_path / "a.png", sheet)
    assert open_image(tmp_path / "a.png").shape == (3, *sheet.shape[:2])


def test_a_counter_that_was_trained_without_annotation_makes_its_training_images(tmp_path):
    population, appearance = preset("nuclei-labelfree")
    counter = CellCounter(widths=(8, 8), depths=(1, 1))
    config = CounterConfig(
        classes=population.classes,
        channels=1,
        widths=(8, 8),
        depths=(1, 1),
        diameter=12.0,
        diameter_range=(12.0, 12.0),
        extents=True,
        training={"population": population.model_dump(mode="json"), "appearance": appearance.model_dump(mode="json")},
    )
    counter.network_ = LayoutNet(1, LayoutSpec(config.classes, 24.0).channels, (8, 8), (1, 1))
    counter.set(config)
    source, _ = find_source(str(counter.save(tmp_path / "a.safetensors")), None, None)
    assert source.population.typical_diameter == pytest.approx(12)  # that of the images, not of the layout
    write_synthetic_set(source, tmp_path / "out", 1, 0, side=96)
    masks = open_image(tmp_path / "out" / "masks" / "synthetic-00000_masks.tif").read()
    assert masks.max() > 3
