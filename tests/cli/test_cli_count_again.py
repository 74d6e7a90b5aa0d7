"""`neubauer count` into a folder with results: what has changed since, is gone, or failed."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest
from command_line import TRUE, Run, one_line, read_csv


def counted(out: Path) -> dict[str, int]:
    return {row["image"]: int(row["total"]) for row in read_csv(out / "counts.csv")}


def tables(out: Path) -> list[bytes]:
    return [(out / name).read_bytes() for name in ("counts.csv", "objects.csv")]


def replace_file(path: Path, by: Path) -> None:
    """New content at another time than that of the old."""
    before = path.stat().st_mtime_ns
    shutil.copyfile(by, path)
    os.utime(path, ns=(before + 10**9, before + 10**9))


def test_a_changed_image_is_counted_again(run: Run, images: Path, model: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    command = ("count", images, "--model", model, "--out", out)
    assert run(*command, "--format", "coco").exit_code == 0
    before = counted(out)
    replace_file(images / "a.tif", images / "b.tif")
    result = run(*command, "--no-masks")
    assert result.exit_code == 0
    one_line(result.stderr, "1 image has changed since and is done again")
    one_line(result.stderr, "2 of 3 images are done already")
    assert counted(out) == before | {"a": before["b"]}
    assert not (out / "masks" / "a_masks.tif").exists(), "a mask of the old image"
    coco = json.loads((out / "coco" / "annotations.json").read_text())
    assert [image["file_name"] for image in coco["images"]] == ["b.tif", "empty.tif"]

    (images / "b.tif").write_text("this is not an image")
    assert run(*command).exit_code == 1
    assert list(counted(out)) == ["a", "empty"]
    assert [row["image"] for row in read_csv(out / "failed.csv")] == ["b"]


def test_files_without_a_record_are_replaced_on_request_only(
    run: Run, images: Path, model: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    command = ("count", images, "--model", model, "--out", out, "--no-overlays")
    assert run(*command).exit_code == 0
    before = tables(out)
    for file in (out / "parts").glob("*.json"):
        file.unlink()
    result = run(*command)
    assert result.exit_code == 2
    one_line(result.stderr, out, "a file that is there already", "--overwrite")
    assert run(*command, "--overwrite").exit_code == 0
    assert tables(out) == before
    assert "done already" in run(*command).stderr


@pytest.mark.parametrize("ending", [".json", "_objects.csv"])
def test_an_emptied_part_is_made_again(run: Run, images: Path, model: Path, tmp_path: Path, ending: str) -> None:
    """What a power cut can leave."""
    out = tmp_path / "out"
    command = ("count", images, "--model", model, "--out", out, "--no-masks", "--no-overlays")
    assert run(*command).exit_code == 0
    before = counted(out)
    (out / "parts" / f"a{ending}").write_bytes(b"")
    result = run(*command)
    assert result.exit_code == 0
    one_line(result.stderr, "2 of 3 images are done already")
    assert counted(out) == before


def test_images_that_are_gone_leave_the_tables(run: Run, images: Path, model: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    command = ("--model", model, "--out", out, "--no-overlays", "--format", "coco")
    assert run("count", images, *command).exit_code == 0
    (images / "b.tif").rename(tmp_path / "b.tif")
    result = run("count", images, *command)
    assert result.exit_code == 0
    one_line(result.stderr, "not among these inputs: 0 kept in the tables, 1 left out of them")
    assert list(counted(out)) == ["a", "empty"]
    assert {row["image"] for row in read_csv(out / "objects.csv")} == {"a"}
    assert len(json.loads((out / "coco" / "annotations.json").read_text())["images"]) == 2

    result = run("count", images / "a.tif", *command)  # the other image is there still
    one_line(result.stderr, "not among these inputs: 1 kept in the tables, 1 left out of them")
    assert list(counted(out)) == ["a", "empty"]

    (tmp_path / "b.tif").rename(images / "b.tif")
    result = run("count", images, *command)
    one_line(result.stderr, "3 of 3 images are done already")
    assert list(counted(out)) == list(TRUE)


def test_shards_after_a_change(run: Run, images: Path, model: Path, tmp_path: Path) -> None:
    out, whole = tmp_path / "out", tmp_path / "whole"
    command = ("count", images, "--model", model, "--no-masks", "--no-overlays", "--out")
    assert run(*command, out).exit_code == 0
    replace_file(images / "a.tif", images / "b.tif")
    assert "changed" not in run(*command, out, "--shard", "2/2").stderr
    assert list(counted(out)) == list(TRUE), "the shard leaves the images of the other alone"
    assert "1 image has changed" in run(*command, out, "--shard", "1/2").stderr
    assert run(*command, whole).exit_code == 0
    assert counted(out) == counted(whole)


def test_overwrite_removes_what_the_earlier_run_wrote(run: Run, images: Path, model: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    mine = [out / "masks" / "mine_masks.tif", out / "overlays" / "b_overlay.png", out / "roi" / "notes.txt"]
    assert run("count", images, "--model", model, "--out", out, "--no-overlays").exit_code == 0
    formats = ("--format", "geojson,coco,roi,yolo")
    assert run("count", images, "--model", model, "--out", out, "--no-overlays", *formats).exit_code == 0
    for file in mine:
        file.parent.mkdir(exist_ok=True)
        file.write_text("not of the program")
    result = run("count", images / "a.tif", "--model", model, "--out", out, "--no-overlays", "--overwrite")
    assert result.exit_code == 0
    assert list(counted(out)) == ["a"]
    written = {file for kind in ("masks", "overlays", "roi") for file in (out / kind).iterdir()}
    assert written == {*mine, out / "masks" / "a_masks.tif"}
    assert not any((out / kind).exists() for kind in ("geojson", "coco", "yolo"))


def test_failures_are_listed_until_they_are_mended(run: Run, images: Path, model: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    shutil.copyfile(images / "a.tif", tmp_path / "good.tif")
    (images / "a.tif").write_text("this is not an image")
    (images / "b.tif").write_bytes(b"")
    command = ("count", images, "--model", model, "--out", out, "--no-masks", "--no-overlays")
    for shard in ("1/2", "2/2"):
        assert run(*command, "--shard", shard).exit_code == 1
    failed = read_csv(out / "failed.csv")
    assert [row["image"] for row in failed] == ["a", "b"]
    assert all(f"{images / row['image']}.tif" in row["reason"] for row in failed)

    shutil.copyfile(tmp_path / "good.tif", images / "a.tif")
    result = run(*command)
    assert result.exit_code == 1
    assert str(out / "failed.csv") in result.stdout
    assert [row["image"] for row in read_csv(out / "failed.csv")] == ["b"]
    shutil.copyfile(tmp_path / "good.tif", images / "b.tif")
    assert run(*command).exit_code == 0
    assert not (out / "failed.csv").exists()
    assert list(counted(out)) == list(TRUE)


def test_parts_of_a_run_that_is_not_known_are_not_used(run: Run, images: Path, model: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    command = ("count", images / "empty.tif", "--model", model, "--out", out)
    assert run(*command).exit_code == 0
    for name in ("run.json", "counts.csv", "objects.csv"):
        (out / name).unlink()
    result = run(*command, "--diameter", 14)
    assert result.exit_code == 2
    one_line(result.stderr, out, "without the record of their run")


@pytest.mark.parametrize("text", ["[]", '{"images": 3}', '{"images": {"a": 1}}', "3", "", '{"images"'])
def test_a_record_that_is_none_is_named(run: Run, images: Path, model: Path, tmp_path: Path, text: str) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "run.json").write_text(text)
    command = ("count", images / "empty.tif", "--model", model, "--out", out)
    result = run(*command)
    assert result.exit_code == 2
    one_line(result.stderr, "error", out / "run.json", "found", "expected the record of a run; or --overwrite")
    assert (out / "run.json").read_text() == text
    assert run(*command, "--overwrite").exit_code == 0
