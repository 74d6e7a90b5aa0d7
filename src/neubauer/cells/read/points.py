"""Points in: tables with a row per cell, and dot images with a pixel per cell."""

from __future__ import annotations

from io import StringIO
from pathlib import Path
from textwrap import shorten

import numpy as np
import pandas as pd

from neubauer.cells.annotation import Annotation
from neubauer.cells.read.class_names import index_classes
from neubauer.cells.read.marked_boxes import shown
from neubauer.cells.read.pixels import check_shape, read_pixels
from neubauer.cells.read.text import read_text
from neubauer.cells.write.harmless import as_it_was
from neubauer.errors import InputError

TABLES = (".csv", ".tsv", ".txt")
_COLUMNS = (("y", "x"), ("axis-0", "axis-1"), ("centroid-0", "centroid-1"))
_EXPECTED_TABLE = "a table with a header and the columns y,x or axis-0,axis-1 or centroid-0,centroid-1, and maybe class"
_EXPECTED_DOTS = "a dot image (0 everywhere, and one other value in one pixel per cell; in colour, red 255)"
_MOST_SET = 0.1  # a picture in which more of the pixels are set does not mark cells by dots


def read_points(
    path: str | Path, shape: tuple[int, int] | None = None, classes: tuple[str, ...] | None = None
) -> Annotation:
    """Read the centres of cells.

    Tables (.csv, .tsv, .txt; separated by comma, semicolon or tab) have the columns `y,x`, `axis-0,axis-1` (napari) or
    `centroid-0,centroid-1` (scikit-image), in pixels from the centre of the top left pixel, and optionally `class`;
    upper and lower case are the same, other columns are ignored. A point may lie up to one pixel outside of the
    image, where programs that count from the corner of the pixel place those of its edge; it is moved to the edge.

    In dot images each set pixel is a cell, touching ones too. Set means: not zero (1 bit and grey, where only one
    value other than zero may occur), or 255 in red (colour, as in the VGG cells).

    Parameters
    ----------
    path : the table or the dot image.
    shape : (Y, X) of the image; a table cannot do without.
    classes : the classes of the data set; by default those of the table, in alphabetical order, or `("cell",)`.

    Raises
    ------
    InputError : the file cannot be read, columns are missing, a coordinate is not a number or outside of the image,
        a class is not one of `classes`, or the picture is no dot image.
    """
    path = Path(path)
    if path.suffix.lower() in TABLES:
        if shape is None:
            raise InputError(path, "a table of points, which does not tell the size of its image", "the image with it")
        centres, names = read_point_table(path)
        _check_inside(path, centres, shape)
        centres = np.clip(centres, 0, np.array(shape) - 1)
    else:
        dots = _read_dots(path)
        shape = check_shape(path, dots.shape, shape)
        centres, names = np.argwhere(dots).astype(np.float64), [""] * int(dots.sum())
    class_index, classes = index_classes(path, names, classes)
    return Annotation(kind="points", shape=shape, classes=classes, class_index=class_index, centres=centres)


def read_point_table(path: Path) -> tuple[np.ndarray, list[str]]:
    """Read the `y, x` (N, 2) and the class names ("" where not given) of a table of points."""
    text = read_text(path, _EXPECTED_TABLE)
    header = text.split("\n", 1)[0]
    separator = max(",;\t", key=header.count)
    try:
        table = pd.read_csv(StringIO(text), sep=separator, dtype=str, keep_default_na=False, index_col=False)
    except ValueError as error:  # pandas' parser errors are ValueErrors, of several lines
        found = f"a file that cannot be read as a table: {shorten(str(error), 200)}"
        raise InputError(path, found, _EXPECTED_TABLE) from error
    table.columns = [str(c).strip().lower() for c in table.columns]
    pair = next((p for p in _COLUMNS if set(p) <= set(table.columns)), None)
    if pair is None or table.columns.duplicated().any():
        raise InputError(path, f"the columns {shorten(', '.join(table.columns), 200)}", _EXPECTED_TABLE)
    if {"axis-2", "centroid-2"} & set(table.columns):
        raise InputError(path, "points in three dimensions", _EXPECTED_TABLE)

    columns = [pd.to_numeric(table[c].str.replace(",", "."), errors="coerce").to_numpy(np.float64) for c in pair]
    centres = np.stack(columns, axis=1)
    bad = np.flatnonzero(~np.isfinite(centres).all(axis=1))
    if len(bad):
        values = table.loc[bad[0], list(pair)].tolist()
        raise InputError(path, f"{pair[0]},{pair[1]} = {shown(','.join(values))} in row {bad[0] + 1}", "finite numbers")
    names = (
        [as_it_was(name) for name in table["class"].fillna("").str.strip()]
        if "class" in table.columns
        else [""] * len(table)
    )
    return centres, names


def _check_inside(path: Path, centres: np.ndarray, shape: tuple[int, int]) -> None:
    outside = np.flatnonzero(((centres < -1) | (centres > np.array(shape))).any(axis=1))
    if len(outside):
        y, x = centres[outside[0]]
        raise InputError(
            path,
            f"{len(outside)} points outside of the image, the first in row {outside[0] + 1} at y={y:g}, x={x:g}",
            f"0 <= y < {shape[0]} and 0 <= x < {shape[1]}, in pixels",
        )


def _read_dots(path: Path) -> np.ndarray:
    pixels = read_pixels(path, _EXPECTED_DOTS)
    if pixels.ndim == 3:
        if pixels.shape[2] not in (3, 4):
            raise InputError(path, f"an image of shape {pixels.shape}", _EXPECTED_DOTS)
        dots = pixels[..., 0] == 255
    else:
        values = pd.unique(pixels.ravel())
        if np.count_nonzero(values) > 1 or np.isnan(values.astype(np.float64)).any():
            raise InputError(path, f"{np.count_nonzero(values)} different values other than 0", _EXPECTED_DOTS)
        dots = pixels != 0
    if dots.mean() > _MOST_SET:
        raise InputError(path, f"a picture with {dots.mean():.0%} of its pixels set", _EXPECTED_DOTS)
    return dots
