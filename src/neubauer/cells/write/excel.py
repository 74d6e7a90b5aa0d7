"""results.xlsx out: a workbook with a sheet for each table."""

from __future__ import annotations

import re
import shutil
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from neubauer.cells.write.extras import need
from neubauer.cells.write.harmless import harmless
from neubauer.images.write import atomic_path

LIMIT = 1_048_576
"""Rows of a sheet, the header among them. Source: Microsoft, "Excel specifications and limits"."""
LONGEST = 32_767
"""Characters of a cell, from the same source."""
WIDEST, NARROWEST = 48, 9
"""Columns are as wide as what is in their first rows, within these bounds (characters)."""
LOOKED_AT = 50


@dataclass(frozen=True)
class Sheet:
    """A table: its name, the names of its columns, and its rows, of which there may be more than a sheet holds."""

    name: str
    columns: Sequence[str]
    rows: Iterable[Sequence[Any]]


def need_excel() -> None:
    """Raises InputError where openpyxl is not installed."""
    need("openpyxl", "--excel", "tables")


def write_excel(path: Path, sheets: Iterable[Sheet], made: datetime) -> list[str]:
    """Write tables as the sheets of a workbook (Office Open XML).

    What is more than `LIMIT` rows goes on in further sheets (`objects 2`). No cell is a formula, and none that a
    spreadsheet would run (`harmless`). The same tables give the same bytes: the date in the file is `made`.

    Returns
    -------
    Names of all sheets, in order.

    Raises
    ------
    InputError : openpyxl is not installed.
    OutputError : the file cannot be written.
    """
    need_excel()
    from openpyxl import Workbook
    from openpyxl.writer.excel import ExcelWriter

    book = Workbook(write_only=True)
    book.properties.creator = "neubauer"
    book.properties.created = made
    for sheet in sheets:
        _add(book, sheet)
    with atomic_path(path) as temporary, _Archive(temporary, "w", zipfile.ZIP_DEFLATED, allowZip64=True) as archive:
        archive.made = made
        ExcelWriter(book, archive).save()
    return list(book.sheetnames)


def _add(book: Any, sheet: Sheet) -> None:
    rows = iter(sheet.rows)
    number = 1
    first = next(rows, None)
    while number == 1 or first is not None:
        page = book.create_sheet(sheet.name if number == 1 else f"{sheet.name} {number}")
        head = [] if first is None else [first, *_some(rows, min(LOOKED_AT, LIMIT - 1) - 1)]
        _begin(page, sheet.columns, head)
        for row in head:
            page.append([_cell(page, value) for value in row])
        for row in _some(rows, LIMIT - 1 - len(head)):
            page.append([_cell(page, value) for value in row])
        first, number = next(rows, None), number + 1


def _some(rows: Iterator[Sequence[Any]], n: int) -> Iterator[Sequence[Any]]:
    return (row for _, row in zip(range(max(n, 0)), rows, strict=False))


def _begin(page: Any, columns: Sequence[str], head: Sequence[Sequence[Any]]) -> None:
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.styles import Font
    from openpyxl.utils import get_column_letter

    page.freeze_panes = "B2"
    for i, name in enumerate(columns):
        longest = max(len(_shown(value)) for value in [name, *(row[i] for row in head)])
        page.column_dimensions[get_column_letter(i + 1)].width = min(max(longest + 2, NARROWEST), WIDEST)
    header = [WriteOnlyCell(page, _text(name)) for name in columns]
    for cell in header:
        cell.font = Font(bold=True)
        cell.data_type = "s"
    page.append(header)


def _shown(value: Any) -> str:
    return f"{value:.8g}" if isinstance(value, float) else str(value)


def _cell(page: Any, value: Any) -> Any:
    from openpyxl.cell import WriteOnlyCell

    if not isinstance(value, str):
        return None if value is None or value != value else value  # a blank stands for what is no number
    cell = WriteOnlyCell(page, _text(value))
    cell.data_type = "s"  # whatever it begins with
    return cell


def _text(value: str) -> str:
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

    text = ILLEGAL_CHARACTERS_RE.sub("\ufffd", str(harmless(value)))
    return text.encode("utf-8", "replace").decode("utf-8")[:LONGEST]


class _Archive(zipfile.ZipFile):
    """A zip file that holds no time but the one it is given."""

    made: datetime

    def writestr(
        self, zinfo_or_arcname: Any, data: Any, compress_type: int | None = None, compresslevel: int | None = None
    ) -> None:
        entry = self._entry(zinfo_or_arcname)
        if entry.filename == "docProps/core.xml":
            text = data.decode("utf-8") if isinstance(data, bytes) else str(data)
            data = re.sub(r"(<dcterms:modified[^>]*>)[^<]*", rf"\g<1>{self.made:%Y-%m-%dT%H:%M:%SZ}", text)
        super().writestr(entry, data, zipfile.ZIP_DEFLATED)

    def write(self, filename: Any, arcname: Any = None, *_: Any, **__: Any) -> None:
        with open(filename, "rb") as source, self.open(self._entry(arcname or filename), "w", force_zip64=True) as out:
            shutil.copyfileobj(source, out, 1 << 20)

    def _entry(self, name: Any) -> zipfile.ZipInfo:
        entry = zipfile.ZipInfo(str(getattr(name, "filename", name)))
        entry.compress_type = zipfile.ZIP_DEFLATED
        return entry
