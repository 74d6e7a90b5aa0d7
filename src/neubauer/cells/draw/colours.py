"""Colours that colour-blind people can tell apart."""

from __future__ import annotations

import colorsys

# Okabe & Ito, "Color Universal Design" (2008), without black, those first that differ most on any image
OKABE_ITO = (
    (240, 228, 66),  # yellow
    (86, 180, 233),  # sky blue
    (213, 94, 0),  # vermilion
    (0, 158, 115),  # bluish green
    (204, 121, 167),  # reddish purple
    (230, 159, 0),  # orange
    (0, 114, 178),  # blue
)


def class_colours(n: int) -> list[tuple[int, int, int]]:
    """RGB colours for `n` classes: seven of Okabe and Ito, then hues as far apart as there is room for."""
    more = n - len(OKABE_ITO)
    hues = [colorsys.hsv_to_rgb(i / max(more, 1), 0.9, 0.9) for i in range(more)]
    return [*OKABE_ITO[:n], *((round(255 * r), round(255 * g), round(255 * b)) for r, g, b in hues)]
