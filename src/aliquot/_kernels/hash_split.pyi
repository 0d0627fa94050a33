from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

def column_parts(
    values: pa.Array, seed: NDArray[np.uint64], names: Sequence[bytes], shares: NDArray[np.float64]
) -> NDArray[np.int32] | None: ...
