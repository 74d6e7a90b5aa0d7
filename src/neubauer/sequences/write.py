"""Write sequences as FASTA."""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from pathlib import Path

from Bio.Seq import Seq
from Bio.SeqRecord import SeqRecord

from neubauer.images.write import atomic_path


def write_fasta(path: str | Path, sequences: Sequence[str], classes: Sequence[str] = ()) -> Path:
    """Write `sequence-00001 ...`, each with `class=NAME` behind its name where there are classes; gzipped where the
    name ends in `.gz`.

    Raises
    ------
    OutputError : the file cannot be written.
    """
    path = Path(path)
    described = [f"class={name}" for name in classes] or [""] * len(sequences)
    records = [
        SeqRecord(Seq(s), id=f"sequence-{i:05d}", description=text)
        for i, (s, text) in enumerate(zip(sequences, described, strict=True), 1)
    ]
    with atomic_path(path) as temporary:
        text = "".join(record.format("fasta") for record in records).encode()
        temporary.write_bytes(gzip.compress(text, mtime=0) if path.suffix == ".gz" else text)
    return path
