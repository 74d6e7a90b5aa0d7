"""The parameters of simulator and renderer from unlabelled images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy import ndimage as ndi
from scipy.stats import skew

from neubauer.errors import InputError
from neubauer.layouts.simulator.appearance import Appearance, KindLook, Style
from neubauer.layouts.simulator.backdrop import clear_background
from neubauer.layouts.simulator.classical import SIZE_RATIO, Segments, band, segment, signal_axis
from neubauer.layouts.simulator.population import Background, CellKind, Population
from neubauer.layouts.simulator.quality import measure_quality

FEW_IMAGES = 10
SKEW_MIN = 0.15
"""Least skewness of the band-passed signal that says whether cells are brighter or darker than the background."""
EMPTY_CONTRAST = 2.0
"""Least contrast between foreground and background, in units of the spread of the background."""
COLOUR_UNIT = 0.12
"""A colour that is off by this in each channel weighs as much as a size that is off by `SIZE_RATIO`."""
FEW_PIXELS = 20
OUTLIER = 0.6
"""Contrasts that differ more than this from the typical one, relative to it, are taken for mistakes."""


class Estimate(NamedTuple):
    """What was found, and what to be warned of."""

    population: Population
    appearance: Appearance
    warnings: tuple[str, ...]


def estimate(
    images: Sequence[np.ndarray],
    population: Population | None = None,
    appearance: Appearance | None = None,
    *,
    diameter: float | None = None,
    background: Background | None = None,
) -> Estimate:
    """Fit the simulator to unlabelled images.

    Polarity: by the skewness of the signal at the scale of cells. Density, colours, contrasts, quality: by classical
    segmentation of each image. With several kinds, pieces of the foreground belong to the kind that they are most like
    in size and, where `appearance` gives them, in colour.

    Parameters
    ----------
    images : (C, Y, X) float32, normalised.
    population, appearance : what is assumed where the images do not say: kinds, sizes, shapes, looks. Without them: one
        kind of ellipses.
    diameter : typical cell diameter in pixels; overrides that of `population`.
    background : brighter or darker than the cells; by default it is found.

    Returns
    -------
    Estimate : `appearance` has one style, and one backdrop, per image with cells.

    Raises
    ------
    InputError : no image, channels differ, no diameter, or the images do not say whether cells are bright or dark, or
        hold nothing like a cell.
    """
    if not len(images):
        raise InputError("images", "none", "at least one")
    channels = sorted({len(i) for i in images})
    if len(channels) > 1:
        raise InputError("images", f"some of {channels[0]} and some of {channels[-1]} channels", "images of one kind")
    warnings: list[str] = []
    if len(images) < FEW_IMAGES:
        n = f"{len(images)} image{'s' * (len(images) > 1)}"
        warnings.append(f"a population is hard to estimate from {n}; {FEW_IMAGES} or more are better")
    if population is None:
        if diameter is None:
            raise InputError("diameter", "none", "the typical diameter of the cells in pixels")
        population = Population(kinds=(CellKind(diameter=diameter),))
    elif diameter is not None:
        population = population.scaled(diameter / population.typical_diameter)
    known_colours = appearance is not None
    if appearance is None or appearance.channels != channels[0]:
        known_colours = False
        appearance = _blank(
            appearance.looks if appearance else tuple(KindLook() for _ in population.kinds), channels[0]
        )
    unit = population.typical_diameter
    axis = signal_axis(images, unit)
    sign = polarity(images, axis, unit, background)
    population = population.model_copy(update={"background": "dark" if sign > 0 else "bright"})
    sizes = [k.diameter for k in population.kinds]
    found = [segment(sign * np.tensordot(axis, i, 1), sizes) for i in images]
    empty = [s.contrast < EMPTY_CONTRAST or not len(s.diameters) for s in found]
    if all(empty):
        raise InputError("images", "nothing that stands out", f"images with cells of about {unit:.0f} px")
    if any(empty):
        warnings.append(f"{sum(empty)} of {len(images)} images seem to be without any cell")
    used = [_Image(i, s, unit) for i, s, e in zip(images, found, empty, strict=True) if not e]
    hints = _hints(appearance) if known_colours else None
    kinds_of = [_kinds_of(image, population, hints) for image in used]
    cover = np.array([0.0] * sum(empty) + [float(i.segments.foreground.mean()) for i in used])
    population = _fit_population(population, cover, np.concatenate(kinds_of))
    return Estimate(population, _fit_appearance(appearance, used, kinds_of, hints, unit), tuple(warnings))


def polarity(images: Sequence[np.ndarray], axis: np.ndarray, diameter: float, given: Background | None) -> float:
    """+1 where cells are brighter than the background, -1 where darker.

    Raises
    ------
    InputError : the images do not say.
    """
    if given is not None:
        return 1.0 if given == "dark" else -1.0
    median = float(np.median([skew(np.tensordot(axis, band(i, diameter), 1).ravel()[::3]) for i in images]))
    if not abs(median) >= SKEW_MIN:
        raise InputError(
            "images",
            f"structures of about {diameter:.0f} px as often brighter as darker than what is around them",
            "to be told whether the background is bright or dark, or another diameter",
        )
    return float(np.sign(median))


class _Image:
    """An image, its segments, and what is measured over and over again."""

    def __init__(self, pixels: np.ndarray, segments: Segments, unit: float) -> None:
        self.pixels, self.segments = pixels, segments
        away = ndi.distance_transform_edt(~segments.foreground)
        far = away > 0.15 * unit
        self.outside = far if far.sum() > FEW_PIXELS else ~segments.foreground
        if not self.outside.any():
            self.outside = np.ones_like(far)
        self.base = np.median(pixels[:, self.outside], 1)
        self.core = ndi.distance_transform_edt(segments.foreground) > 0.08 * unit
        n = len(segments.diameters)
        inner = np.where(self.core, segments.labels, 0)
        area = np.maximum(np.bincount(inner.ravel(), minlength=n + 1)[1:], 1e-9)
        means = [np.bincount(inner.ravel(), c.ravel(), n + 1)[1:] / area for c in (*pixels, segments.signal)]
        self.contrast = np.stack(means[:-1], 1) - self.base  # 0 - base where a piece has no core: like no kind
        self.height = means[-1] - float(np.median(segments.signal[self.outside]))


def _hints(appearance: Appearance) -> np.ndarray:
    """(K, C) contrast of the kinds to the background, as it is assumed; of the nucleus where that fills most of the
    cell."""
    style = appearance.styles[0]
    base = np.array(style.background)
    rows = []
    for look, colour, nucleus in zip(appearance.looks, style.colours, style.nuclei, strict=True):
        share = sum(look.nucleus.share) / 2 if look.nucleus else 0.0
        rows.append((1 - share) * np.array(colour) + share * np.array(nucleus) - base)
    return np.array(rows)


def _kinds_of(image: _Image, population: Population, hints: np.ndarray | None) -> np.ndarray:
    """(N,) index of the kind that each piece is most like, -1 where it is like none."""
    sizes = np.log([k.diameter for k in population.kinds])
    size = np.log(np.maximum(image.segments.diameters, 1e-3))[:, None] - sizes
    away = (size / np.log(SIZE_RATIO)) ** 2
    if hints is not None and len(sizes) > 1:
        colour = image.contrast[:, None] - hints
        away = away + (colour**2).sum(2) / COLOUR_UNIT**2 / len(hints[0])
    best = away.argmin(1)
    return np.where(away.min(1) < 2, best, -1)


def _fit_population(population: Population, cover: np.ndarray, kind_of: np.ndarray) -> Population:
    """Density and shares as found. What is covered twice is seen once, so that areas add up to more than is covered."""
    twice = population.overlap * 0.5
    coverage = np.quantile(cover, np.linspace(0, 1, 9)) * (1 + twice)
    n = np.bincount(kind_of[kind_of >= 0], minlength=len(population.kinds))
    kinds = population.kinds
    if n.sum() and len(kinds) > 1:
        # the classical segmentation is coarse: half way to what was assumed, on a logarithmic scale
        shares = np.sqrt(np.maximum(n / n.sum(), 0.01) * population.shares)
        kinds = tuple(k.model_copy(update={"share": float(s)}) for k, s in zip(kinds, shares, strict=True))
    return population.model_copy(update={"coverage": tuple(float(q) for q in coverage), "kinds": kinds})


def _blank(looks: tuple[KindLook, ...], channels: int) -> Appearance:
    colours = ((0.0,) * channels,) * len(looks)
    return Appearance(looks=looks, styles=(Style(background=(0.0,) * channels, colours=colours, nuclei=colours),))


def _fit_appearance(
    appearance: Appearance,
    used: Sequence[_Image],
    kinds_of: Sequence[np.ndarray],
    hints: np.ndarray | None,
    unit: float,
) -> Appearance:
    looks = appearance.looks
    cells = np.array([_contrasts(i, k, looks, inside=False) for i, k in zip(used, kinds_of, strict=True)])
    nuclei = np.array([_contrasts(i, k, looks, inside=True) for i, k in zip(used, kinds_of, strict=True)])
    given = appearance.styles[0]
    base = np.array(given.background)
    assumed = None if hints is None else [np.array(c) - base for c in (given.colours, given.nuclei)]
    cells = _filled(cells, None if assumed is None else assumed[0])
    nuclei = _filled(nuclei, None if assumed is None else assumed[1])
    styles = tuple(
        Style(
            background=_colour(image.base),
            colours=tuple(_colour(image.base + c) for c in of_cells),
            nuclei=tuple(_colour(image.base + c) for c in of_nuclei),
            **measure_quality(image.pixels, image.segments, image.outside, unit),
        )
        for image, of_cells, of_nuclei in zip(used, cells, nuclei, strict=True)
    )
    updates: dict[str, object] = {}
    if hints is None:
        spread = [float(np.log(i.height[i.height > 0]).std()) for i in used if (i.height > 0).sum() > 3]
        texture = [_texture(i, unit) for i in used]
        updates["strength_sd"] = float(np.clip(np.median(spread or [0.15]), 0.05, 0.5))
        updates["texture"] = float(np.clip(np.median(texture), 0.03, 0.4))
    looks = tuple(look.model_copy(update=updates) for look in looks)
    backdrops = tuple(
        clear_background(i.pixels, i.segments.foreground, unit, np.random.default_rng(n)) for n, i in enumerate(used)
    )
    return appearance.model_copy(update={"styles": styles, "looks": looks, "backdrops": backdrops})


def _contrasts(image: _Image, kind_of: np.ndarray, looks: Sequence[KindLook], inside: bool) -> np.ndarray:
    """(K, C) contrast of the cells of each kind, or of their nuclei (`inside`); NaN where there are none."""
    from skimage.filters import threshold_otsu

    rows = np.full((len(looks), len(image.pixels)), np.nan)
    of_pixel = np.append(kind_of, -1)[image.segments.labels - 1]
    for k, look in enumerate(looks):
        mine = image.core & (of_pixel == k) & (image.segments.labels > 0)
        if mine.sum() < FEW_PIXELS:
            continue
        if look.nucleus is not None:
            signal = image.segments.signal
            dense = signal > threshold_otsu(signal[mine])
            mine = mine & (dense if inside else ~dense)
        elif inside:
            continue
        rows[k] = np.median(image.pixels[:, mine], 1) - image.base
    return rows


def _filled(rows: np.ndarray, assumed: np.ndarray | None) -> np.ndarray:
    """(I, K, C) contrasts with the gaps filled: the median of the other images, else what is assumed."""
    known = ~np.isnan(rows).any(2)
    result = rows.copy()
    for k in range(rows.shape[1]):
        if known[:, k].any():
            typical = np.median(rows[known[:, k], k], 0)
            # far from all others: pieces of another kind, or none
            known[:, k] &= np.linalg.norm(rows[:, k] - typical, axis=1) < OUTLIER * np.linalg.norm(typical)
        elif assumed is not None:
            typical = assumed[k]
        elif known.any():
            typical = np.median(rows[known], 0)
        else:
            typical = np.zeros(rows.shape[2])
        result[~known[:, k], k] = typical
    return result


def _texture(image: _Image, unit: float) -> float:
    signal = image.segments.signal
    fine = ndi.gaussian_filter(signal, 0.5) - ndi.gaussian_filter(signal, 0.2 * unit)
    inner = ndi.distance_transform_edt(image.segments.foreground) > 0.2 * unit
    height = float(np.median(image.height)) if len(image.height) else 0.0
    return float(fine[inner].std() / max(height, 1e-3)) if inner.sum() > FEW_PIXELS else 0.1


def _colour(values: np.ndarray) -> tuple[float, ...]:
    return tuple(round(float(v), 4) for v in values)
