"""How near generated sequences are to real ones.

Sequences are arrays of letter indices, (N, L) integers from 0; -1 is what is no single letter (an IUPAC code, padding)
and takes no part. `real` comes first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from Bio.Align import PairwiseAligner
from scipy.sparse import csr_matrix
from scipy.stats import mannwhitneyu

CANDIDATES = 8  # training sequences that are aligned, per sequence
PREFILTER_K = 5
EDGES = 5  # width of the bins of motif positions


def kmer_codes(indices: np.ndarray, letters: int, k: int) -> np.ndarray:
    """The k-mer at each position as a number, (N, L - k + 1) int64; -1 where one of its letters is missing."""
    windows = np.lib.stride_tricks.sliding_window_view(indices, k, axis=1)
    codes = windows.astype(np.int64) @ letters ** np.arange(k - 1, -1, -1)
    return np.where((windows < 0).any(2), -1, codes)


def divergence(a: np.ndarray, b: np.ndarray) -> float:
    """Jensen-Shannon divergence of two distributions, given as counts; bits, 0 to 1. Lin, IEEE Trans. Inf. Theory
    37:145, 1991."""
    p, q = (x / max(x.sum(), 1e-12) for x in (np.asarray(a, float), np.asarray(b, float)))
    return float(_entropy((p + q) / 2) - (_entropy(p) + _entropy(q)) / 2)


def kmer_divergence(real: np.ndarray, fake: np.ndarray, letters: int, k: int) -> float:
    """Jensen-Shannon divergence of the k-mer spectra, bits. Counts of few sequences differ by chance: compare only
    values from equal numbers of sequences."""
    codes = [kmer_codes(x, letters, k).ravel() for x in (real, fake)]
    names, places = np.unique(np.concatenate([c[c >= 0] for c in codes]), return_inverse=True)
    n = int((codes[0] >= 0).sum())
    return divergence(*(np.bincount(p, minlength=len(names)) for p in (places[:n], places[n:])))


def composition(indices: np.ndarray, letters: int) -> np.ndarray:
    """Frequency of each letter at each position, (A, L)."""
    counts = np.stack([(indices == a).sum(0) for a in range(letters)]).astype(float)
    return counts / np.maximum(counts.sum(0), 1)


def composition_distance(real: np.ndarray, fake: np.ndarray, letters: int) -> float:
    """Total variation distance between the letter frequencies at a position, averaged over the positions; 0 to 1."""
    return float(np.abs(composition(real, letters) - composition(fake, letters)).sum(0).mean() / 2)


def information(indices: np.ndarray, letters: int) -> np.ndarray:
    """Information content of each position, (L,) bits: log2 A minus the entropy (Schneider & Stephens, Nucleic Acids
    Res. 18:6097, 1990, without the correction for small samples)."""
    p = composition(indices, letters)
    return np.log2(letters) + np.where(p > 0, p * np.log2(np.maximum(p, 1e-12)), 0).sum(0)


def gc_content(sequences: Sequence[str]) -> np.ndarray:
    """Share of G and C in each sequence, (N,); DNA and RNA."""
    return np.array([(s.count("G") + s.count("C")) / max(len(s), 1) for s in sequences])


def motif_profile(sequences: Sequence[str], motif: str, codes: Mapping[str, str]) -> np.ndarray:
    """Share of the sequences in which a match of the motif begins at each position, (L - m + 1,), L that of the
    longest.

    Parameters
    ----------
    sequences : upper case.
    motif : letters and IUPAC codes; all letters have to match.
    codes : the letters that a code may stand for.
    """
    places = max(map(len, sequences)) - len(motif) + 1
    text = np.array([list(s.ljust(places + len(motif) - 1, "-")) for s in sequences])
    hit = np.ones((len(sequences), places), bool)
    for i, code in enumerate(motif):
        hit &= np.isin(text[:, i : i + places], list(codes.get(code, code)))
    return hit.mean(0)


@dataclass(frozen=True)
class MotifMatch:
    """How alike a motif lies in two sets.

    Attributes
    ----------
    distance : sum over bins of 5 positions of the difference in matches per sequence; counts matches that are missing,
        superfluous, or elsewhere.
    peak : first position (from 0) of the bin with most matches in the real set.
    real, fake : matches per sequence in that bin.
    """

    distance: float
    peak: int
    real: float
    fake: float


def motif_match(real: Sequence[str], fake: Sequence[str], motif: str, codes: Mapping[str, str]) -> MotifMatch:
    """Compare where a motif lies (see `motif_profile`)."""
    profiles = [motif_profile(s, motif, codes) for s in (real, fake)]
    length = max(map(len, profiles))
    starts = np.arange(0, length, EDGES)
    a, b = (np.add.reduceat(np.pad(p, (0, length - len(p))), starts) for p in profiles)
    peak = int(a.argmax())
    return MotifMatch(float(np.abs(a - b).sum()), int(starts[peak]), float(a[peak]), float(b[peak]))


def hamming_diversity(real: np.ndarray, fake: np.ndarray) -> float:
    """Mean share of positions at which two generated sequences differ, over that of two real ones: near 1 if healthy,
    0 if all are equal."""

    def spread(x: np.ndarray) -> float:
        n, counts = len(x), np.stack([(x == a).sum(0) for a in range(-1, int(x.max()) + 1)]).astype(float)
        return float(1 - (counts * (counts - 1)).sum() / (n * (n - 1) * x.shape[1]))

    return spread(fake) / max(spread(real), 1e-12)


def nearest_edit_distance(sequences: Sequence[str], known: Sequence[str]) -> np.ndarray:
    """Levenshtein distance of each sequence to its nearest known one, over its own length; (N,).

    Aligned are the 8 known sequences whose 5-mers are most alike: exact for what is nearly a copy, an upper limit for
    sequences that resemble none. No sequence is empty.
    """
    aligner = PairwiseAligner(mode="global", match_score=0, mismatch_score=-1, gap_score=-1)
    similar = _spectra(sequences) @ _spectra(known).T
    distances = []
    for i, s in enumerate(sequences):
        shared = similar[[i]].toarray()[0]
        best = np.argpartition(-shared, min(CANDIDATES, len(known)) - 1)[:CANDIDATES]
        distances.append(min(abs(aligner.score(s, known[j])) for j in best) / len(s))
    return np.array(distances)


@dataclass(frozen=True)
class Memorisation:
    """Edit distances to the nearest training sequence, of generated and of held-out sequences.

    Attributes
    ----------
    fake_minimum, fake_median, real_minimum, real_median : shares of the length; 0 is a copy.
    copied, copied_real : share of the generated and of the held-out sequences with a distance below 0.2.
    z : of the Mann-Whitney U statistic, negative where generated sequences are nearer than held-out ones (C_T of
        Meehan et al., AISTATS 2020, with one cell); below -3: significantly.
    """

    fake_minimum: float
    fake_median: float
    real_minimum: float
    real_median: float
    copied: float
    copied_real: float
    z: float


def memorisation(train: Sequence[str], held_out: Sequence[str], fake: Sequence[str]) -> Memorisation:
    """Whether generated sequences lie nearer to the training sequences than held-out ones do."""
    real, made = (nearest_edit_distance(s, train) for s in (held_out, fake))
    n, m = len(made), len(real)
    u = mannwhitneyu(made, real).statistic
    return Memorisation(
        float(made.min()),
        float(np.median(made)),
        float(real.min()),
        float(np.median(real)),
        float((made < 0.2).mean()),
        float((real < 0.2).mean()),
        float((u - n * m / 2) / np.sqrt(n * m * (n + m + 1) / 12)),
    )


def _entropy(p: np.ndarray) -> float:
    p = p[p > 0]
    return float(-(p * np.log2(p)).sum())


def _spectra(sequences: Sequence[str]) -> csr_matrix:
    """Which words of 5 letters (of all, in a shorter one) occur in each sequence, scaled to length 1, so that products
    are 1 for the same words only; (N, 27^5) sparse."""
    words = []
    for s in sequences:
        text = np.frombuffer(s.encode(), np.uint8).astype(np.int64) - 64  # A is 1, so that short words differ too
        windows = np.lib.stride_tricks.sliding_window_view(text, min(PREFILTER_K, len(text)))
        words.append(np.unique(windows @ 27 ** np.arange(windows.shape[1])))
    sizes = np.array([len(w) for w in words])
    values = np.repeat(1 / np.sqrt(sizes), sizes)
    starts = np.concatenate(([0], np.cumsum(sizes)))
    return csr_matrix((values, np.concatenate(words), starts), (len(sequences), 27**PREFILTER_K))
