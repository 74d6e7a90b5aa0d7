"""`neubauer count`: tables, pictures, formats, resuming, shards."""

from __future__ import annotations

import json
import re
import shutil
import zipfile
from pathlib import Path
from typing import Any

import pytest
from command_line import TRUE, Run, one_line, read_csv
from PIL import Image
from tifffile import imread
from typer.testing import CliRunner

from neubauer.cells.table import Cells
from neubauer.cli.main import app
from neubauer.images.source import ImageSource
from neubauer.models.counter.predict import TrainedCounter
from neubauer.models.estimators.cell_counter import CellCounter


def tables(out: Path) -> tuple[str, str]:
    return (out / "counts.csv").read_text(), (out / "objects.csv").read_text()


def test_counts_a_folder(run: Run, images: Path, model: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    result = run("count", images, "--model", model, "--out", out)
    assert result.exit_code == 0, result.stderr
    assert "counts.csv" in result.stdout

    counts = read_csv(out / "counts.csv")
    columns = ["image", "file", "cell", "cell_low", "cell_high", "total", "total_low", "total_high", "flag", "diameter"]
    assert list(counts[0]) == columns
    assert [row["image"] for row in counts] == list(TRUE)
    for row in counts:
        assert abs(int(row["total"]) - TRUE[row["image"]]) <= 2
        assert float(row["total_low"]) <= int(row["total"]) <= float(row["total_high"])
    assert counts[2]["cell"] == counts[2]["total"] == "0"

    objects = read_csv(out / "objects.csv")
    first = ["image", "label", "class", "probability", "centroid-0", "centroid-1"]
    assert list(objects[0])[:6] == first
    wanted = {f"bbox-{i}" for i in range(4)} | {"area", "eccentricity", "solidity", "perimeter", "area_um2"}
    assert wanted | {"equivalent_diameter_area"} <= objects[0].keys()
    assert any(column.startswith("intensity_mean") for column in objects[0])
    assert {row["image"] for row in objects} == {"a", "b"}

    for name in TRUE:
        labels = imread(out / "masks" / f"{name}_masks.tif")
        found = [int(row["label"]) for row in objects if row["image"] == name]
        assert labels.dtype == "int32"
        assert labels.shape == imread(images / f"{name}.tif").shape
        assert sorted(found) == list(range(1, labels.max() + 1))
        with Image.open(out / "overlays" / f"{name}_overlay.png") as overlay:
            assert overlay.width >= labels.shape[1]


def test_outputs_can_be_left_out(run: Run, images: Path, model: Path, tmp_path: Path) -> None:
    result = run("count", images / "a.tif", "--model", model, "--out", tmp_path / "o", "--no-masks", "--no-overlays")
    assert result.exit_code == 0
    assert not (tmp_path / "o" / "masks").exists()
    assert not (tmp_path / "o" / "overlays").exists()


def test_names_are_shown_as_they_are(
    run: Run, images: Path, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copy(images / "empty.tif", "cell [red]x :cat:.tif")
    bad = Path("bad [bold].tif")
    bad.write_text("no image")
    result = run("count", "cell [red]x :cat:.tif", bad, "--model", model, "--out", "o_[/bold]x")
    assert result.exit_code == 1
    assert "cell [red]x :cat:" in result.stdout
    assert "masks: o_[/bold]x/masks" in result.stdout
    assert f"failed: {bad}" in result.stderr


def test_a_terminal_that_knows_ascii_only(images: Path, model: Path, tmp_path: Path) -> None:
    (images / "empty.tif").rename(images / "ü.tif")
    arguments = ["count", str(images / "ü.tif"), "--model", str(model), "--out", str(tmp_path / "ö")]
    result = CliRunner(charset="ascii").invoke(app, arguments)
    assert result.exit_code == 0, result.exception
    assert re.search(r"\[0\?\d+\]", result.stdout)
    assert read_csv(tmp_path / "ö" / "counts.csv")[0]["image"] == "ü"


def test_annotations_in_a_folder_are_no_images(run: Run, images: Path, model: Path, tmp_path: Path) -> None:
    shutil.copy(images / "empty.tif", images / "a_masks.tif")
    shutil.copy(images / "empty.tif", images / "b_cp_masks.tif")
    shutil.copy(images / "empty.tif", images / "c_masks.tif")  # no c.tif: it may well be an image
    command = ("--model", model, "--no-masks", "--no-overlays", "--out")
    for name, folder in (("folder", images), ("glob", tmp_path / "image*")):
        result = run("count", folder, *command, tmp_path / name)
        assert result.exit_code == 0
        one_line(result.stderr, "left out as annotations", "2 files (a_masks.tif, b_cp_masks.tif)")
        assert [row["image"] for row in read_csv(tmp_path / name / "counts.csv")] == ["a", "b", "c_masks", "empty"]
    result = run("count", images / "a_masks.tif", images, *command, tmp_path / "named")
    one_line(result.stderr, "left out as annotations", "1 file (b_cp_masks.tif)")
    assert read_csv(tmp_path / "named" / "counts.csv")[0]["image"] == "a_masks"


def test_help_says_what_exit_codes_mean(run: Run) -> None:
    text = " ".join(run("count", "--help").stdout.split())
    for part in ("0: all images are counted", "1: some of them, or all, failed", "2: nothing was done", "130: stopped"):
        assert part in text


def test_json_for_programs(run: Run, images: Path, model: Path, tmp_path: Path) -> None:
    (images / "bad.png").write_bytes(b"no image")
    result = run("count", images, "--model", model, "--out", tmp_path / "o", "--json")
    assert result.exit_code == 1
    printed = json.loads(result.stdout)
    assert {row["image"]: row["total"] for row in printed["images"]}["empty"] == 0
    assert {row["image"] for row in printed["images"]} == set(TRUE)
    assert list(printed["failed"]) == [str(images / "bad.png")]


def test_every_format(run: Run, images: Path, model: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    result = run("count", images, "--model", model, "--out", out, "--format", "geojson, COCO,roi,yolo")
    assert result.exit_code == 0, result.stderr
    for name in TRUE:
        found = sum(row["image"] == name for row in read_csv(out / "objects.csv"))
        assert len(json.loads((out / "geojson" / f"{name}.geojson").read_text())["features"]) == found
        assert len((out / "yolo" / "labels" / f"{name}.txt").read_text().splitlines()) == found
        with zipfile.ZipFile(out / "roi" / f"{name}_rois.zip") as rois:
            assert len(rois.namelist()) == found
    assert (out / "yolo" / "classes.txt").read_text().split() == ["cell"]
    coco = json.loads((out / "coco" / "annotations.json").read_text())
    assert [image["file_name"] for image in coco["images"]] == ["a.tif", "b.tif", "empty.tif"]
    assert len(coco["annotations"]) == len(read_csv(out / "objects.csv"))


def test_a_stopped_run_goes_on(
    run: Run, images: Path, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C at the second image: the tables hold the first; the same command does the rest only."""
    seen: list[str] = []
    predict = TrainedCounter.predict

    def stop_at(name: str | None) -> None:
        def spy(self: TrainedCounter, image: ImageSource, **options: Any) -> Cells:
            seen.append(image.name)
            if image.name == name:
                raise KeyboardInterrupt
            return predict(self, image, **options)

        monkeypatch.setattr(TrainedCounter, "predict", spy)

    out = tmp_path / "out"
    command = ("count", images, "--model", model, "--out", out, "--format", "coco")
    stop_at("b")
    result = run(*command)
    assert result.exit_code == 130
    assert "interrupted" in result.stderr
    assert [row["image"] for row in read_csv(out / "counts.csv")] == ["a"]
    assert {row["image"] for row in read_csv(out / "objects.csv")} == {"a"}
    assert len(json.loads((out / "coco" / "annotations.json").read_text())["images"]) == 1

    stop_at(None)
    seen.clear()
    result = run(*command)
    assert result.exit_code == 0
    assert "1 of 3 images are done already" in result.stderr
    assert seen == ["b", "empty"]
    assert run("count", images, "--model", model, "--out", tmp_path / "whole", "--format", "coco").exit_code == 0
    assert tables(out) == tables(tmp_path / "whole")
    merged = [(folder / "coco" / "annotations.json").read_text() for folder in (out, tmp_path / "whole")]
    assert merged[0] == merged[1]

    seen.clear()
    (out / "masks" / "b_masks.tif").unlink()
    assert run(*command, "--format", "coco,geojson").exit_code == 0
    assert seen == ["a", "b", "empty"], "an output that was not asked for before is made now"
    assert (out / "geojson" / "b.geojson").exists()
    assert (out / "masks" / "b_masks.tif").exists()


def test_further_images_join_a_run(run: Run, images: Path, model: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert run("count", images / "b.tif", "--model", model, "--out", out).exit_code == 0
    assert run("count", images, "--model", model, "--out", out).exit_code == 0
    assert [row["image"] for row in read_csv(out / "counts.csv")] == list(TRUE)
    assert run("count", images / "empty.tif", "--model", model, "--out", out).exit_code == 0
    assert len(read_csv(out / "counts.csv")) == 3


def test_another_run_is_refused(run: Run, images: Path, model: Path, counter: CellCounter, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert run("count", images, "--model", model, "--out", out).exit_code == 0
    before = tables(out)

    result = run("count", images, "--model", model, "--out", out, "--diameter", 14)
    assert result.exit_code == 2
    assert "diameter: None there" in result.stderr

    copy = counter.config.model_copy(update={"training": {}})
    monkey = CellCounter()
    monkey.network_, monkey.config_ = counter.network_, copy
    other = monkey.save(tmp_path / "other.safetensors")
    result = run("count", images, "--model", other, "--out", out)
    assert result.exit_code == 2
    assert "model: 'discs' there" in result.stderr

    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    shutil.copy(images / "b.tif", elsewhere / "a.tif")
    result = run("count", elsewhere / "a.tif", "--model", model, "--out", out)
    assert result.exit_code == 2
    assert f"a is {images / 'a.tif'} there" in result.stderr
    assert tables(out) == before

    result = run("count", elsewhere / "a.tif", "--model", model, "--out", out, "--diameter", 13, "--overwrite")
    assert result.exit_code == 0
    assert [row["image"] for row in read_csv(out / "counts.csv")] == ["a"]


def test_a_folder_with_tables_of_others_is_left_alone(run: Run, images: Path, model: Path, tmp_path: Path) -> None:
    (tmp_path / "counts.csv").write_text("mine")
    result = run("count", images, "--model", model, "--out", tmp_path)
    assert result.exit_code == 2
    assert "--overwrite" in result.stderr
    assert (tmp_path / "counts.csv").read_text() == "mine"


def test_shards_make_one_run(run: Run, images: Path, model: Path, tmp_path: Path) -> None:
    shards, whole = tmp_path / "shards", tmp_path / "whole"
    common = ("count", images, "--model", model, "--format", "coco", "--out")
    assert run(*common, whole).exit_code == 0
    assert run(*common, shards, "--shard", "2/2").exit_code == 0
    assert [row["image"] for row in read_csv(shards / "counts.csv")] == ["b"]
    assert run(*common, shards, "--shard", "1/2").exit_code == 0
    assert tables(shards) == tables(whole)
    file = Path("coco") / "annotations.json"
    assert (shards / file).read_text() == (whole / file).read_text()
    result = run(*common, shards, "--shard", "1/2", "--overwrite")
    assert result.exit_code == 2
    assert tables(shards) == tables(whole)


@pytest.mark.parametrize("shard", ["0/2", "3/2", "1", "a/b", "1/2/3"])
def test_wrong_shards(run: Run, images: Path, model: Path, tmp_path: Path, shard: str) -> None:
    result = run("count", images, "--model", model, "--out", tmp_path / "o", "--shard", shard)
    assert result.exit_code == 2
    assert "--shard" in result.stderr


def test_two_inputs_of_one_stem(run: Run, images: Path, model: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    shutil.copy(images / "b.tif", other / "a.tif")
    out = tmp_path / "out"
    assert run("count", images / "a.tif", other / "a.tif", "--model", model, "--out", out).exit_code == 0
    counts = read_csv(out / "counts.csv")
    assert [row["image"] for row in counts] == ["images_a", "other_a"]
    assert [abs(int(row["total"]) - n) <= 2 for row, n in zip(counts, (10, 14), strict=True)] == [True, True]
    assert (out / "masks" / "other_a_masks.tif").exists()


def test_stains_are_separated_or_refused(run: Run, model: Path, tmp_path: Path) -> None:
    from skimage import data

    from neubauer.images.write import write_image

    tissue = tmp_path / "tissue.png"
    write_image(tissue, data.immunohistochemistry()[:200, :200].transpose(2, 0, 1))
    result = run("count", tissue, "--model", model, "--out", tmp_path / "out", "--stain", "haematoxylin")
    assert result.exit_code == 0
    refused = run("count", tissue, "--model", model, "--out", tmp_path / "other", "--stain", "silver")
    assert refused.exit_code == 2
    assert "haematoxylin" in refused.stderr
