"""`neubauer count --regions` and filters."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from command_line import TRUE, Run, one_line, read_csv
from PIL import Image
from tifffile import imread

from neubauer.images.write import write_image
from neubauer.models.estimators.cell_counter import CellCounter
from neubauer.runs.folder import count_folder


def boxes(path: Path, *rows: str) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_text("\n".join(["region,y0,x0,y1,x1,class", *rows]) + "\n")
    return path


def test_a_file_for_all_images(run: Run, images: Path, model: Path, tmp_path: Path) -> None:
    plain, out = tmp_path / "plain", tmp_path / "out"
    table = boxes(tmp_path / "all.csv", "left,0,0,128,64,half", "right,0,64,128,128,half", "top,0,0,20,64,")
    chosen = [images / "a.tif", images / "b.tif"]
    assert run("count", *chosen, "--model", model, "--out", plain).exit_code == 0
    result = run("count", *chosen, "--model", model, "--out", out, "--regions", table, "--format", "geojson,roi")
    assert result.exit_code == 0, result.stderr
    assert "regions.csv" in result.stdout

    rows = read_csv(out / "regions.csv")
    assert [(r["image"], r["level"], r["region"], r["region_class"]) for r in rows[:4]] == [
        ("a", "region", "left", "half"),
        ("a", "region", "right", "half"),
        ("a", "region", "top", ""),
        ("a", "class", "", "half"),
    ]
    assert [r["parent"] for r in rows[:3]] == ["", "", "left"]
    assert float(rows[0]["area_mm2"]) == 128 * 64 * 0.25e-6
    assert "total_per_million_px" not in rows[0]
    counts, objects = read_csv(out / "counts.csv"), read_csv(out / "objects.csv")
    assert counts == read_csv(plain / "counts.csv")
    for name in ("a", "b"):
        left, right, top, half = (r for r in rows if r["image"] == name)
        own = [o for o in objects if o["image"] == name]
        assert int(left["total"]) + int(right["total"]) == int(half["total"]) == len(own)
        assert sum(o["region"] == "top" for o in own) == int(top["total"])
        assert int(left["total_low"]) <= int(left["total"]) <= int(left["total_high"])
        assert (imread(out / "masks" / f"{name}_masks.tif") == imread(plain / "masks" / f"{name}_masks.tif")).all()
    record = json.loads((out / "run.json").read_text())
    assert record["regions"] == str(table.resolve())
    assert record["regions_sha256"]


def test_overlays_show_the_regions(run: Run, images: Path, model: Path, tmp_path: Path) -> None:
    table = boxes(tmp_path / "one.csv", "middle,32,32,96,96,")
    result = run("count", images / "a.tif", "--model", model, "--out", tmp_path / "o", "--regions", table)
    assert result.exit_code == 0
    with Image.open(tmp_path / "o" / "overlays" / "a_overlay.png") as overlay:
        pixels = np.asarray(overlay.convert("RGB"))
    zoom = pixels.shape[1] // 128
    column = pixels[60 * zoom, 32 * zoom - 3 : 32 * zoom + 4]
    assert (column == 255).all(1).any()  # the line
    assert (column == 0).all(1).any()  # its dark rim
    labels = imread(tmp_path / "o" / "masks" / "a_masks.tif")
    assert 0 < labels.max() < TRUE["a"]


def test_a_folder_with_a_file_for_each(run: Run, images: Path, model: Path, tmp_path: Path) -> None:
    folder, out = tmp_path / "regions", tmp_path / "out"
    boxes(folder / "a_regions.csv", "r,0,0,128,128,")
    boxes(folder / "other.csv", "r,0,0,10,10,")
    labels = np.zeros((60, 80), np.uint8)
    labels[10:20] = 4
    write_image(folder / "empty.tif", labels)
    arguments = ("count", images, "--model", model, "--out", out, "--regions", folder)
    result = run(*arguments)
    assert result.exit_code == 1
    one_line(result.stderr, "without regions", "1 (b.tif)")
    one_line(result.stderr, "of no image", "other.csv")
    one_line(result.stderr, "failed", "b.tif", "no regions of this image")
    assert [r["image"] for r in read_csv(out / "failed.csv")] == ["b"]
    assert [(r["image"], r["region"]) for r in read_csv(out / "regions.csv")] == [("a", "r"), ("empty", "region 4")]

    before = (out / "regions.csv").read_bytes()
    assert "2 of 3 images are done already" in run(*arguments).stderr
    assert (out / "regions.csv").read_bytes() == before
    boxes(folder / "b.csv", "new,0,0,128,128,")  # one that was missing
    boxes(folder / "a_regions.csv", "changed,0,0,128,64,")
    result = run(*arguments)
    assert result.exit_code == 0
    assert "1 of 3 images are done already" in result.stderr
    rows = read_csv(out / "regions.csv")
    assert [(r["image"], r["region"]) for r in rows] == [("a", "changed"), ("b", "new"), ("empty", "region 4")]
    assert rows[2]["total"] == "0"
    assert len([o for o in read_csv(out / "objects.csv") if o["image"] == "a"]) == int(rows[0]["total"])


def test_tissue(run: Run, model: Path, tmp_path: Path, counter: CellCounter) -> None:
    rng = np.random.default_rng(0)
    image = rng.normal(1000, 20, (128, 128))
    image[20:100, 20:100] += 300
    write_image(tmp_path / "slide.tif", np.clip(image, 0, None).astype(np.uint16))
    write_image(tmp_path / "ground.tif", rng.normal(1000, 20, (128, 128)).astype(np.uint16))
    out = tmp_path / "out"
    given = (tmp_path / "slide.tif", tmp_path / "ground.tif")
    result = run("count", *given, "--model", model, "--out", out, "--regions", "tissue")
    assert result.exit_code == 0, result.stderr
    (piece, pool) = read_csv(out / "regions.csv")
    assert (piece["region"], pool["level"]) == ("tissue 1", "class")
    assert float(piece["area_px"]) == pytest.approx(6400, rel=0.1)
    by_name = {row["image"]: row for row in read_csv(out / "counts.csv")}
    assert by_name["ground"]["total"] == "0"
    assert "no tissue is found" in by_name["ground"]["flag"]


def test_filters_are_recorded_and_applied(run: Run, images: Path, model: Path, tmp_path: Path) -> None:
    plain, out = tmp_path / "plain", tmp_path / "out"
    assert run("count", images, "--model", model, "--out", plain).exit_code == 0
    filters = ("--border", "two-sides", "--min-area", "30um2", "--min-probability", "0.05")
    result = run("count", images, "--model", model, "--out", out, *filters)
    assert result.exit_code == 0, result.stderr
    before, after = read_csv(plain / "counts.csv"), read_csv(out / "counts.csv")
    objects = read_csv(out / "objects.csv")
    assert all(float(o["area_um2"]) >= 30 for o in objects)
    for old, new in zip(before, after, strict=True):
        own = [o for o in objects if o["image"] == new["image"]]
        assert int(new["total"]) == len(own) == int(old["total"]) - int(new["left_out"])
        assert int(new["total_low"]) <= int(new["total"]) <= int(new["total_high"]) <= int(old["total_high"])
    assert sum(int(row["left_out"]) for row in after) > 0
    record = json.loads((out / "run.json").read_text())
    assert (record["border"], record["min_area"], record["min_probability"]) == ("two-sides", "30um2", 0.05)
    assert run("count", images, "--model", model, "--out", out).exit_code == 2  # another run


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--regions", "nowhere"), "--regions"),
        (("--border", "some"), "--border"),
        (("--min-area", "big"), "--min-area"),
        (("--min-probability", "2"), "--min-probability"),
    ],
)
def test_bad_options(run: Run, images: Path, model: Path, tmp_path: Path, options: tuple[str, str], said: str) -> None:
    result = run("count", images, "--model", model, "--out", tmp_path / "o", *options)
    assert result.exit_code == 2
    assert "found" in result.stderr
    assert (said if said != "--regions" else "nowhere") in result.stderr
    assert not (tmp_path / "o").exists()


def test_regions_of_another_image_cost_no_other(run: Run, images: Path, model: Path, tmp_path: Path) -> None:
    table = tmp_path / "per_image.csv"
    table.write_text("image,region,y0,x0,y1,x1\na,r,0,0,50,50\nb,r,900,900,950,950\n")
    result = run("count", images, "--model", model, "--out", tmp_path / "o", "--regions", table)
    assert result.exit_code == 1
    one_line(result.stderr, "failed", "all lie outside of the image")
    one_line(result.stderr, "failed", "no row for empty.tif")
    assert [row["image"] for row in read_csv(tmp_path / "o" / "counts.csv")] == ["a"]


def test_from_python(counter: CellCounter, images: Path, tmp_path: Path) -> None:
    table = boxes(tmp_path / "py.csv", "r,0,0,60,60,")
    counts = count_folder(images, counter, tmp_path / "o", regions=table, formats=())
    rows = read_csv(tmp_path / "o" / "regions.csv")
    assert [int(r["total"]) for r in rows] == counts["total"].tolist()
