import numpy as np
from numpy.typing import NDArray

def select_weighted(
    seed: NDArray[np.uint64], weights: NDArray[np.float64], k: int, priority: bool
) -> tuple[NDArray[np.int64], NDArray[np.float64], int]: ...
def rows_below(
    seed: NDArray[np.uint64], first_row: int, weights: NDArray[np.float64], threshold: float
) -> tuple[NDArray[np.int64], int]: ...
