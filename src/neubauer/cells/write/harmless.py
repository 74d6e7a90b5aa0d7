"""Text that a spreadsheet shows instead of running it."""

from __future__ import annotations

import pandas as pd

STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""A cell of a table that begins so is a formula to some spreadsheet. Source: OWASP, CSV Injection."""
QUOTE = "'"


def harmless(value: object) -> object:
    """The value of a cell; text that a spreadsheet would run gets an apostrophe in front. Numbers stay as they are."""
    return QUOTE + value if isinstance(value, str) and value.startswith(STARTS) else value


def harmless_table(table: pd.DataFrame) -> pd.DataFrame:
    """A table with harmless text in its cells and column names, to be written as CSV; see `harmless`."""
    texts = [i for i, dtype in enumerate(table.dtypes) if not pd.api.types.is_numeric_dtype(dtype)]
    result = table.copy(deep=False)
    for i in texts:
        cells = [harmless(value) for value in table.iloc[:, i]]
        result.isetitem(i, pd.Series(cells, table.index, object))
    return result.set_axis([str(harmless(str(name))) for name in table.columns], axis=1)


def as_it_was(value: str) -> str:
    """The text behind an apostrophe that `harmless` has set."""
    return value[1:] if value.startswith(QUOTE) and value[1:].startswith(STARTS) else value
