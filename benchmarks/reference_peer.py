"""StarDist on the work of the bundled fluorescence model: the same training images, the same test images, one scorer.

python benchmarks/reference_peer.py export
PEER=... # a Python in which `pip install stardist tensorflow-cpu tensorboard` has been done
$PEER benchmarks/peer_stardist.py train build/peer --epochs 10
$PEER benchmarks/peer_stardist.py predict build/peer
python benchmarks/reference_peer.py score --models nuclei-fluorescence build/folds/FOLD.safetensors

`export` writes images and label images; `peer_stardist.py` knows nothing of this package, and this package nothing of
StarDist. Times are processor seconds of one thread, from files to label images, no diameter given to either.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import tifffile
import torch
from datasets import Item, data_option
from report import write_result
from sources import SOURCE, parts

from neubauer.metrics.segmentation import segmentation_scores
from neubauer.models.estimators.cell_counter import CellCounter

FOLDER = Path(__file__).resolve().parents[1] / "build" / "peer"
SETS = ("dsb2018-fluorescence", "bbbc039")


def export(data: Path) -> None:
    """The images and labels of each part as TIFF files, and which source each is of."""
    index = {}
    for name in SETS:
        for part, items in zip(("test", "validation", "train"), parts(name, data), strict=True):
            for item in items:
                stem = f"{name}_{item.image.stem}"
                for kind, pixels in (("images", _grey(item)), ("labels", item.annotation.labels)):
                    folder = FOLDER / part / kind
                    folder.mkdir(parents=True, exist_ok=True)
                    assert pixels is not None
                    tifffile.imwrite(folder / f"{stem}.tif", pixels.astype(np.uint16))
                if part == "test":
                    index[stem] = SOURCE[name](item)
    (FOLDER / "sources.json").write_text(json.dumps(index))


def _grey(item: Item) -> np.ndarray:
    return item.pair().source.read()[0]


def score(models: list[str]) -> None:
    """Both on the test images."""
    torch.set_num_threads(1)
    sources = json.loads((FOLDER / "sources.json").read_text())
    peer_seconds = json.loads((FOLDER / "seconds.json").read_text())
    true, peers = (
        {stem: tifffile.imread(FOLDER / folder / f"{stem}.tif").astype(np.int32) for stem in sources}
        for folder in ("test/labels", "predicted")
    )
    found = {Path(model).stem: label(model, sources) for model in models}
    found["StarDist"] = peers, peer_seconds["images"]
    rows = []
    for group in ("all", *sorted(set(sources.values()))):
        stems = [s for s in sources if group in ("all", sources[s])]
        for name, (labels, times) in found.items():
            table = segmentation_scores([true[s] for s in stems], [labels[s] for s in stems]).set_index("threshold")
            counts = np.array([[true[s].max(), len(np.unique(labels[s])) - 1] for s in stems], float)
            rows.append(
                {
                    "source": group,
                    "method": name,
                    "images": len(stems),
                    "ap50": float(table["ap"][0.5]),
                    "f1": float(2 * table["ap"][0.5] / (1 + table["ap"][0.5])),
                    "count_error_percent": float(
                        100 * np.abs(counts[:, 1] - counts[:, 0]).mean() / counts[:, 0].mean()
                    ),
                    "seconds": sum(times[s] for s in stems),
                    "times_as_fast_median": statistics.median(peer_seconds["images"][s] / times[s] for s in stems),
                }
            )
            print(rows[-1])
    write_result("reference_peer", {"peer": peer_seconds["about"], "rows": rows})


def label(model: str, stems: Iterable[str]) -> tuple[dict[str, np.ndarray], dict[str, float]]:
    """Label images of the test images, and seconds from file to label image."""
    counter = CellCounter.load(model)
    found, seconds = {}, {}
    for stem in stems:
        start = time.process_time()
        labels = counter.predict(FOLDER / "test" / "images" / f"{stem}.tif").labels
        seconds[stem] = time.process_time() - start
        assert labels is not None
        found[stem] = labels
    return found, seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("action", choices=("export", "score"))
    parser.add_argument("--models", nargs="+", default=["nuclei-fluorescence"])
    data_option(parser)
    arguments = parser.parse_args()
    if arguments.action == "export":
        export(arguments.data)
    else:
        score(arguments.models)


if __name__ == "__main__":
    main()
