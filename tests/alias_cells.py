"""What the cells of alias tables encode, in fractions; weights to make tables of."""

from fractions import Fraction

import numpy as np

import reference

UNIT = Fraction(1, 2**88)
"""Of a cell: the precision of masses that are not small."""


def arrays(table):
    return table._cells, table._rests


def decode(cells, rests, word_bits):
    """Thresholds, as fractions of a cell, and aliases."""
    alias_bits = {64: 40, 16: 8}[word_bits]
    thresholds = [
        reference.alias_threshold(cell, rest, word_bits)
        for cell, rest in zip(cells.tolist(), rests.tolist(), strict=True)
    ]
    return thresholds, (cells % 2**alias_bits).tolist()


def masses_of(thresholds, aliases):
    """In cells."""
    masses = [Fraction(0)] * len(thresholds)
    for i, (threshold, other) in enumerate(zip(thresholds, aliases, strict=True)):
        masses[i] += threshold
        masses[other] += 1 - threshold
    return masses


def masses(table):
    return masses_of(*decode(*arrays(table), 64))


NARROW = {
    "one": [5.0],
    "two alike": [1.0, 1.0],
    "a zero": [0.0, 1.0],
    "primes": [2.0, 3.0, 5.0, 7.0, 11.0],
    "one giant": [1.0] * 9 + [1e6],
    "one dwarf": [1.0] * 9 + [1e-6],
    "dwarfs of all sizes": [1.0, 1.0, *(0.7 * 0.4**i for i in range(20)), 0.0],
    "nearly even": [1.0, 1 + 2**-20, 1 - 2**-20],
    "seven alike": [1.0] * 7,
    "halves": [0.5**i for i in range(30)],
    "random": np.random.default_rng(1).random(100).tolist(),
    "heavy tail": np.random.default_rng(2).pareto(0.7, 61).tolist(),
    "as many as fit": np.random.default_rng(3).random(255).tolist(),
}
