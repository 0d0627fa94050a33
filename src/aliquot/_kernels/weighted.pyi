import numpy as np
from numpy.typing import NDArray

def rows_below(
    seed: NDArray[np.uint64], first_row: int, weights: NDArray[np.float64], threshold: float
) -> tuple[NDArray[np.int64], int]: ...
