"""Small made-up microscope scenes with known cells."""

from __future__ import annotations

import numpy as np

from neubauer.cells.annotation import Annotation


def discs(
    n: int, size: int = 128, radius: tuple[float, float] = (5, 8), seed: int = 0, gap: float = 1.0
) -> tuple[np.ndarray, Annotation]:
    """A 16-bit image (Y, X) of `n` bright discs that do not overlap on a noisy background, and its masks."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:size, :size]
    labels = np.zeros((size, size), np.int32)
    image = rng.normal(1000, 40, (size, size))
    centres: list[tuple[float, float, float]] = []
    while len(centres) < n:
        cy, cx, r = *rng.uniform(8, size - 8, 2), rng.uniform(*radius)
        if all((cy - a) ** 2 + (cx - b) ** 2 > (r + s + gap) ** 2 for a, b, s in centres):
            centres.append((cy, cx, r))
            inside = (y - cy) ** 2 + (x - cx) ** 2 < r**2
            labels[inside] = len(centres)
            image[inside] += rng.uniform(800, 1500)
    where = np.array([[a, b] for a, b, _ in centres]).reshape(-1, 2)
    annotation = Annotation("masks", (size, size), ("cell",), np.zeros(n, np.int64), where, labels=labels)
    return np.clip(image, 0, 65535).astype(np.uint16), annotation


def as_boxes(
    annotation: Annotation, class_index: np.ndarray | None = None, classes: tuple[str, ...] = ("cell",)
) -> Annotation:
    """The same cells marked with boxes."""
    from skimage.measure import regionprops

    assert annotation.labels is not None
    boxes = np.array([r.bbox for r in regionprops(annotation.labels)], float).reshape(-1, 4)
    index = annotation.class_index if class_index is None else class_index
    return Annotation("boxes", annotation.shape, classes, index, boxes.reshape(-1, 2, 2).mean(1) - 0.5, boxes=boxes)


def as_points(annotation: Annotation) -> Annotation:
    """The same cells marked with points."""
    return Annotation("points", annotation.shape, annotation.classes, annotation.class_index, annotation.centres)
