"""Where a sample comes from: written into its schema, read back from tables and files."""

import json
import os
from typing import Any

import pyarrow as pa

from aliquot import __version__
from aliquot._checks import describe

STREAM = 1
"""Version of the draws: a seed gives the same sample as long as this stays. See csrc/aliquot/random.hpp."""

KEY = b"aliquot"


def attach(schema: pa.Schema, facts: dict[str, Any]) -> pa.Schema:
    """The schema with the facts of how its rows were drawn."""
    return schema.with_metadata({**(schema.metadata or {}), KEY: facts_as_json(facts).encode()})


def facts_as_json(facts: dict[str, Any]) -> str:
    """The facts as they are written, with the versions of the package and of the draws."""
    return json.dumps({"version": __version__, "stream": STREAM, **facts})


def provenance(source: pa.Table | pa.RecordBatch | pa.Schema | str | os.PathLike[str]) -> dict[str, Any]:
    """How a sample was drawn.

    Parameters
    ----------
    source : pyarrow.Table, RecordBatch, Schema, or path
        A sample, or a .parquet or .arrow file that one was written to.

    Returns
    -------
    dict
        With the keys ``version`` (of aliquot), ``stream`` (of the draws), ``design``, ``size`` (rows drawn), ``seed``
        (an integer: ``rng=seed`` draws the sample again), ``population`` (rows it was drawn from), ``rows_read``,
        ``bytes_read`` (of files, with their footers; each counts once, unless columns that decided on rows are read
        again for the rows), ``source`` (a list of ``{"path", "size", "mtime"}``, or ``"arrow"``) and ``strata``. Of
        Parquet files also ``plan``, for the rows drawn: ``rows``, ``row_groups``, ``pages`` and ``bytes`` to read, of
        ``row_groups_there``, ``pages_there`` (in these row groups, where known) and ``bytes_there`` (in all files).

    Raises
    ------
    ValueError
        If ``source`` is no sample, or a file that is neither Parquet nor Arrow IPC.
    FileNotFoundError
        If there is no such file.
    """
    schema = _schema_of(source)
    facts = (schema.metadata or {}).get(KEY)
    if facts is None:
        name = os.fspath(source) if isinstance(source, str | os.PathLike) else type(source).__name__
        raise ValueError(f"source: must be a sample that aliquot drew, got {name} without provenance")
    try:
        found = json.loads(facts)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise ValueError("source: must be a sample that aliquot drew, got a schema with something else under that name")
    return found


def _schema_of(source: object) -> pa.Schema:
    if isinstance(source, pa.Schema):
        return source
    if isinstance(source, pa.Table | pa.RecordBatch):
        return source.schema
    if not isinstance(source, str | os.PathLike):
        raise TypeError(f"source: must be a table or a path, got {describe(source)}")
    path = os.fspath(source)
    try:
        with open(path, "rb") as file:
            magic = file.read(6)
            file.seek(0)
            if magic == b"ARROW1":
                return pa.ipc.open_file(file).schema
            import pyarrow.parquet as pq

            return pq.read_schema(file)
    except FileNotFoundError:
        raise FileNotFoundError(f"source: must be a file, got {path!r}") from None
    except (pa.ArrowException, OSError) as error:
        raise ValueError(f"{path}: must be a Parquet or Arrow file, got {str(error).splitlines()[0]}") from error
