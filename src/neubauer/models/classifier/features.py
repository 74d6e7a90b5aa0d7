"""Measured features of crops, for the classifiers that came before networks."""

from __future__ import annotations

import warnings

import numpy as np

from neubauer.cells.central import central_mask

BINS = 16
LEVELS = 16
REGION_PROPERTIES = (
    *("area", "eccentricity", "solidity", "extent", "perimeter", "axis_major_length", "axis_minor_length"),
    *("euler_number", "feret_diameter_max"),
)


def hog_and_colour(images: np.ndarray) -> np.ndarray:
    """Histograms of oriented gradients (Dalal & Triggs, CVPR 2005) of the mean channel, and of the values of each
    channel.

    Parameters
    ----------
    images : (N, C, Y, X) in [-1, 1].

    Returns
    -------
    (N, F) float32.
    """
    from skimage.feature import hog

    side = images.shape[2]
    cell = max(4, side // 8)
    found = []
    for image in images:
        edges = hog(image.mean(0), orientations=9, pixels_per_cell=(cell, cell), cells_per_block=(2, 2))
        colours = [np.histogram(channel, BINS, (-1, 1))[0] / channel.size for channel in image]
        found.append(np.concatenate([edges, *(np.sqrt(colour) for colour in colours)]))
    return np.asarray(found, np.float32)


def regions_and_texture(images: np.ndarray) -> np.ndarray:
    """Properties of the central object, intensities inside and around it, and texture.

    Texture is that of Haralick et al. (IEEE Trans. SMC 3:610, 1973) at two distances, mean over four directions, and
    the histogram of uniform local binary patterns (Ojala et al., IEEE Trans. PAMI 24:971, 2002), of the mean channel.

    Parameters
    ----------
    images : (N, C, Y, X) in [-1, 1].

    Returns
    -------
    (N, F) float32.
    """
    return np.asarray([np.concatenate([_regions(image), _texture(image)]) for image in images], np.float32)


def _regions(image: np.ndarray) -> np.ndarray:
    from skimage.measure import regionprops_table

    mask = central_mask(image)
    shape = np.zeros(len(REGION_PROPERTIES))
    if mask.any():
        table = regionprops_table(mask.astype(np.uint8), properties=REGION_PROPERTIES)
        shape = np.array([table[name][0] for name in REGION_PROPERTIES])
    statistics = []
    for part in (mask, ~mask):
        values = image[:, part] if part.any() else np.zeros((len(image), 1), np.float32)
        statistics += [values.mean(1), values.std(1), *np.percentile(values, [10, 50, 90], axis=1)]
    return np.concatenate([shape, *statistics])


def _texture(image: np.ndarray) -> np.ndarray:
    from skimage.feature import graycomatrix, graycoprops, local_binary_pattern

    grey = (np.clip(image.mean(0), -1, 1) + 1) / 2
    levels = np.minimum((grey * LEVELS).astype(np.uint8), LEVELS - 1)
    turns = np.arange(4) * np.pi / 4
    matrix = graycomatrix(levels, [1, 3], turns, LEVELS, symmetric=True, normed=True)
    names = ("contrast", "dissimilarity", "homogeneity", "ASM", "correlation")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # the correlation of a crop of one colour
        haralick = np.concatenate([np.nan_to_num(graycoprops(matrix, name)).mean(1) for name in names])
    patterns = local_binary_pattern((grey * 255).astype(np.uint8), 8, 1, "uniform")
    return np.concatenate([haralick, np.histogram(patterns, 10, (0, 10))[0] / patterns.size])
