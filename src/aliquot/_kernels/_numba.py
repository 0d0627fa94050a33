"""The one decorator of all Numba kernels, and the mixing of words that they share.

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


@kernel
def mix64(x: np.uint64) -> np.uint64:
    """A bijection of 64-bit words with full avalanche, that of csrc/aliquot/random.hpp ("moremur", P. Evensen 2019)."""
    x ^= x >> np.uint64(27)
    x *= np.uint64(0x3C79AC492BA7B653)
    x ^= x >> np.uint64(33)
    x *= np.uint64(0x1C69B3F74AC4AE35)
    x ^= x >> np.uint64(27)
    return x


def _prefetch(_context: Any, array: Any, place: Any) -> Any:
    """Have the cache line of an element, by its place in an array in C order, there by when it is written to.

    Nothing is read, so that the place may be beyond the end.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        address = builder.bitcast(builder.gep(data, [arguments[1]]), ir.IntType(8).as_pointer())
        word = ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [address.type, word, word, word])
        for_writing, near, of_data = word(1), word(3), word(1)
        builder.call(
            builder.module.declare_intrinsic("llvm.prefetch", [address.type], kind),
            [address, for_writing, near, of_data],
        )
        return context.get_dummy_value()

    return numba.void(array, place), generate


prefetch: Any = intrinsic(_prefetch)


def _write_eight(_context: Any, array: Any, place: Any, base: Any, offsets: Any) -> Any:
    """Write ``base`` plus each of eight ``offsets``, the bytes of a word, to an array of int64 from a place on.

    A loop would be asked each time whether what it writes to is what it reads.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        _, place, base, offsets = arguments
        kind = ir.VectorType(ir.IntType(64), 8)
        unknown = ir.Constant(kind, ir.Undefined)
        first, zeros = ir.IntType(32)(0), ir.Constant(ir.VectorType(ir.IntType(32), 8), [0] * 8)
        bases = builder.shuffle_vector(builder.insert_element(unknown, base, first), unknown, zeros)
        apart = builder.zext(builder.bitcast(offsets, ir.VectorType(ir.IntType(8), 8)), kind)
        address = builder.bitcast(builder.gep(data, [place]), kind.as_pointer())
        builder.store(builder.add(bases, apart), address, align=8)
        return context.get_dummy_value()

    return numba.void(array, place, base, offsets), generate


write_eight: Any = intrinsic(_write_eight)
