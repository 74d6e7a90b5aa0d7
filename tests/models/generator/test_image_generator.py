from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import typer
from typer.testing import CliRunner

from neubauer.cli.generator import evaluate_generator, generate, train_generator
from neubauer.errors import InputError, NeubauerError
from neubauer.images.read import open_image
from neubauer.images.write import write_image
from neubauer.models.estimators.image_generator import ImageGenerator

SMALL: dict[str, Any] = {
    "latent": 8,
    "generator": {"net": "dcgan", "widths": [16, 8]},
    "discriminator": {"net": "dcgan", "widths": [8, 16], "base": 4},
    "training": {
        "batch_size": 16,
        "steps": 10,
        "log_every": 5,
        "precision": "float32",
        "accelerator": "cpu",
        "monitor": {"every": 10, "samples": 32},
    },
}


def images(n: int = 200, channels: int = 2) -> np.ndarray:
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:8, :8]
    cy, cx = rng.uniform(2, 5, (2, n, 1, 1))
    blobs = np.exp(-((y - cy) ** 2 + (x - cx) ** 2) / 4)[:, None] * np.linspace(1, 0.4, channels)[:, None, None]
    return (100 + 2900 * blobs).astype(np.uint16)


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> tuple[ImageGenerator, Path]:
    torch.set_num_threads(1)
    run = tmp_path_factory.mktemp("generator") / "run"
    generator = ImageGenerator("acgan", SMALL)
    return generator.fit(images(), ["a", "b"] * 100, out=run), run


def test_samples_have_the_depth_and_range_of_the_training_images(model):
    samples = model[0].sample(20)
    assert samples.shape == (20, 2, 8, 8)
    assert samples.dtype == np.uint16
    assert 90 <= samples.min() < samples.max() <= 3000
    floats = ImageGenerator("vae", {k: v for k, v in SMALL.items() if k != "discriminator"})
    floats.fit(images().astype(np.float32) / 7)
    assert floats.sample(3).dtype == np.float32


def test_the_default_learns_classes_where_there_are_several():
    changes = {**SMALL, "training": {**SMALL["training"], "steps": 2, "monitor": {"every": 0}}}
    for names, learnt in ((["a", "b"] * 20, ("a", "b")), (["a"] * 40, ()), (None, ())):
        assert ImageGenerator(changes=changes).fit(images(40), names).classes == learnt


def test_seeds_and_classes(model):
    generator = model[0]
    assert generator.classes == ("a", "b")
    assert np.array_equal(generator.sample(4, seed=1), generator.sample(4, seed=1))
    assert not np.array_equal(generator.sample(4, seed=1), generator.sample(4, seed=2))
    a, b, both = (generator.sample(4, name, seed=1) for name in ("a", "b", None))
    assert not np.array_equal(a, b)
    assert np.array_equal(both[0], a[0])  # all classes in turn
    assert np.array_equal(both[1], b[1])


def test_truncation_narrows_the_latents(model):
    generator = model[0]
    assert generator.latents(500, 0, truncation=0.5).abs().max() <= 0.5
    assert generator.latents(500, 0).abs().max() > 2
    narrow, wide = (generator.sample(100, "a", truncation=t).astype(float).std(0).mean() for t in (0.1, None))
    assert narrow < wide


def test_interpolation_runs_from_one_sample_to_another(model):
    generator = model[0]
    strips = generator.interpolate(5, 3, "a", seed=4)
    assert strips.shape == (3, 5, 2, 8, 8)
    ends = generator.sample(6, "a", seed=4).astype(int)
    assert np.abs(strips[1, 0].astype(int) - ends[2]).max() <= 1
    assert np.abs(strips[1, -1].astype(int) - ends[3]).max() <= 1


def test_save_and_load(model, tmp_path):
    generator, run = model
    for file in (run / "model.safetensors", generator.save(tmp_path / "copy.safetensors")):
        loaded = ImageGenerator.load(file)
        assert np.array_equal(loaded.sample(3, "b"), generator.sample(3, "b"))
        assert np.array_equal(loaded.fake_map(images()[:2]), generator.fake_map(images()[:2]))
        assert loaded.config == generator.config


def test_fake_map(model):
    generator = model[0]
    maps = generator.fake_map(images()[:3], "a")
    assert maps.shape == (3, 8, 8)
    assert maps.dtype == np.float32
    assert np.abs(maps).max() > 0
    with pytest.raises(InputError, match="shape"):
        generator.fake_map(np.zeros((3, 1, 8, 8)))


def test_run_folder_holds_one_model_and_the_pictures(model):
    run = model[1]
    assert sorted(p.name for p in run.glob("*.safetensors")) == ["checkpoint.safetensors", "model.safetensors"]
    for name in ("curves", "interpolation", "neighbours", "fake_map"):
        assert (run / f"{name}.png").stat().st_size > 100


def test_a_run_can_be_made_longer(model, tmp_path):
    run = tmp_path / "run"
    ImageGenerator("acgan", SMALL).fit(images(), ["a", "b"] * 100, out=run)
    longer = ImageGenerator("acgan", SMALL).fit(images(), ["a", "b"] * 100, out=run, steps=15, resume=True)
    assert longer.report is not None
    assert longer.report.step == 15
    whole = ImageGenerator("acgan", SMALL).fit(images(), ["a", "b"] * 100, steps=15)
    assert np.array_equal(longer.sample(3), whole.sample(3))
    with pytest.raises(InputError, match=r"data.n: 200 -> 150"):
        ImageGenerator("acgan", SMALL).fit(images(150), ["a", "b"] * 75, out=run, steps=20, resume=True)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda g: g.sample(1, "c"), "found 'c'; expected one of a, b"),
        (lambda g: g.sample(0), "at least 1"),
        (lambda g: g.sample(1, truncation=-1), "positive"),
        (lambda g: ImageGenerator("acgan", SMALL).fit(images()), "at least 2"),
        (
            lambda g: ImageGenerator("acgan", SMALL).fit(images(10), ["a", "b"] * 5),
            "10 items; expected at least one batch",
        ),
        (lambda g: ImageGenerator("dcgan", {"traning": {}}), "'training'"),
        (lambda g: ImageGenerator.load(__file__), "something else"),
        (lambda g: ImageGenerator.load("nowhere.safetensors"), "no such file"),
    ],
)
def test_bad_input_is_named(model, call, message):
    with pytest.raises(InputError, match=message):
        call(model[0])


def test_unfitted():
    with pytest.raises(NeubauerError, match="not been fitted"):
        ImageGenerator("dcgan").sample(1)


# --- command line

app = typer.Typer()
app.command("train")(train_generator)
app.command("generate")(generate)
app.command("evaluate")(evaluate_generator)


def invoke(*arguments: object):
    return CliRunner().invoke(app, [str(a) for a in arguments])


def folder(path: Path, n: int = 60) -> Path:
    for i, image in enumerate(images(n, 1)):
        (path / "ab"[i % 2]).mkdir(parents=True, exist_ok=True)
        write_image(path / "ab"[i % 2] / f"{i:03d}.png", image)
    return path


def settings(**more: object) -> list[str]:
    pairs = {"latent": 8, "generator.widths": [16, 8], "discriminator.widths": [8, 16], "training.batch_size": 16}
    pairs |= {"training.monitor.every": 0, "training.accelerator": "cpu", **more}
    return [part for key, value in pairs.items() for part in ("--set", f"{key}={value}")]


def test_train_generate_evaluate(tmp_path):
    data, run, made = folder(tmp_path / "data"), tmp_path / "run", tmp_path / "made"
    trained = invoke("train", data, "--recipe", "acgan", "--steps", 4, "--seed", 7, "--out", run, *settings())
    assert trained.exit_code == 0, trained.output
    assert json.loads((run / "config.json").read_text())["training"]["seed"] == 7
    model = run / "model.safetensors"
    assert model.exists()
    generated = invoke("generate", model, "-n", 6, "--class", "b", "--out", made, "--json")
    assert generated.exit_code == 0, generated.output
    files = json.loads(generated.stdout)["images"]
    assert len(files) == 6
    assert open_image(files[0]).dtype == np.uint16
    assert open_image(files[0]).shape == (1, 8, 8)
    assert (made / "grid.png").exists()
    again = invoke("generate", model, "--out", made)
    assert again.exit_code == 2
    assert "a new or an empty folder" in again.output
    scored = invoke("evaluate", model, data, "-n", 40, "--json", "--encoder", "random")
    assert scored.exit_code == 0, scored.output
    scores = json.loads(scored.stdout)
    assert scores["n_real"] == 30
    assert scores["metrics"]["coverage"]["low"] <= scores["metrics"]["coverage"]["value"]
    taken = invoke("train", data, "--recipe", "acgan", "--out", run, *settings())
    assert taken.exit_code == 2
    assert "--resume" in taken.output


def test_command_line_names_mistakes(tmp_path):
    data = folder(tmp_path / "data", n=20)
    for arguments, message in (
        (("--recipe", "dcgam"), "'dcgan'?"),
        (("--set", "training.stepz=3"), "'steps'?"),
        (("--set", "nonsense"), "KEY=VALUE"),
    ):
        result = invoke("train", data, "--out", tmp_path / "run", *arguments)
        assert result.exit_code == 2
        assert message in result.output
    assert invoke("train", tmp_path / "none", "--out", tmp_path / "run").exit_code == 2


def test_two_processes_from_the_command_line(tmp_path):
    data, run = folder(tmp_path / "data", n=40), tmp_path / "run"
    script = tmp_path / "cli.py"
    script.write_text(
        "import typer\nfrom neubauer.cli.generator import train_generator\n"
        "app = typer.Typer()\napp.command()(train_generator)\napp()\n"
    )
    command = [sys.executable, str(script), str(data), "--recipe", "dcgan", "--steps", "3", "--out", str(run)]
    command += ["--devices", "2", *settings()]
    env = {k: v for k, v in os.environ.items() if k not in ("LOCAL_RANK", "WORLD_SIZE")} | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, env=env)
    assert done.returncode == 0, done.stderr
    assert ImageGenerator.load(run / "model.safetensors").sample(2).shape == (2, 1, 8, 8)
