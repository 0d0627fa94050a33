"""Functions of users, one value of each column in and one value out, compiled to run over whole columns.

Importing this imports numba: modules that need it import it where a function is first called.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numba
import numpy as np
from numba.core.errors import NumbaError
from numpy.typing import NDArray

Compiled = Callable[..., NDArray[Any]]

_vectorize: Any = numba.vectorize


def compiled(function: Callable[..., Any]) -> Compiled:
    """The function over arrays, not yet compiled: that happens for each combination of types when it comes."""
    over_arrays: Compiled = _vectorize(function)
    return over_arrays


def values_of(function: Compiled, columns: Sequence[NDArray[Any]]) -> NDArray[Any]:
    """The function's value for each row. TypeError, in one line, if it does not compile for columns of these types."""
    try:
        with np.errstate(all="ignore"):  # what is no number is found by whoever asked
            return function(*columns)
    except NumbaError as error:
        lines = [line.strip() for line in str(error).splitlines()]
        reason = next(line for line in lines if line and not line.startswith("Failed in"))
        raise TypeError(reason) from error
