"""The one decorator of all Numba kernels, and the few operations that Numba lacks.

Importing this imports numba, half a second: modules of kernels are imported where a kernel is first needed.
"""

from collections.abc import Callable
from typing import Any, TypeVar

import numba
import numpy as np
from llvmlite import ir
from numba.extending import intrinsic

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


def _build_high_word(_typing: Any, a: Any, b: Any) -> Any:
    def build(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        wide = ir.IntType(128)
        product = builder.mul(*(builder.zext(each, wide) for each in arguments))
        return builder.trunc(builder.lshr(product, ir.Constant(wide, 64)), ir.IntType(64))

    return numba.uint64(numba.uint64, numba.uint64), build


_high_word: Any = intrinsic(_build_high_word)


@kernel
def high_word(a: np.uint64, b: np.uint64) -> np.uint64:
    """The upper half of the product of two words: a * b // 2**64."""
    high: np.uint64 = _high_word(a, b)
    return high


@kernel
def mix64(x: np.uint64) -> np.uint64:
    """A bijection of 64-bit words with full avalanche, that of csrc/aliquot/random.hpp ("moremur", P. Evensen 2019)."""
    x ^= x >> np.uint64(27)
    x *= np.uint64(0x3C79AC492BA7B653)
    x ^= x >> np.uint64(33)
    x *= np.uint64(0x1C69B3F74AC4AE35)
    x ^= x >> np.uint64(27)
    return x
