"""Predicted cells drawn again: what a counter has understood of an image, as a picture and as a number."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from scipy import ndimage as ndi

from neubauer.layouts.marks import from_labels
from neubauer.layouts.simulator.outlines import Body
from neubauer.layouts.simulator.simulate import Scene
from neubauer.models.labelfree.crops import Found
from neubauer.models.labelfree.simulate import Paint

SIDE = 192
"""Of large images only so many pixels are shown."""


def scene_of(labels: np.ndarray, class_index: np.ndarray) -> Scene:
    """Predicted masks as a scene that can be rendered.

    Parameters
    ----------
    labels : (Y, X) int, 0 ... N.
    class_index : (N,).
    """
    nothing = np.zeros(labels.shape, bool)
    marks = from_labels(labels, class_index, nothing, nothing.copy())
    bodies = []
    for i, window in enumerate(ndi.find_objects(marks.labels.astype(np.int32)), start=1):
        radius = max(float(marks.diameters[i - 1]) / 2, 1.0)
        reach = int(np.ceil(0.35 * radius)) + 1  # room for a soft edge
        window = tuple(
            slice(max(s.start - reach, 0), min(s.stop + reach, n)) for s, n in zip(window, labels.shape, strict=True)
        )
        own = np.pad(marks.labels[window] == i, 1)
        depth = ndi.distance_transform_edt(own)
        away = ndi.distance_transform_edt(~own)
        rim = np.where(own, 1 - np.maximum(depth - 0.5, 0) / depth.max(), 1 + (away - 0.5) / radius)[1:-1, 1:-1]
        centre = marks.centres[i - 1]
        bodies.append(Body(int(marks.class_index[i - 1]), centre, radius, window, rim.astype(np.float32)))
    return Scene(
        marks.labels, marks.centres, marks.class_index, marks.diameters, nothing, nothing.copy(), tuple(bodies)
    )


def draw_six(images: Sequence[np.ndarray], found: Sequence[Found], repainted: Sequence[np.ndarray], path: Path) -> Path:
    """PNG: in each column a real image, what was found in it (outlines by class), and that painted again.

    Parameters
    ----------
    images, repainted : (C, Y, X), normalised.
    found : in the images.
    path : file to write.
    """
    from PIL import Image
    from skimage.segmentation import find_boundaries

    from neubauer.cells.draw.colours import class_colours
    from neubauer.gan.pictures import to_rgb
    from neubauer.images.write import atomic_path

    height, width = (min(SIDE, max(i.shape[axis] for i in images)) for axis in (1, 2))
    colours = np.array(class_colours(found[0].layout.class_probability.shape[0]), np.uint8)
    columns = []
    for image, f, again in zip(images, found, repainted, strict=True):
        real, painted = (to_rgb(2 * i[None] - 1)[0] for i in (image, again))
        outlined = real // 2
        border = find_boundaries(f.labels, mode="inner")
        of_pixel = np.append(f.objects.class_index, 0)[f.labels[border] - 1]
        outlined[border] = colours[of_pixel]
        parts = []
        for part in (real, outlined, painted):
            canvas = np.full((height, width, 3), 255, np.uint8)
            shown = part[:height, :width]
            canvas[: shown.shape[0], : shown.shape[1]] = shown
            parts.append(np.pad(canvas, [(2, 2), (2, 2), (0, 0)], constant_values=255))
        columns.append(np.concatenate(parts))
    page = Image.fromarray(np.concatenate(columns, 1))
    with atomic_path(path) as temporary:
        page.resize((2 * page.width, 2 * page.height), Image.Resampling.NEAREST).save(temporary, format="PNG")
    return path


def repaint(found: Found, paint: Paint, seed: int = 0) -> np.ndarray:
    """(C, Y, X) image of what was found."""
    return paint(scene_of(found.labels, found.objects.class_index), np.random.default_rng(seed))
