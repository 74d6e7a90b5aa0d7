"""Read sequences from FASTA, FASTQ, plain lines or the format of the UCI promoter set, gzipped or not."""

from __future__ import annotations

import gzip
import io
import re
import warnings
import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from Bio.SeqIO.FastaIO import SimpleFastaParser
from Bio.SeqIO.QualityIO import FastqGeneralIterator

from neubauer.errors import InputError
from neubauer.sequences.alphabet import Alphabet, find_alphabet

FORMATS = "FASTA, FASTQ, one sequence per line, or `class,name,sequence` (UCI), as text or gzipped"
CLASS = re.compile(r"\bclass=(\S+)")


@dataclass(frozen=True)
class SequenceSet:
    """Sequences of one alphabet.

    Attributes
    ----------
    sequences : upper case, letters and IUPAC codes.
    alphabet : see there.
    classes : class name of each sequence; empty where there are none.
    names : of each sequence.
    """

    sequences: tuple[str, ...]
    alphabet: Alphabet
    classes: tuple[str, ...] = ()
    names: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.sequences)

    @property
    def class_names(self) -> tuple[str, ...]:
        """The classes that occur, sorted."""
        return tuple(sorted(set(self.classes)))

    def subset(self, chosen: Sequence[int]) -> SequenceSet:
        """The sequences with these indices."""
        parts = [tuple(p[int(i)] for i in chosen) if p else () for p in (self.sequences, self.classes, self.names)]
        return SequenceSet(parts[0], self.alphabet, parts[1], parts[2])


@dataclass(frozen=True)
class _Record:
    """What a file says of one sequence, and the line on which it begins."""

    name: str
    class_name: str | None
    letters: str
    line: int


def read_sequences(path: str | Path, alphabet: str = "dna", *, pad: bool = False) -> SequenceSet:
    """Sequences of a file; the format is found from what is in it.

    Lower case, Windows line ends and gzip are understood. Classes are those of the UCI format, or `class=NAME` in the
    description of a FASTA or FASTQ record; all records have one, or none has.

    Parameters
    ----------
    path : the file.
    alphabet : `dna`, `rna` or `protein`.
    pad : whether sequences may differ in length.

    Raises
    ------
    InputError : no such file, nothing in it, a single sequence, letters outside of the alphabet, records that cannot be
        read or are empty, mixed lengths without `pad`, or classes for some records only. Lines are named.

    Warns
    -----
    UserWarning : there are IUPAC codes that stand for several letters; they are taken as equal shares of these.
    """
    path = Path(path)
    kind = find_alphabet(alphabet)
    lines = _text(path).splitlines()
    records = _records(path, lines)
    if not records:
        raise InputError(path, "an empty file", FORMATS)
    if len(records) == 1:
        raise InputError(path, "a single sequence", "at least 2")
    _check_letters(path, records, kind)
    _check_lengths(path, records, pad)
    known = [r.class_name for r in records if r.class_name is not None]
    if known and len(known) < len(records):
        without = next(r for r in records if r.class_name is None)
        raise InputError(path, f"no class in line {without.line}", "a class for each sequence, or for none")
    names = tuple(r.name for r in records)
    return SequenceSet(tuple(r.letters for r in records), kind, tuple(known), names)


def sequences_from(sequences: Sequence[str], classes: Sequence[str] | None, alphabet: str, pad: bool) -> SequenceSet:
    """A set from strings, checked as the records of a file are.

    Raises
    ------
    InputError : as `read_sequences`, or another number of classes.
    """
    kind = find_alphabet(alphabet)
    records = [_Record(f"sequence {i + 1}", None, s.strip().upper(), i + 1) for i, s in enumerate(sequences)]
    if len(records) < 2:
        raise InputError("sequences", str(len(records)), "at least 2")
    if classes is not None and len(classes) != len(records):
        raise InputError("classes", f"{len(classes)} names", f"{len(records)}, one per sequence")
    _check_letters("sequences", records, kind)
    _check_lengths("sequences", records, pad)
    return SequenceSet(tuple(r.letters for r in records), kind, tuple(classes or ()), tuple(r.name for r in records))


def _text(path: Path) -> str:
    if not path.is_file():
        raise InputError(path, "a folder" if path.is_dir() else "no such file", FORMATS)
    try:
        data = path.read_bytes()
        return (gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data).decode("utf-8-sig")
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(path, f"a file that cannot be read ({error})", FORMATS) from error
    except UnicodeDecodeError as error:
        raise InputError(path, "bytes that are no text", FORMATS) from error


def _records(path: Path, lines: list[str]) -> list[_Record]:
    first = next((line.strip() for line in lines if line.strip()), "")
    if first.startswith(">"):
        return _fasta(path, lines)
    if first.startswith("@"):
        return _fastq(path, lines)
    return _uci(path, lines) if first.count(",") == 2 else _plain(lines)


def _fasta(path: Path, lines: list[str]) -> list[_Record]:
    starts = [i for i, line in enumerate(lines, 1) if line.startswith(">")]
    parsed = list(SimpleFastaParser(io.StringIO("\n".join(lines))))
    return [_record(path, title, letters, line) for (title, letters), line in zip(parsed, starts, strict=True)]


def _fastq(path: Path, lines: list[str]) -> list[_Record]:
    records, line = [], 1
    stream = io.StringIO("\n".join(lines))
    try:
        for title, letters, _ in FastqGeneralIterator(stream):
            line = next(i for i, text in enumerate(lines[line - 1 :], line) if text.startswith(f"@{title}"))
            records.append(_record(path, title, letters, line))
            line += 1
    except ValueError as error:
        where = f"behind line {records[-1].line}" if records else "at its start"
        raise InputError(path, f"broken FASTQ {where} ({error})", "four lines per sequence") from error
    return records


def _uci(path: Path, lines: list[str]) -> list[_Record]:
    records = []
    for i, line in enumerate(lines, 1):
        if line.strip():
            fields = [field.strip() for field in line.split(",")]
            if len(fields) != 3 or not fields[0]:
                raise InputError(path, f"line {i}: {line.strip()[:40]!r}", "class,name,sequence")
            records.append(_Record(fields[1], fields[0], _joined(fields[2]), i))
    return records


def _plain(lines: list[str]) -> list[_Record]:
    return [_Record(f"line {i}", None, _joined(line), i) for i, line in enumerate(lines, 1) if line.strip()]


def _record(path: Path, title: str, letters: str, line: int) -> _Record:
    if not letters:
        raise InputError(path, f"no letters behind line {line} (>{title[:40]})", "a sequence for each name")
    found = CLASS.search(title)
    return _Record(title.split(maxsplit=1)[0] if title else "", found[1] if found else None, _joined(letters), line)


def _joined(text: str) -> str:
    return "".join(text.split()).upper()


def _check_letters(where: str | Path, records: Sequence[_Record], alphabet: Alphabet) -> None:
    allowed = {*alphabet.letters, *alphabet.codes}
    codes: Counter[str] = Counter()
    for record in records:
        if not record.letters:
            raise InputError(where, f"no letters in line {record.line}", "a sequence")
        strange = set(record.letters) - allowed
        if strange:
            place = min(record.letters.index(c) for c in strange)
            raise InputError(
                where,
                f"{record.letters[place]!r}, letter {place + 1} of {record.name} (line {record.line})",
                f"{alphabet.name.upper()} letters {alphabet.letters} or IUPAC codes {''.join(sorted(alphabet.codes))}",
            )
        if set(record.letters) & set(alphabet.codes):
            codes.update(c for c in record.letters if c in alphabet.codes)
    if codes:
        found = ", ".join(f"{n} {code}" for code, n in codes.most_common())
        warnings.warn(f"{where}: IUPAC codes ({found}), taken as equal shares of their letters", stacklevel=3)


def _check_lengths(where: str | Path, records: Sequence[_Record], pad: bool) -> None:
    lengths = Counter(len(r.letters) for r in records)
    common = lengths.most_common(1)[0][0]
    if len(lengths) > 1 and not pad:
        odd = next(r for r in records if len(r.letters) != common)
        raise InputError(
            where,
            f"{len(odd.letters)} letters in {odd.name} (line {odd.line}), and {len(lengths)} lengths in all",
            f"{common} letters in each, as most have; or padding (pad=True, --pad)",
        )
