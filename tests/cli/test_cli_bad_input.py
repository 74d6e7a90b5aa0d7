"""`neubauer count` and bad input: one line that names it, the rest is done, the exit code says how it went."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from command_line import TRUE, Run, one_line, read_csv
from scenes import discs
from tifffile import imwrite

from neubauer.images.write import write_image
from neubauer.models.counter.predict import TrainedCounter


def test_bad_files_among_good_ones(run: Run, images: Path, model: Path, tmp_path: Path) -> None:
    scene = discs(9, seed=7)[0]
    (images / "text.tif").write_text("this is not an image")
    (images / "zero.png").write_bytes(b"")
    write_image(images / "whole.png", scene)
    (images / "truncated.png").write_bytes((images / "whole.png").read_bytes()[:5000])
    write_image(images / "whole.tif", scene)
    (images / "truncated.tif").write_bytes((images / "whole.tif").read_bytes()[:9000])
    (images / "whole.png").unlink()
    (images / "whole.tif").unlink()
    imwrite(images / "nan.tif", np.full((40, 50), np.nan, np.float32))
    bad = ["nan.tif", "text.tif", "truncated.png", "truncated.tif", "zero.png"]
    out = tmp_path / "out"
    result = run("count", images, "--model", model, "--out", out)
    assert result.exit_code == 1
    for name in bad:
        one_line(result.stderr, "failed", images / name, "found", "expected")
    assert f"failed: {len(bad)} of {len(bad) + 3} images" in result.stdout
    assert [row["image"] for row in read_csv(out / "counts.csv")] == list(TRUE)
    assert not any((out / "masks" / f"{Path(name).stem}_masks.tif").exists() for name in bad)


def test_an_unexpected_error_costs_one_image(
    run: Run, images: Path, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    locate = TrainedCounter.locate

    def fails_for_b(self, source, **options):  # type: ignore[no-untyped-def]
        if source.name == "b":
            raise RuntimeError("something that nobody\nthought of")
        return locate(self, source, **options)

    monkeypatch.setattr(TrainedCounter, "locate", fails_for_b)
    result = run("count", images, "--model", model, "--out", tmp_path / "out")
    assert result.exit_code == 1
    one_line(result.stderr, images / "b.tif", "RuntimeError", "nobody thought of")
    assert [row["image"] for row in read_csv(tmp_path / "out" / "counts.csv")] == ["a", "empty"]


@pytest.mark.parametrize("shape", [(1, 1), (1, 3000), (3000, 1), (2, 2)])
def test_tiny_and_thin_images(run: Run, model: Path, tmp_path: Path, shape: tuple[int, int]) -> None:
    write_image(tmp_path / "thin.tif", np.full(shape, 500, np.uint16))
    result = run("count", tmp_path / "thin.tif", "--model", model, "--out", tmp_path / "out")
    assert result.exit_code == 0, result.stderr
    assert read_csv(tmp_path / "out" / "counts.csv")[0]["total"] == "0"


def test_other_channels_are_named(run: Run, model: Path, tmp_path: Path) -> None:
    write_image(tmp_path / "two.tif", np.random.default_rng(0).integers(0, 999, (2, 40, 40)).astype(np.uint16))
    result = run("count", tmp_path / "two.tif", "--model", model, "--out", tmp_path / "out")
    assert result.exit_code == 1
    one_line(result.stderr, tmp_path / "two.tif", "found 2 channels", "expected 1 channel")
    assert read_csv(tmp_path / "out" / "counts.csv") == []


def test_a_stack_needs_a_choice(run: Run, model: Path, tmp_path: Path) -> None:
    scene = discs(10, seed=3)[0]
    stack = np.stack([np.full_like(scene, 900), scene, np.full_like(scene, 900)])
    imwrite(tmp_path / "z.tif", stack, imagej=True, metadata={"axes": "ZYX"})
    result = run("count", tmp_path / "z.tif", "--model", model, "--out", tmp_path / "none")
    assert result.exit_code == 1
    one_line(result.stderr, tmp_path / "z.tif", "stack", "--project")
    for out, option in (("project", ("--project", "max")), ("frame", ("--frame", 1))):
        assert run("count", tmp_path / "z.tif", "--model", model, "--out", tmp_path / out, *option).exit_code == 0
        assert abs(int(read_csv(tmp_path / out / "counts.csv")[0]["total"]) - 10) <= 2
    result = run("count", tmp_path / "z.tif", "--model", model, "--out", tmp_path / "m", "--project", "median")
    assert result.exit_code == 2
    one_line(result.stderr, "--project", "'median'", "max")


def test_a_run_without_results_may_change_its_settings(run: Run, model: Path, tmp_path: Path) -> None:
    scene = discs(10, seed=3)[0]
    imwrite(tmp_path / "z.tif", np.stack([scene] * 3), imagej=True, metadata={"axes": "ZYX"})
    command = ("count", tmp_path / "z.tif", "--model", model, "--out", tmp_path / "out")
    assert run(*command, "--frame", 7).exit_code == 1
    assert read_csv(tmp_path / "out" / "failed.csv")[0]["image"] == "z"
    result = run(*command, "--frame", -1)
    assert result.exit_code == 2
    one_line(result.stderr, "error", "--frame", "found -1", "expected a number from 0")
    assert run(*command, "--frame", 1).exit_code == 0
    assert not (tmp_path / "out" / "failed.csv").exists()
    result = run(*command, "--frame", 2)
    assert result.exit_code == 2
    one_line(result.stderr, "results of another run", "frame: 1 there")


def test_an_output_folder_that_cannot_be(run: Run, images: Path, model: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("a file")
    for out in (tmp_path / "file", tmp_path / "file" / "below"):
        result = run("count", images, "--model", model, "--out", out)
        assert result.exit_code == 2
        one_line(result.stderr, "error", out, "cannot be written to")
    assert (tmp_path / "file").read_text() == "a file"


def test_a_part_of_the_output_that_cannot_be(run: Run, images: Path, model: Path, tmp_path: Path) -> None:
    """A full disk, say, when the overlays come: it ends the run, and the tables are valid."""
    out = tmp_path / "out"
    out.mkdir()
    (out / "overlays").write_text("a file in the place of the folder")
    result = run("count", images, "--model", model, "--out", out)
    assert result.exit_code == 2
    one_line(result.stderr, "error", out, "cannot be written to")
    assert read_csv(out / "counts.csv") == []


def test_wrong_usage(run: Run, images: Path, model: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    ok = ("--out", out)
    bad_model = tmp_path / "bad.safetensors"
    bad_model.write_text("not a model")
    for arguments, parts in (
        ((images, "--model", "no-such-model", *ok), ("no-such-model", "bundled")),
        ((images, "--model", bad_model, *ok), (bad_model, "expected a model file")),
        ((images, "--model", tmp_path, *ok), (tmp_path, "neither a file nor a bundled model")),
        ((tmp_path / "absent.tif", "--model", model, *ok), (tmp_path / "absent.tif", "no such file")),
        ((images, "--model", model, *ok, "--format", "svg"), ("--format", "'svg'", "geojson")),
        ((images, "--model", model, *ok, "--diameter", "1e9"), ("diameter", "1e+09 px", "expected")),
        ((images, "--model", model, *ok, "--diameter", "nan"), ("diameter", "nan px", "expected")),
        ((images, "--model", model, *ok, "--diameter", "-3"), ("diameter", "-3 px", "expected")),
    ):
        result = run("count", *arguments)
        assert result.exit_code == 2, arguments
        one_line(result.stderr, "error", *parts)
    assert not out.exists()
    assert run("count", images).exit_code == 2


def test_the_nearest_name_of_a_model_is_suggested(
    run: Run, images: Path, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from neubauer.models.shared import bundled as registry

    model.with_suffix(".md").write_text("# discs\n")  # all that are bundled have a card
    monkeypatch.setattr(registry, "WEIGHTS", model.parent)
    result = run("count", images, "--model", "dics", "--out", tmp_path / "out")
    assert result.exit_code == 2
    one_line(result.stderr, "dics", "did you mean discs?")
    (tmp_path / "discs").mkdir()
    monkeypatch.chdir(tmp_path)  # a folder of that name does not hide the model
    assert run("count", images / "empty.tif", "--model", "discs", "--out", "discs").exit_code == 0
