"""Rows that strata are made of."""

from collections import Counter

import numpy as np
import pyarrow as pa

RNG = np.random.default_rng(7)
LABELS = np.array(["a", "b", "c", None], object)[RNG.choice(4, 20_000, p=[0.6, 0.3, 0.09, 0.01])]
TABLE = pa.table(
    {
        "kind": pa.array(LABELS.tolist()),
        "group": pa.array(RNG.integers(0, 5, 20_000)),
        "amount": pa.array(RNG.lognormal(size=20_000)),
        "row": pa.array(np.arange(20_000)),
    }
)
SIZES = Counter(LABELS.tolist())


def counts(table, column="kind"):
    """Rows of each stratum."""
    return Counter(table[column].to_pylist())


def batches(table, rows):
    """A stream of it."""
    return table.to_reader(max_chunksize=rows)
