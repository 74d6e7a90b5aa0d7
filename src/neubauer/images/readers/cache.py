"""One cache of decoded pixels for all open images, so that neighbouring regions do not decode the same bytes again."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable

import numpy as np

LIMIT_BYTES = 96 * 2**20


class PixelCache:
    """Least-recently-used arrays up to `limit` bytes in all; the newest one is kept whatever its size.

    It is shared, not per image: a thousand open images then need no more memory than one.
    """

    def __init__(self, limit: int = LIMIT_BYTES) -> None:
        self.limit = limit
        self._arrays: OrderedDict[Hashable, np.ndarray] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def get(self, key: Hashable, make: Callable[[], np.ndarray]) -> np.ndarray:
        """The array of `key`, made by `make()` if it is not at hand. It is shared: do not write to it."""
        with self._lock:
            if key in self._arrays:
                self._arrays.move_to_end(key)
                return self._arrays[key]
        array = make()
        with self._lock:
            if key not in self._arrays:
                self._arrays[key] = array
                self._bytes += array.nbytes
            while self._bytes > self.limit and len(self._arrays) > 1:
                self._bytes -= self._arrays.popitem(last=False)[1].nbytes
        return array


PIXELS = PixelCache()
