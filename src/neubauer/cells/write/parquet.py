"""objects.parquet out: the cells of all images for pandas, R, DuckDB, Polars and Spark."""

from __future__ import annotations

from pathlib import Path

from neubauer.cells.write.extras import need
from neubauer.cells.write.object_table import ObjectTable
from neubauer.images.write import atomic_path


def need_parquet() -> None:
    """Raises InputError where pyarrow is not installed."""
    need("pyarrow", "--parquet", "tables")


def write_parquet(path: Path, table: ObjectTable) -> None:
    """Write the rows of objects.csv as a Parquet file (Apache Parquet format, version 2.6; zstd).

    A row group at a time, so that millions of rows need no more memory than `CHUNK`. Names are dictionary-encoded.

    Raises
    ------
    InputError : pyarrow is not installed.
    OutputError : the file cannot be written.
    """
    need_parquet()
    import pyarrow as pa
    from pyarrow.parquet import ParquetWriter

    types = {"text": pa.dictionary(pa.int32(), pa.string()), "whole": pa.int64(), "real": pa.float64()}
    schema = pa.schema([(name, types[kind]) for name, kind in table.kinds.items()])
    with atomic_path(path) as temporary, ParquetWriter(temporary, schema, compression="zstd") as writer:
        for chunk in table.chunks():
            arrays = [pa.array(chunk[field.name], from_pandas=True).cast(field.type) for field in schema]
            writer.write_table(pa.table(arrays, schema=schema))
