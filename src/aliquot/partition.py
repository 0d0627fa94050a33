"""Splits of whole sources: which part each row is in, and the rows of each as a table."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from aliquot import _arrow, _rng
from aliquot._allocation import Counts, proportional
from aliquot._checks import check_bool, check_choice, check_column, check_name, check_names
from aliquot._codes import Codebook, Codes
from aliquot._parts import Parts, PartsOption, parse_parts
from aliquot._progress import Progress
from aliquot._provenance import attach
from aliquot._source import Source
from aliquot.hashing import hash_keys
from aliquot.sources import Memory, open_source
from aliquot.splitter import KeyParts
from aliquot.splitting import MOST_ROWS
from aliquot.strata import Strata, StrataOption

Columns = str | Iterable[str] | None

COUNTED_ROWS = 2**20
"""Rows whose strata and parts are counted at once, in 8 bytes each."""

FEW_PARTS = 16
"""To so many parts the rows of a batch are told apart by a comparison each, to more by sorting."""


def split(
    source: Any,
    parts: PartsOption,
    *,
    strata: StrataOption = None,
    groups: Columns = None,
    key: str | None = None,
    exact: bool = False,
    rare: str = "spread",
    rng: _rng.RNG = None,
) -> dict[str, pa.Table]:
    """The rows of Parquet files or Arrow data, split into parts: a table for each.

    Parameters
    ----------
    source : as for ``sample``
        Parquet paths or Arrow data.
    parts : dict from str to float, int or None
        Shares that sum to 1, or rows, of which one may be None, for the rest.
    strata : str, ``bins``, or list of these, optional
        Columns whose values, or combinations of values, are each split in these shares. Null is a value.
    groups : str or list of str, optional
        Columns whose values, or combinations, are in one part each.
    key : str, optional
        A column of ids, for a hash split: the part of a row depends on the seed and its id alone, so that rows can be
        added or reordered; see ``Splitter``.
    exact : bool, default False
        With ``key``: each part gets its share of the ids, or of those of each stratum, by rank of their hashes, instead
        of in expectation. Ids near a boundary may then move when others are added. An id in several strata counts where
        it is first.
    rare : {"spread", "error"} or a name of a part
        What becomes of a stratum with fewer rows than there are parts; see ``split_indices``.
    rng : None, int, SeedSequence, BitGenerator or Generator
        The seed.

    Returns
    -------
    dict from str to pyarrow.Table
        The parts in the order given, which are disjoint and hold all rows; each in the source's order and schema, with
        the provenance in its metadata (``aliquot.provenance``); also one without rows.

    Raises
    ------
    TypeError
        If ``parts`` holds no numbers, or a column is of a type that has no values to compare.
    ValueError
        If parts do not sum to 1 or to the rows there are; if a stratum is rare and that is to be an error; if options
        exclude each other.
    KeyError
        If a column is not there.
    FileNotFoundError
        If a path matches nothing.

    Notes
    -----
    Without ``key``, the rows are those of ``split_indices``: sizes are exact by largest remainder, and each stratum's
    share is rounded down or up. The columns of ``strata`` and ``groups`` are read first, then everything once. A stream
    is read into memory for that, but not for a hash split.

    Examples
    --------
    >>> import aliquot as aq, pyarrow as pa
    >>> flowers = pa.table({"x": range(6), "kind": ["a", "b", "a", "b", "a", "b"]})
    >>> parts = aq.split(flowers, {"train": None, "test": 2}, strata="kind", rng=7)
    >>> parts["test"].to_pydict()
    {'x': [0, 3], 'kind': ['a', 'b']}
    >>> aq.provenance(parts["test"])["parts"]
    {'train': 4, 'test': 2}
    """
    job = Partition(parts, strata, groups, key, exact, rare, rng)
    opened = job.open(source)
    pieces: list[list[pa.RecordBatch]] = [[] for _ in job.parts.names]
    for part, rows in job.run(opened, Progress(None)):
        pieces[part].append(rows)
    facts = job.facts(opened)
    return {
        name: _with_facts(pieces[part], opened.schema, facts | {"part": name, "size": job.sizes[part]})
        for part, name in enumerate(job.parts.names)
    }


@dataclass(frozen=True)
class StrataCounts:
    """Rows of each stratum, by its labels, in each part, int64 of shape (strata, parts)."""

    columns: list[Any]
    labels: list[Any]
    rows: Counts


class Partition:
    """One split of a source: its options, checked; then its rows, part by part; then what there is to tell of it."""

    def __init__(
        self,
        parts: PartsOption,
        strata: StrataOption,
        groups: Columns,
        key: str | None,
        exact: bool,
        rare: str,
        rng: _rng.RNG,
    ) -> None:
        self.parts = parse_parts(parts)
        self.strata = None if strata is None else Strata(strata)
        self.groups = _column_names("groups", groups)
        self.key = None if key is None else check_name("key", key)
        self.exact = check_bool("exact", exact)
        self.rare = check_choice("rare", rare, ("spread", "error", *self.parts.names))
        if self.key is None and exact:
            raise ValueError("exact: must be False without key, as sizes are exact anyway, got True")
        if self.key is not None and self.groups:
            raise ValueError(f"groups: must be None with key, which keeps the rows of an id together, got {groups!r}")
        if self.key is not None and self.strata is not None and not exact:
            raise ValueError(f"strata: must be None with key unless exact=True, as an id alone decides, got {strata!r}")
        if self.key is not None and rare != "spread":
            raise ValueError(f"rare: must be 'spread' with key, as an id alone decides, got {rare!r}")
        if self.key is not None and self.parts.shares is None:
            raise ValueError(f"parts: must be shares with key, got {dict(parts)}")
        self.seed = _rng.seed_of(rng)
        self.sizes = [0] * len(self.parts)
        self.counts: StrataCounts | None = None
        self.unmet: list[dict[str, Any]] = []
        """What was asked for and could not be had: the report of ``split_indices``."""

    def open(self, source: Any) -> Source:
        """The source, with all its columns there; one that has to be read twice can be."""
        opened = open_source(source)
        names = opened.schema.names
        wanted = {"groups": self.groups, "key": [self.key] if self.key is not None else []}
        if self.strata is not None:
            self.strata.columns(opened.schema)
        for option, columns in wanted.items():
            for column in columns:
                check_column(option, column, names)
        if opened.num_rows is None and (self.key is None or self.exact):
            opened = Memory([batch for _, batch in opened.scan(names, None, Progress(None))], opened.schema)
        if self.key is None and opened.num_rows is not None and opened.num_rows > MOST_ROWS:
            raise ValueError(f"source: must have at most 2**32 rows unless split by key, got {opened.num_rows}")
        if self.strata is not None:
            self.strata.find_edges(opened)
        return opened

    def run(self, opened: Source, progress: Progress) -> Iterator[tuple[int, pa.RecordBatch]]:
        """The rows of the source, batch by batch, each with the part that it is in."""
        words = _rng.key_of(self.seed)
        by_key = None if self.key is None or self.exact else KeyParts(self.parts, words, self.key)
        part_of_row = self._part_of_row(opened, words) if by_key is None else np.empty(0, np.int32)
        shared = isinstance(opened, Memory)  # dictionaries that are there anyway
        names = opened.schema.names
        for first, batch in opened.survey(names, None, progress, names):
            codes = part_of_row[first : first + batch.num_rows] if by_key is None else by_key(batch)
            for part, positions in positions_of(codes, len(self.parts)):
                rows = batch if len(positions) == batch.num_rows else _arrow.take_rows(batch, positions)
                self.sizes[part] += rows.num_rows
                rows = _arrow.in_schema(rows, opened.schema)
                yield part, rows if shared else _arrow.with_own_dictionaries(rows)

    def facts(self, opened: Source) -> dict[str, Any]:
        """What the provenance says of the split, once it has run."""
        return {
            "design": "split by hash" if self.key is not None else "split",
            "seed": self.seed,
            "population": sum(self.sizes),
            **opened.facts(),
            "strata": None if self.strata is None else self.strata.option,
            "groups": self.groups or None,
            "key": self.key,
            "parts": dict(zip(self.parts.names, self.sizes, strict=True)),
            "unmet": self.unmet[:100],
        }

    def _part_of_row(self, opened: Source, words: _rng.Words) -> NDArray[Any]:
        """The part of each row, of as few bytes as do."""
        ids = [] if self.key is None else [self.key]
        others = [_Labels(names) for names in (self.groups, ids) if names]
        codes = _codes_of(opened, [*([] if self.strata is None else [self.strata]), *others])
        last = codes[-1]
        in_strata = np.broadcast_to(np.int32(0), len(last)) if self.strata is None else codes[0]
        if self.exact:
            hashes = hash_keys(others[-1].book.values()[0], words, ids[0])
            part_of_row = _by_rank(hashes, last, in_strata, self.parts)
        else:
            part_of_row = self._by_row(words, in_strata, last, others)
        if self.strata is not None:
            table = np.zeros(len(self.strata.book) * len(self.parts), np.int64)
            for first in range(0, len(part_of_row), COUNTED_ROWS):
                here = slice(first, first + COUNTED_ROWS)
                np.add.at(table, in_strata[here].astype(np.int64) * len(self.parts) + part_of_row[here], 1)
            labels = self.strata.book.labels()
            self.counts = StrataCounts(self.strata.option, labels, table.reshape(-1, len(self.parts)))
        return part_of_row

    def _by_row(self, words: _rng.Words, strata: Codes, groups: Codes, others: Sequence["_Labels"]) -> NDArray[Any]:
        """The parts that ``split_indices`` gives rows."""
        from aliquot import _classes
        from aliquot._splits import split_groups, split_strata
        from aliquot.splitting import REPORT

        by = _classes.one_class(len(strata))
        if self.strata is not None:
            by = _classes.Classes(strata, 0, max(len(self.strata.book), 1), [_LabelOf(strata, self.strata.book)])
        if others:
            book = others[-1].book
            together = _classes.Classes(groups, 0, max(len(book), 1), [_LabelOf(groups, book)])
            assigned = split_groups(words, together, by, self.parts, self.rare)
        else:
            assigned = split_strata(words, by, self.parts, self.rare)
        self.unmet = [dict(zip(REPORT.names, each, strict=True)) for each in assigned.unmet()]
        return assigned.part_of_row()


class _Labels:
    """Gives each row of a batch the code of its values in columns, as ``Strata`` does."""

    def __init__(self, names: list[str]) -> None:
        self.names = names
        self.book = Codebook(names)

    def __call__(self, batch: pa.RecordBatch) -> Codes:
        return self.book.encode([batch.column(name) for name in self.names])


class _LabelOf:
    """The label of each row, as an error or a report shows it."""

    def __init__(self, codes: Codes, book: Codebook) -> None:
        self._codes = codes
        self._book = book

    def __getitem__(self, row: int) -> Any:
        code = int(self._codes[row])
        return self._book.labels(code, code + 1)[0]


def positions_of(codes: NDArray[Any], parts: int) -> Iterator[tuple[int, _arrow.Positions]]:
    """The parts that are there, ascending, and the positions of each, ascending."""
    if parts <= FEW_PARTS:
        for part in range(parts):
            positions = np.flatnonzero(codes == part)
            if len(positions):
                yield part, positions
        return
    order = np.argsort(codes, kind="stable")
    there, starts = np.unique(codes[order], return_index=True)
    for part, positions in zip(there.tolist(), np.split(order, starts[1:]), strict=True):
        yield part, positions


def _column_names(option: str, value: Columns) -> list[str]:
    if value is None:
        return []
    names = check_names(option, [value] if isinstance(value, str) else value)
    if not names:
        raise ValueError(f"{option}: must be at least one column, got none")
    return names


def _codes_of(opened: Source, labels: Sequence[Strata | _Labels]) -> list[Codes]:
    """The codes of all rows by each of some labels, from one pass over their columns; of no labels, zeros."""
    if not labels:
        return [np.broadcast_to(np.int32(0), opened.num_rows or 0)]
    codes = [np.empty(opened.num_rows or 0, np.int32) for _ in labels]
    wanted = {name for each in labels for name in each.names}
    columns = [name for name in opened.schema.names if name in wanted]
    for first, batch in opened.survey(columns, None, Progress(None), columns):
        for each, its_codes in zip(labels, codes, strict=True):
            its_codes[first : first + batch.num_rows] = each(batch)
    return codes


def _by_rank(hashes: NDArray[np.float64], ids: Codes, strata: Codes, parts: Parts) -> NDArray[Any]:
    """The part of each row by the rank of its id among those of the stratum that it is first in."""
    highest = np.maximum.accumulate(ids)
    first = np.flatnonzero(np.diff(highest, prepend=-1))  # codes are given by first appearance
    stratum = strata[first]
    order = np.lexsort((hashes, stratum))
    sizes = np.bincount(stratum)
    table = np.array([proportional(int(size), parts.weights(0)) for size in sizes], np.int64).reshape(-1, len(parts))
    ends = np.cumsum(table, axis=1)
    ranks = np.arange(len(order)) - (np.cumsum(sizes) - sizes)[stratum[order]]
    part_of_id = np.empty(len(order), np.min_scalar_type(len(parts)))
    part_of_id[order] = (ranks[:, None] >= ends[stratum[order]]).sum(axis=1)
    return part_of_id[ids]


def _with_facts(batches: list[pa.RecordBatch], schema: pa.Schema, facts: dict[str, Any]) -> pa.Table:
    schema = attach(schema, facts)
    if len(schema) == 0:  # a table would lose its row count
        return _arrow.to_table([_arrow.empty_columns(facts["size"], schema)], schema)
    return _arrow.to_table(batches, schema.remove_metadata()).replace_schema_metadata(schema.metadata)
