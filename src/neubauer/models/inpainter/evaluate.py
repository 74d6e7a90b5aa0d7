"""How well are holes filled in whose content is known?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from skimage.metrics import structural_similarity

from neubauer.gan.data.holes import draw_holes
from neubauer.gan.data.images import IntensityRange
from neubauer.images.fill import fill_biharmonic, fill_texture
from neubauer.images.missing import refuse_missing
from neubauer.metrics.features import RandomEncoder
from neubauer.metrics.generation import kernel_distance
from neubauer.models.inpainter.predict import TrainedInpainter
from neubauer.models.shared.inputs import ImageLike, as_source

SIDE = 32
"""Of the patches around holes that are compared, pixels."""
PATCHES = 1000
"""How many of them, in all images together."""

Fill = Callable[[np.ndarray, np.ndarray], np.ndarray]


def methods(inpainter: TrainedInpainter | None) -> dict[str, Fill]:
    """Ways to fill in: image (C, Y, X) and holes (Y, X) to an image."""
    found: dict[str, Fill] = {"biharmonic": fill_biharmonic, "texture": fill_texture}
    if inpainter is not None:
        found["inpainter"] = lambda image, holes: inpainter.predict(image, holes)[0]
    return found


def evaluate_inpainting(
    images: Sequence[ImageLike], inpainter: TrainedInpainter | None, *, share: float = 0.2, seed: int = 0
) -> dict[str, dict[str, float]]:
    """Cut random strokes and blocks out of images, fill them in, compare with what was there.

    Parameters
    ----------
    images : undamaged, not trained on.
    inpainter : beside the base lines; None for these alone.
    share : of the area that is cut out.
    seed : of the holes.

    Returns
    -------
    For each method the means over the images of `psnr` (dB, of the pixels in holes, against the image's range), `ssim`
    (of the whole image), and `kernel_distance` of patches around filled pixels from real ones around others,
    in the features of an untrained encoder, less that of the real patches in their place: 0 for as good
    as real.
    """
    seen = [look(image, inpainter, [seed, i], len(images), share) for i, image in enumerate(images)]
    return scores_of(seen)


@dataclass(frozen=True)
class Seen:
    """What is kept of one image: by method the scores, and (N, C, SIDE, SIDE) patches around places that were filled
    in, beside real ones of these places (`here`) and of others (`there`)."""

    psnr: dict[str, float]
    ssim: dict[str, float]
    patches: dict[str, np.ndarray]


def look(
    given: ImageLike, inpainter: TrainedInpainter | None, seed: Sequence[int], images: int, share: float = 0.2
) -> Seen:
    """Cut holes into one image of so many, fill them in with each method, compare; see `evaluate_inpainting`."""
    image = refuse_missing(as_source(given), what="images to cut holes into").read()
    rng = np.random.default_rng(seed)
    holes = draw_holes((image.shape[1], image.shape[2]), share, rng)
    span = float(np.iinfo(image.dtype).max) if image.dtype == np.uint8 else float(np.ptp(image)) or 1.0
    # real patches are of other places than filled ones, since the distance takes them for independent
    places = np.argwhere(holes)
    there, here = places[rng.integers(len(places), size=(2, max(4, PATCHES // images)))]
    seen = Seen({}, {}, {"there": _patches(image, there), "here": _patches(image, here)})
    for name, fill in methods(inpainter).items():
        made = fill(image, holes)
        error = (made.astype(float) - image)[:, holes]
        seen.psnr[name] = float(10 * np.log10(span**2 / max(float((error**2).mean()), 1e-12)))
        seen.ssim[name] = float(structural_similarity(image, made, channel_axis=0, data_range=span))
        seen.patches[name] = _patches(made, here)
    return seen


def scores_of(seen: Sequence[Seen]) -> dict[str, dict[str, float]]:
    """The scores of `evaluate_inpainting`, from what was kept of each image."""
    there = np.concatenate([s.patches["there"] for s in seen])
    intensity = IntensityRange.of(there)
    encoder = RandomEncoder(torch.from_numpy(intensity.normalise(there)))
    real = encoder(torch.from_numpy(intensity.normalise(there)))

    def distance(name: str) -> float:
        found = np.concatenate([s.patches[name] for s in seen])
        return kernel_distance(real, encoder(torch.from_numpy(intensity.normalise(found))))

    chance = distance("here")  # of these places, which has nothing to do with how holes are filled in
    return {
        name: {
            "psnr": float(np.mean([s.psnr[name] for s in seen])),
            "ssim": float(np.mean([s.ssim[name] for s in seen])),
            "kernel_distance": distance(name) - chance,
        }
        for name in seen[0].psnr
    }


def _patches(image: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """(N, C, SIDE, SIDE) around places (N, 2), mirrored beyond the edges."""
    half = SIDE // 2
    padded = np.pad(image, [(0, 0), (half, half), (half, half)], mode="symmetric")
    return np.stack([padded[:, y : y + SIDE, x : x + SIDE] for y, x in centres])
