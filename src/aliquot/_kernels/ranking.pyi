from typing import Any

import numpy as np
from numpy.typing import NDArray

Keys = NDArray[Any]
Masses = NDArray[np.uint32]
Floats = NDArray[np.float64]
Labels = NDArray[np.uint8]

def rank(
    keys: Keys, labels: Labels, weights: Floats | None, first: Keys, masses: Masses, unit: int, threads: int
) -> int: ...
def merge(
    first: Keys,
    last: Keys | None,
    masses: Masses,
    unit: int,
    other_first: Keys,
    other_last: Keys | None,
    other_masses: Masses,
    other_unit: int,
    new_unit: int,
    limbs: int,
) -> tuple[Keys, Keys | None, Masses]: ...
def pairs(first: Keys, last: Keys | None, masses: Masses, unit: int) -> tuple[float, float, float, float]: ...
def totals(masses: Masses, unit: int) -> tuple[float, float]: ...
def average_precision(first: Keys, last: Keys | None, masses: Masses, unit: int) -> tuple[float, float, float]: ...
def cumulate(first: Keys, last: Keys | None, masses: Masses, unit: int) -> tuple[Floats, Floats]: ...
def rank_slices(
    codes: NDArray[np.int32],
    keys: Keys,
    labels: Labels,
    weights: Floats | None,
    unit: int,
    limbs: int,
    slices: int,
    threads: int,
) -> tuple[Floats, Floats]: ...
