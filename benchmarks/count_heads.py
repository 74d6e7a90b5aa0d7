"""Votes or watershed? Two ways to split touching nuclei, on the same layouts of the same networks.

For each seed one network is trained on DSB2018 fluorescence; then its test layouts are decoded twice: every foreground
pixel votes for the peak that its offset points at, or is flooded from the peaks by a watershed on the centre map.
Thresholds are tuned for the votes and kept for the watershed, whose markers are the same peaks; the offsets are the
only difference.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass

import numpy as np
import torch
from datasets import data_option, dsb2018, pairs_of, split_groups
from report import read_runs, write_result
from skimage.segmentation import watershed

from neubauer.layouts.decode import find_peaks, keep_only, large_enough
from neubauer.metrics.segmentation import segmentation_scores
from neubauer.models.counter.fit import FitSettings
from neubauer.models.counter.objects import Objects, full_labels
from neubauer.models.estimators.cell_counter import CellCounter

NAME = "count_heads"


@dataclass(frozen=True)
class _Labelled:
    """As much of `Objects` as `full_labels` needs."""

    labels: np.ndarray
    centres: np.ndarray
    extent: np.ndarray

    def __len__(self) -> int:
        return len(self.centres)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--steps", type=int, default=1200)
    parser.add_argument("--threads", type=int, default=1)
    data_option(parser)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    items = dsb2018(arguments.data, "fluorescence")
    for seed in arguments.seeds:
        runs = read_runs(NAME)
        if str(seed) in runs:
            continue
        test, train = split_groups(items, [60], seed)
        pairs = pairs_of(train)
        counter = CellCounter(settings=FitSettings(arguments.steps, seed=seed), validation=0.1)
        counter.fit([p.source for p in pairs], [p.annotation for p in pairs])
        runs[str(seed)] = compare(counter, pairs_of(test)) | {"steps": arguments.steps}
        rows = {}
        for head in ("votes", "watershed"):
            values = {k: [r[head][k] for r in runs.values()] for k in ("ap50", "ap75", "ap")}
            rows[head] = {k: f"{np.mean(v):.3f} ± {np.std(v, ddof=min(1, len(v) - 1)):.3f}" for k, v in values.items()}
        write_result(NAME, {"rows": rows, "runs": runs})


def compare(counter: CellCounter, pairs: list) -> dict[str, dict[str, float]]:
    """AP (TP / (TP + FP + FN)) of both decoders."""
    diameter = counter.config.layout_diameter
    true: list[np.ndarray] = []
    found: dict[str, list[np.ndarray]] = {"votes": [], "watershed": []}
    for pair in pairs:
        layout, objects, _ = counter.locate(pair.source)
        true.append(pair.annotation.labels)
        found["votes"].append(full_labels(objects, layout))
        peaks = find_peaks(layout.centre, counter.thresholds.centre[0], diameter)
        markers = np.zeros(layout.centre.shape, np.int32)
        markers[tuple(peaks.T)] = np.arange(1, len(peaks) + 1)
        inside = layout.foreground >= counter.thresholds.foreground[0]
        flooded = watershed(-layout.centre.astype(np.float32), markers, mask=inside).astype(np.int32)
        keep = large_enough(flooded, len(peaks), diameter)
        extent = np.full(int(keep.sum()), counter.thresholds.foreground[0])
        objects_like: Objects = _Labelled(keep_only(flooded, keep), peaks[keep] * 2.0, extent)  # type: ignore[assignment]
        found["watershed"].append(full_labels(objects_like, layout))
    result = {}
    for head, labels_list in found.items():
        ap = segmentation_scores(true, labels_list).set_index("threshold")["ap"]
        result[head] = {"ap50": float(ap[0.5]), "ap75": float(ap[0.75]), "ap": float(ap.mean())}
    return result


if __name__ == "__main__":
    main()
