"""Values that stand far apart in memory, where several threads find them sooner.

Importing this imports numba.
"""

import numpy as np

from aliquot._allocation import Counts
from aliquot._kernels import places as kernels
from aliquot._pieces import pieces, side_by_side

APART = 4
"""How many times as much as other work on a row it costs to find a value in memory."""


def take(values: Counts, places: Counts) -> Counts:
    """The values at these places."""
    out = np.empty(len(places), np.int64)
    cuts = pieces(len(places), APART)
    side_by_side(lambda _, start, stop: kernels.take(values, places[start:stop], out[start:stop]), cuts)
    return out


def put(rows: Counts, places: Counts, table: Counts) -> None:
    """Put each of some rows at its place in a table."""
    cuts = pieces(len(places), APART)
    side_by_side(lambda _, start, stop: kernels.put(rows[start:stop], places[start:stop], table), cuts)
