from __future__ import annotations

import pytest

from neubauer.errors import InputError
from neubauer.gan.config.base import OptimizerConfig, TrainingConfig, differences, merge, validate
from neubauer.gan.config.image import ImageGanConfig
from neubauer.gan.training.optimizers import learning_rate


@pytest.mark.parametrize(
    ("tables", "message"),
    [
        ({"los": "hinge"}, r"unknown key 'los'; expected 'loss'\?"),
        (
            {"training": {"generator": {"learning_rat": 1}}},
            r"'training.generator.learning_rat'; expected 'learning_rate'\?",
        ),
        ({"generator": {"net": "dcgan", "kernal": 5}}, r"unknown key 'kernal'; expected 'kernel'\?"),
        ({"generator": {"net": "dcgan", "kernel": "big"}}, r"kernel = 'big'; expected a valid integer"),
        ({"discriminator": {"net": "resnett"}}, r"'resnett'; expected 'resnet'\?"),
        ({"loss": "hing"}, r"'hing'; expected 'hinge'\?"),
        ({"training": {"steps": 0}}, r"training.steps = 0; expected greater than or equal to 1"),
        ({"loss": "hinge", "label_smoothing": 0.1}, "which has no labels"),
        ({"loss": "relativistic", "augment": {"adaptive": True}}, "a fixed probability"),
    ],
)
def test_mistakes_are_named(tables, message):
    with pytest.raises(InputError, match=message) as error:
        validate(ImageGanConfig, tables, "my recipe")
    assert "my recipe" in str(error.value)


def test_options_of_networks_are_filled_in():
    config = validate(ImageGanConfig, {"generator": {"net": "dcgan", "kernel": 5}}, "recipe")
    assert config.generator["kernel"] == 5
    assert config.generator["widths"] == [512, 256, 128, 64]


def test_merge_replaces_a_network_with_its_options():
    base = {"generator": {"net": "dcgan", "kernel": 5}, "r1": 1.0}
    assert merge(base, {"generator": {"base": 8}})["generator"] == {"net": "dcgan", "kernel": 5, "base": 8}
    assert merge(base, {"generator": {"net": "mlp"}}) == {"generator": {"net": "mlp"}, "r1": 1.0}


def test_differences_name_dotted_keys():
    a, b = TrainingConfig(seed=1).model_dump(), TrainingConfig(steps=5).model_dump()
    assert differences(a, b) == ["seed: 1 -> 0", "steps: 10000 -> 5"]
    assert differences({"x": {"y": 1}}, {"x": {"y": 1, "z": 2}}) == ["x.z: None -> 2"]


def test_schedules():
    def rates(**keys):
        config = OptimizerConfig(learning_rate=1.0, **keys)
        return [learning_rate(config, step, 100) for step in (0, 4, 50, 100)]

    assert rates() == [1, 1, 1, 1]
    assert rates(schedule="linear") == pytest.approx([1, 0.96, 0.5, 0])
    assert rates(schedule="cosine") == pytest.approx([1, 0.996, 0.5, 0], abs=1e-3)
    assert rates(warmup_steps=9) == pytest.approx([0.1, 0.5, 1, 1])
