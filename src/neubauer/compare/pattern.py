"""What file names and folders say of an image: `{condition}/{sample}_{replicate}.tif`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from neubauer.compare.wells import WELL
from neubauer.errors import InputError
from neubauer.images.stem import stem

_FIELD = re.compile(r"\{([^\W\d]\w*)(?::((?:[^{}]|\{[\d,]*\})+))?\}")
_HOLDS = {WELL: r"[A-Z]{1,2}\d{1,3}"}
"""By the name of a field what it may hold, where the pattern does not say: so `{sample}_{well}_*` needs no more."""
EXAMPLE = "{condition}/{sample}_{replicate}.tif"


@dataclass(frozen=True)
class Pattern:
    """A pattern for the ends of paths.

    Attributes
    ----------
    text : `{name}` is any text without a slash, `{name:REGEX}` what a regular expression allows, `*` anything and `?`
        one character without a slash; `{well}` is a capital letter or two, and a number.
    fields : names, in the order of the pattern.

    Raises
    ------
    InputError : the text has no field, the same one twice, or an expression that is none.
    """

    text: str

    def __post_init__(self) -> None:
        names = self.fields
        if not names or "{" in _FIELD.sub("", self.text) or "}" in _FIELD.sub("", self.text):
            raise InputError("--samples", repr(self.text), f"a pattern with fields in braces, such as {EXAMPLE!r}")
        if "image" in names or len(set(names)) < len(names):
            raise InputError("--samples", repr(self.text), "fields of different names, none of them 'image'")
        try:
            [self._regex(lazy) for lazy in (True, False)]
        except re.error as error:
            raise InputError("--samples", f"{self.text!r} ({error})", "regular expressions in {name:REGEX}") from error

    @property
    def fields(self) -> list[str]:
        """Names of the fields."""
        return [found[1] for found in _FIELD.finditer(self.text)]

    def match(self, path: Path) -> dict[str, str] | None:
        """The fields of a path, of which the pattern fits the last folders and the name; None if it does not.

        The suffix need not be in the pattern.

        Raises
        ------
        InputError : the name can be read in two ways.
        """
        parts = self.text.count("/") + 1
        tail = path.resolve().parts[-parts:]
        for last in (stem(path), tail[-1]):
            name = "/".join([*tail[:-1], last])
            found, other = (self._regex(lazy).fullmatch(name) for lazy in (True, False))
            if found is None or other is None:
                continue
            if found.groupdict() != other.groupdict():
                ways = " or ".join(", ".join(f"{k}={v}" for k, v in m.groupdict().items()) for m in (found, other))
                expected = r"a pattern that says what a field may hold, such as {sample:\w+} or {replicate:\d+}"
                raise InputError(path, f"a name that {self.text!r} reads as {ways}", expected)
            return found.groupdict()
        return None

    def _regex(self, lazy: bool) -> re.Pattern[str]:
        more = "+?" if lazy else "+"
        parts, end = [], 0
        for field in _FIELD.finditer(self.text):
            holds = field[2] or _HOLDS.get(field[1], f"[^/]{more}")
            parts += [_literal(self.text[end : field.start()]), f"(?P<{field[1]}>{holds})"]
            end = field.end()
        return re.compile("".join([*parts, _literal(self.text[end:])]))


def _literal(text: str) -> str:
    return re.escape(text).replace(r"\*", "[^/]*").replace(r"\?", "[^/]")
