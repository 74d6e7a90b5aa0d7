from __future__ import annotations

import numpy as np
import pytest
import torch

from neubauer.errors import InputError
from neubauer.metrics import sequences as m
from neubauer.metrics.sequence_features import WindowEncoder
from neubauer.models.sequences.evaluate import evaluate_sequences
from neubauer.models.sequences.pictures import draw_logos
from neubauer.sequences.alphabet import ALPHABETS
from neubauer.sequences.baselines import MarkovChain, shuffled
from neubauer.sequences.read import SequenceSet

DNA = ALPHABETS["dna"]


def _random(n: int, length: int, seed: int, p=None) -> np.ndarray:
    return np.random.default_rng(seed).choice(4, (n, length), p=p).astype(np.int16)


def _with_motif(n: int, seed: int, place: int = 30) -> list[str]:
    texts = DNA.text(_random(n, 60, seed))
    return [t[:place] + "TATAAAA" + t[place + 7 :] if i % 2 else t for i, t in enumerate(texts)]


def test_kmers_by_hand_and_without_unknown_letters():
    codes = m.kmer_codes(np.array([[0, 1, 2, -1, 3, 3]]), 4, 2)
    assert codes.tolist() == [[1, 6, -1, -1, 15]]


def test_divergence_is_zero_for_equal_and_one_bit_for_disjoint():
    assert m.divergence(np.array([1, 3]), np.array([2, 6])) == pytest.approx(0)
    assert m.divergence(np.array([5, 0]), np.array([0, 2])) == pytest.approx(1)
    # by hand: p = (1, 0), q = (1/2, 1/2): H(3/4, 1/4) - 1/2
    assert m.divergence(np.array([1, 0]), np.array([1, 1])) == pytest.approx(0.811278 - 0.5, abs=1e-5)
    a, b = np.zeros((3, 8), int), np.full((3, 8), 3)
    assert m.kmer_divergence(a, b, 4, 6) == pytest.approx(1)
    assert m.kmer_divergence(a, a, 4, 6) == pytest.approx(0)


def test_composition_and_information():
    a, b = np.array([[0, 1], [0, 2]]), np.array([[0, 1], [0, 1]])
    assert m.composition_distance(a, b, 4) == pytest.approx(0.25)  # 0 at the first position, 1/2 at the second
    np.testing.assert_allclose(m.information(a, 4), [2, 1])
    np.testing.assert_allclose(m.gc_content(["GCAT", "AAAA"]), [0.5, 0])


def test_motifs_are_found_where_they_are():
    profile = m.motif_profile(["GGTATAAAT", "TATAAAAGG", "GGGGGGGGG"], "TATAWAW", DNA.codes)
    np.testing.assert_allclose(profile, [1 / 3, 0, 1 / 3])
    real, same, moved = _with_motif(400, 0), _with_motif(400, 1), _with_motif(400, 2, place=10)
    near, far = m.motif_match(real, same, "TATAWAW", DNA.codes), m.motif_match(real, moved, "TATAWAW", DNA.codes)
    assert near.peak == far.peak == 30
    assert near.fake == pytest.approx(0.5, abs=0.02)
    assert far.fake < 0.02
    assert near.distance < 0.1 < 0.9 < far.distance


def test_edit_distance_finds_copies_with_insertions():
    train = DNA.text(_random(50, 80, 0))
    copy = train[7][:20] + "A" + train[7][20:50] + train[7][51:]
    fresh = DNA.text(_random(1, 80, 9))[0]
    near, far = m.nearest_edit_distance([copy, fresh], train)
    assert near <= 2 / 80
    assert far > 0.3
    short = ["ACG", "T", "ACGTA"]
    assert m.nearest_edit_distance(short, [*train, *short]).tolist() == [0, 0, 0]


def test_memorisation_tells_copies_from_fresh_sequences():
    train, held_out, fresh = (DNA.text(_random(60, 60, seed)) for seed in range(3))
    honest, copied = m.memorisation(train, held_out, fresh), m.memorisation(train, held_out, train[:30])
    assert abs(honest.z) < 3
    assert honest.copied == 0
    assert copied.z < -3
    assert copied.copied == 1
    assert copied.fake_minimum == 0


def test_diversity():
    real = _random(100, 40, 0)
    assert m.hamming_diversity(real, _random(100, 40, 1)) == pytest.approx(1, abs=0.03)
    assert m.hamming_diversity(real, np.repeat(real[:1], 100, axis=0)) == 0


def test_markov_chain_learns_transitions_and_keeps_lengths():
    rng = np.random.default_rng(0)
    cyclic = np.stack([(np.arange(30) + start) % 4 for start in rng.integers(4, size=200)]).astype(np.int16)
    cyclic[::2, 20:] = -1
    made = MarkovChain(3, 4).fit(cyclic).sample(300, rng)
    steps = np.diff(made, axis=1)[:, :19] % 4
    assert (steps == 1).mean() > 0.97
    assert set((made >= 0).sum(1)) == {20, 30}


def test_shuffling_keeps_the_letters_of_each_sequence():
    one = DNA.indices(["AAACCG", "AC"])
    made = shuffled(one, 50, np.random.default_rng(0))
    assert {tuple(sorted(t)) for t in DNA.text(made)} == {tuple("AAACCG"), tuple("AC")}
    assert len(set(DNA.text(made))) > 5


def test_window_encoder_puts_copies_at_distance_zero():
    x = torch.nn.functional.one_hot(torch.from_numpy(_random(20, 90, 0)).long(), 4).transpose(1, 2).float()
    features = WindowEncoder(4)(x)
    assert features.shape == (20, 3 * 64)
    np.testing.assert_allclose((features**2).sum(1), 88, rtol=1e-6)  # one 3-mer per place
    np.testing.assert_array_equal(features, WindowEncoder(4)(0.9 * x + 0.01))


def test_evaluation_ranks_motif_generator_before_markov_chains():
    known, held_out, made = (SequenceSet(tuple(_with_motif(300, seed)), DNA) for seed in range(3))
    scores = evaluate_sequences(made, held_out, known)
    rows = scores["rows"]
    assert list(rows) == ["known", "generated", "markov-3", "markov-5", "shuffled"]
    for name in ("markov-3", "markov-5", "shuffled"):
        assert rows["generated"]["motif TATAWAW"]["distance"] < 0.5 * rows[name]["motif TATAWAW"]["distance"]
        assert rows["generated"]["composition"] < rows[name]["composition"]
        assert rows["generated"]["classifier"] > rows[name]["classifier"] + 0.05
    assert rows["shuffled"]["kmer-4"] > 1.1 * rows["generated"]["kmer-4"]
    assert rows["generated"]["memorisation"]["z"] > -3
    assert "memorisation" not in rows["known"]


def test_classifier_by_class_and_bad_input():
    texts = [_with_motif(200, seed) for seed in range(3)]
    sets = [SequenceSet(tuple(t), DNA, tuple("+" if i % 2 else "-" for i in range(200))) for t in texts]
    rows = evaluate_sequences(*sets, copies=False)["rows"]
    assert rows["generated"]["classifier"] > 0.95
    assert rows["shuffled"]["classifier"] < 0.9
    with pytest.raises(InputError, match="motif: found 'TAEA'"):
        evaluate_sequences(*sets, motifs=["TAEA"])
    other = SequenceSet(("ACG", "TTT"), DNA)
    with pytest.raises(InputError, match="3 letters; expected 60"):
        evaluate_sequences(sets[0], other, sets[1])


def test_logo_shows_the_motif(tmp_path):
    from PIL import Image

    sets = {"real": DNA.indices(_with_motif(100, 0)), "generated": DNA.indices(_with_motif(100, 1))}
    with Image.open(draw_logos(sets, DNA, tmp_path / "logo.png")) as picture:
        pixels = np.asarray(picture.convert("RGB")).astype(int)
    blue = (abs(pixels - np.array([0x25, 0x5C, 0x99])).sum(2) < 30).mean()
    assert blue < 0.005
    green = (abs(pixels - np.array([0x10, 0x96, 0x48])).sum(2) < 30).mean()
    assert green > 3 * blue  # A stands high in the motif, C nowhere
