"""Which image is of which sample: from tables, from the names of files, or both."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from neubauer.cells.write.harmless import as_it_was
from neubauer.compare.pattern import Pattern
from neubauer.compare.wells import with_well
from neubauer.errors import InputError
from neubauer.images.stem import stem
from neubauer.runs.job import Item

IMAGE = "image"
SHOWN = 10
Rows = list[dict[str, str]]


@dataclass(frozen=True)
class Samples:
    """What is known of images beside their pixels.

    Attributes
    ----------
    columns : of each image by name of the column (`condition`, `sample`, ...); empty where nothing is known of it.
    notes : what a person should know, such as images that are in no sample.
    """

    columns: Rows
    notes: list[str]


def samples_of(items: Sequence[Item], sources: Sequence[str]) -> Samples:
    """What sample each image is of.

    Parameters
    ----------
    items : the images, by the names of their results and their files.
    sources : CSV tables, and patterns for the names of files (`neubauer.compare.pattern.Pattern`). A table with a
        column `image` (name of the results, of the file, or as much of its path as is needed) has a row for each image;
        any other, such as the map of a plate, is joined by the columns that the images have from the other sources.

    Raises
    ------
    InputError : a source cannot be read or fits no image, a row names several images, an image has two rows or two
        values of a column; what is named.
    """
    columns: Rows = [{} for _ in items]
    notes: list[str] = []
    tables = {source: _read(Path(source)) for source in sources if "{" not in source}
    joined = [source for source, rows in tables.items() if IMAGE not in rows[0]]
    for source in [*(s for s in sources if s not in joined), *joined]:
        if source not in tables:
            found, said = _by_pattern(Pattern(source), items)
        elif source in joined:
            found, said = _by_columns(Path(source), tables[source], columns)
        else:
            found, said = _by_image(Path(source), tables[source], items)
        notes += said
        for i, new in enumerate(found):
            new = with_well(new, f"{source}, image {items[i].name}")
            for key, value in new.items():
                if columns[i].get(key, value) != value:
                    raise InputError(
                        source, f"{key} {value!r} for the image {items[i].name}", f"{columns[i][key]!r} as elsewhere"
                    )
            columns[i] |= new
    lacking = [item.name for item, known in zip(items, columns, strict=True) if not known]
    if lacking:
        notes.append(f"{some('image', lacking)} in no sample")
    return Samples(columns, notes)


def some(what: str, names: Sequence[str], shown: int = SHOWN) -> str:
    """`3 images (a, b, c)`; of many names the first."""
    text = ", ".join(names[:shown]) + (f" and {len(names) - shown} more" if len(names) > shown else "")
    return f"{len(names)} {what}{'' if len(names) == 1 else 's'} ({text})"


def _read(path: Path) -> Rows:
    """The rows of a CSV table; its columns may be parted by comma, semicolon or tab."""
    expected = f"a CSV table with a column {IMAGE!r}, or a pattern such as '{{condition}}/{{sample}}_*.tif'"
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(path, getattr(error, "strerror", None) or str(error), expected) from error
    first = text.partition("\n")[0]
    lines = list(csv.reader(text.splitlines(), delimiter=max(",;\t", key=first.count)))
    header, *rows = [[as_it_was(cell.strip()) for cell in line] for line in lines if any(map(str.strip, line))] or [[]]
    if not all(header) or len(set(header)) < len(header):
        raise InputError(path, f"the columns {', '.join(map(repr, header))}", "columns with names that differ")
    if not rows:
        raise InputError(path, "no row", expected)
    wrong = next((line for line in rows if len(line) != len(header)), None)
    if wrong is not None:
        raise InputError(path, f"{len(wrong)} cells in the row {', '.join(wrong)}", f"{len(header)}, as in its header")
    return [dict(zip(header, line, strict=True)) for line in rows]


def _by_image(path: Path, rows: Rows, items: Sequence[Item]) -> tuple[Rows, list[str]]:
    known: dict[str, set[int]] = defaultdict(set)
    absolute = {item.path.resolve(): i for i, item in enumerate(items)}
    for i, item in enumerate(items):
        for name in (item.name, item.path.name, stem(item.path)):
            known[name].add(i)
    result: Rows = [{} for _ in items]
    unknown, twice = [], []
    for row in rows:
        name = row[IMAGE]
        found = _named(name, path, items, known, absolute)
        if not found:
            unknown.append(name)
        elif len(found) > 1:
            files = ", ".join(str(items[i].path) for i in found)
            raise InputError(
                path, f"the image {name!r}, which {len(found)} files are called ({files})", "its folder too"
            )
        else:
            columns = {key: value for key, value in row.items() if key != IMAGE}
            if result[found[0]] and result[found[0]] != columns:
                raise InputError(path, f"two rows that differ for the image {name!r}", "one row for each image")
            if result[found[0]]:
                twice.append(name)
            result[found[0]] = columns
    if not any(result):
        raise InputError(path, f"images called {unknown[0]!r} ...", f"names such as {items[0].path.name!r}")
    notes = [f"{path}: {some('row', twice)} there twice"] if twice else []
    if unknown:
        notes.append(f"{path}: {some('image', unknown)} named that {'is' if len(unknown) == 1 else 'are'} not there")
    return result, notes


def _named(
    name: str, table: Path, items: Sequence[Item], known: dict[str, set[int]], absolute: dict[Path, int]
) -> list[int]:
    """Images that a row may mean: the file beside the table, the name of the results, or the end of a path."""
    text = name.replace("\\", "/")
    beside = absolute.get((table.parent / text).resolve())
    if beside is not None:
        return [beside]
    parts = [part for part in PurePosixPath(text).parts if part != "."]
    if not parts:
        return []
    n = len(parts)
    return sorted(i for i in known.get(parts[-1], ()) if list(items[i].path.resolve().parts[-n:-1]) == parts[:-1])


def _by_pattern(pattern: Pattern, items: Sequence[Item]) -> tuple[Rows, list[str]]:
    found = [pattern.match(item.path) for item in items]
    if not any(found):
        raise InputError("--samples", f"{pattern.text!r}, which fits no image", f"a pattern for {items[0].path}")
    return [columns or {} for columns in found], []


def _by_columns(path: Path, rows: Rows, columns: Rows) -> tuple[Rows, list[str]]:
    """Join a table such as the map of a plate by what the images have in common with it."""
    there = {key for known in columns for key in known}
    keys = [key for key in rows[0] if key in there]
    has = f"the columns {', '.join(rows[0])}"
    rows = [with_well(row, path) for row in rows]
    if not keys:
        expected = f"a column {IMAGE!r}, or one that the images have ({', '.join(sorted(there)) or 'none so far'})"
        raise InputError(path, has, expected)
    table: dict[tuple[str, ...], dict[str, str]] = {}
    for row in rows:
        key = tuple(row[k] for k in keys)
        if table.setdefault(key, row) != row:
            raise InputError(path, f"two rows that differ for {', '.join(key)}", f"one row for each {', '.join(keys)}")
    found = [tuple(known.get(k, "") for k in keys) for known in columns]
    if not table.keys() & set(found):
        raise InputError(
            path,
            f"{', '.join(keys)} {', '.join(next(iter(table)))} ...",
            f"such as {', '.join(found[0])}, as the images have",
        )
    unused = [" ".join(key) for key in table if key not in set(found)]
    notes = [f"{path}: {some('row', unused)} without an image"] if unused else []
    return [table.get(key, {}) for key in found], notes
