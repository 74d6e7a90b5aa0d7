"""`neubauer generate MODEL --layouts N`: labelled synthetic images."""

from __future__ import annotations

import json
import warnings
from pathlib import Path

from neubauer.cli.common import say
from neubauer.progress import Display


def generate_labelled(
    model: str,
    out: Path,
    n: int,
    seed: int,
    as_json: bool,
    *,
    like: Path | None = None,
    diameter: float | None = None,
    side: int = 512,
) -> None:
    """Write labelled synthetic images, and say what was written.

    Parameters
    ----------
    model : a counter that was trained without annotation (a file), or the name of a preset.
    out : folder, new or empty.
    n, seed, side : number of images, seed, side in pixels.
    as_json : print the summary as JSON.
    like : folder of images that the drawings of a preset are fitted to.
    diameter : typical cell diameter in these, pixels; by default the preset's.

    Raises
    ------
    InputError : the model cannot make labelled images, the folder holds something, or the images cannot be used.
    OutputError : the folder cannot be written to.
    """
    from neubauer.models.labelfree.synthetic_set import check_new, write_synthetic_set
    from neubauer.models.labelfree.synthetic_sources import find_source

    check_new(out)  # said now, not after a minute of looking at images
    source, texts = find_source(model, like, diameter)
    for text in texts:
        warnings.warn(text, stacklevel=2)
    with Display("drawing", "images", n) as display:
        summary = write_synthetic_set(source, out, n, seed, side, display.update)
    if as_json:
        print(json.dumps(summary))
        return
    cells = summary["cells"]
    assert isinstance(cells, dict)
    say(f"{n} images; cells: " + ", ".join(f"{name} {k}" for name, k in cells.items()))
    say("images/, masks/ (label TIFF), labels/ (YOLO), points/ (CSV), coco.json, classes.txt in")
    print(out)
