"""Alphabets of biological sequences, and their IUPAC codes for letters that are not known exactly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from Bio.Data import IUPACData

from neubauer.errors import InputError

UNKNOWN = -1  # index of what is no single letter: an IUPAC code, or the padding
PAD = "-"


@dataclass(frozen=True)
class Alphabet:
    """The letters of a kind of sequence.

    Attributes
    ----------
    name : `dna`, `rna` or `protein`.
    letters : in the order of their indices.
    codes : IUPAC codes and the letters that each may stand for.
    """

    name: str
    letters: str
    codes: Mapping[str, str]

    def __len__(self) -> int:
        return len(self.letters)

    def indices(self, sequences: Sequence[str]) -> np.ndarray:
        """(N, L) int16: the index of each letter, `UNKNOWN` for IUPAC codes and behind the end of a sequence; L is the
        length of the longest."""
        table = np.full(256, UNKNOWN, np.int16)
        table[np.frombuffer(self.letters.encode(), np.uint8)] = np.arange(len(self))
        length = max(map(len, sequences))
        text = "".join(s.ljust(length, PAD) for s in sequences).encode()
        return table[np.frombuffer(text, np.uint8)].reshape(len(sequences), length)

    def text(self, indices: np.ndarray) -> list[str]:
        """The sequences of (N, L) indices, without what is `UNKNOWN`."""
        letters = np.frombuffer(self.letters.encode(), np.uint8)
        return [letters[row[row != UNKNOWN]].tobytes().decode() for row in indices]

    def one_hot(self, sequences: Sequence[str], length: int, padded: bool = False) -> np.ndarray:
        """Shares of the letters at each position, (N, A, length) float32.

        A letter is 1 in its own row; an IUPAC code is spread evenly over the letters that it may stand for. `padded`
        adds a last row that is 1 behind the end of a sequence.

        Raises
        ------
        InputError : a sequence of another length; a longer one, where `padded`.
        """
        rows = len(self) + padded
        table = np.zeros((256, rows), np.float32)
        for code, meant in {**self.codes, **{c: c for c in self.letters}}.items():
            table[ord(code), [self.letters.index(c) for c in meant]] = 1 / len(meant)
        if padded:
            table[ord(PAD), -1] = 1
        for i, s in enumerate(sequences):
            if len(s) > length or (len(s) < length and not padded):
                most = "at most " if padded else ""
                raise InputError(f"sequence {i + 1}", f"{len(s)} letters", f"{most}{length}")
        text = "".join(s.ljust(length, PAD) for s in sequences).encode()
        shares = table[np.frombuffer(text, np.uint8)].reshape(len(sequences), length, rows)
        return np.ascontiguousarray(shares.transpose(0, 2, 1))


def _codes(values: Mapping[str, str], letters: str) -> dict[str, str]:
    """The codes that stand for several letters of the alphabet."""
    return {
        code: "".join(sorted(meant)) for code, meant in values.items() if len(meant) > 1 and set(meant) <= {*letters}
    }


ALPHABETS = {
    "dna": Alphabet("dna", "ACGT", _codes(IUPACData.ambiguous_dna_values, "ACGT")),
    "rna": Alphabet("rna", "ACGU", _codes(IUPACData.ambiguous_rna_values, "ACGU")),
    "protein": Alphabet(
        "protein",
        IUPACData.protein_letters,
        _codes(IUPACData.extended_protein_values, IUPACData.protein_letters),
    ),
}


def find_alphabet(name: str) -> Alphabet:
    """The alphabet of this name.

    Raises
    ------
    InputError : there is none.
    """
    if name not in ALPHABETS:
        raise InputError("alphabet", repr(name), f"one of {', '.join(ALPHABETS)}")
    return ALPHABETS[name]
