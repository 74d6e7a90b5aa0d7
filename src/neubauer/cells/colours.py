"""Colours that colour-blind people can tell apart."""

from __future__ import annotations

import colorsys

# Okabe & Ito, "Color Universal Design" (2008), without black, the light ones first: they show on dark and bright images
OKABE_ITO = (
    (240, 228, 66),
    (86, 180, 233),
    (230, 159, 0),
    (204, 121, 167),
    (0, 158, 115),
    (213, 94, 0),
    (0, 114, 178),
)


def class_colours(n: int) -> list[tuple[int, int, int]]:
    """RGB colours for `n` classes: seven of Okabe and Ito, then hues as far apart as there is room for."""
    more = n - len(OKABE_ITO)
    hues = [colorsys.hsv_to_rgb(i / max(more, 1), 0.9, 0.9) for i in range(more)]
    return [*OKABE_ITO[:n], *((round(255 * r), round(255 * g), round(255 * b)) for r, g, b in hues)]
