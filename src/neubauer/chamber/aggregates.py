"""Cells that stick together."""

from __future__ import annotations

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

TOUCHING = 1.2
"""Cells touch if their centres are less than this many mean diameters apart."""
AGGREGATE = 3
"""So many cells that touch are an aggregate; two may have just divided."""


def group_sizes(centres: np.ndarray, diameters: np.ndarray) -> np.ndarray:
    """(N,) number of cells in the group of touching cells that each belongs to, itself included.

    `centres` (N, 2) and `diameters` (N,) have the same unit.
    """
    n = len(centres)
    if n < 2:
        return np.ones(n, int)
    pairs = cKDTree(centres).query_pairs(TOUCHING * float(diameters.max()), output_type="ndarray")
    apart = np.hypot(*(centres[pairs[:, 0]] - centres[pairs[:, 1]]).T)
    pairs = pairs[apart < TOUCHING * diameters[pairs].mean(1)]
    graph = coo_matrix((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), (n, n))
    group = connected_components(graph, directed=False)[1]
    return np.asarray(np.bincount(group)[group])
