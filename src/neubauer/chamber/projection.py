"""How a ruling lies in a photograph: perspective, then the radial distortion of eye-piece and camera."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np


@dataclass(frozen=True)
class Projection:
    """Between pixels of a photograph and millimetres of a ruling.

    Pixels are taken relative to `centre`, in units of the field's radius (`shape`), made straight by
    `1 + bend[0] r^2 + bend[1] r^4` around `axis` (the optical axis; Brown 1966), and mapped by a homography.

    Attributes
    ----------
    centre, shape : (2,) pixels, (2, 2) radii to a pixel.
    axis : (2,) where nothing is bent, in radii from `centre`.
    bend : of the second and fourth order.
    homography : (3, 3), straight radii to mm; its last entry is 1.
    """

    centre: np.ndarray
    shape: np.ndarray
    axis: np.ndarray
    bend: np.ndarray
    homography: np.ndarray

    def to_mm(self, points: np.ndarray) -> np.ndarray:
        """(N, 2) x, y in mm of points in pixels."""
        p = (points - self.centre) @ self.shape.T
        return _project(self._straight(p), self.homography)

    def to_pixels(self, points: np.ndarray) -> np.ndarray:
        """(N, 2) x, y in pixels of points in mm, by fixed-point iteration of the distortion."""
        straight = _project(points, np.linalg.inv(self.homography)) - self.axis
        bent = straight.copy()
        for _ in range(12):
            r2 = (bent**2).sum(1, keepdims=True)
            bent = straight / np.maximum(1 + self.bend[0] * r2 + self.bend[1] * r2**2, 0.3)
        return np.asarray((bent + self.axis) @ np.linalg.inv(self.shape).T + self.centre)

    def px_per_mm(self, at: np.ndarray) -> float:
        """How many pixels a millimetre is long at a point (x, y in mm); the geometric mean of both axes."""
        step = 1e-3
        a, b, c = self.to_pixels(np.array([at, at + np.array([step, 0]), at + np.array([0, step])]))
        (ux, uy), (vx, vy) = b - a, c - a
        return float(np.sqrt(abs(ux * vy - uy * vx)) / step)

    def parameters(self) -> np.ndarray:
        """(12,) what a fit varies: homography, axis, bend."""
        return np.concatenate([self.homography.ravel()[:8], self.axis, self.bend])

    def with_parameters(self, v: np.ndarray) -> Projection:
        """The projection with other `parameters`."""
        homography = np.append(v[:8], 1.0).reshape(3, 3)
        return replace(self, homography=homography, axis=v[8:10], bend=v[10:12])

    def _straight(self, p: np.ndarray) -> np.ndarray:
        q = p - self.axis
        r2 = (q**2).sum(1, keepdims=True)
        return np.asarray(q * (1 + self.bend[0] * r2 + self.bend[1] * r2**2) + self.axis)


def _project(points: np.ndarray, homography: np.ndarray) -> np.ndarray:
    mapped = points @ homography[:, :2].T + homography[:, 2]
    return np.asarray(mapped[:, :2] / mapped[:, 2:])
