"""TIFF, BigTIFF, OME-TIFF and ImageJ TIFF of any size, read by region."""

from __future__ import annotations

import logging
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from xml.etree.ElementTree import ParseError

import numpy as np
import tifffile

from neubauer.errors import InputError
from neubauer.images.readers.pixel_size import PixelSize, from_ome, micrometres
from neubauer.images.readers.registry import READERS, Reader
from neubauer.images.readers.tiff_planes import planes_of_rows, planes_of_series
from neubauer.images.readers.tiff_values import as_shown, rows_of_samples
from neubauer.images.source import ImageSource
from neubauer.images.stack import Project, select_planes
from neubauer.images.stem import stem

# whole-slide formats, whose first series is the slide and the others are pictures of its label and outline
SLIDE_KINDS = ("svs", "ndpi", "scn", "bif", "philips", "qpi", "avs")
SIDE_IMAGES = ("thumbnail", "label", "macro", "overview", "preview")
OTHER_COLOURS = {5: "CMYK", 8: "CIELab", 9: "ICCLab", 10: "ITULab"}
EXPECTED = "a complete TIFF file"
DESCRIPTION = 270  # code of the tag ImageDescription


# little and big endian, classic TIFF and BigTIFF
MAGIC = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


def open_tiff(
    path: Path, *, project: Project | None = None, frame: int | None = None, as_stored: bool = False
) -> ImageSource:
    """Open a TIFF file; see `neubauer.images.read.open_image`.

    Parameters
    ----------
    path, project, frame : see there.
    as_stored : values are numbers, such as those of a mask, and not turned round where the file says that 0 is white.
    """
    try:
        with _silent_tifffile(), tifffile.TiffFile(path) as tif:
            return _open(path, tif, project, frame, as_stored)
    except InputError:
        raise
    except Exception as exc:  # a damaged header can make any part of the parser fail
        raise InputError(path, f"a damaged TIFF file ({_one_line(exc)})", EXPECTED) from exc


def _open(
    path: Path, tif: tifffile.TiffFile, project: Project | None, frame: int | None, as_stored: bool
) -> ImageSource:
    series = _only_series(path, tif)
    page = series.keyframe
    shape, axes = series.get_shape(squeeze=False), series.get_axes(squeeze=False)
    if page.photometric in OTHER_COLOURS:
        raise InputError(path, f"{OTHER_COLOURS[page.photometric]} colours", "grey values, channels or RGB")
    if page.dtype is None or series.transform is not None:
        what = f"{page.bitspersample}-bit samples of format {page.sampleformat}"
        raise InputError(path, what, "integers or real floating-point numbers")
    rows = rows_of_samples(series)  # pages that are rows of an image
    axes = axes[:-3] + "YXS" if rows else axes
    size = (rows, page.shaped[2]) if rows else page.shaped[2:4]
    if tuple(shape[axes.find("Y") : axes.find("Y") + 2]) != size:
        raise InputError(path, f"axes {axes} of lengths {shape} for pages of {page.shaped[2:4]}", "one plane per page")

    selection = select_planes(path, axes, shape, series.dtype, project=project, frame=frame, has_alpha=_has_alpha(page))
    numbers = [int(n) for n in selection.planes.ravel()]
    planes = planes_of_rows(path, series, numbers, rows) if rows else planes_of_series(path, series, numbers)
    palette = _palette(series) if selection.channels == 1 and selection.project is None else None
    shown = None if as_stored else as_shown(page)

    def read_plane(number: int, y0: int, y1: int, x0: int, x1: int) -> np.ndarray:
        pixels = planes[number].read(y0, y1, x0, x1)
        return pixels if shown is None else shown(pixels)

    def read_region(y0: int, y1: int, x0: int, x1: int) -> np.ndarray:
        try:
            pixels = selection.assemble(read_plane, y0, y1, x0, x1)
        except Exception as exc:  # each codec has its own errors for damaged data
            raise InputError(path, f"damaged or missing pixels ({_one_line(exc)})", EXPECTED) from exc
        return pixels if palette is None else palette[:, pixels[0]]

    pixel_size_um, channel_names = _metadata(path, tif, page)
    return ImageSource(
        path,
        (selection.channels if palette is None else 3, *size),
        selection.result_dtype if palette is None else palette.dtype,
        read_region,
        name=stem(path),
        pixel_size_um=pixel_size_um,
        channel_names=channel_names,
    )


def _only_series(path: Path, tif: tifffile.TiffFile) -> tifffile.TiffPageSeries:
    """The image of the file at full resolution; an InputError if there are several different ones."""
    if not tif.series:
        raise InputError(path, "a TIFF file without an image", EXPECTED)
    _check_directories(path, tif)
    first = tif.series[0]
    if first.kind in ("generic", "uniform") and (tif.is_ome or tif.is_imagej or tif.is_shaped):
        raise InputError(path, "metadata that do not fit the pages", f"{EXPECTED} (truncated?)")
    if first.kind in SLIDE_KINDS:
        return first
    images = [
        s
        for s in tif.series
        if s is first or not (s.keyframe.is_reduced or any(word in s.name.lower() for word in SIDE_IMAGES))
    ]
    if len(images) > 1:
        one_page = all(s.kind == "shaped" and len(s.pages) == 1 for s in images)
        if one_page and len({(s.shape, s.dtype, s.axes) for s in images}) == 1:  # a stack that was written page by page
            pages = [s.pages[0] for s in images]
            shape, axes = (len(images), *first.shape), f"I{first.axes}"
            return tifffile.TiffPageSeries(pages, shape, first.dtype, axes, parent=tif, kind="uniform")
        found = ", ".join(
            f"{s.name or i} {s.get_axes(squeeze=True)} {s.get_shape(squeeze=True)}" for i, s in enumerate(images)
        )
        raise InputError(path, f"{len(images)} images in one file: {found}", "one image per file")
    return first


def _check_directories(path: Path, tif: tifffile.TiffFile) -> None:
    """Raise InputError if the file is cut short in a way that tifffile logs and passes over.

    It ends a chain of pages where the chain breaks, so that a part of a stack would pass for all of it, and leaves out
    a description (with the axes) that it cannot find.
    """
    if tif.is_ndpi or tif.pages[-1].offset <= 0:  # offsets of another size, pages without a directory of their own
        return
    if _directory(tif, tif.pages[-1].offset)[1] != 0:
        raise InputError(path, f"a chain of pages that breaks after page {len(tif.pages)}", f"{EXPECTED} (truncated?)")
    first = tif.pages.first
    if DESCRIPTION in _directory(tif, first.offset)[0] and DESCRIPTION not in first.tags:
        raise InputError(path, "a description that lies outside the file", f"{EXPECTED} (truncated?)")


def _directory(tif: tifffile.TiffFile, offset: int) -> tuple[set[int], int]:
    """The codes of the tags in the directory at `offset`, and the offset of the next one, 0 behind the last."""
    layout, file = tif.tiff, tif.filehandle
    file.seek(offset)
    (n_tags,) = struct.unpack(layout.tagnoformat, file.read(layout.tagnosize))
    tags = file.read(n_tags * layout.tagsize)
    (following,) = struct.unpack(layout.offsetformat, file.read(layout.offsetsize))
    byteorder = layout.tagnoformat[0]
    codes = {struct.unpack_from(f"{byteorder}H", tags, i * layout.tagsize)[0] for i in range(n_tags)}
    return codes, following


def _has_alpha(page: tifffile.TiffPage) -> bool:
    # 1 and 2 are associated and unassociated alpha; 0 is any other channel
    return page.photometric == 2 and len(page.extrasamples) == 1 and page.extrasamples[0] in (1, 2)


def _palette(series: tifffile.TiffPageSeries) -> np.ndarray | None:
    """(3, N) uint8 colours of an indexed-colour picture.

    Microscope software stores display colours (lookup tables) of grey values in the same place; these are ignored.
    """
    page = series.keyframe
    if page.photometric != 3 or series.dtype != np.uint8 or series.kind not in ("generic", "uniform", "shaped"):
        return None
    colours = page.colormap
    return None if colours is None else (colours >> 8).astype(np.uint8)


def _metadata(
    path: Path, tif: tifffile.TiffFile, page: tifffile.TiffPage
) -> tuple[PixelSize | None, tuple[str, ...] | None]:
    """Pixel size and channel names: from OME-XML, else ImageJ's description, else the resolution tags."""
    names = None
    if tif.is_ome and tif.ome_metadata:
        try:
            size, names = from_ome(tif.ome_metadata)
        except (ParseError, ValueError) as exc:
            raise InputError(path, f"OME metadata that cannot be read ({exc})", "valid OME-XML") from exc
        if size:
            return size, names
    resolutions = []
    for code in (283, 282):  # YResolution, XResolution: pixels per unit, as a fraction
        numerator, denominator = page.tags.valueof(code, default=(0, 1))
        resolutions.append(denominator / numerator if numerator else 0.0)
    unit = {2: "inch", 3: "cm"}.get(int(page.resolutionunit), "")
    if tif.is_imagej and tif.imagej_metadata:
        unit = str(tif.imagej_metadata.get("unit", unit))
    return micrometres(resolutions[0], resolutions[1], unit), names


def _one_line(exc: Exception) -> str:
    return " ".join(str(exc).split()) or type(exc).__name__


@contextmanager
def _silent_tifffile() -> Iterator[None]:
    """Keep tifffile's log of oddities (private tags ...) away from the user; what matters is checked and raised."""
    thread = threading.get_ident()

    def keep(record: logging.LogRecord) -> bool:
        return record.thread != thread

    logger = logging.getLogger("tifffile")
    logger.addFilter(keep)
    try:
        yield
    finally:
        logger.removeFilter(keep)


READERS.register("tiff")(
    Reader(
        (".tif", ".tiff", ".btf", ".tf8", ".lsm", ".svs", ".ndpi"),
        lambda path, first: first.startswith(MAGIC),
        lambda path, project, frame: open_tiff(path, project=project, frame=frame),
    )
)
