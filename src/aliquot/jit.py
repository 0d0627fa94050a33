"""Random draws inside functions that Numba compiles: from alias tables, and what else a simulation wants.

Importing this module imports numba and teaches it what an ``AliasTable`` is: a table can then be an argument of a
compiled function, where ``draw`` calls the compiled kernel.

Examples
--------
A random walk with restarts, whose visits rank the nodes of a graph (personalised PageRank). ``first`` and ``targets``
hold the graph: the edges of node i lead to ``targets[first[i]:first[i + 1]]``.

>>> import aliquot as aq, numba, numpy as np
>>> from aliquot.jit import below, draw, generator, uniform
>>> @numba.njit
... def visits(first, targets, restarts, random, steps):
...     counts = np.zeros(len(first) - 1, np.int64)
...     node = draw(restarts, random)
...     for _ in range(steps):
...         edges = first[node + 1] - first[node]
...         if edges == 0 or uniform(random) < 0.15:
...             node = draw(restarts, random)
...         else:
...             node = targets[first[node] + below(edges, random)]
...         counts[node] += 1
...     return counts
>>> first, targets = np.array([0, 2, 3, 4, 4]), np.array([1, 2, 2, 0])  # 0 -> 1, 0 -> 2, 1 -> 2, 2 -> 0; 3 is alone
>>> visits(first, targets, aq.AliasTable([1, 0, 0, 0]), generator(7), 1000)
array([458, 182, 360,   0])

Negative sampling: for each positive pair, words that did not occur with it, in proportion to their counts to the
power of 0.75 (word2vec).

>>> @numba.njit
... def negatives(positives, words, count, random):
...     drawn = np.empty((len(positives), count), np.int64)
...     for i in range(len(positives)):
...         for j in range(count):
...             word = draw(words, random)
...             while word == positives[i]:
...                 word = draw(words, random)
...             drawn[i, j] = word
...     return drawn
>>> words = aq.AliasTable(np.array([900, 50, 30, 20]) ** 0.75)
>>> negatives(np.array([0, 1, 0]), words, 4, generator(7))
array([[1, 2, 1, 1],
       [0, 0, 0, 0],
       [2, 1, 3, 1]])
"""

# mypy: allow-untyped-calls, allow-untyped-decorators, allow-subclassing-any, no-warn-return-any
# as numba has types in part.

from typing import Any

import llvmlite.binding
import numpy as np
from numba.core import cgutils, types
from numba.extending import (
    NativeValue,
    get_cython_function_address,
    make_attribute_wrapper,
    models,
    register_model,
    typeof_impl,
    unbox,
)
from numpy.typing import NDArray

from aliquot import _rng
from aliquot._kernels import jit as _kernel
from aliquot._kernels._numba import kernel
from aliquot.alias import AliasTable

__all__ = ["below", "draw", "generator", "uniform"]


def generator(rng: _rng.RNG = None) -> NDArray[np.uint64]:
    """The state of a generator of random numbers, for the functions of this module to go on with.

    Parameters
    ----------
    rng : None, int, SeedSequence, BitGenerator or Generator
        The seed; None takes fresh entropy.

    Returns
    -------
    numpy.ndarray of uint64, shape (4,)
        Each draw changes it in place. Threads that run at the same time need one each.

    Examples
    --------
    >>> from aliquot.jit import below, generator
    >>> random = generator(7)
    >>> [below(6, random) for _ in range(5)]
    [2, 4, 5, 2, 1]
    """
    return _kernel.first_state(_rng.key_of(_rng.seed_of(rng)))


def _external(name: str, signature: Any) -> Any:
    """A kernel as a function that compiled code can call. Under a name, not an address, so that code can be cached."""
    symbol = f"aliquot_{name}"
    llvmlite.binding.add_symbol(symbol, get_cython_function_address("aliquot._kernels.jit", name))
    return types.ExternalFunction(symbol, signature)


_draw_one = _external("draw_one", types.int64(types.uintp, types.uintp, types.int64, types.uintp))
_below_one = _external("below_one", types.int64(types.int64, types.uintp))
_uniform_one = _external("uniform_one", types.float64(types.uintp))


@kernel
def draw(table: AliasTable, random: NDArray[np.uint64]) -> int:
    """One outcome of a table, in proportion to its weight, exactly as ``AliasTable.draw`` is exact.

    Parameters
    ----------
    table : AliasTable
        An argument of the compiled function that calls this.
    random : numpy.ndarray
        As ``generator`` returns it; changed in place.

    Returns
    -------
    int
        In [0, len(table)).
    """
    cells = table._cells
    return _draw_one(cells.ctypes.data, table._rests.ctypes.data, len(cells), random.ctypes.data)


@kernel
def below(n: int, random: NDArray[np.uint64]) -> int:
    """An integer in [0, n), each equally likely, without bias. ValueError unless n is positive."""
    if n <= 0:
        raise ValueError("n: must be positive")
    return _below_one(n, random.ctypes.data)


@kernel
def uniform(random: NDArray[np.uint64]) -> float:
    """A number in [0, 1), a multiple of 2**-53."""
    return _uniform_one(random.ctypes.data)


_WORDS = types.Array(types.uint64, 1, "C", readonly=True)


class _TableType(types.Type):
    def __init__(self) -> None:
        super().__init__("AliasTable")


_TABLE = _TableType()


@register_model(_TableType)
class _TableModel(models.StructModel):
    def __init__(self, manager: Any, kind: Any) -> None:
        super().__init__(manager, kind, [("cells", _WORDS), ("rests", _WORDS)])


make_attribute_wrapper(_TableType, "cells", "_cells")
make_attribute_wrapper(_TableType, "rests", "_rests")


@typeof_impl.register(AliasTable)
def _type_of_table(_table: AliasTable, _context: Any) -> Any:
    return _TABLE


@unbox(_TableType)
def _unbox_table(kind: Any, table: Any, context: Any) -> Any:
    struct = cgutils.create_struct_proxy(kind)(context.context, context.builder)
    failed = cgutils.false_bit
    for name in ("cells", "rests"):
        words = context.pyapi.object_getattr_string(table, f"_{name}")
        native = context.unbox(_WORDS, words)
        context.pyapi.decref(words)
        setattr(struct, name, native.value)
        failed = context.builder.or_(failed, native.is_error)
    return NativeValue(struct._getvalue(), is_error=failed)
