from typing import Any

import numpy as np
from numpy.typing import NDArray

Keys = NDArray[np.uint64]
Masses = NDArray[np.uint32]

FINEST: int

def bin_rows(
    keys: NDArray[Any],
    labels: NDArray[np.uint8],
    weights: NDArray[np.float64] | None,
    first: NDArray[Any],
    last: Keys,
    masses: Masses,
    unit: int,
    level: int,
) -> int: ...
def join_bins(first: Keys, last: Keys, masses: Masses, level: int, most: int) -> tuple[int, int]: ...
