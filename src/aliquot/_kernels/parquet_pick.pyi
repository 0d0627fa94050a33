from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aliquot._kernels.parquet_pages import Pages

class Picker:
    def __init__(self, pages: Pages) -> None: ...
    @property
    def fits(self) -> bool: ...
    def pick(
        self,
        hits: NDArray[np.int64],
        rows: NDArray[np.int64],
        segments: list[tuple[int, bytes]],
        decompress: Callable[[int, memoryview, int], Any],
        dictionary: Callable[[], bytes],
    ) -> bool: ...

def picked_file(pickers: list[Picker], arrow_schema: bytes) -> bytes: ...
