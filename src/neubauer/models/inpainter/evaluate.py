"""How well are holes filled in whose content is known?"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from skimage.metrics import structural_similarity

from neubauer.gan.data.holes import draw_holes
from neubauer.gan.data.images import IntensityRange
from neubauer.images.fill import fill_biharmonic, fill_texture
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
    psnr: dict[str, list[float]] = {}
    ssim: dict[str, list[float]] = {}
    patches: dict[str, list[np.ndarray]] = {}
    for i, given in enumerate(images):
        image = as_source(given).read()
        rng = np.random.default_rng([seed, i])
        holes = draw_holes((image.shape[1], image.shape[2]), share, rng)
        span = float(np.iinfo(image.dtype).max) if image.dtype == np.uint8 else float(np.ptp(image)) or 1.0
        # real patches are of other places than filled ones, since the distance takes them for independent
        places = np.argwhere(holes)
        there, here = places[rng.integers(len(places), size=(2, max(4, PATCHES // len(images))))]
        patches.setdefault("there", []).append(_patches(image, there))
        patches.setdefault("here", []).append(_patches(image, here))
        for name, fill in methods(inpainter).items():
            made = fill(image, holes)
            error = (made.astype(float) - image)[:, holes]
            psnr.setdefault(name, []).append(10 * np.log10(span**2 / max(float((error**2).mean()), 1e-12)))
            similarity = structural_similarity(image, made, channel_axis=0, data_range=span)
            ssim.setdefault(name, []).append(float(similarity))
            patches.setdefault(name, []).append(_patches(made, here))
    there = np.concatenate(patches.pop("there"))
    intensity = IntensityRange.of(there)
    encoder = RandomEncoder(torch.from_numpy(intensity.normalise(there)))
    real = encoder(torch.from_numpy(intensity.normalise(there)))

    def distance(found: list[np.ndarray]) -> float:
        return kernel_distance(real, encoder(torch.from_numpy(intensity.normalise(np.concatenate(found)))))

    chance = distance(patches.pop("here"))  # of these places, which has nothing to do with how holes are filled in
    return {
        name: {
            "psnr": float(np.mean(psnr[name])),
            "ssim": float(np.mean(ssim[name])),
            "kernel_distance": distance(found) - chance,
        }
        for name, found in patches.items()
    }


def _patches(image: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """(N, C, SIDE, SIDE) around places (N, 2), mirrored beyond the edges."""
    half = SIDE // 2
    padded = np.pad(image, [(0, 0), (half, half), (half, half)], mode="symmetric")
    return np.stack([padded[:, y : y + SIDE, x : x + SIDE] for y, x in centres])
