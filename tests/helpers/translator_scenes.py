"""Two made-up stains of the same kind of cells."""

from __future__ import annotations

from typing import Any

import numpy as np

SMALL: dict[str, Any] = {
    "crop": 32,
    "widths": [16, 24],
    "depths": [1, 1],
    "critic_widths": [16, 32],
    "training": {
        "steps": 120,
        "batch_size": 4,
        "preview_every": 0,
        "generator": {"learning_rate": 2e-3},
        "discriminator": {"learning_rate": 2e-3},
    },
}


def scene(seed: int, other: bool, size: int = 64) -> np.ndarray:
    """(3, size, size) uint8: discs, purple on a light background or, `other`, green on a yellow one."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:size, :size]
    image = np.array([225.0, 225.0, 150.0] if other else [215.0, 205.0, 215.0])[:, None, None] * np.ones(
        (1, size, size)
    )
    for _ in range(7):
        cy, cx, radius = *rng.uniform(7, size - 7, 2), rng.uniform(4, 6)
        inside = (y - cy) ** 2 + (x - cx) ** 2 < radius**2
        image[:, inside] = np.array([60.0, 140.0, 80.0] if other else [120.0, 60.0, 160.0])[:, None]
    return np.clip(image + rng.normal(0, 5, image.shape), 0, 255).astype(np.uint8)
