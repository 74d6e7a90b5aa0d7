"""One stain of a bright-field image as an image of its own."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np

from neubauer.errors import InputError
from neubauer.images.missing import masked_where
from neubauer.images.source import ImageSource

Stain = Literal["haematoxylin", "eosin", "dab"]
STAINS: tuple[Stain, ...] = get_args(Stain)


def separate_stain(source: ImageSource, stain: Stain) -> ImageSource:
    """The amount of a stain in an RGB bright-field image: bright where there is much of it, as in fluorescence.

    Colour deconvolution (Ruifrok & Johnston, Analytical and Quantitative Cytology and Histology 23:291, 2001) with the
    standard vectors of haematoxylin, eosin and DAB (`skimage.color.rgb2hed`); pixel by pixel, so that a region is part
    of the whole.

    Parameters
    ----------
    source : RGB image of 8 or 16 bit, or floats in 0 ... 1.
    stain : which one.

    Returns
    -------
    ImageSource : one float32 channel, optical density.

    Raises
    ------
    InputError : not an RGB image, or not one of the stains.
    """
    if stain not in STAINS:
        raise InputError("stain", repr(stain), "one of " + ", ".join(STAINS))
    if source.shape[0] != 3:
        raise InputError(source.path, f"{source.shape[0]} channels", "an RGB image, for stains to be separated")
    from skimage.color import rgb2hed

    def read_region(y0: int, y1: int, x0: int, x1: int) -> np.ndarray:
        colours = source.masked(y0, y1, x0, x1)
        stains = rgb2hed(np.ma.getdata(colours), channel_axis=0)
        found = stains[STAINS.index(stain)][np.newaxis].astype(np.float32)
        return masked_where(found, np.ma.getmaskarray(colours))

    return ImageSource(
        source.path,
        (1, *source.shape[1:]),
        np.dtype(np.float32),
        read_region,
        name=source.name,
        pixel_size_um=source.pixel_size_um,
        channel_names=(stain,),
        can_miss=source.can_miss,
    )
