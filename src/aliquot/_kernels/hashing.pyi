import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

def column_keys(values: pa.Array, seed: NDArray[np.uint64]) -> NDArray[np.float64] | None: ...
