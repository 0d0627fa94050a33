import numpy as np
from numpy.typing import NDArray

def first_state(seed: NDArray[np.uint64]) -> NDArray[np.uint64]: ...
