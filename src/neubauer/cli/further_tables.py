"""Options of `count`: tables for other programs."""

from __future__ import annotations

from typing import Annotated

import typer

Excel = Annotated[bool, typer.Option("--excel", help="Also write results.xlsx, a sheet for each table.")]
Parquet = Annotated[bool, typer.Option("--parquet", help="Also write objects.parquet, for millions of cells.")]
AnnData = Annotated[bool, typer.Option("--anndata", help="Also write cells.h5ad, for scanpy and squidpy.")]


def wanted_tables(excel: bool, parquet: bool, anndata: bool) -> list[str]:
    """The files that these options name.

    Raises
    ------
    InputError : what one of them needs is not installed.
    """
    from neubauer.runs.exports import ANNDATA, EXCEL, PARQUET, check_exports

    wanted = [name for name, on in ((EXCEL, excel), (PARQUET, parquet), (ANNDATA, anndata)) if on]
    check_exports(wanted)
    return wanted
