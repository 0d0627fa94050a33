"""Rows with weights, some of them zero, as a table and as a stream."""

import numpy as np
import pyarrow as pa

N = 20_000
WEIGHTS = np.random.default_rng(1).lognormal(0, 2, N)
WEIGHTS[::50] = 0
TABLE = pa.table({"x": np.arange(N), "w": WEIGHTS, "s": [f"s{i % 9}" for i in range(N)]})


def stream(table=TABLE, rows=777):
    return pa.RecordBatchReader.from_batches(table.schema, table.to_batches(max_chunksize=rows))
