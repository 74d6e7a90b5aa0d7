"""Libraries that not everybody needs: where one is missing, it is said how to get it."""

from __future__ import annotations

import importlib.util

from neubauer.errors import InputError


def need(module: str, option: str, extra: str) -> None:
    """Say early that an optional library is missing.

    Parameters
    ----------
    module : what is imported, `openpyxl`.
    option : what needs it, `--excel`.
    extra : of this package, which brings it.

    Raises
    ------
    InputError : it is not there.
    """
    if importlib.util.find_spec(module) is None:
        raise InputError(option, f"no library {module}", f"the optional libraries: pip install 'neubauer[{extra}]'")
