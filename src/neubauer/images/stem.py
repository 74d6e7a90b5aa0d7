"""What a file is called without its suffix."""

from __future__ import annotations

import re
from pathlib import Path

_OME = re.compile(r"\.ome\.(tiff?|btf|tf[28])$", re.IGNORECASE)


def stem(path: str | Path) -> str:
    """File name without its suffix; `.ome.tif` and its kin count as one suffix."""
    name = Path(path).name
    return _OME.sub("", name) if _OME.search(name) else Path(name).stem
