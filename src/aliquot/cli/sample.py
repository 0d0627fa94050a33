"""``aliquot sample``."""

import argparse
import sys
from collections.abc import Iterator
from typing import Any

import pyarrow as pa

import aliquot as aq
from aliquot._source import picker
from aliquot.cli.expression import parse_expression
from aliquot.cli.output import check_output, write
from aliquot.parquet import open_paths


def run(arguments: argparse.Namespace) -> None:
    """Draw a sample and write it, or say what would be read for it."""
    check_output(arguments.output)
    quiet = arguments.quiet
    options = {
        "size": arguments.size,
        "fraction": arguments.fraction,
        "weights": arguments.weights,
        "design": arguments.design,
        "strata": arguments.strata,
        "allocation": arguments.allocation,
        "minimum": arguments.minimum,
        "replace": arguments.replace,
        "where": None if arguments.where is None else parse_expression(arguments.where),
        "rng": arguments.seed,
        "progress": sys.stderr.isatty() and not quiet,
    }
    if arguments.explain:
        _explain(arguments, options)
        return
    table = aq.sample(
        open_argument(arguments.source),
        columns=arguments.columns,
        order=arguments.order,
        row_number=arguments.row_number,
        design_weight=arguments.design_weight,
        **options,
    )
    write(table, arguments.output)
    if arguments.output and not quiet:
        print(summary(aq.provenance(table), arguments.output), file=sys.stderr)


def _explain(arguments: argparse.Namespace, options: dict[str, Any]) -> None:
    """Print what would be read for a sample, once its rows are chosen."""
    if arguments.output:
        raise ValueError(f"output: must be left out with --explain, which writes no sample, got {arguments.output!r}")
    if "-" in arguments.source:
        raise ValueError("SOURCE: must be Parquet files with --explain, got -")
    source = open_paths(arguments.source)
    columns = source.project(arguments.columns).names
    chosen = aq.sample(source, columns=[], row_number="row", **options)
    facts = aq.provenance(chosen)
    print(f"{facts['size']:,} of {facts['population']:,} rows, seed {facts['seed']}")
    print(f"read to choose them: {megabytes(facts['bytes_read'])}")
    plan = source.explain(picker(chosen["row"].to_numpy()), columns)
    totals = plan.facts()
    print(f"row groups: {totals['row_groups']:,} of {totals['row_groups_there']:,}")
    print(f"pages: {totals['pages']:,} of {totals['pages_there']:,} in these row groups, where they are known")
    print(f"to read: {megabytes(totals['bytes'])} at most, of {megabytes(totals['bytes_there'])} in files")
    width = max(map(len, [*plan.columns, "column"]))
    print(f"\n{'column':{width}}  {'row groups by pages, chunk, scan':>32}  {'pages':>17}  {'MB':>19}")
    for name, each in plan.columns.items():
        ways = ", ".join(f"{count:,}" for count in each.chunks)
        pages = f"{each.pages:,} of {each.pages_there:,}"
        size = f"{each.bytes / 1e6:,.1f} of {each.bytes_there / 1e6:,.1f}"
        print(f"{name:{width}}  {ways:>32}  {pages:>17}  {size:>19}")


def summary(facts: dict[str, Any], output: str) -> str:
    """One line on what was drawn, and how to draw it again."""
    to = "standard output" if output == "-" else output
    text = f"{facts['size']:,} of {facts['population']:,} rows to {to}, seed {facts['seed']}"
    if isinstance(facts["source"], list):
        total = sum(file["size"] for file in facts["source"])
        text += f"; read {megabytes(facts['bytes_read'])} of {megabytes(total)}"
    return text


def megabytes(size: int) -> str:
    """A number of bytes as people read it."""
    return f"{size / 1e6:,.1f} MB"


def open_argument(paths: list[str]) -> Any:
    """What SOURCE names: paths as they are, or the Arrow stream on standard input."""
    if "-" not in paths:
        return paths
    if len(paths) > 1:
        raise ValueError(f"SOURCE: must be - alone or paths, got {' '.join(paths)}")
    try:
        stream = pa.ipc.open_stream(sys.stdin.buffer)
    except pa.ArrowInvalid as error:
        raise ValueError(f"-: must be an Arrow IPC stream, got {error}") from error
    return pa.RecordBatchReader.from_batches(stream.schema, _batches(stream))


def _batches(stream: pa.RecordBatchReader) -> Iterator[pa.RecordBatch]:
    try:
        yield from stream
    except (pa.ArrowInvalid, OSError) as error:
        raise ValueError(f"-: must be a whole Arrow IPC stream, got {error}") from error
