"""Which line is which: profiles across both families of lines against the pattern of a ruling."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage as ndi
from scipy.fft import irfft, next_fast_len, rfft

from neubauer.chamber.find.rectify import BINS, REACH, profile
from neubauer.chamber.rulings import Ruling

SCALES = np.exp(np.arange(np.log(0.24), np.log(2.2), 0.004))
"""Radii of the field to a millimetre."""
LINE = 2.2
"""Standard deviation of a line in a profile, bins."""
CANDIDATES = 8
"""Matches of each axis that are looked at together."""
RATIO = 0.06
"""How much the scales of the two axes usually differ (standard deviation of the logarithm)."""


@dataclass(frozen=True)
class Match:
    """A way to read both axes: mm = (rectified - offset) / scale.

    Attributes
    ----------
    scale, offset : of x and y; radii of the field to a millimetre, and where 0 mm is.
    score : correlation of profile and pattern, mean of both axes, less what the scales differ.
    """

    scale: tuple[float, float]
    offset: tuple[float, float]
    score: float


def line_profile(x: np.ndarray, weight: np.ndarray, field_x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How much line there is across an axis, relative to how much is in view, and where enough is.

    `field_x` are the rectified coordinates of points spread evenly over the field.
    """
    seen = ndi.gaussian_filter1d(profile(field_x, np.ones(len(field_x))), 6)
    enough = seen > 0.15 * seen.max()
    lines = ndi.gaussian_filter1d(profile(x, weight), 1.2)
    share = np.where(enough, lines / np.maximum(seen, 0.15 * seen.max()), 0)
    share = share - ndi.percentile_filter(share, 30, 75)
    share = np.where(enough, np.clip(share, 0, None), 0)
    full = np.quantile(share[enough], 0.96)
    return np.minimum(share / max(full, 1e-9), 1.0), enough


def match(profiles: list[tuple[np.ndarray, np.ndarray]], ruling: Ruling) -> list[Match]:
    """The best matches of both axes, best first; also with the axes of the ruling exchanged where they differ."""
    x, y = (_one(*profiles[k], ruling, k) for k in (0, 1))
    found = []
    for score_x, scale_x, offset_x in x:
        for score_y, scale_y, offset_y in y:
            ratio = np.log(scale_x / scale_y) / RATIO
            score = (score_x + score_y) / 2 - 0.02 * ratio**2
            found.append(Match((scale_x, scale_y), (offset_x, offset_y), score))
    return sorted(found, key=lambda m: -m.score)


def _one(share: np.ndarray, enough: np.ndarray, ruling: Ruling, axis: int) -> list[tuple[float, float, float]]:
    """(score, scale, offset) of the best matches of an axis."""
    n = len(share)
    size = next_fast_len(4 * n)
    first = float(ruling.lines[axis][:, 0].min())
    f = np.where(enough, share - share[enough].mean(), 0)
    f = ndi.gaussian_filter1d(f, 1.0) * enough
    energy = np.sqrt((f**2).sum())
    count = enough.sum()
    f_hat, w_hat = rfft(f, size), rfft(enough.astype(float), size)
    found: list[tuple[float, float, float]] = []
    for scale in SCALES:
        template = _template(ruling, axis, scale, n)
        if template is None:
            continue
        t_hat, tt_hat = np.conj(rfft(template, size)), np.conj(rfft(template**2, size))
        cross = irfft(f_hat * t_hat, size)
        total, square = irfft(w_hat * t_hat, size), irfft(w_hat * tt_hat, size)
        spread = np.sqrt(np.maximum(square - total**2 / count, 0.15 * square.max()))
        score = cross / (energy * spread)
        for _ in range(2):
            at = int(np.argmax(score))
            shift = at if at < size // 2 else at - size
            found.append((float(score[at]), float(scale), (shift + 0.5) / BINS - REACH - first * scale))
            score[max(0, at - 8) : at + 9] = -1
    found.sort(key=lambda c: -c[0])
    kept: list[tuple[float, float, float]] = []
    for c in found:
        if all(abs(np.log(c[1] / k[1])) > 0.012 or abs(c[2] - k[2]) > 0.02 for k in kept):
            kept.append(c)
        if len(kept) == CANDIDATES:
            break
    return kept


def _template(ruling: Ruling, axis: int, scale: float, n: int) -> np.ndarray | None:
    """The pattern from its first line on, in bins; None if it is much longer than a profile."""
    lines = ruling.lines[axis][:, 0]
    at = (lines - lines.min()) * scale * BINS
    if at.max() >= 3 * n - 1:
        return None
    spikes = np.bincount(np.round(at).astype(int), minlength=3 * n).astype(float)
    return np.minimum(ndi.gaussian_filter1d(spikes, LINE, mode="constant") * LINE * np.sqrt(2 * np.pi), 1.0)
