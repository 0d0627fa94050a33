from typing import Any

import numpy as np
from numpy.typing import NDArray

from aliquot._kernels.parquet_pages import Pages
from aliquot._kernels.parquet_text import Text

class Picker:
    def __init__(self, pages: Pages, column: int) -> None: ...
    @property
    def fits(self) -> bool: ...
    @property
    def size(self) -> int: ...
    @property
    def bytes_read(self) -> int: ...
    def pick(
        self,
        rows: NDArray[np.int64],
        cuts: NDArray[np.int64],
        known: list[tuple[int, Any]],
        descriptor: int,
        gap: int,
        page: Text,
        of_dictionary: Text,
    ) -> bool: ...
    def pick_constant(self) -> bool: ...
    def continues(self, other: Picker) -> bool: ...

def picked_file(columns: list[list[Picker]], arrow_schema: bytes) -> bytes: ...
