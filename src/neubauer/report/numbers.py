"""Numbers as a report shows them."""

from __future__ import annotations

import math
from typing import Any


def ranged(counted: tuple[Any, Any, Any]) -> str:
    """A count with its interval, `12 [9–15]`; without, where there is none."""
    count, low, high = counted
    if not is_known(low) or not is_known(high):
        return f"{count}"
    return f"{count} [{_whole(low)}–{_whole(high)}]"


def number(value: Any, digits: int = 3) -> str:
    """As short as it may be; nothing where nothing is known."""
    if not is_known(value):
        return ""
    return f"{float(value):,.{digits}g}" if abs(float(value)) < 1000 else f"{float(value):,.0f}"


def is_known(value: Any) -> bool:
    """Whether a table says anything: no blank, no NaN."""
    return value is not None and value != "" and not math.isnan(float(value))


def _whole(value: Any) -> str:
    return "∞" if float(value) == math.inf else f"{float(value):.0f}"
