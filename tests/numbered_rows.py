"""A stream of rows that hold their numbers, into reservoirs and out of them."""

import numpy as np
import pyarrow as pa

N = 20_000


def rows(start, stop):
    return pa.record_batch({"x": np.arange(start, stop)})


def feed(reservoir, start, stop, step=1000):
    for first in range(start, stop, step):
        reservoir.update(rows(first, min(first + step, stop)))
    return reservoir


def drawn(reservoir):
    return reservoir.result()["x"].to_pylist()
