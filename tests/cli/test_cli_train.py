"""`neubauer train counter`, then `count` and `evaluate counter` with what it wrote."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import tifffile
from annotation_samples import via_polygon, via_project, via_region
from command_line import Run, one_line, read_csv
from scenes import as_boxes, discs

from neubauer.images.write import write_image, write_labels
from neubauer.models.estimators.cell_counter import CellCounter

SMALL = ("--steps", 5, "--batch", 2, "--crop", 64, "--validation", 0.4)


@pytest.fixture
def annotated(tmp_path: Path) -> Path:
    """images/, masks/, boxes/ (YOLO) and points/ (CSV) of five scenes."""
    for name in ("images", "masks", "boxes", "points"):
        (tmp_path / name).mkdir()
    (tmp_path / "boxes" / "classes.txt").write_text("cell\n")
    for i in range(5):
        image, annotation = discs(6 + i, size=96, seed=i)
        assert annotation.labels is not None
        write_image(tmp_path / "images" / f"{i}.tif", image)
        write_labels(tmp_path / "masks" / f"{i}_masks.tif", annotation.labels)
        points = "".join(f"{y},{x}\n" for y, x in annotation.centres)
        (tmp_path / "points" / f"{i}.csv").write_text("y,x\n" + points)
        boxes = as_boxes(annotation).boxes
        assert boxes is not None
        lines = [
            f"0 {(x0 + x1) / 192:.6f} {(y0 + y1) / 192:.6f} {(x1 - x0) / 96:.6f} {(y1 - y0) / 96:.6f}"
            for y0, x0, y1, x1 in boxes
        ]
        (tmp_path / "boxes" / f"{i}.txt").write_text("\n".join(lines))
    return tmp_path


@pytest.mark.parametrize("kind", ["masks", "boxes", "points"])
def test_train_count_evaluate(run: Run, annotated: Path, kind: str) -> None:
    images, marks = annotated / "images", annotated / kind
    model, out, scores = annotated / "new" / "m.safetensors", annotated / "out", annotated / "scores.json"
    result = run("train", "counter", images, f"--{kind}", marks, "--out", model, *SMALL)
    assert result.exit_code == 0, result.stderr
    assert result.stdout.split() == [str(model)]
    assert "on 2 validation images" in result.stderr

    result = run("count", images, "--model", model, "--out", out, "--json")
    assert result.exit_code == 0, result.stderr
    assert [row["image"] for row in read_csv(out / "counts.csv")] == ["0", "1", "2", "3", "4"]

    result = run("evaluate", "counter", images, "--model", model, f"--{kind}", marks, "--json", "--out", scores)
    assert result.exit_code == 0, result.stderr

    def no_nan(text: str) -> None:
        raise AssertionError(f"{text} is no JSON")

    printed = json.loads(result.stdout, parse_constant=no_nan)
    assert printed == json.loads(scores.read_text())
    wanted = {"mae", "bias", "interval_coverage", "precision", "recall", "f1"}
    wanted |= {"masks": {"ap50", "ap75", "ap"}, "boxes": {"ap50"}, "points": set()}[kind]
    assert wanted <= printed["total"].keys()
    counted = [int(row["total"]) for row in read_csv(out / "counts.csv")]
    error = sum(n - (6 + i) for i, n in enumerate(counted)) / 5
    assert printed["total"]["bias"] == pytest.approx(error, abs=0.51)  # the table has whole cells


def test_one_channel_of_several(run: Run, annotated: Path) -> None:
    """Trained on, measured and counted by its name or number; without a choice the way out is named."""
    images, model, out = annotated / "images", annotated / "m.safetensors", annotated / "out"
    rng = np.random.default_rng(0)
    for path in images.iterdir():
        nuclei = tifffile.imread(path)
        pixels = np.stack([rng.permutation(nuclei.ravel()).reshape(nuclei.shape), nuclei])
        write_image(path.with_suffix(".ome.tif"), pixels, channel_names=["membrane", "DAPI"])
        path.unlink()
    masks = ("--masks", annotated / "masks")
    result = run("train", "counter", images, *masks, "--channel", "dapi", "--out", model, *SMALL)
    assert result.exit_code == 0, result.stderr
    result = run("evaluate", "counter", images, *masks, "--model", model, "--channel", 1, "--json")
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout)["total"]["n"] == 5
    result = run("count", images, "--model", model, "--channel", "DAPI", "--out", out)
    assert result.exit_code == 0, result.stderr
    counted = [float(row["total"]) for row in read_csv(out / "counts.csv")]
    plain = CellCounter.load(model)
    assert counted == [plain.predict(tifffile.imread(f)[1]).counts()["cell"] for f in sorted(images.iterdir())]
    for channel, words in (("GFP", "membrane, DAPI"), ("2", "0 to 1"), (None, "--channel")):
        option = () if channel is None else ("--channel", channel)
        result = run("count", images / "0.ome.tif", "--model", model, *option, "--out", annotated / f"o{channel}")
        assert result.exit_code == 1
        one_line(result.stderr, "0.ome.tif", words)


def test_a_stack_is_measured_by_its_projection(run: Run, annotated: Path, model: Path) -> None:
    images = annotated / "images"
    for path in images.iterdir():
        tifffile.imwrite(path, np.stack([tifffile.imread(path)] * 2), metadata={"axes": "ZYX"})
    command = ("evaluate", "counter", images, "--model", model, "--masks", annotated / "masks", "--json")
    assert "--project" in run(*command).stderr
    result = run(*command, "--project", "max")
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout)["total"]["f1"] > 0.9


def test_a_good_counter_scores_well(run: Run, annotated: Path, model: Path) -> None:
    command = ("evaluate", "counter", annotated / "images", "--model", model, "--masks", annotated / "masks")
    result = run(*command, "--json")
    total = json.loads(result.stdout)["total"]
    assert total["f1"] > 0.9
    assert total["ap50"] > 0.8
    assert abs(total["bias"]) < 1
    result = run(*command)
    assert result.exit_code == 0
    assert "interval_coverage" in result.stdout


def test_images_that_cannot_be_read_are_named_and_the_others_scored(run: Run, annotated: Path, model: Path) -> None:
    (annotated / "images" / "2.tif").write_text("no image")
    result = run(
        "evaluate", "counter", annotated / "images", "--model", model, "--masks", annotated / "masks", "--json"
    )
    assert result.exit_code == 1
    one_line(result.stderr, "failed:", "2.tif", "found text, not an image")
    scores = json.loads(result.stdout)
    assert list(scores["failed"]) == ["2.tif"]
    assert scores["total"]["n"] == 4


def test_the_same_command_gives_the_same_model(run: Run, annotated: Path) -> None:
    files = [annotated / f"{name}.safetensors" for name in "ab"]
    for file in files:
        options = ("--masks", annotated / "masks", "--out", file, *SMALL)
        assert run("train", "counter", annotated / "images", *options).exit_code == 0
    assert files[0].read_bytes() == files[1].read_bytes()


def test_wrong_usage(run: Run, annotated: Path, model: Path) -> None:
    images, masks, there = annotated / "images", annotated / "masks", annotated / "there.safetensors"
    there.write_text("precious")
    new = annotated / "new.safetensors"
    for arguments, parts in (
        (("train", "counter", images, "--out", new), ("diameter", "typical diameter")),
        (("train", "counter", images, "--masks", masks, "--out", there), (there, "--overwrite")),
        (("train", "counter", images, "--masks", masks, "--out", masks), (masks, "a folder")),
        (("train", "counter", images, "--masks", masks, "--out", there / "m"), (there, "cannot be made")),
        (("train", "counter", images, "--masks", masks, "--out", new, "--crop", 50), ("--crop", "multiple of 16")),
        (("train", "counter", images, "--masks", annotated / "no", "--out", new), (annotated / "no",)),
        (
            ("train", "counter", images, "--masks", masks, "--out", new, "--vary-stains", 0.5),
            ("1 channels", "RGB images, where stains"),
        ),
        (("train", "counter", images, "--diameter", 9, "--out", new, "--vary-stains", 0.5), ("--vary-stains",)),
        (("train", "counter", images / "0.tif", "--masks", masks, "--out", new), ("at least 2",)),
        (("evaluate", "counter", images, "--model", model), ("exactly one of --masks, --boxes and --points",)),
        (("evaluate", "counter", images, "--model", there, "--masks", masks), (there, "expected a model file")),
        (("evaluate", "counter", images, "--model", model, "--masks", masks, "--out", there), (there, "--overwrite")),
    ):
        result = run(*arguments)
        assert result.exit_code == 2, arguments
        one_line(result.stderr, "error", *parts)
    assert there.read_text() == "precious"
    assert not new.exists()


def test_what_was_counted_is_a_truth_to_evaluate_with(run: Run, images: Path, model: Path, tmp_path: Path) -> None:
    """Corrected in QuPath or ImageJ, it would be; as it is, the counter agrees with itself."""
    out = tmp_path / "out"
    result = run("count", images, "--model", model, "--out", out, "--format", "geojson,roi")
    assert result.exit_code == 0, result.stderr
    for kind, name in (("masks", "geojson"), ("masks", "roi"), ("boxes", "roi"), ("points", "geojson")):
        result = run("evaluate", "counter", images, "--model", model, f"--{kind}", out / name, "--json")
        assert result.exit_code == 0, result.stderr
        total = json.loads(result.stdout)["total"]
        assert total["f1"] == pytest.approx(1)
        assert total.get("ap50", 1) == pytest.approx(1)
        assert total["mae"] == 0


def test_one_project_of_another_program_for_all_images(run: Run, annotated: Path) -> None:
    """VIA, with outlines; of the images that it lists one is missing, and one has no regions."""
    regions: dict[str, list[dict]] = {"0.tif": [], "gone.tif": []}
    for i in range(1, 4):
        labels = tifffile.imread(annotated / "masks" / f"{i}_masks.tif")
        corners = [np.argwhere(labels == n) for n in np.unique(labels[labels > 0])]
        boxes = [(*(c.min(0) - 0.0), *(c.max(0) + 1.0)) for c in corners]
        regions[f"plate/{i}.png"] = [
            via_region(via_polygon([[x0, y0], [x1, y0], [x1, y1], [x0, y1]]), cell="disc") for y0, x0, y1, x1 in boxes
        ]
    project = annotated / "via_project.json"
    project.write_text(json.dumps(via_project(regions)))
    model = annotated / "m.safetensors"
    result = run("train", "counter", annotated / "images", "--masks", project, "--out", model, *SMALL)
    assert result.exit_code == 0, result.stderr
    assert "classes disc" in result.stderr
    told = " ".join(result.stderr.split())
    assert "gone.tif: no image belongs to this annotation" in told
    assert "1 of 5 images have no annotation and are not used: 4.tif" in told
    assert "via_project.json: nothing is marked in 1 of 4 images; they count as images without cells" in told
