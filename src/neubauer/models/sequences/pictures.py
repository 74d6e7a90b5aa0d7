"""Sequence logos: Schneider & Stephens, Nucleic Acids Res. 18:6097, 1990."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from neubauer.images.write import atomic_path
from neubauer.metrics.sequences import composition, information
from neubauer.sequences.alphabet import Alphabet

SHOWN = 60  # positions
# the usual colours of nucleotides; amino acids by chemistry, as in WebLogo
COLOURS = {
    "nucleotides": {"A": "#109648", "C": "#255c99", "G": "#f7b32b", "T": "#d62839", "U": "#d62839"},
    "protein": {
        **dict.fromkeys("GSTYC", "#109648"),
        **dict.fromkeys("NQ", "#8e3b8e"),
        **dict.fromkeys("KRH", "#255c99"),
        **dict.fromkeys("DE", "#d62839"),
        **dict.fromkeys("PAWFLIMV", "#222222"),
    },
}


def draw_logos(sets: Mapping[str, np.ndarray], alphabet: Alphabet, file: Path) -> Path:
    """One logo under the other, on the same scale: the 60 positions where the first set says most.

    Parameters
    ----------
    sets : letter indices (N, L) by title.
    alphabet : of the sequences.
    file : PNG to write.

    Raises
    ------
    OutputError : it cannot be written.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.font_manager import FontProperties
    from matplotlib.patches import PathPatch
    from matplotlib.textpath import TextPath
    from matplotlib.transforms import Affine2D

    contents = {title: information(x, len(alphabet)) for title, x in sets.items()}
    first = next(iter(contents.values()))
    shown = min(SHOWN, len(first))
    start = int(np.convolve(first, np.ones(shown), "valid").argmax())
    top = max(float(bits[start : start + shown].max(initial=0)) for bits in contents.values())
    colours = COLOURS["protein" if alphabet.name == "protein" else "nucleotides"]
    font = FontProperties(family="DejaVu Sans", weight="bold")
    glyphs = {letter: TextPath((0, 0), letter, size=1, prop=font) for letter in alphabet.letters}
    figure = Figure(figsize=(max(4.0, 0.2 * shown + 1), 1.9 * len(sets)), layout="constrained")
    FigureCanvasAgg(figure)
    for row, (title, indices) in enumerate(sets.items(), 1):
        axes = figure.add_subplot(len(sets), 1, row)
        heights = (composition(indices, len(alphabet)) * contents[title])[:, start : start + shown]
        for place in range(heights.shape[1]):
            bottom = 0.0
            for a in np.argsort(heights[:, place]):
                height = float(heights[a, place])
                box = glyphs[alphabet.letters[a]].get_extents()
                fit = Affine2D().translate(-box.x0, -box.y0).scale(0.94 / box.width, height / box.height)
                path = fit.translate(start + place + 0.53, bottom).transform_path(glyphs[alphabet.letters[a]])
                axes.add_patch(PathPatch(path, facecolor=colours[alphabet.letters[a]], linewidth=0))
                bottom += height
        axes.set(xlim=(start + 0.5, start + shown + 0.5), ylim=(0, 1.05 * max(top, 1e-3)), ylabel="bits")
        axes.set_title(f"{title} (n = {len(indices)})", fontsize=9)
        axes.tick_params(labelsize=7)
    axes.set_xlabel("position", fontsize=8)
    with atomic_path(file) as temporary:
        figure.savefig(temporary, dpi=100)
    return file
