"""Counting chambers: rulings found, corners, counts and intervals, on simulated and real photographs.

python benchmarks/chamber.py        goes on with what benchmarks/results/chamber.json has
"""

from __future__ import annotations

import argparse
import csv
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from chamber_classical import find_cells
from datasets import data_option
from report import read_runs, write_result

from neubauer.chamber.borders import squares_of
from neubauer.chamber.concentration import number
from neubauer.chamber.count import MODEL, count_chamber
from neubauer.chamber.find.field import find_field
from neubauer.chamber.find.find import Found, complete, find_ruling
from neubauer.chamber.rulings import Ruling, Square, ruling_of, rulings
from neubauer.chamber.simulate.photograph import Photograph, draw_optics, photograph
from neubauer.chamber.simulate.style import draw_style
from neubauer.chamber.straighten import straighten
from neubauer.errors import InputError
from neubauer.images.read import from_array, open_image
from neubauer.models.counter.interval import unit
from neubauer.models.counter.predict import TrainedCounter

SEED = 20_000_000
"""Simulated photographs have seeds from here on; training has others."""
NEAR = 10.0
"""A ruling is found where all corners lie within so many micrometres of the truth."""


def simulated(seed: int, name: str, lines: bool = True) -> tuple[Ruling, Photograph, float]:
    rng = np.random.default_rng(seed)
    ruling = ruling_of(name)
    optics, style = draw_optics(rng, ruling), draw_style(rng)
    per_mm2 = float(np.exp(rng.uniform(np.log(8), np.log(250))))
    return ruling, photograph(ruling, optics, style, per_mm2, rng, lines), per_mm2


class Truth:
    """A simulated photograph as a projection."""

    def __init__(self, shot: Photograph) -> None:
        self.to_pixels = shot.to_pixels


def run_simulated(seed: int, name: str, counter: TrainedCounter | None) -> dict[str, Any]:
    ruling, shot, per_mm2 = simulated(seed, name)
    image = from_array(shot.pixels, name=str(seed), axes="YXC")
    grey = image.read().astype(np.float32).mean(0)
    true = complete(ruling, Truth(shot), find_field(grey))  # type: ignore[arg-type]
    row: dict[str, Any] = {"chamber": name, "in_view": len(true), "found": False}
    start = time.monotonic()
    try:
        found = find_ruling(grey, ruling, str(seed))
    except InputError:
        return row
    row |= {"seconds": round(time.monotonic() - start, 1), "support": round(found.support, 3)}
    if not true or not found.squares:
        return row | {"found": len(true) == len(found.squares)}
    pairs = [closest(square, found, ruling, shot) for square in found.squares]
    row["corner_um"] = round(max(error for error, _ in pairs), 2)
    row["found"] = row["corner_um"] < NEAR
    if not row["found"] or counter is None:
        return row
    scene = shot.scene
    reach = scene.diameters[:, None] / 2000
    boxes = np.hstack([scene.centres - reach, scene.centres + reach])
    turned = np.array([placed(box, found, shot) for box in boxes]).reshape(-1, 4)
    index = squares_of(turned, found.squares)
    counted = count_chamber(image, ruling, counter)
    light = straighten(image.read(), found)
    rough = find_cells(light.light.mean(-1), light.corner, found.ruling)
    rough = np.hstack([light.to_mm(rough[:, :2]), light.to_mm(rough[:, 2:])])
    n, predicted = int((index >= 0).sum()), len(counted.counted)
    interval = number(predicted, counted.error)
    own = counted.error * float(unit(predicted))
    mean = per_mm2 * ruling.cell[0] * ruling.cell[1] * len(found.squares)
    return row | {
        "squares": len(found.squares),
        "true": n,
        "counted": predicted,
        "classical": int((squares_of(rough, found.squares) >= 0).sum()),
        "interval_holds_count": bool(predicted - own - 1 <= n <= predicted + own + 1),
        "interval_holds_mean": bool(interval.low <= mean <= interval.high),
        "mean": round(mean, 1),
    }


def closest(square: Square, found: Found, ruling: Ruling, shot: Photograph) -> tuple[float, Square]:
    """The true square nearest to one that was found, and the largest distance of their corners, micrometres."""
    corners = found.projection.to_pixels(corners_of(square))
    scale = shot.projection.px_per_mm(np.array(square.box[:2]))
    errors = []
    for other in ruling.squares():
        true = shot.to_pixels(corners_of(other))
        apart = np.hypot(*(corners[:, None] - true[None]).transpose(2, 0, 1))
        errors.append((float(apart.min(1).max()) / scale * 1000, other))
    return min(errors, key=lambda e: e[0])


def corners_of(square: Square) -> np.ndarray:
    x0, y0, x1, y1 = square.box
    return np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]])


def placed(box: np.ndarray, found: Found, shot: Photograph) -> np.ndarray:
    """A true box in the coordinates of the ruling as it was found."""
    middle, half = (box[:2] + box[2:]) / 2, (box[2:] - box[:2]) / 2
    at = found.projection.to_mm(shot.to_pixels(middle[None]))[0]
    return np.concatenate([at - half, at + half])


def run_plain(seed: int) -> dict[str, Any]:
    """A photograph without lines: nothing should be found."""
    ruling, shot, _ = simulated(seed, "neubauer-improved", lines=False)
    try:
        return {"support": round(find_ruling(shot.pixels.astype(np.float32).mean(-1), ruling).support, 3)}
    except InputError as error:
        return {"support": 0.0, "why": error.found}


def run_photo(file: Path, low: int, high: int, counter: TrainedCounter) -> dict[str, Any]:
    image = open_image(file)
    ruling = ruling_of("neubauer-improved")
    counted = count_chamber(image, ruling, counter)
    light = straighten(image.read(), counted.found)
    rough = find_cells(light.light.mean(-1), light.corner, counted.found.ruling)
    rough = np.hstack([light.to_mm(rough[:, :2]), light.to_mm(rough[:, 2:])])
    n = len(counted.counted)
    own = counted.error * float(unit(n))
    return {
        "by_eye": [low, high],
        "squares": len(counted.found.squares),
        "counted": n,
        "low": round(n - own, 1),
        "high": round(n + own, 1),
        "classical": int((squares_of(rough, counted.found.squares) >= 0).sum()),
        "support": round(counted.found.support, 3),
    }


def run_square(image: Path, label: Path) -> dict[str, Any]:
    """Overlap of the marked box with the box around the nearest large square."""
    pixels = open_image(image).read().astype(np.float32).mean(0)
    height, width = pixels.shape
    _, x, y, w, h = map(float, label.read_text().split()[:5])
    marked = np.array([(x - w / 2) * width, (y - h / 2) * height, (x + w / 2) * width, (y + h / 2) * height])
    try:
        found = find_ruling(pixels, ruling_of("neubauer-improved"), image)
    except InputError as error:
        return {"found": False, "why": error.found}
    best, off, which = 0.0, float("inf"), None
    for square in found.ruling.squares():
        corners = found.projection.to_pixels(corners_of(square))
        box = np.concatenate([corners.min(0), corners.max(0)])
        if overlap(box, marked) > best:
            best, which = overlap(box, marked), square
            off = float(np.abs(box - marked).max() / np.sqrt((w * width) * (h * height)))
    return {
        "found": best > 0.8,
        "overlap": round(best, 3),
        "off": round(off, 3),
        "complete": which in found.squares,
        "support": round(found.support, 3),
    }


def overlap(a: np.ndarray, b: np.ndarray) -> float:
    inner = np.clip(np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2]), 0, None).prod()
    return float(inner / ((a[2:] - a[:2]).prod() + (b[2:] - b[:2]).prod() - inner))


def jobs(
    data: Path, photographs: int, others: int, counter: TrainedCounter | None
) -> dict[str, Callable[[], dict[str, Any]]]:
    """Everything that is measured, by a name."""
    found: dict[str, Callable[[], dict[str, Any]]] = {}
    folder = data / "hemocytometer"
    for image in sorted((folder / "squares" / "images").glob("*.jpg")):
        label = folder / "squares" / "labels" / f"{image.stem}.txt"
        found[f"square {image.stem}"] = lambda image=image, label=label: run_square(image, label)  # type: ignore[misc]
    for k in range(others):
        found[f"plain {k}"] = lambda k=k: run_plain(SEED + 500_000 + k)  # type: ignore[misc]
    if counter is None:
        return found
    with open(folder / "photos" / "counts.csv", encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            photo = folder / "photos" / f"{row['image']}.jpg"
            low, high = int(row["low"]), int(row["high"])
            found[f"photo {row['image']}"] = lambda p=photo, a=low, b=high: run_photo(p, a, b, counter)  # type: ignore[misc]
    names = ["neubauer-improved"] * photographs + [n for n in rulings() if n != "neubauer-improved"] * others
    for k, name in enumerate(names):
        found[f"simulated {k}"] = lambda k=k, name=name: run_simulated(SEED + k, name, counter)  # type: ignore[misc]
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photographs", type=int, default=30, help="simulated, of Neubauer chambers")
    parser.add_argument("--others", type=int, default=4, help="simulated, of each other chamber, and without lines")
    parser.add_argument("--model", default=MODEL, help="a counter; none: the finder alone")
    data_option(parser)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    counter = None if arguments.model == "none" else TrainedCounter.load(arguments.model)
    runs = read_runs("chamber")
    for name, job in jobs(arguments.data, arguments.photographs, arguments.others, counter).items():
        if name not in runs:
            runs[name] = job()
            write_quietly(runs)
            print(name, runs[name], flush=True)
    write_result("chamber", {"runs": runs})


def write_quietly(runs: dict[str, Any]) -> None:
    """Keep what is measured so far."""
    import contextlib
    import io

    with contextlib.redirect_stdout(io.StringIO()):
        write_result("chamber", {"runs": runs})


if __name__ == "__main__":
    main()
