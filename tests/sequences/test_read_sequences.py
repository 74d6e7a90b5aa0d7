from __future__ import annotations

import gzip

import numpy as np
import pytest

from neubauer.errors import InputError
from neubauer.sequences.alphabet import ALPHABETS
from neubauer.sequences.read import read_sequences, sequences_from
from neubauer.sequences.write import write_fasta

FASTA = ">a first\nACGT\nAC\n>b second\nTTGGCC\n"
FASTQ = "@a\nACGTAC\n+\nIIIIII\n@b\nTTGGCC\n+b\n@IIIII\n"
PLAIN = "ACGTAC\n\nTTGGCC\n"
UCI = "+,a,\t\tacgtac\n-,b,\t\tttggcc\n"


@pytest.mark.parametrize("text", [FASTA, FASTQ, PLAIN, UCI])
@pytest.mark.parametrize("change", [str, str.lower, lambda t: t.replace("\n", "\r\n"), lambda t: "\ufeff" + t])
@pytest.mark.parametrize("zipped", [False, True])
def test_every_format_gives_the_same_letters(tmp_path, text, change, zipped):
    data = change(text).encode()
    file = tmp_path / "sequences"
    file.write_bytes(gzip.compress(data) if zipped else data)
    assert read_sequences(file).sequences == ("ACGTAC", "TTGGCC")


def test_classes_come_from_uci_and_from_descriptions(tmp_path):
    file = tmp_path / "x"
    file.write_text(UCI)
    assert read_sequences(file).classes == ("+", "-")
    assert read_sequences(file).names == ("a", "b")
    file.write_text(">a class=strong x\nAC\n>b class=weak\nGT\n")
    assert read_sequences(file).classes == ("strong", "weak")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "an empty file"),
        ("\n \n", "an empty file"),
        (">only\nACGT\n", "a single sequence; expected at least 2"),
        ("ACGT\nACG\nACGT\n", r"3 letters in line 2 \(line 2\), and 2 lengths in all; expected 4 letters"),
        ("ACGT\nACJT\n", r"'J', letter 3 of line 2 \(line 2\)"),
        (">a\nACGT\n>b\n\nAC-T\n", r"'-', letter 3 of b \(line 3\)"),
        ("ACGU\nACGU\n", r"'U', letter 4 of line 1 \(line 1\); expected DNA letters ACGT"),
        (">a\n>b\nACGT\n", r"no letters behind line 1 \(>a\)"),
        ("@a\nACGT\n+\nII\n", "broken FASTQ at its start"),
        ("@a\nACGT\n+\nIIII\n@b\nACGT\n", "broken FASTQ behind line 1"),
        ("+,a,acgt\nacgt\n", "line 2: 'acgt'; expected class,name,sequence"),
        ("+,a,acgt\n-,b,\n", "no letters in line 2"),
        (">a class=x\nACGT\n>b\nACGT\n", "no class in line 3"),
    ],
)
def test_bad_files_are_named_with_the_line(tmp_path, text, message):
    file = tmp_path / "bad.txt"
    file.write_text(text)
    with pytest.raises(InputError, match=message) as caught:
        read_sequences(file)
    assert caught.value.where == str(file)


def test_files_that_are_no_text(tmp_path):
    file = tmp_path / "bad"
    with pytest.raises(InputError, match="no such file"):
        read_sequences(file)
    with pytest.raises(InputError, match="a folder"):
        read_sequences(tmp_path)
    file.write_bytes(b"\x89PNG\xff\xfe")
    with pytest.raises(InputError, match="no text"):
        read_sequences(file)
    file.write_bytes(gzip.compress(FASTA.encode())[:-9])
    with pytest.raises(InputError, match="cannot be read"):
        read_sequences(file)
    file.write_text(FASTA)
    with pytest.raises(InputError, match="one of dna, rna, protein"):
        read_sequences(file, "DNS")


def test_iupac_codes_are_equal_shares_and_are_announced(tmp_path):
    file = tmp_path / "x"
    file.write_text("ACGT\nARNN\n")
    with pytest.warns(UserWarning, match=r"IUPAC codes \(2 N, 1 R\)"):
        found = read_sequences(file)
    shares = found.alphabet.one_hot(found.sequences, 4)
    np.testing.assert_allclose(shares[1].T, [[1, 0, 0, 0], [0.5, 0, 0.5, 0], [0.25] * 4, [0.25] * 4])


def test_padding_marks_the_end_and_lengths_are_checked():
    found = sequences_from(["ACG", "T"], None, "dna", pad=True)
    shares = found.alphabet.one_hot(found.sequences, 3, padded=True)
    assert shares.shape == (2, 5, 3)
    assert shares.argmax(1).tolist() == [[0, 1, 2], [3, 4, 4]]
    with pytest.raises(InputError, match=r"pad=True"):
        sequences_from(["ACG", "T"], None, "dna", pad=False)
    with pytest.raises(InputError, match="2 names; expected 3"):
        sequences_from(["A", "C", "G"], ["x", "y"], "dna", pad=False)


@pytest.mark.parametrize(("name", "text"), [("dna", "GATTACA"), ("rna", "GAUUACA"), ("protein", "MKWVTFISLLFLFSSAYS")])
def test_indices_and_text_are_inverse(name, text):
    alphabet = ALPHABETS[name]
    indices = alphabet.indices([text, text[:3]])
    assert (indices[1, 3:] == -1).all()
    assert alphabet.text(indices) == [text, text[:3]]


def test_protein_codes_and_letters_without_a_place():
    with pytest.warns(UserWarning, match="1 B"):
        found = sequences_from(["MB", "MK"], None, "protein", False)
    assert found.alphabet.one_hot(["B"], 1)[0, :, 0].sum() == pytest.approx(1)
    with pytest.raises(InputError, match="'U'"):
        sequences_from(["MU", "MK"], None, "protein", False)


@pytest.mark.parametrize("name", ["x.fasta", "x.fasta.gz"])
def test_fasta_goes_out_and_in_again(tmp_path, name):
    sequences = ["ACGT" * 40, "TTGA" * 40]
    write_fasta(tmp_path / name, sequences, ["+", "-"])
    found = read_sequences(tmp_path / name)
    assert list(found.sequences) == sequences
    assert found.classes == ("+", "-")
    write_fasta(tmp_path / name, sequences)
    assert read_sequences(tmp_path / name).classes == ()
