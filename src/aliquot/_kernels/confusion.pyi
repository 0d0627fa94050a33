from typing import Any

import numpy as np
from numpy.typing import NDArray

MAX_DENSE_WIDTH: int
MAX_DENSE_CELLS: int

Parts = tuple[NDArray[np.int64], NDArray[np.float64]]
Cells = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], Parts | None, NDArray[np.int64]]

class Rows:
    def __init__(
        self, y_true: Any, y_pred: Any, weights: NDArray[np.float64] | None, slices: NDArray[np.int32] | None
    ) -> None: ...

class DenseCounts:
    def __init__(self, base: int, width: int, slices: int) -> None: ...
    def count(self, rows: Rows, begin: int, end: int) -> int: ...
    def uncount(self, rows: Rows, begin: int, end: int) -> int: ...
    def add(
        self,
        true: NDArray[np.int64],
        predicted: NDArray[np.int64],
        counts: NDArray[np.int64],
        parts: Parts | None,
        slices: NDArray[np.int64],
    ) -> None: ...
    def table(self) -> NDArray[np.int64]: ...
    def cells(self) -> Cells: ...
