"""Cells to image by drawing: discs, profiles, textures, blur and noise. No network."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import ndimage as ndi

from neubauer.images.normalise import CLIP
from neubauer.layouts.simulator.appearance import Appearance, KindLook, NucleusLook, Style
from neubauer.layouts.simulator.outlines import Body
from neubauer.layouts.simulator.population import Population
from neubauer.layouts.simulator.simulate import Scene

DEFOCUS = (0.12, 0.35)
"""Width of the edge of a cell that is out of focus, in cell diameters."""


def render(scene: Scene, population: Population, appearance: Appearance, rng: np.random.Generator) -> np.ndarray:
    """Draw simulated cells.

    Each cell changes the colour behind it towards its own by `opacity`; at opacity 0 its contrast to the background is
    added (fluorescence), so that overlapping cells are brighter there, or for a bright background darker.

    Parameters
    ----------
    scene : from `simulate`.
    population : that it was drawn from.
    appearance : its looks have the order of the population's kinds.
    rng : the only source of randomness.

    Returns
    -------
    (C, Y, X) float32, on the scale of normalised images: about 0 to 1.
    """
    shape = scene.labels.shape
    wild = appearance.variety
    diameter = population.typical_diameter
    if appearance.backdrops and rng.random() < appearance.real:
        i = int(rng.integers(len(appearance.backdrops)))
        style = appearance.styles[i]
        image = _from_backdrop(appearance.backdrops[i], shape, rng)
    else:
        style = mix(appearance.styles, rng)
        image = _background(style, shape, diameter, wild, rng)
    base = np.array(style.background, np.float32)
    grain = [
        field(shape, _vary(look.texture_scale, wild, rng) * kind.diameter, rng)
        for look, kind in zip(appearance.looks, population.kinds, strict=True)
    ]
    _debris(image, appearance, style, population, rng)
    looks = [_vary_look(look, wild, rng) for look in appearance.looks]
    for body in scene.bodies:
        look = looks[body.kind]
        blurred = rng.random() < population.out_of_focus
        edge = rng.uniform(*DEFOCUS) if blurred else look.edge
        strength = np.exp(look.strength_sd * rng.standard_normal()) * (rng.uniform(0.4, 0.9) if blurred else 1)
        colour = _colour(style.colours[body.kind], appearance.colour_sd, rng)
        cover = _cover(body.rim, body.radius, edge)
        texture = look.texture * (0.3 if blurred else 1) * grain[body.kind][body.window]
        amount = cover * _profile(body.rim, look, rng) * (1 + texture) * strength
        _paint(image[(slice(None), *body.window)], amount, cover, colour, base, look.opacity[0])
        if look.nucleus is not None:
            colour = _colour(style.nuclei[body.kind], appearance.colour_sd, rng)
            _paint_nucleus(image, body, look.nucleus, colour, grain[body.kind], edge, rng)
    blur = style.blur * np.exp(wild * rng.standard_normal())
    image = ndi.gaussian_filter(image, (0, blur, blur), mode="nearest", truncate=3.0)
    noise = style.noise * np.exp(wild * rng.standard_normal())
    image += noise * rng.standard_normal(image.shape, dtype=np.float32)
    return np.clip(image, *CLIP).astype(np.float32)


def mix(styles: tuple[Style, ...], rng: np.random.Generator) -> Style:
    """A style between two of those given."""
    a, b = (styles[i] for i in rng.integers(len(styles), size=2))
    t = rng.random()

    def between(x: Any, y: Any) -> Any:
        if isinstance(x, tuple):
            return tuple(between(i, j) for i, j in zip(x, y, strict=True))
        return (1 - t) * x + t * y

    return a.model_copy(update={name: between(getattr(a, name), getattr(b, name)) for name in Style.model_fields})


def field(shape: tuple[int, int], scale: float, rng: np.random.Generator) -> np.ndarray:
    """(Y, X) smooth noise of mean 0 and standard deviation 1; `scale` is the width of its grains in pixels."""
    step = max(1, int(scale / 3))  # coarse grains are made small and enlarged
    small = tuple(-(-n // step) + 2 for n in shape)
    sigma = scale / step / 2
    values = ndi.gaussian_filter(rng.standard_normal(small, dtype=np.float32), sigma, mode="wrap", truncate=3.0)
    values /= values.std() + 1e-6
    if step > 1:
        values = ndi.zoom(values, step, order=1)
    return values[: shape[0], : shape[1]]


def _background(
    style: Style, shape: tuple[int, int], diameter: float, wild: float, rng: np.random.Generator
) -> np.ndarray:
    """(C, Y, X): the colour, a slow change, and a grain."""
    base = np.array(style.background, np.float32)[:, None, None]
    y, x = np.mgrid[-1 : 1 : shape[0] * 1j, -1 : 1 : shape[1] * 1j].astype(np.float32)
    angle = rng.uniform(0, 2 * np.pi)
    slope = (np.cos(angle) * x + np.sin(angle) * y) * rng.normal(0, style.unevenness)
    slow = slope + field(shape, 3 * diameter, rng) * style.unevenness * rng.uniform(0, 1)
    fine = field(shape, max(1.5, diameter * rng.uniform(0.08, 0.4)), rng)
    grain = style.grain * np.exp(wild * rng.standard_normal()) * fine
    return np.ascontiguousarray(base + (slow + grain)[None])


def _from_backdrop(backdrop: np.ndarray, shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """(C, Y, X): a random part of the backdrop, mirrored at its border where it is too small."""
    turned = np.rot90(backdrop, int(rng.integers(4)), (1, 2))
    missing = [max(0, n - m) for n, m in zip(shape, turned.shape[1:], strict=True)]
    turned = np.pad(turned, ((0, 0), (0, missing[0]), (0, missing[1])), mode="symmetric")
    y, x = (int(rng.integers(m - n + 1)) for n, m in zip(shape, turned.shape[1:], strict=True))
    part = turned[:, y : y + shape[0], x : x + shape[1]]
    return np.ascontiguousarray(part[:, :, :: rng.choice([-1, 1])]).astype(np.float32)


def _debris(
    image: np.ndarray, appearance: Appearance, style: Style, population: Population, rng: np.random.Generator
) -> None:
    """Specks and smudges that are no cells: small or faint."""
    shape = image.shape[1:]
    base = np.array(style.background, np.float32)
    n = rng.poisson(appearance.debris * shape[0] * shape[1] / (10 * population.typical_diameter**2))
    for _ in range(n):
        kind = rng.choice(len(population.kinds), p=population.shares)
        speck = rng.random() < 0.5
        radius = population.typical_diameter / 2 * (rng.uniform(0.05, 0.2) if speck else rng.uniform(0.5, 1.5))
        centre = rng.uniform(0, shape)
        low = np.maximum(np.floor(centre - 3 * radius).astype(int), 0)
        high = np.minimum(np.ceil(centre + 3 * radius).astype(int) + 1, shape)
        y, x = np.ogrid[low[0] : high[0], low[1] : high[1]]
        bell = np.exp(-((y - centre[0]) ** 2 + (x - centre[1]) ** 2) / (2 * radius**2)).astype(np.float32)
        contrast = np.array(style.colours[kind], np.float32) - base
        strength = rng.uniform(-0.3, 1) if speck else rng.uniform(-0.1, 0.2)
        image[:, low[0] : high[0], low[1] : high[1]] += strength * contrast[:, None, None] * bell


def _colour(colour: tuple[float, ...], sd: float, rng: np.random.Generator) -> np.ndarray:
    return np.array(colour, np.float32) + sd * rng.standard_normal(len(colour), dtype=np.float32)


def _cover(rim: np.ndarray, radius: float, edge: float) -> np.ndarray:
    """How much of each pixel the cell covers: 1 inside, 0 outside, with an edge at least one pixel wide."""
    width = max(edge * 2, 1 / radius)
    return np.clip((1 - rim) / width + 0.5, 0, 1)


def _profile(rim: np.ndarray, look: KindLook, rng: np.random.Generator) -> np.ndarray:
    """Contrast across the cell, as a share of its contrast."""
    dome = rng.uniform(*look.dome)
    profile = 1 - dome + dome * np.sqrt(np.clip(1 - rim * rim, 0.02, 1))
    pallor, ring = rng.uniform(*look.pallor), rng.uniform(*look.rim)
    if pallor:
        size = rng.uniform(*look.pallor_size)
        profile = profile * (1 - pallor / (1 + np.exp(np.clip((rim - size) / 0.08, -30, 30))))
    if ring:
        profile = profile * (1 + ring * np.exp(-(((rim - 0.9) / 0.1) ** 2)))
    return profile


def _paint(
    image: np.ndarray, amount: np.ndarray, cover: np.ndarray, colour: np.ndarray, base: np.ndarray, opacity: float
) -> None:
    """Change `image` (C, Y, X) in place: a pixel of the background becomes base + amount * (colour - base)."""
    contrast = (colour - base)[:, None, None]
    behind = image - base[:, None, None]
    image += amount * contrast - opacity * cover * behind


def _paint_nucleus(
    image: np.ndarray,
    body: Body,
    look: NucleusLook,
    colour: np.ndarray,
    grain: np.ndarray,
    edge: float,
    rng: np.random.Generator,
) -> None:
    n = rng.integers(look.lobes[0], look.lobes[1] + 1)
    share = rng.uniform(*look.share)
    rows, columns = (np.arange(s.start, s.stop, dtype=np.float32) for s in body.window)
    y, x = (rows[:, None] - body.centre[0]) / body.radius, (columns[None] - body.centre[1]) / body.radius
    size = np.sqrt(share / n) * (1.15 if n > 1 else 1.0)
    # lobes lie on an arc around the middle
    start, arc = rng.uniform(0, 2 * np.pi), rng.uniform(0.5, 0.85) * 2 * np.pi
    away = min(0.92 - size, 0.5) if n > 1 else rng.uniform(0, max(0.0, 0.95 - size))
    rims = []
    for i in range(n):
        t = start + arc * i / n
        r = size * rng.uniform(0.85, 1.15)
        rims.append(np.hypot(y - away * np.sin(t), (x - away * np.cos(t))) / r)
    rim = np.maximum(np.min(rims, 0), body.rim / 0.97)
    cover = _cover(rim, body.radius * size, edge / size)
    alpha = cover * np.clip(1 + look.texture * grain[body.window], 0, 1.2)
    part = image[(slice(None), *body.window)]
    part += alpha * (colour[:, None, None] - part)


def _vary(value: float, wild: float, rng: np.random.Generator) -> float:
    return float(value * np.exp(wild * rng.standard_normal()))


def _vary_look(look: KindLook, wild: float, rng: np.random.Generator) -> KindLook:
    """The look in one rendering: textures, edges and opacities differ between images."""
    opacity = rng.uniform(*look.opacity)
    return look.model_copy(
        update={
            "texture": _vary(look.texture, wild, rng),
            "edge": _vary(look.edge, wild, rng),
            "opacity": (opacity, opacity),
        }
    )
