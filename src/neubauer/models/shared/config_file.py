"""The config in the header of a model file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from neubauer.errors import InputError

C = TypeVar("C", bound=BaseModel)


def config_in(file: Path, schema: type[C], raw: Mapping[str, Any]) -> C:
    """What the header says, checked.

    Raises
    ------
    InputError : it does not fit; the first key that does not is named.
    """
    try:
        return schema.model_validate(raw)
    except ValidationError as error:
        first = error.errors()[0]
        found = f"a config with {'.'.join(map(str, first['loc']))}: {first['msg']}"
        raise InputError(file, found, "a model of this version of neubauer") from error
