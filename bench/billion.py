"""A billion rows on disk, sampled and split: ``python bench/billion.py [job ...]``.

Each contestant of each job runs alone, in a process of its own, after the files have left the page cache. It is ended
when it takes longer or holds more memory than it may. Writes results/billion.json and the table in docs/scale.md.
"""

import argparse
import json
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import polars as pl
import pyarrow.parquet as pq
from numpy.typing import NDArray

import aliquot as aq
import baselines
import data
import report
from aliquot import cli
from tables import ROOT, filled
from watch import entries_of, forget, measured, runs_of, table_of, watched

RESULTS = report.RESULTS / "billion.json"
PAGE = ROOT / "docs" / "scale.md"
ROWS = 10**9
STRATA = 100
"""Values of ``qty``, each as frequent."""

Job = Callable[[list[str], Path], Any]


def duck(query: str) -> Any:
    """What DuckDB answers with half of the memory; it writes the rest to disk."""
    connection = duckdb.connect(config={"memory_limit": "8GB", "temp_directory": str(data.folder() / "duckdb")})
    return connection.sql(query).to_arrow_table()


def duck_split(paths: list[str], to: Path) -> None:
    to.mkdir()
    duck(
        f"COPY (SELECT *, hash(id) % 10 < 2 AS test FROM read_parquet({paths})) "
        f"TO '{to}' (FORMAT parquet, PARTITION_BY (test), COMPRESSION zstd, OVERWRITE_OR_IGNORE)"
    )


def polars_weighted(paths: list[str], k: int) -> pl.DataFrame:
    """The k smallest of exponentials divided by weights, made of hashes of row numbers."""
    uniform = (pl.col("row").hash(data.SEED).cast(pl.Float64) + 0.5) / 2.0**64
    rows = pl.scan_parquet(paths, row_index_name="row")
    return rows.bottom_k(k, by=-uniform.log() / pl.col("amount")).collect(engine="streaming")


def polars_strata(paths: list[str], k: int) -> pl.DataFrame:
    first = pl.int_range(pl.len()).shuffle() < k // STRATA
    return pl.scan_parquet(paths).filter(first.over("qty")).collect(engine="streaming")


def polars_split(paths: list[str], to: Path) -> None:
    to.mkdir()
    rows, test = pl.scan_parquet(paths), pl.col("id").hash(data.SEED) % 10 < 2
    sinks = [
        rows.filter(mask).sink_parquet(to / f"{name}.parquet", lazy=True)
        for name, mask in (("train", ~test), ("test", test))
    ]
    pl.collect_all(sinks)


def command_split(paths: list[str], to: Path, *options: str) -> None:
    parts = ("--part", "train=0.8", "--part", "test=0.2")
    if cli.main(["split", *paths, "--to", str(to), *parts, "--seed", str(data.SEED), "--quiet", *options]):
        raise RuntimeError("split: must end with status 0")


def row_numbers(paths: Sequence[str], k: int) -> NDArray[np.int64]:
    return aq.sample_indices(sum(pq.read_metadata(path).num_rows for path in paths), k, rng=data.SEED)


def uniform(k: int) -> Mapping[str, Job]:
    return {
        "aliquot": lambda paths, _: aq.sample(paths, k, rng=data.SEED),
        "duckdb, using sample": lambda paths, _: duck(f"FROM read_parquet({paths}) USING SAMPLE {k} ROWS"),
        "duckdb, rows by number of each file": lambda paths, _: baselines.duckdb_rows(paths, row_numbers(paths, k)),
        "polars, rows by index": lambda paths, _: baselines.polars_rows(paths, row_numbers(paths, k)),
    }


JOBS: dict[str, Mapping[str, Job]] = {
    "1k rows": uniform(1_000),
    "100k rows": uniform(100_000),
    "100k rows by weight": {
        "aliquot": lambda paths, _: aq.sample(paths, 100_000, weights="amount", rng=data.SEED),
        "duckdb, order by": lambda paths, _: duck(
            f"FROM read_parquet({paths}) ORDER BY -ln(random()) / amount LIMIT 100000"
        ),
        "polars, bottom k": lambda paths, _: polars_weighted(paths, 100_000),
    },
    "100k rows in 100 strata": {
        "aliquot": lambda paths, _: aq.sample(paths, 100_000, strata="qty", rng=data.SEED),
        "duckdb, arg_min by stratum": lambda paths, _: duck(
            f"SELECT unnest(arg_min(r, random(), {100_000 // STRATA})) FROM read_parquet({paths}) AS r GROUP BY qty"
        ),
        "polars, shuffled over strata": lambda paths, _: polars_strata(paths, 100_000),
    },
    "split, 0.8, 0.2": {
        "aliquot, exact in 100 strata": lambda paths, to: command_split(paths, to, "--strata", "qty"),
        "aliquot, by hash of id": lambda paths, to: command_split(paths, to, "--key", "id"),
        "duckdb, by hash of id": duck_split,
        "polars, by hash of id": polars_split,
    },
}


def main() -> int:
    """Run the jobs asked for; results of a job that ran before are replaced."""
    parser = argparse.ArgumentParser(description="Sample and split a billion rows on disk, and let peers do so.")
    parser.add_argument("jobs", nargs="*", metavar="job", help="; ".join(JOBS))
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--seconds", type=float, default=600, help="after which a contestant is ended")
    parser.add_argument("--gigabytes", type=float, default=16, help="of memory at which it is ended")
    parser.add_argument("--inside", metavar="CONTESTANT", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if unknown := {*asked.jobs} - {*JOBS}:
        parser.error(f"job: must be of {'; '.join(JOBS)}, got {' '.join(unknown)}")
    paths = data.large_files(asked.rows)
    to, spilled = data.folder() / "split", data.folder() / "duckdb"
    if asked.inside:
        print(measured(partial(JOBS[asked.jobs[0]][asked.inside], paths, to)))
        return 0
    document = report.document(
        f"python bench/billion.py --seconds {asked.seconds:.0f} --gigabytes {asked.gigabytes:.0f}"
    )
    before = json.loads(RESULTS.read_text())["benchmarks"] if RESULTS.exists() else []
    for job in asked.jobs or JOBS:
        runs = []
        for contestant in JOBS[job]:
            forget(paths)
            command = [sys.executable, __file__, "--rows", str(asked.rows), "--inside", contestant, job]
            runs.append(watched(job, contestant, command, asked.seconds, int(asked.gigabytes * 1e9)))
            print(runs[-1], flush=True)
            for left in (to, spilled, *data.folder().glob(".split.*.partial")):
                shutil.rmtree(left, ignore_errors=True)
        before = [each for each in before if each["group"] != job] + entries_of(runs)
        document["benchmarks"] = sorted(before, key=lambda each: list(JOBS).index(each["group"]))
        if asked.rows == ROWS:
            RESULTS.write_text(json.dumps(document, indent=1) + "\n")
            PAGE.write_text(filled(PAGE.read_text(), "billion", table_of(runs_of(document))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
