from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

Keys = NDArray[Any]
Floats = NDArray[np.float64]
Labels = NDArray[np.uint8]

def read_labels(values: pa.Array, labels: Labels) -> tuple[int, bool, bool]: ...
def read_scores(values: pa.Array, keys: Keys) -> int: ...
def drop_weightless(given: Floats, keys: Keys, labels: Labels, weights: Floats) -> tuple[int, int, int]: ...
def scores(keys: Keys) -> NDArray[Any]: ...
