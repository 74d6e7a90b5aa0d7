"""What a training run can be told: checked, with the nearest name suggested for an unknown one."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from neubauer.errors import InputError


class Strict(BaseModel):
    """A config that knows no other keys than its own and does not change once made."""

    model_config = ConfigDict(extra="forbid", frozen=True)


S = TypeVar("S", bound=BaseModel)


class OptimizerConfig(Strict):
    """Adam for one player.

    The learning rate rises linearly over `warmup_steps`, then stays (`constant`) or falls to zero at the last step
    (`linear`, `cosine`).
    """

    learning_rate: Annotated[float, Field(gt=0)] = 2e-4
    beta1: Annotated[float, Field(ge=0, lt=1)] = 0.5
    beta2: Annotated[float, Field(ge=0, lt=1)] = 0.999
    schedule: Literal["constant", "linear", "cosine"] = "constant"
    warmup_steps: Annotated[int, Field(ge=0)] = 0


class AugmentConfig(Strict):
    """Differentiable augmentation of what the discriminator sees (see `neubauer.gan.augment`).

    `probability` is a fixed number, or the start value where `adaptive`. Brightness and contrast are off by default,
    because intensity carries biology. `translation` is the largest shift and `cutout` the side of the hole, as shares
    of the image's side; `brightness` is the largest offset (images lie in [-1, 1]) and `contrast` the largest relative
    change.
    """

    probability: Annotated[float, Field(ge=0, le=1)] = 0.0
    adaptive: bool = False
    target: Annotated[float, Field(gt=0, lt=1)] = 0.6
    flips: bool = True
    quarter_turns: bool = True
    translation: Annotated[float, Field(ge=0, lt=1)] = 0.125
    cutout: Annotated[float, Field(ge=0, lt=1)] = 0.0
    brightness: Annotated[float, Field(ge=0)] = 0.0
    contrast: Annotated[float, Field(ge=0, lt=1)] = 0.0

    @property
    def enabled(self) -> bool:
        return self.probability > 0 or self.adaptive


class MonitorConfig(Strict):
    """When the monitor looks and what it calls unhealthy (the meaning of each threshold is in
    `neubauer.gan.training.monitor`)."""

    every: Annotated[int, Field(ge=0, description="steps between two inspections of samples; 0: never")] = 1000
    samples: Annotated[int, Field(ge=16)] = 512
    references: Annotated[int, Field(ge=16, description="training images kept for comparison, at most")] = 5000
    warmup: Annotated[float, Field(ge=0, le=1, description="share of the steps before collapse can be called")] = 0.5
    gradient_factor: Annotated[float, Field(gt=1)] = 100.0
    loss_limit: Annotated[float, Field(gt=0)] = 1e4
    diversity_low: Annotated[float, Field(ge=0)] = 0.4
    coverage_low: Annotated[float, Field(ge=0)] = 0.05
    coverage_drop: Annotated[float, Field(ge=0, le=1)] = 0.5
    copying_z: Annotated[float, Field(lt=0)] = -3.0
    overfitting_gap: Annotated[float, Field(gt=0)] = 0.5


class TrainingConfig(Strict):
    """Everything that the trainer decides for a game.

    `batch_size` counts the items of all processes together. `average_decay` is the decay per step of the generator's
    moving average (0: none). `precision` and `accelerator` are resolved for the machine before the run starts, and the
    resolved values are kept.
    """

    seed: Annotated[int, Field(ge=0)] = 0
    steps: Annotated[int, Field(ge=1)] = 10_000
    batch_size: Annotated[int, Field(ge=1)] = 64
    discriminator_steps: Annotated[int, Field(ge=1)] = 1
    generator: OptimizerConfig = OptimizerConfig()
    discriminator: OptimizerConfig = OptimizerConfig()
    average_decay: Annotated[float, Field(ge=0, lt=1)] = 0.999
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    accelerator: Literal["auto", "cpu", "cuda"] = "auto"
    devices: Annotated[int, Field(ge=1, description="processes on this machine")] = 1
    nodes: Annotated[int, Field(ge=1)] = 1
    log_every: Annotated[int, Field(ge=1)] = 50
    preview_every: Annotated[int, Field(ge=0, description="steps between two pictures; 0: only at the end")] = 1000
    checkpoint_every: Annotated[int, Field(ge=1)] = 1000
    monitor: MonitorConfig = MonitorConfig()


def nearest(name: str, known: Iterable[str]) -> str:
    """`one of a, b, c`, led by the known name that is most like `name`, if one is."""
    known = sorted(known)
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    return (f"{close[0]!r}? (" if close else "") + f"one of {', '.join(known)}" + (")" if close else "")


def validate(schema: type[S], data: Mapping[str, Any], where: str) -> S:
    """`data` as a config.

    Raises
    ------
    InputError : an unknown key (the nearest known one is suggested) or a value of the wrong kind; `where` and the
        dotted key are named.
    """
    try:
        return schema.model_validate(dict(data))
    except ValidationError as error:
        first = error.errors()[0]
        cause = first.get("ctx", {}).get("error")
        if isinstance(cause, InputError):  # a validator of ours: it has said it all
            raise InputError(f"{where}: {cause.where}", cause.found, cause.expected) from None
        key = ".".join(str(part) for part in first["loc"])
        if first["type"] == "extra_forbidden":
            known = _fields_at(schema, [str(p) for p in first["loc"][:-1]])
            raise InputError(where, f"unknown key {key!r}", nearest(str(first["loc"][-1]), known)) from None
        found = f"{key} = {first['input']!r}" if key else repr(first["input"])
        raise InputError(where, found, first["msg"].removeprefix("Input should be ")) from None


def _fields_at(schema: type[BaseModel], path: list[str]) -> list[str]:
    for part in path:
        annotation = schema.model_fields[part].annotation
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            schema = annotation
    return list(schema.model_fields)


def merge(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """`base` with `changes` laid over it, section by section. A changed `net` drops the options of the net that it
    replaces."""
    merged = dict(base)
    for key, value in changes.items():
        old = merged.get(key)
        if isinstance(old, Mapping) and isinstance(value, Mapping):
            other_net = "net" in value and value["net"] != old.get("net")
            merged[key] = dict(value) if other_net else merge(old, value)
        else:
            merged[key] = value
    return merged


def differences(a: Mapping[str, Any], b: Mapping[str, Any], prefix: str = "") -> list[str]:
    """Dotted keys at which two nested configs differ, with both values: `key: a -> b`."""
    found: list[str] = []
    for key in sorted({*a, *b}):
        x, y = a.get(key), b.get(key)
        if isinstance(x, Mapping) and isinstance(y, Mapping):
            found += differences(x, y, f"{prefix}{key}.")
        elif x != y:
            found.append(f"{prefix}{key}: {x!r} -> {y!r}")
    return found


def with_training(config: S, steps: int | None, seed: int | None) -> S:
    """The config of a recipe with other steps and another seed, where they are given."""
    training = {k: v for k, v in (("steps", steps), ("seed", seed)) if v is not None}
    tables = merge(config.model_dump(), {"training": training})
    return validate(type(config), tables, f"recipe {tables.get('recipe')}")
