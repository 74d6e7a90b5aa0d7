"""How good generated sequences are, measured on real ones that were not trained on, beside base lines."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression

from neubauer.errors import InputError
from neubauer.metrics import sequences as metrics
from neubauer.models.sequences.pictures import draw_logos
from neubauer.models.sequences.sample import TrainedSequenceGenerator
from neubauer.sequences.alphabet import Alphabet
from neubauer.sequences.baselines import MarkovChain, shuffled
from neubauer.sequences.read import SequenceSet, read_sequences

LONGEST_KMER = 6
LEAST = 40
"""Sequences of a file that is halved."""
MOTIFS = {"dna": ("TATAWAW",), "rna": (), "protein": ()}  # the TATA box, as bases 1 to 7 of TATAWAWR
ORDERS = (3, 5)


def evaluate_sequences(
    generated: SequenceSet,
    held_out: SequenceSet,
    known: SequenceSet,
    *,
    motifs: Sequence[str] | None = None,
    copies: bool = True,
    seed: int = 0,
) -> dict[str, Any]:
    """Compare generated with real sequences, beside Markov chains of order 3 and 5 and shuffled sequences.

    Parameters
    ----------
    generated : samples; with the classes of `known`, if there are classes.
    held_out : real sequences that were not trained on.
    known : real sequences that the base lines are fitted to: those that were trained on, if these are at hand.
    motifs : IUPAC; default: the TATA box for DNA, none for the rest.
    copies : measure memorisation (`known` then are those that were trained on).
    seed : of the base lines and the classifier.

    Returns
    -------
    `n_real`, `n_fake`, and `rows`: the metrics of `known` (what real sequences reach), `generated`, `markov-3`,
    `markov-5` and `shuffled`. In each row: `kmer-1` to `kmer-6` (divergence, bits), `composition` (distance),
    `gc_mean_difference` and `gc_deviation_ratio` (not for proteins), `motif <motif>` (distance, peak, real, fake),
    `diversity`, `unique` (share of different sequences), `classifier` (accuracy on real sequences of a classifier
    trained on these ones; see `classifier_accuracy`) and, with `copies`, `memorisation`.

    Raises
    ------
    InputError : alphabets or lengths that do not fit, or a motif with letters outside of the alphabet.
    """
    alphabet = held_out.alphabet
    longest = [max(map(len, s.sequences)) for s in (generated, held_out, known)]
    if len({s.alphabet.name for s in (generated, held_out, known)}) > 1:
        raise InputError("sequences", "different alphabets", alphabet.name)
    if longest[1] != longest[2]:
        raise InputError("held-out sequences", f"{longest[1]} letters", f"{longest[2]}, as the known ones have")
    width = longest[1]
    motifs = MOTIFS[alphabet.name] if motifs is None else tuple(m.upper() for m in motifs)
    for motif in motifs:
        if not motif or set(motif) - {*alphabet.letters, *alphabet.codes} or len(motif) > width:
            raise InputError("motif", repr(motif), f"1 to {width} {alphabet.name.upper()} letters or IUPAC codes")
    rng = np.random.default_rng(seed)
    n = len(generated)
    makers: dict[str, Callable[[np.ndarray, int], np.ndarray]] = {
        f"markov-{k}": lambda x, m, k=k: MarkovChain(k, len(alphabet)).fit(x).sample(m, rng)  # type: ignore[misc]
        for k in ORDERS
        if k < width
    }
    makers["shuffled"] = lambda x, m: shuffled(x, m, rng)
    sets = {"known": known, "generated": generated}
    for name, make in makers.items():
        sets[name] = _made(known, n, make)
    rows = {name: _row(s, held_out, motifs, rng) for name, s in sets.items()}
    if copies:
        for name in sets.keys() - {"known"}:
            found = metrics.memorisation(known.sequences, held_out.sequences, sets[name].sequences)
            rows[name]["memorisation"] = asdict(found)
    return {"n_real": len(held_out), "n_fake": n, "rows": rows}


def _made(known: SequenceSet, n: int, make: Callable[[np.ndarray, int], np.ndarray]) -> SequenceSet:
    """What a base line makes, in as many parts as there are classes."""
    alphabet, names = known.alphabet, known.class_names
    groups: dict[str, list[str]] = {}
    for i, name in enumerate(names or ("",)):
        mine = [s for s, c in zip(known.sequences, known.classes or ("",) * len(known), strict=True) if c == name]
        groups[name] = alphabet.text(
            make(alphabet.indices(mine), n // max(len(names), 1) + (i < n % max(len(names), 1)))
        )
    texts = [s for group in groups.values() for s in group]
    classes = [name for name, group in groups.items() for _ in group] if names else []
    return SequenceSet(tuple(texts), alphabet, tuple(classes))


def _row(made: SequenceSet, real: SequenceSet, motifs: Sequence[str], rng: np.random.Generator) -> dict[str, Any]:
    alphabet, letters = real.alphabet, len(real.alphabet)
    width = max(max(map(len, s.sequences)) for s in (made, real))
    a, b = (_wide(alphabet, s.sequences, width) for s in (real, made))
    row: dict[str, Any] = {
        f"kmer-{k}": metrics.kmer_divergence(a, b, letters, k) for k in range(1, min(LONGEST_KMER, width) + 1)
    }
    row["composition"] = metrics.composition_distance(a, b, letters)
    if alphabet.name != "protein":
        gc_real, gc_made = (metrics.gc_content(s.sequences) for s in (real, made))
        row["gc_mean_difference"] = float(gc_made.mean() - gc_real.mean())
        row["gc_deviation_ratio"] = float(gc_made.std() / max(gc_real.std(), 1e-12))
    for motif in motifs:
        row[f"motif {motif}"] = asdict(metrics.motif_match(real.sequences, made.sequences, motif, alphabet.codes))
    row["diversity"] = metrics.hamming_diversity(a, b)
    row["unique"] = len(set(made.sequences)) / len(made)
    row["classifier"] = classifier_accuracy(made, real, rng)
    return row


def classifier_accuracy(trained_on: SequenceSet, tested_on: SequenceSet, rng: np.random.Generator) -> float | None:
    """Balanced accuracy of logistic regression (letters by position, and 3-mer counts; 1-mer for proteins).

    Where both sets have the same classes it tells these apart; where there are none, sequences from sequences whose
    letters were shuffled, which were made of each set on its own side. None: classes on one side only.
    """
    if trained_on.class_names != tested_on.class_names:
        return None
    width = max(max(map(len, s.sequences)) for s in (trained_on, tested_on))
    sides = []
    for s in (trained_on, tested_on):
        indices = _wide(s.alphabet, s.sequences, width)
        labels = np.array([s.class_names.index(c) for c in s.classes])
        if not s.classes:
            indices = np.concatenate((indices, shuffled(indices, len(indices), rng)))
            labels = np.repeat([1, 0], len(s))
        sides.append((_features(indices, len(s.alphabet)), labels))
    (x, y), (x_test, y_test) = sides
    scale = np.maximum(x.std(0), 0.05)
    model = LogisticRegression(C=0.01, max_iter=300, class_weight="balanced").fit(x / scale, y)
    right = model.predict(x_test / scale) == y_test
    return float(np.mean([right[y_test == c].mean() for c in np.unique(y_test)]))


def _features(indices: np.ndarray, letters: int) -> np.ndarray:
    k = 3 if letters <= 4 and indices.shape[1] >= 3 else 1
    codes = metrics.kmer_codes(indices, letters, k)
    counts = np.stack([(codes == c).sum(1) for c in range(letters**k)], axis=1) / np.sqrt(indices.shape[1])
    return np.concatenate([(indices == a) for a in range(letters)] + [counts], axis=1).astype(np.float32)


def _wide(alphabet: Alphabet, sequences: Sequence[str], width: int) -> np.ndarray:
    found = alphabet.indices(sequences)
    return np.pad(found, ((0, 0), (0, width - found.shape[1])), constant_values=-1)


def evaluate_files(
    generator: TrainedSequenceGenerator,
    file: Path,
    train: Path | None = None,
    *,
    n: int = 1000,
    motifs: Sequence[str] | None = None,
    logo: Path | None = None,
    seed: int = 0,
) -> dict[str, Any]:
    """Compare samples of a generator with the sequences of a file, see `evaluate_sequences`.

    Parameters
    ----------
    file : real sequences that were not trained on.
    train : those that were; without them the base lines are fitted to a random half of `file`, and the other half is
        compared.
    n : samples.
    motifs, seed : see `evaluate_sequences`.
    logo : PNG file to draw sequence logos into.

    Raises
    ------
    InputError : a file cannot be read, has other lengths than the model makes, or too few sequences.
    OutputError : the picture cannot be written.
    """
    alphabet, pad = generator.alphabet, generator.pad
    real = read_sequences(file, alphabet.name, pad=pad)
    if train is not None:
        held_out, known = real, read_sequences(train, alphabet.name, pad=pad)
    else:
        if len(real) < LEAST:
            found, expected = f"{len(real)} sequences", f"at least {LEAST}, of which half are compared; or --train"
            raise InputError(file, found, expected)
        order = np.random.default_rng(seed).permutation(len(real))
        held_out, known = real.subset(order[::2].tolist()), real.subset(order[1::2].tolist())
    made = SequenceSet(tuple(generator.sample(n, seed=seed)), alphabet, tuple(generator.classes_of(n)))
    longest = max(map(len, held_out.sequences))
    if longest > generator.length or (longest != generator.length and not pad):
        raise InputError(file, f"sequences of {longest} letters", f"{generator.length}, as the model makes")
    scores = evaluate_sequences(made, held_out, known, motifs=motifs, copies=train is not None, seed=seed)
    if logo is not None:
        sets = {"real": held_out, "generated": made}
        draw_logos({name: alphabet.indices(s.sequences) for name, s in sets.items()}, alphabet, logo)
    return scores
