"""What a comparison leaves in a folder."""

from __future__ import annotations

from pathlib import Path

from neubauer.cells.write.harmless import harmless_table
from neubauer.compare.compare import Comparison
from neubauer.compare.methods import methods
from neubauer.compare.plot import draw
from neubauer.errors import InputError, OutputError
from neubauer.images.write import atomic_path

FILES = ("conditions.csv", "pairs.csv", "samples.csv", "plot.svg", "plot.png", "methods.txt")
_DIGITS = 8


def check_folder(out: Path, overwrite: bool) -> None:
    """Before anything is computed.

    Raises
    ------
    InputError : a comparison is there already and must not be replaced.
    """
    there = [name for name in FILES if (out / name).exists()]
    if there and not overwrite:
        raise InputError(out / there[0], "a file that is there already", "another --out, or --overwrite")


def write_comparison(found: Comparison, out: str | Path) -> Path:
    """Write tables, plot and methods into a folder; files of an earlier comparison are replaced.

    Raises
    ------
    OutputError : it cannot be written to.
    """
    out = Path(out)
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{out}: cannot be made ({error.strerror or error})") from error
    for name in ("conditions", "pairs", "samples"):
        with atomic_path(out / f"{name}.csv") as temporary:
            harmless_table(getattr(found, name)).to_csv(temporary, index=False, float_format=f"%.{_DIGITS}g")
    with atomic_path(out / "methods.txt") as temporary:
        temporary.write_text(methods(found), encoding="utf-8")
    for suffix in (".svg", ".png"):
        with atomic_path(out / f"plot{suffix}") as temporary:
            draw(found, temporary)
    return out
