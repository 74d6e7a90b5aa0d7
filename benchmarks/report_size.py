"""The report of 2,000 images: how long it takes, how large it is, and how long a browser needs for it.

A few images of three kinds are drawn by the simulator and counted; the results are those of as many copies as wanted,
under names of their own. Limits: 30 s and 40 MB. With `--browser chromium` the page is opened, too.
"""

from __future__ import annotations

import argparse
import re
import resource
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
from report import write_result

import neubauer as nb
from neubauer.images.write import write_image
from neubauer.layouts.simulator.render import render
from neubauer.layouts.simulator.simulate import simulate
from neubauer.models.labelfree.presets import preset
from neubauer.runs.glance import glance_files

KINDS = ("blood-smear-labelfree", "nuclei-labelfree", "tissue-labelfree")
SEEDS = 4
MODEL = "nuclei-fluorescence"
SECONDS, MEGABYTES = 30, 40


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=2000)
    parser.add_argument("--browser", help="command of a headless Chromium")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        few, many = Path(place, "few"), Path(place, "many")
        objects = copies(counted(Path(place), few), few, many, arguments.images)
        seconds = {}
        for name, pdf in (("report.html", False), ("report.html and report.pdf", True)):
            start = time.perf_counter()
            nb.write_report(many, pdf=pdf)
            seconds[name] = time.perf_counter() - start
        rows = [
            {"file": "report.html", "seconds": round(seconds["report.html"], 1), **size(many / "report.html")},
            {
                "file": "report.pdf",
                "seconds": round(seconds["report.html and report.pdf"] - seconds["report.html"], 1),
                **size(many / "report.pdf"),
            },
        ]
        assert rows[0]["seconds"] <= SECONDS, rows
        assert rows[0]["MB"] <= MEGABYTES, rows
        if arguments.browser:
            rows[0] |= opened(arguments.browser, many / "report.html")
        what = f"{arguments.images:,} images with {objects:,} cells; limits: {SECONDS} s and {MEGABYTES} MB."
        write_result("report_size", {"what": what, "rows": rows})


def counted(place: Path, out: Path) -> pd.DataFrame:
    """Draw images, count them, and return counts.csv as it is."""
    folder = place / "images"
    folder.mkdir()
    for kind in KINDS:
        for seed in range(SEEDS):
            population, appearance = preset(kind)
            rng = np.random.default_rng(seed)
            scene = simulate(population, (480, 640), rng)
            image = np.clip(np.rint(5 + render(scene, population, appearance, rng) * 240), 0, 255).astype(np.uint8)
            # noise, which compresses worst
            noisy = np.clip(image.mean(0) + rng.normal(0, 6, image.shape[1:]), 0, 255).astype(np.uint8)
            write_image(folder / f"{kind}-{seed}.png", noisy)
    nb.count_folder(folder, MODEL, out)
    return pd.read_csv(out / "counts.csv", dtype=str, keep_default_na=False)


def copies(counts: pd.DataFrame, few: Path, many: Path, n: int) -> int:
    """The results of `n` images, as if each had been counted; returns the number of cells."""
    (many / "parts").mkdir(parents=True)
    shutil.copy(few / "run.json", many)
    tables = {"counts.csv": counts}
    for name in ("quality.csv", "objects.csv"):
        tables[name] = pd.read_csv(few / name, dtype=str, keep_default_na=False)
    found: dict[str, list[pd.DataFrame]] = {name: [] for name in tables}
    for i in range(n):
        old, new = counts["image"][i % len(counts)], f"image-{i + 1:04d}"
        for name, table in tables.items():
            own = table[table["image"] == old].assign(image=new)
            found[name].append(own.assign(file=f"{new}.png") if name == "counts.csv" else own)
        for source, target in zip(glance_files(old), glance_files(new), strict=True):
            shutil.copy(few / source, many / target)
    for name, parts in found.items():
        pd.concat(parts).to_csv(many / name, index=False)
    return sum(len(part) for part in found["objects.csv"])


def size(file: Path) -> dict[str, float]:
    """In megabytes."""
    return {"MB": round(file.stat().st_size / 1e6, 1)}


ROWS = 50
"""That the page shows at a time."""
TIMER = """<script>
addEventListener("load", () => requestAnimationFrame(() => {
  const rows = document.querySelectorAll("tbody tr[data-i]").length;
  document.documentElement.textContent = `ready ${performance.now()} rows ${rows}`;
}));
</script>"""


def opened(browser: str, page: Path) -> dict[str, float]:
    """What a browser needs for a page until it is loaded and its script has run (the best of three): seconds from the
    start of the navigation, and of CPU beyond those for an empty page."""
    timed, empty = page.with_name("timed.html"), page.with_name("empty.html")
    timed.write_text(page.read_text(encoding="utf-8").replace("</body>", f"{TIMER}</body>"), encoding="utf-8")
    empty.write_text(f"<body>{TIMER}</body>", encoding="utf-8")
    walls, cpus = [], []
    for _ in range(3):
        cpu, ready = {}, {}
        for file, rows in ((empty, 0), (timed, ROWS)):
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            command = [browser, "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom", file.as_uri()]
            done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            said = re.search(r"ready ([\d.]+) rows (\d+)", done.stdout)
            assert said is not None, done.stdout[:500]
            assert int(said[2]) == rows, "rows are shown a page at a time"
            ready[file] = float(said[1]) / 1000
            cpu[file] = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        walls.append(ready[timed])
        cpus.append(cpu[timed] - cpu[empty])
    return {"open in a browser, s": round(min(walls), 1), "CPU of that, s": round(min(cpus), 1)}


if __name__ == "__main__":
    main()
