"""Rows that a splitter has assigned to parts."""

import itertools

import numpy as np
import pyarrow as pa

import aliquot as aq
from three_parts import THREE

FINE = {"a": 0.123456789, "b": 0.5, "c": 0.376543211}  # no denominator of at most 1024


def codes_of(parts):
    return parts.indices.to_numpy()


def assign(options, columns, cuts=(), parts=THREE, seed=7):
    """Codes of the parts of a table, cut into batches there."""
    splitter = aq.Splitter(parts, **options, rng=seed)
    table = pa.table(columns)
    bounds = [0, *sorted(cuts), table.num_rows]
    pieces = [table.slice(first, last - first) for first, last in itertools.pairwise(bounds)]
    return np.concatenate([codes_of(splitter.assign(piece)) for piece in pieces])
