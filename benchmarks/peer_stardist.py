"""StarDist, trained and run on the files that `reference_peer.py export` wrote; needs its own environment.

pip install stardist tensorflow-cpu tensorboard
"""

from __future__ import annotations

import argparse
import json
import os
import time
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import tensorflow as tf
import tifffile
from csbdeep.utils import normalize
from stardist import fill_label_holes
from stardist.models import Config2D, StarDist2D

RNG = np.random.default_rng(0)


def load(folder: Path, part: str) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Images, normalised as StarDist's examples do it, and labels."""
    files = sorted((folder / part / "images").glob("*.tif"))
    images = [normalize(tifffile.imread(f), 1, 99.8) for f in files]
    return images, [fill_label_holes(tifffile.imread(folder / part / "labels" / f.name)) for f in files]


def vary(image: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Flips, turns and intensities, as in StarDist's examples."""
    k, flip = RNG.integers(4), RNG.integers(2)
    image, labels = (np.rot90(a[:, ::-1] if flip else a, k) for a in (image, labels))
    return image * RNG.uniform(0.6, 2) + RNG.uniform(-0.2, 0.2), labels


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("action", choices=("train", "predict"))
    parser.add_argument("folder", type=Path)
    parser.add_argument("--epochs", type=int, default=10)
    arguments = parser.parse_args()
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    folder = arguments.folder
    if arguments.action == "train":
        config = Config2D(
            n_rays=32,
            grid=(2, 2),
            n_channel_in=1,
            train_patch_size=(128, 128),
            train_epochs=arguments.epochs,
            train_steps_per_epoch=100,
            train_batch_size=8,
            train_sample_cache=True,
            train_tensorboard=False,
        )
        model = StarDist2D(config, name="model", basedir=str(folder))
        train, validation = load(folder, "train"), load(folder, "validation")
        start = time.process_time()
        model.train(*train, validation_data=validation, augmenter=vary)
        model.optimize_thresholds(*validation)
        about = {
            "epochs": arguments.epochs,
            "steps": 100,
            "patch": 128,
            "batch": 8,
            "cpu_minutes": round((time.process_time() - start) / 60, 1),
        }
        (folder / "about.json").write_text(json.dumps(about))
        return
    about = (
        json.loads((folder / "about.json").read_text()) if (folder / "about.json").exists() else {"weights": "random"}
    )
    if "epochs" in about:
        model = StarDist2D(None, name="model", basedir=str(folder))
    else:
        model = StarDist2D(Config2D(n_rays=32, grid=(2, 2), n_channel_in=1), name="random", basedir=None)
    (folder / "predicted").mkdir(exist_ok=True)
    seconds = {}
    files = sorted((folder / "test" / "images").glob("*.tif"))
    model.predict_instances(normalize(tifffile.imread(files[0]), 1, 99.8))  # the first one builds the graph
    for file in files:
        start = time.process_time()
        labels, _ = model.predict_instances(normalize(tifffile.imread(file), 1, 99.8))
        seconds[file.stem] = time.process_time() - start
        tifffile.imwrite(folder / "predicted" / file.name, labels.astype(np.uint16))
    (folder / "seconds.json").write_text(json.dumps({"about": about, "images": seconds}))


if __name__ == "__main__":
    main()
