"""Seconds from an idle shell to a result: `neubauer --help`, and `neubauer count` on one 640 x 480 image."""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from report import write_result


def main() -> None:
    from PIL import Image
    from skimage import data

    rows = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "image.png"
        Image.fromarray(data.immunohistochemistry()).resize((640, 480)).save(path)
        base = [sys.executable, "-m", "neubauer.cli.main"]
        count = [*base, "count", str(path), "--model", "nuclei-histology"]
        for name, command in (("neubauer --help", [*base, "--help"]), ("neubauer count, one 640 x 480 image", count)):
            seconds = []
            for i in range(6):
                out = ["--out", str(Path(folder) / f"out{i}")] if "count" in command else []
                start = time.perf_counter()
                subprocess.run([*command, *out], check=True, capture_output=True)
                seconds.append(time.perf_counter() - start)
            seconds = seconds[1:]
            row = {"command": name, "median_s": round(statistics.median(seconds), 2)}
            rows.append(row | {"min_s": round(min(seconds), 2), "max_s": round(max(seconds), 2)})
    write_result("cold_start", {"what": "New process each time, five runs after a warm-up.", "rows": rows})


if __name__ == "__main__":
    main()
