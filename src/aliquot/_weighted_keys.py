"""Keys of weighted rows as numbers: quotients by weight, and logarithmic beyond 2**1023 (csrc/aliquot/weighted.hpp)."""

from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

LAST_QUOTIENT = 2.0**1023
_BITS = np.array([LAST_QUOTIENT, 2.0**959]).view(np.int64)


def key_of(quotient: Fraction) -> float:
    """The key that stands for a positive quotient."""
    if quotient < Fraction(LAST_QUOTIENT):
        return float(quotient)
    if quotient >= Fraction(2) ** 1080:
        return np.inf  # above all keys there are
    beyond = np.array(float(quotient / 2**64)).view(np.int64) - _BITS[1]
    return float((_BITS[0] + (beyond >> 6)).view(np.float64))


def times_keys(weights: Any, keys: Any) -> NDArray[np.float64]:
    """Weights times the quotients that keys stand for; infinite beyond float64."""
    keys = np.asarray(keys, np.float64)
    with np.errstate(over="ignore", invalid="ignore"):
        products: NDArray[np.float64] = np.asarray(weights * keys)
        beyond = (keys >= LAST_QUOTIENT) & (keys < np.inf)
        if beyond.any():
            scaled = (_BITS[1] + ((keys.view(np.int64) - _BITS[0]) << 6)).view(np.float64)
            products = np.where(beyond, weights * scaled * 2.0**64, products)
        return products
