from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from neubauer.cli.main import app
from neubauer.errors import InputError, NeubauerError
from neubauer.gan.config.base import validate
from neubauer.gan.config.sequence import SequenceGanConfig
from neubauer.gan.data.sequences import SequenceData
from neubauer.gan.games.sequence_gan import SequenceGan, expected_kmers, spectrum_loss
from neubauer.metrics.sequences import composition_distance, kmer_divergence
from neubauer.models.estimators.image_generator import ImageGenerator
from neubauer.models.estimators.sequence_generator import SequenceGenerator
from neubauer.nets.sequence import MarkovDraft, ResidualGenerator
from neubauer.recipes import load_recipe, recipe_names
from neubauer.sequences.alphabet import ALPHABETS
from neubauer.sequences.read import read_sequences

DNA = ALPHABETS["dna"]
SMALL = {
    "generator": {"width": 16, "blocks": 1},
    "discriminator": {"width": 16, "blocks": 1},
    "training": {
        "batch_size": 16,
        "discriminator_steps": 1,
        "precision": "float32",
        "accelerator": "cpu",
        "average_decay": 0.9,
        "monitor": {"every": 0},
        "preview_every": 0,
        "generator": {"learning_rate": 2e-3},
        "discriminator": {"learning_rate": 4e-3},
    },
}


def _promoters(n: int, seed: int, box: str = "TATAAA") -> list[str]:
    """24 random bases with a box at position 8."""
    letters = np.random.default_rng(seed).choice(list("ACGT"), (n, 24))
    texts = ["".join(row) for row in letters]
    return [t[:8] + box + t[14:] for t in texts]


@pytest.fixture(autouse=True)
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize("draft", [0, 2])
def test_learns_a_motif_at_its_place(draft):
    changes = {**SMALL, "generator": {**SMALL["generator"], "draft": draft}, "spectrum": 0.02}
    real = DNA.indices(_promoters(400, 0))
    before = SequenceGenerator("dna-wgan-gp", changes).fit(_promoters(400, 1), steps=1).sample(300)
    made = SequenceGenerator("dna-wgan-gp", changes).fit(_promoters(400, 1), steps=250).sample(300)
    first, last = (composition_distance(real, DNA.indices(s), 4) for s in (before, made))
    assert last < 0.6 * first
    assert np.mean([s[8:14] == "TATAAA" for s in made]) > 0.25
    assert len(set(made)) > 250


def test_classes_are_what_was_asked_for(tmp_path):
    texts = _promoters(200, 0, "TATAAA") + _promoters(200, 1, "CGCGCG")
    names = ["tata"] * 200 + ["cg"] * 200
    model = SequenceGenerator("dna-wgan-gp", SMALL).fit(texts, names, steps=200)
    assert model.classes == ("cg", "tata")
    right = [
        np.mean([s[8:14] == box for s in model.sample(100, name)])
        for name, box in (("tata", "TATAAA"), ("cg", "CGCGCG"))
    ]
    wrong = np.mean([s[8:14] == "CGCGCG" for s in model.sample(100, "tata")])
    assert min(right) > 0.4
    assert wrong < 0.1
    with pytest.raises(InputError, match="'tada'; expected 'tata'"):
        model.sample(2, "tada")
    loaded = SequenceGenerator.load(model.save(tmp_path / "m.safetensors"))
    assert loaded.sample(20, seed=3) == model.sample(20, seed=3)
    assert loaded.sample(20, seed=3) != model.sample(20, seed=4)
    assert loaded.classes_of(3) == ["cg", "tata", "cg"]


def test_padded_sequences_end_where_real_ones_do(tmp_path):
    texts = [t[:14] if i % 2 else t for i, t in enumerate(_promoters(300, 0))]
    model = SequenceGenerator("dna-wgan-gp", SMALL, pad=True).fit(texts, steps=220)
    lengths = np.array([len(s) for s in model.sample(300)])
    assert lengths.min() >= 1
    assert np.isin(lengths, (14, 24)).mean() > 0.6
    assert min((lengths == 14).mean(), (lengths == 24).mean()) > 0.1
    loaded = SequenceGenerator.load(model.save(tmp_path / "m.safetensors"))
    assert loaded.sample(5) == model.sample(5)


def test_resumed_run_ends_with_the_same_model(tmp_path):
    file = tmp_path / "x.txt"
    file.write_text("\n".join(_promoters(64, 0)))
    changes = {**SMALL, "generator": {**SMALL["generator"], "draft": 1}}
    whole = SequenceGenerator("dna-wgan-gp", changes).fit(file, steps=6, out=tmp_path / "a")
    SequenceGenerator("dna-wgan-gp", changes).fit(file, steps=3, out=tmp_path / "b")
    rest = SequenceGenerator("dna-wgan-gp", changes).fit(file, steps=6, out=tmp_path / "b", resume=True)
    assert rest.sample(8) == whole.sample(8)
    a, b = (m.game.state_dict() for m in (whole, rest))
    assert all(torch.equal(a[name], b[name]) for name in a)
    assert (tmp_path / "a/logo.png").stat().st_size > 1000
    file.write_text("\n".join(_promoters(64, 1)))
    with pytest.raises(InputError, match="data"):
        SequenceGenerator("dna-wgan-gp", changes).fit(file, steps=9, out=tmp_path / "b", resume=True)


def test_draft_is_a_markov_chain_and_the_untrained_generator_leaves_it():
    cyclic = torch.stack([(torch.arange(20) + i) % 4 for i in range(40)])
    draft = MarkovDraft(2, 4, 20, classes=2)
    reverse = cyclic.flip(1)
    draft.fit(torch.cat((cyclic, reverse)), torch.arange(2).repeat_interleave(40))
    torch.manual_seed(0)
    for label, step in ((0, 1), (1, 3)):
        made = draft(100, torch.full((100,), label)).argmax(1)
        assert (made.diff(dim=1) % 4 == step).float().mean() > 0.85
    generator = ResidualGenerator(4, 20, 8, width=8, blocks=1, draft=2)
    generator.draft.fit(cyclic)
    steps = generator(torch.randn(100, 8)).argmax(1).diff(dim=1) % 4
    assert (steps == 1).float().mean() > 0.85


def test_expected_kmers_are_counts_for_letters_and_lead_to_the_target():
    text = ["ACGTAC", "AACCGG"]
    x = torch.from_numpy(DNA.one_hot(text, 6))
    found = expected_kmers(x, 2).reshape(4, 4) * 10
    assert found[0, 1] == pytest.approx(3)  # AC: twice and once
    assert found[3, 3] == pytest.approx(0)
    target = expected_kmers(torch.from_numpy(DNA.one_hot(_promoters(100, 0), 24)), 3)
    logits = torch.randn(16, 4, 24, requires_grad=True)
    optimizer = torch.optim.Adam([logits], 0.1)
    losses = []
    for _ in range(60):
        loss = spectrum_loss(target, logits.softmax(1), 3)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.1 * losses[0]


def test_recipes_build_and_the_published_one_has_its_published_size():
    assert recipe_names("sequence-gan") == ["dna-draft", "dna-wgan-gp"]
    for name in recipe_names("sequence-gan"):
        assert load_recipe(name)["source"]
        assert load_recipe(name)["description"]
    config = validate(SequenceGanConfig, load_recipe("dna-wgan-gp"), "x")
    assert (config.latent, config.gradient_penalty, config.training.discriminator_steps) == (100, 10, 5)
    assert (config.training.generator.learning_rate, config.training.generator.beta2) == (1e-4, 0.9)
    game = SequenceGan(config, 4, 300)
    convolutions = [tuple(p.shape) for n, p in game.generator.named_parameters() if "conv" in n and p.ndim == 4]
    assert convolutions == [(100, 100, 1, 5)] * 10
    assert game.discriminator(torch.zeros(2, 4, 300)).score.shape == (2,)
    shares = game.generator(torch.randn(2, 100))
    assert torch.allclose(shares.sum(1), torch.ones(2, 300), atol=1e-5)


def test_monitor_sees_a_generator_that_copies():
    texts = _promoters(64, 0)
    data = SequenceData(DNA.one_hot(texts, 24))
    model = SequenceGenerator(
        changes={**SMALL, "training": {**SMALL["training"], "monitor": {"every": 5, "samples": 64}}}
    )
    model.fit(texts * 4, steps=5)
    assert model.report is not None
    assert {"monitor/coverage", "monitor/diversity", "monitor/copying_distance_z"} <= set(model.report.metrics)
    assert data.split(0.5, 0)[1] is not None


def test_bad_input():
    with pytest.raises(InputError, match="dna-wgan-gp"):
        SequenceGenerator("dna-wgan")
    with pytest.raises(InputError, match="a recipe for sequences"):
        SequenceGenerator("dcgan")
    with pytest.raises(InputError, match="a recipe for images"):
        ImageGenerator("dna-wgan-gp")
    with pytest.raises(InputError, match="an odd number"):
        SequenceGenerator("dna-wgan-gp", {"generator": {"kernel": 4}})
    with pytest.raises(InputError, match="'width'"):
        SequenceGenerator("dna-wgan-gp", {"generator": {"widht": 4}})
    with pytest.raises(InputError, match="at least one batch"):
        SequenceGenerator("dna-wgan-gp", SMALL).fit(_promoters(15, 0))
    with pytest.raises(InputError, match="less than the sequences' length, 3"):
        SequenceGenerator("dna-wgan-gp", {**SMALL, "generator": {"draft": 3}}).fit(["ACG"] * 40)
    with pytest.raises(InputError, match="k-mers; expected at most 4096: lower spectrum_k"):
        SequenceGenerator("dna-draft", SMALL, alphabet="protein").fit(["MKWVTF"] * 40)
    with pytest.raises(NeubauerError, match="not been fitted"):
        SequenceGenerator().sample(1)


def test_command_line(tmp_path):
    file, run, out = tmp_path / "x.data", tmp_path / "run", tmp_path / "made.fasta"
    lines = [f"+,a,{t.lower()}" for t in _promoters(64, 0)] + [f"-,b,{t.lower()}" for t in _promoters(64, 1, "GGGGGG")]
    file.write_text("\n".join(lines))
    call = CliRunner().invoke
    small = [
        "generator.width=8",
        "discriminator.width=8",
        "generator.blocks=1",
        "training.batch_size=32",
        "training.discriminator_steps=1",
    ]
    settings = [part for setting in small for part in ("--set", setting)]
    trained = call(app, ["train", "sequences", str(file), "--out", str(run), "--steps", "3", *settings])
    assert trained.exit_code == 0, trained.output
    model = str(run / "model.safetensors")
    made = call(app, ["generate", model, "-n", "30", "--out", str(out), "--json"])
    assert made.exit_code == 0, made.output
    assert json.loads(made.stdout) == {"file": str(out), "sequences": 30}
    assert read_sequences(out).class_names == ("+", "-")
    assert call(app, ["generate", model, "--out", str(out)]).exit_code == 2  # never overwritten
    logo = tmp_path / "logo.png"
    scored = call(app, ["evaluate", "sequences", model, str(file), "-n", "40", "--json", "--logo", str(logo)])
    assert scored.exit_code == 0, scored.output
    scores = json.loads(scored.stdout)
    assert scores["rows"]["known"]["classifier"] > 0.9
    assert scores["rows"]["known"]["composition"] < scores["rows"]["generated"]["composition"]
    assert logo.exists()
    table = call(app, ["evaluate", "sequences", model, str(file), "-n", "40", "--train", str(file)])
    assert "memorisation" in table.stdout
    file.write_text("ACGT\nACGT\n" * 30)
    wrong = call(app, ["evaluate", "sequences", model, str(file)])
    assert wrong.exit_code == 2
    assert "sequences of 4 letters; expected 24" in wrong.output


def test_kmers_stay_those_of_the_data_with_a_draft():
    """Edits of a draft keep the k-mers that a short run without one does not find."""
    rng = np.random.default_rng(0)
    table = rng.dirichlet([0.3] * 4, 64)
    x = np.zeros((600, 40), np.int64)
    x[:, :3] = rng.integers(0, 4, (600, 3))
    for i in range(3, 40):
        context = x[:, i - 3] * 16 + x[:, i - 2] * 4 + x[:, i - 1]
        x[:, i] = (rng.random((600, 1)) > table[context].cumsum(1)[:, :-1]).sum(1)
    real, texts = x[:200], DNA.text(x[200:].astype(np.int16))
    found = []
    for draft in (0, 3):
        changes = {**SMALL, "generator": {**SMALL["generator"], "draft": draft}}
        made = SequenceGenerator("dna-wgan-gp", changes).fit(texts, steps=40).sample(400)
        found.append(kmer_divergence(real, DNA.indices(made), 4, 4))
    assert found[1] < 0.3 * found[0]
