"""Masks as the lengths of alternating runs of pixels outside and inside."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from neubauer.cells.read.values import shown
from neubauer.errors import InputError

_LARGEST = 2**31


def pixels_of_runs(
    path: Path, where: str, counts: Sequence[int], shape: tuple[int, int], by_columns: bool = False
) -> np.ndarray:
    """(h, w) bool of run lengths, the first of which is outside; row by row (CVAT), or column by column (COCO).

    Raises
    ------
    InputError : the lengths do not add up to the pixels of the mask, or one is negative.
    """
    lengths = np.array(counts, np.int64)
    if (lengths < 0).any() or lengths.sum() != shape[0] * shape[1] or lengths.sum() > _LARGEST:
        found = f"run lengths {shown(list(counts))} in {where}, which add up to {int(lengths.sum())}"
        raise InputError(path, found, f"lengths of {shape[0]} x {shape[1]} pixels")
    flat = np.repeat(np.arange(len(lengths)) % 2 == 1, lengths)
    return flat.reshape(shape[::-1]).T if by_columns else flat.reshape(shape)


def coco_counts(text: str) -> list[int]:
    """The run lengths that COCO's compressed text stands for (`rleFrString` in cocoapi's maskApi.c).

    Each is written in groups of five bits, the lowest first, as characters from "0" on, of which bit 5 says that the
    number goes on; from the fourth on it is the difference to the one before the last.

    Raises
    ------
    ValueError : the text ends within a number, or has other characters.
    """
    counts: list[int] = []
    at = 0
    while at < len(text):
        value, shift, more = 0, 0, True
        while more:
            if at == len(text):
                raise ValueError("it ends within a number")
            bits = ord(text[at]) - 48
            if not 0 <= bits < 64:
                raise ValueError(f"the character {text[at]!r}")
            value |= (bits & 31) << shift
            more, shift, at = bool(bits & 32), shift + 5, at + 1
        if bits & 16:
            value -= 1 << shift
        counts.append(value + (counts[-2] if len(counts) > 2 else 0))
    return counts
