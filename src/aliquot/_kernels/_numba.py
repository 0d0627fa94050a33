"""The one decorator of all Numba kernels, and the mixing of words that they share.

Importing this imports numba, half a second: modules of kernels are imported where a kernel is first needed.
"""

from collections.abc import Callable
from typing import Any, TypeVar

import numba
import numpy as np

Function = TypeVar("Function", bound=Callable[..., Any])

_njit: Any = numba.njit


def kernel(function: Function) -> Function:
    """Compile a function on its first call, to run without the GIL; keep its code between runs where that can be.

    Never parallel: Numba's threads end the process when two Python threads call them.
    """
    # Nothing calls kernels through pointers to C functions, which would have to be compiled as well.
    options = {"nogil": True, "error_model": "numpy", "no_cfunc_wrapper": True}
    try:
        compiled: Function = _njit(cache=True, **options)(function)
    except RuntimeError:  # there is no folder that can be written
        compiled = _njit(**options)(function)
    return compiled


@kernel
def mix64(x: np.uint64) -> np.uint64:
    """A bijection of 64-bit words with full avalanche, that of csrc/aliquot/random.hpp ("moremur", P. Evensen 2019)."""
    x ^= x >> np.uint64(27)
    x *= np.uint64(0x3C79AC492BA7B653)
    x ^= x >> np.uint64(33)
    x *= np.uint64(0x1C69B3F74AC4AE35)
    x ^= x >> np.uint64(27)
    return x
