"""Values taken from places of an array, or put there.

Places are unsigned, as what could be below 0 would be asked whether it is.
"""

from typing import Any

import numpy as np

from aliquot._kernels._numba import kernel, prefetch

AHEAD = 24
"""Rows between one that is put in its place and one whose place in memory is fetched."""


@kernel
def take(values: Any, places: Any, out: Any) -> None:
    """Put the values at ``places`` into ``out``."""
    for i in range(len(places)):
        out[i] = values[np.uint64(places[i])]


@kernel
def put(rows: Any, places: Any, table: Any) -> None:
    """Put rows at ``places`` of a table."""
    m, last = rows.shape[1], len(places) - 1
    for i in range(len(places)):
        prefetch(table, places[min(i + AHEAD, last)] * m)
        for j in range(m):
            table[np.uint64(places[i]), j] = rows[i, j]
