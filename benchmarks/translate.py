"""Translation: what it gains a model of another stain, what it does to cells, seams, and speed.

- `classify`: a classifier of blood cells trained on `pbc`, on the cells of `wbc-rapid` (another stain, another
  microscope) as they are, with their colours normalised, translated to the stain of `pbc` (the way in), and another
  classifier trained on `pbc` translated to the other stain (the way out). Translators see the images of `wbc-rapid`,
  but no label.
- `drift`: red and white cells lost or invented by translating smears to a copy of other smears in another stain.
- `copy`: what the counter makes of the same smears in that stain, without any translation.
- `counts`: the bundled counter of fluorescent nuclei on stained tissue: on its haematoxylin, and on that translated to
  fluorescence, beside the bundled counter of stained tissue, on the images that the latter was tested with.
- `tiles`: a 4,000 x 4,000 image by tiles against in one piece, and the memory of the process.
- `speed`: training steps of the trainer beside a float32 loop of the same networks.

Results are added to `results/translate.json` one by one, so that a stopped run goes on.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from datasets import SETS, data_option, pairs_of, split_groups
from PIL import Image
from report import read_runs, write_result
from sklearn.metrics import balanced_accuracy_score

from neubauer.gan.build import build_game
from neubauer.gan.data.images import ImageSet, images_from_array, images_from_folder
from neubauer.models.classifier.fit import FitSettings, fit_network
from neubauer.models.counter.evaluate import evaluate_counter
from neubauer.models.estimators.cell_counter import CellCounter
from neubauer.models.estimators.style_translator import StyleTranslator, fit_by_gate
from neubauer.models.shared.inputs import Annotated, Reading, as_source
from neubauer.models.translator.gate import Gate
from neubauer.nets.classifier import CellNet

NAME = "translate"
SHARED = ("neutrophil", "lymphocyte", "monocyte", "eosinophil")
CELLS = 1500
"""Images of `pbc` that a translator is trained on."""
CLASSIFIER_STEPS = 500
HELD_OUT = 0.15
"""Of the stained tissue, for the bundled counter and for `counts`."""
QUIET = {"steps": 500, "preview_every": 0, "log_every": 100}


def rapid(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """(N, 3, 64, 64) cells of the shared classes, which come out as large as those of `pbc`, and their classes (N,)."""
    images, labels = [], []
    for i, name in enumerate(SHARED):
        for file in sorted((folder / "wbc-rapid" / "images" / name).glob("*.png")):
            with Image.open(file) as image:
                small = image.convert("RGB").resize((64, 64), Image.Resampling.LANCZOS)
            images.append(np.asarray(small).transpose(2, 0, 1))
            labels.append(i)
    return np.stack(images), np.array(labels)


def accuracy(network: CellNet, data: ImageSet, images: np.ndarray, labels: np.ndarray) -> float:
    """Balanced accuracy among the shared classes."""
    columns = [data.classes.index(name) for name in SHARED]
    with torch.inference_mode():
        logits = network(torch.from_numpy(data.intensity.normalise(images)))[:, columns]
    return float(balanced_accuracy_score(labels, logits.argmax(1).numpy()))


def classify(folder: Path, seed: int) -> dict[str, float]:
    pbc = images_from_folder(folder / "pbc")
    cells, labels = rapid(folder)
    settings = FitSettings(steps=CLASSIFIER_STEPS, batch=64, seed=seed)
    network = fit_network(_new(pbc, seed), pbc, settings)
    rng = np.random.default_rng(seed)
    assert pbc.labels is not None
    four = np.flatnonzero(np.isin(pbc.labels, [pbc.classes.index(name) for name in SHARED]))
    # as many of each class: how frequent the kinds are on the other side is not known
    per_class = CELLS // len(SHARED)
    chosen = np.concatenate(
        [rng.choice(four[pbc.labels[four] == pbc.classes.index(name)], per_class, replace=False) for name in SHARED]
    )
    home, away = [pbc.images[i] for i in chosen], list(cells)
    found = {"raw": accuracy(network, pbc, cells, labels)}
    for name, recipe in (("Reinhard", "reinhard"), ("Macenko", "macenko"), ("CUT, way in", "cut")):
        changes = {} if recipe != "cut" else {"training": {**QUIET}}
        translator = StyleTranslator(recipe, changes).fit(away, home, seed=seed)
        made = np.stack([translator.predict(image) for image in away])
        found[name] = accuracy(network, pbc, made, labels)
    out = StyleTranslator("cut", {"training": {**QUIET}}).fit(home, away, seed=seed)
    made = np.stack([out.predict(image) for image in home])
    moved = images_from_array(made, [pbc.classes[pbc.labels[i]] for i in chosen])
    again = fit_network(_new(moved, seed), moved, settings)
    found["CUT, way out"] = accuracy(again, moved, cells, labels)
    return found


def _new(data: ImageSet, seed: int) -> CellNet:
    torch.manual_seed(seed)
    return CellNet(3, len(data.classes))


def restained(image: np.ndarray) -> np.ndarray:
    """The same smear, more violet, darker and with more contrast."""
    x = image.astype(np.float32) / 255
    mixed = np.tensordot(np.array([[0.8, 0.15, 0.0], [0.05, 0.75, 0.1], [0.1, 0.05, 0.9]], np.float32), x, 1)
    return (np.clip(mixed**1.3, 0, 1) * 255).astype(np.uint8)


def drift(folder: Path, seed: int) -> dict[str, float]:
    items = SETS["bccd"](folder)
    first, rest = split_groups(items, [60], seed)
    second, test = split_groups(rest, [60], seed)
    home = [item.pair().source.read() for item in first]
    other = [restained(item.pair().source.read()) for item in second]
    gate = Gate(CellCounter.load("blood-smear"))
    found = {}
    for name, recipe in (("Macenko", "macenko"), ("CUT", "cut"), ("CUT, chosen by the gate", "cut")):
        changes = {} if recipe != "cut" else {"training": {**QUIET}}
        translator = StyleTranslator(recipe, changes)
        if "gate" in name:
            fit_by_gate(translator, home, other, gate, seed=seed)
        else:
            translator.fit(home, other, seed=seed)
        drifts = gate.check_all(translator, [item.pair().source for item in test[:20]])
        before = max(sum(d.before for d in drifts), 1)
        found |= {
            f"{name}: lost, %": 100 * sum(d.lost for d in drifts) / before,
            f"{name}: invented, %": 100 * sum(d.invented for d in drifts) / before,
        }
    return found


def copy(folder: Path, seed: int) -> dict[str, float]:
    """What the counter itself loses and invents in the test images of `drift` in the other stain, pixel for pixel."""
    _, rest = split_groups(SETS["bccd"](folder), [60], seed)
    _, test = split_groups(rest, [60], seed)
    gate = Gate(CellCounter.load("blood-smear"))
    images = [item.pair().source.read() for item in test[:20]]
    drifts = [gate.check(image, restained(image)) for image in images]
    before = max(sum(d.before for d in drifts), 1)
    return {
        "no translation, restained: lost, %": 100 * sum(d.lost for d in drifts) / before,
        "no translation, restained: invented, %": 100 * sum(d.invented for d in drifts) / before,
    }


def counts(folder: Path, seed: int) -> dict[str, float]:
    """F1 of nuclei."""
    items = SETS["dsb2018-colour"](folder)
    test, rest = split_groups(items, [round(HELD_OUT * len(items))], 0)  # as `train_bundled.py` splits them
    fluorescence = pairs_of(SETS["dsb2018-fluorescence"](folder))
    tissue = [as_source(item.image, reading=Reading(stain="haematoxylin")) for item in rest]
    translator = StyleTranslator("cut", {"training": {**QUIET}}).fit(
        tissue, [p.source for p in fluorescence], seed=seed
    )
    counter = CellCounter.load("nuclei-fluorescence")
    stained = [
        Annotated(as_source(item.image, reading=Reading(stain="haematoxylin")), item.annotation) for item in test
    ]
    translated = [Annotated(translator.source(pair.source), pair.annotation) for pair in stained]
    home = CellCounter.load("nuclei-histology")
    return {
        "fluorescence counter on haematoxylin: F1": evaluate_counter(counter, stained)[0]["total"]["f1"],
        "fluorescence counter, CUT: F1": evaluate_counter(counter, translated)[0]["total"]["f1"],
        "tissue counter: F1": evaluate_counter(home, [item.pair() for item in test])[0]["total"]["f1"],
    }


def tiles(size: int = 4000) -> dict[str, float]:
    rng = np.random.default_rng(0)
    small = [rng.integers(0, 255, (3, 128, 128), dtype=np.uint8) for _ in range(4)]
    translator = StyleTranslator("cut", {"training": {**QUIET, "steps": 20}}).fit(small[:2], small[2:])
    image = np.tile(rng.integers(0, 255, (3, 500, 500), dtype=np.uint8), (1, size // 500, size // 500))
    translator.predict(image[:, :256, :256])
    start = time.monotonic()
    tiled = translator.predict(image, tile=512)
    seconds = time.monotonic() - start
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    # one piece of half the side in each direction, since the whole does not fit into memory
    half = size // 2
    whole = translator.source(image).region(0, half, 0, half)
    difference = np.abs(whole.astype(int) - tiled[:, :half, :half]).max()
    return {"largest difference, grey levels": float(difference), "seconds": seconds, "peak memory, GB": memory}


def speed(steps: int = 12, blocks: int = 5) -> dict[str, float]:
    """Trainer against a float32 loop of the same game, blocks in turn; median ratio."""
    rng = np.random.default_rng(0)
    images = [[rng.integers(0, 255, (3, 128, 128), dtype=np.uint8) for _ in range(8)] for _ in range(2)]
    seconds: dict[str, list[float]] = {"float32 loop": [], "trainer": []}
    batch = 8
    for _ in range(blocks):
        translator = StyleTranslator("cut", {"training": {**QUIET, "batch_size": batch}})
        with tempfile.TemporaryDirectory() as run:
            translator.fit(images[0], images[1], steps=3, out=Path(run) / "warm")
            spent = []
            for n in (3, steps + 3):
                start = time.perf_counter()
                translator.fit(images[0], images[1], steps=n, out=Path(run) / str(n))
                spent.append(time.perf_counter() - start)
        seconds["trainer"].append((spent[1] - spent[0]) / steps)
        seconds["float32 loop"].append(_plain(translator, images, batch, steps))
    ratio = statistics.median(p / t for p, t in zip(seconds["float32 loop"], seconds["trainer"], strict=True))
    return {**{f"{n}, images/s": batch / statistics.median(s) for n, s in seconds.items()}, "ratio": ratio}


def _plain(translator: StyleTranslator, images: list[list[np.ndarray]], batch: int, steps: int) -> float:
    config: Any = translator.config
    game = build_game(config, (3, 3))
    rng = np.random.default_rng(0)
    g = torch.optim.Adam(game.generator.parameters(), 2e-4, (0.5, 0.999))
    assert game.discriminator is not None
    d = torch.optim.Adam(game.discriminator.parameters(), 2e-4, (0.5, 0.999))

    def draw() -> dict[str, torch.Tensor]:
        crops = [
            np.stack([images[i][rng.integers(8)][:, : config.crop, : config.crop] for _ in range(batch)])
            for i in (0, 1)
        ]
        return {n: torch.from_numpy(c.astype(np.float32) / 127.5 - 1) for n, c in zip("ab", crops, strict=True)}

    def step() -> None:
        pair = draw()
        for optimiser, losses in ((d, game.discriminator_loss), (g, game.generator_loss)):
            optimiser.zero_grad()
            torch.stack(list(losses(pair).terms.values())).sum().backward()
            optimiser.step()

    for _ in range(3):
        step()
    start = time.perf_counter()
    for _ in range(steps):
        step()
    return (time.perf_counter() - start) / steps


def summarise(runs: dict[str, dict[str, float]]) -> dict[str, Any]:
    rows = []
    for part in PARTS:
        mine = [run for key, run in runs.items() if key.split("-")[0] == part]
        for name in mine[0] if mine else ():
            values = [run[name] for run in mine if name in run]
            spread = statistics.stdev(values) if len(values) > 1 else None
            rows.append({"part": part, "": name, "mean": statistics.mean(values), "sd": spread, "seeds": len(values)})
    return {"title": "Translation", "what": TEXT, "rows": rows, "runs": runs}


SEEDED = {"classify": classify, "drift": drift, "copy": copy, "counts": counts}
PARTS = (*SEEDED, "tiles", "speed")
TEXT = (
    "`classify`: balanced accuracy over four kinds of white cells of wbc-rapid, of a classifier trained on pbc. "
    "`drift`: cells lost and invented when smears are translated to another stain. `counts`: F1 of nuclei in stained "
    "tissue. `tiles`: 4,000 × 4,000 in tiles of "
    "512. `speed`: training step of `cut`, 64 px, batch 8."
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--threads", type=int, default=1)
    data_option(parser)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    todo: dict[str, Any] = {}
    for part in arguments.parts:
        if part in SEEDED:
            run = SEEDED[part]
            todo |= {f"{part}-{seed}": (run, arguments.data, seed) for seed in arguments.seeds}
        else:
            todo[part] = ({"tiles": tiles, "speed": speed}[part],)
    for key, (run, *given) in todo.items():
        if key not in read_runs(NAME):
            found = run(*given)
            print(key, found, flush=True)
            write_result(NAME, summarise({**read_runs(NAME), key: found}))


if __name__ == "__main__":
    main()
