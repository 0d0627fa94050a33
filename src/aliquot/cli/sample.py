"""``aliquot sample``."""

import argparse
import sys
from typing import Any

import pyarrow as pa

import aliquot as aq
from aliquot.cli.expression import parse_expression
from aliquot.cli.output import check_output, write


def run(arguments: argparse.Namespace) -> None:
    """Draw a sample and write it."""
    check_output(arguments.output)
    where = None if arguments.where is None else parse_expression(arguments.where)
    quiet = arguments.quiet
    table = aq.sample(
        _source(arguments.source),
        arguments.size,
        fraction=arguments.fraction,
        weights=arguments.weights,
        design=arguments.design,
        replace=arguments.replace,
        columns=arguments.columns,
        where=where,
        order=arguments.order,
        row_number=arguments.row_number,
        design_weight=arguments.design_weight,
        rng=arguments.seed,
        progress=sys.stderr.isatty() and not quiet,
    )
    write(table, arguments.output)
    if arguments.output and not quiet:
        print(summary(aq.provenance(table), arguments.output), file=sys.stderr)


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


def _source(paths: list[str]) -> Any:
    if "-" not in paths:
        return paths
    if len(paths) > 1:
        raise ValueError(f"SOURCE: must be - alone or paths, got {' '.join(paths)}")
    try:
        return pa.ipc.open_stream(sys.stdin.buffer)
    except pa.ArrowInvalid as error:
        raise ValueError(f"-: must be an Arrow IPC stream, got {error}") from error
