"""Reservoirs: samples of fixed size kept while rows stream by."""

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from aliquot import _arrow, _rng
from aliquot._checks import check_count, describe
from aliquot._designs import NON_PROBABILITY
from aliquot._ranges import RowRanges
from aliquot._reservoir_options import Options
from aliquot._result import Output
from aliquot._saved import pack, unpack
from aliquot._source import check_same_schema
from aliquot._strata_store import StrataStore
from aliquot.hashing import hash_keys
from aliquot.sources import as_batches
from aliquot.strata import StrataOption
from aliquot.weights import RowWeight


class Reservoir:
    """Keeps a sample of a fixed number of rows of a stream of unknown length, in one pass and O(size) memory.

    Every row has a key that is a pure function of the seed and its row number, and the ``size`` smallest are kept. So
    the sample does not depend on how the rows were cut into batches; reservoirs over disjoint rows merge exactly; and
    with one seed the smaller sample is part of the larger.

    Parameters
    ----------
    size : int or dict
        Rows to keep. A shorter stream is kept whole. With strata, rows to keep of each stratum, or {stratum: rows}.
    weights : str, pyarrow.compute.Expression, or function by ``weight``, optional
        A column, an expression or a function over columns. A row of weight zero is never kept.
    design : {"successive", "priority", "quota", "first"}
        How weights work, or that what comes first is kept; see ``sample``.
    strata : str, Bins, or list of these, optional
        Columns whose values, or combinations of values, are sampled each for itself, whenever they first turn up.
    key : str, optional
        A column of ids. A row's key is then a hash of the seed and its id, not of its row number: the same ids are
        chosen in every table and run, whatever the row order. ``size`` still counts rows; ties go to the lower row
        number. Whole numbers hash alike whatever their type; so do strings and binaries of any layout, and times of any
        unit; a dictionary hashes as what it stands for. Nulls count as one id.
    replace : bool, default False
        ``size`` independent draws instead of ``size`` different rows.
    columns : list of str, optional
        Columns to keep; all by default.
    start : int, default 0
        Number of the first row it will see. Reservoirs with one seed merge when their rows do not overlap.
    rng : None, int, SeedSequence, BitGenerator or Generator
        The seed. None takes fresh entropy, which ``result`` records.

    Raises
    ------
    ValueError
        If ``size`` or ``start`` is negative, or if options do not go together, as ``key`` with ``weights``.
    TypeError
        If an option is of another type.

    Notes
    -----
    Bottom-k with keys ~ Exp(1), found by skipping: a batch costs O(1) plus a few nanoseconds a row that enters, of
    which there are about size * ln(n / size). At most about ``2 * size`` rows are held, copied out of their batches.
    One reservoir must not be used by two threads at once; different ones may, and the GIL is released while keys are
    found.

    Draws with replacement come from the same state: in a sequence of independent draws, the next repeats each of the
    d different rows so far with probability 1/n, and otherwise is the next row by key. Weighted keys are one hash a
    row, by which nearly all rows are turned away.

    References
    ----------
    Efraimidis, Spirakis (2006), "Weighted random sampling with a reservoir", doi:10.1016/j.ipl.2005.11.003.
    Duffield, Lund, Thorup (2007), "Priority sampling for estimation of arbitrary subset sums",
    doi:10.1145/1314690.1314696.

    Examples
    --------
    >>> import aliquot as aq, pyarrow as pa
    >>> r = aq.Reservoir(3, rng=7)
    >>> for first in range(0, 1000, 100):
    ...     r.update(pa.record_batch({"x": list(range(first, first + 100))}))
    >>> r
    Reservoir(size=3, n_seen=1000, kept=3, rng=7)
    >>> r.result()["x"].to_pylist() == aq.sample_indices(1000, 3, rng=7).tolist()
    True
    """

    def __init__(
        self,
        size: int | Mapping[Any, int],
        *,
        weights: str | pc.Expression | RowWeight | None = None,
        design: str = "successive",
        strata: StrataOption = None,
        key: str | None = None,
        replace: bool = False,
        columns: Iterable[str] | None = None,
        start: int = 0,
        rng: _rng.RNG = None,
    ) -> None:
        self._options = Options.of(size, weights, design, strata, key, replace, columns)
        start = check_count("start", start)
        self._seed = _rng.seed_of(rng)
        self._words = _rng.key_of(self._seed)
        self._store = self._options.new_store(self._words, start)
        self._ranges = RowRanges(self._numbering, start)
        self._schema: pa.Schema | None = None  # of the rows kept
        self._input_schema: pa.Schema | None = None  # of the batch seen last

    @property
    def size(self) -> int | dict[Any, int]:
        """Rows to keep, k; with strata, of each."""
        return self._options.size if isinstance(self._options.size, int) else dict(self._options.size)

    @property
    def n_seen(self) -> int:
        """Rows seen, n, those of merged reservoirs included."""
        return self._store.population

    @property
    def threshold(self) -> float | dict[Any, float]:
        """The (k+1)-th smallest key, τ; infinite while all rows are kept. With strata, {stratum: τ}.

        Given τ, a row was included with probability 1 - exp(-τ); a row of weight w, with 1 - exp(-wτ), or with
        min(1, wτ) in the design "priority".
        """
        return self._store.threshold

    def __len__(self) -> int:
        return len(self._store.settle().rows)

    def update(self, batch: Any) -> None:
        """See a batch of rows.

        Parameters
        ----------
        batch : pyarrow.RecordBatch, Table, or anything with ``__arrow_c_array__`` or ``__arrow_c_stream__``
            The next rows.

        Raises
        ------
        KeyError
            If a column that is named is not there.
        ValueError
            If the schema is not that of the batches before, if rows of these numbers were seen already, or if a weight
            is negative, infinite, NaN or null. The reservoir is then as it was.
        TypeError
            If ``batch`` is no Arrow data, or the key column of a type that has no hash.
        """
        batches, schema = ([batch], batch.schema) if isinstance(batch, pa.RecordBatch) else as_batches(batch)
        asked = self._options
        kept_schema = self._check_schema(schema)
        self._ranges.check_room(batches[0].num_rows if len(batches) == 1 else sum(each.num_rows for each in batches))
        # Whatever can turn out to be unfit is looked at before anything is taken in.
        keys = (
            None
            if asked.key is None
            else [hash_keys(each.column(asked.key), self._words, asked.key) for each in batches]
        )
        weights = None if asked.weights is None else asked.weights_of(batches, self._ranges.next_row)
        before = self._schema, self._input_schema
        try:
            codes = None if asked.strata is None else [asked.strata(each) for each in batches]
            self._schema, self._input_schema = kept_schema, schema
            for i, each in enumerate(batches):
                rows = each if asked.columns is None else each.select(asked.columns)
                row_keys = None if keys is None else keys[i]
                row_weights = None if weights is None else weights[i]
                if isinstance(self._store, StrataStore):
                    assert codes is not None
                    self._store.update(rows, codes[i], row_keys, row_weights)
                else:
                    self._store.update(rows, None, row_keys, row_weights, asked.weights_name)
                self._go_on_at(self._ranges.extend(each.num_rows))
        except (ValueError, TypeError):
            self._schema, self._input_schema = before
            if isinstance(self._store, StrataStore):
                self._store.forget_unseen()
            raise

    def merge(self, other: "Reservoir") -> None:
        """Absorb the rows that another reservoir has seen; it stays as it is.

        With one seed the result is that of a single pass over the rows of both, bit for bit. After a merge the next
        row has the number that follows the rows adjoining one's own.

        Raises
        ------
        TypeError
            If ``other`` is no Reservoir.
        ValueError
            If options or schema differ, if with one seed the rows overlap, or if with ``key`` the seeds differ. The
            reservoir is then as it was.
        """
        if not isinstance(other, Reservoir):
            raise TypeError(f"other: must be a Reservoir, got {describe(other)}")
        self._options.check_same(other._options)
        if self._options.key is not None and self._seed != other._seed:
            raise ValueError(f"other: must have rng={self._seed} like this reservoir to hash alike, got {other._seed}")
        if self._schema is not None and other._schema is not None:
            check_same_schema(other._schema, self._schema, "other")
        ranges = self._ranges.union(other._ranges)
        self._store.absorb(other._store)  # type: ignore[arg-type]  # of one kind, as the options agree
        self._ranges = ranges
        self._go_on_at(ranges.next_row)
        self._schema = self._schema or other._schema
        self._input_schema = self._input_schema or other._input_schema

    def result(
        self, order: str = "source", *, row_number: str | None = None, design_weight: str | None = None
    ) -> pa.Table:
        """The sample so far. Uses no randomness: it can be asked for at any time, and again.

        Parameters
        ----------
        order : {"source", "random"}
            By row number, or shuffled (by key: the first j rows are the sample of size j).
        row_number : str, optional
            Name for a column of row numbers (int64) to add.
        design_weight : str, optional
            Name for a column of 1 / inclusion probability (float64) to add; without weights n / k, of each stratum.

        Returns
        -------
        pyarrow.Table
            min(size, n_seen) rows, of each stratum if there are any; with ``replace``, ``size`` draws once there is a
            row. A table without columns before the first batch.

        Raises
        ------
        ValueError
            If ``order`` is neither, if a column to add is there already, or for a design weight where nothing is drawn
            at random.
        """
        asked = self._options
        output = Output(asked.replace, order, row_number, design_weight, asked.design)
        schema = self._kept_schema()
        output.check(schema)
        if design_weight is not None and asked.key is not None:
            raise ValueError(
                f"design_weight: must be None with key, as rows of one id enter together, got {design_weight!r}"
            )
        kept = self._store.finish()
        draws = asked.size if asked.replace and isinstance(asked.size, int) else len(kept.rows)
        picked = output.arrange(self._words, kept, draws)
        facts: dict[str, Any] = {"seed": self._seed, "rows_read": self.n_seen, "bytes_read": 0, "source": "arrow"}
        if asked.strata is not None:
            facts["strata"] = asked.strata.describe("each" if isinstance(asked.size, int) else "named", kept.strata)
        if asked.key is not None:
            facts["design"] = "coordinated"
        return output.table(_arrow.permute(self._store.payload(), picked), schema, kept, picked, facts)

    def to_bytes(self) -> bytes:
        """The state, to be saved, sent, and read by ``from_bytes``: keys, row numbers and rows, as checksummed
        Arrow IPC.
        """
        kept = self._kept_schema()
        fields, batches = self._store.to_batches(list(kept))
        return pack("Reservoir", {**self._state(), **self._store.to_json()}, batches, pa.schema(fields, kept.metadata))

    @classmethod
    def from_bytes(cls, data: bytes) -> "Reservoir":
        """The reservoir that ``to_bytes`` saved.

        Raises
        ------
        ValueError
            If the bytes are damaged, are no saved reservoir, or come from a newer version.
        TypeError
            If ``data`` is not bytes.
        """
        state, batches, schema = unpack("Reservoir", data)
        made = cls(**Options.options_from_json(state), rng=state["seed"])
        fields = made._store.adopt_batches(state, batches, schema)
        if state["has_schema"]:
            made._schema = pa.schema(fields, schema.metadata)
        made._ranges = RowRanges.from_json(made._numbering, state["ranges"])
        made._go_on_at(made._ranges.next_row)
        return made

    def __reduce__(self) -> tuple[Any, ...]:
        return Reservoir.from_bytes, (self.to_bytes(),)

    def __copy__(self) -> "Reservoir":
        copied = Reservoir.from_bytes(self.to_bytes())
        copied._options = dataclasses.replace(copied._options, weights=self._options.weights)  # a function is not saved
        return copied

    def __deepcopy__(self, memo: dict[int, Any]) -> "Reservoir":
        return self.__copy__()

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Reservoir):
            return NotImplemented
        mine, theirs = ({**each._state(), "size": each._options.size} for each in (self, other))
        if mine != theirs or not self._kept_schema().equals(other._kept_schema()):
            return False
        ours, others = self._store.settle(), other._store.settle()
        same_keys = np.array_equal(ours.rows, others.rows) and np.array_equal(ours.keys, others.keys)
        return (
            same_keys
            and self._store.tells() == other._store.tells()
            and _arrow.same_values(self._store.rows.held, other._store.rows.held)
        )

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Reservoir({self._options}, n_seen={self.n_seen}, kept={len(self)}, rng={self._seed})"

    def _state(self) -> dict[str, Any]:
        """All but what the store holds, as JSON can hold it."""
        return {
            **self._options.to_json(),
            "seed": self._seed,
            "ranges": self._ranges.to_json(),
            "has_schema": self._schema is not None,
        }

    def _kept_schema(self) -> pa.Schema:
        return self._schema if self._schema is not None else pa.schema([])

    def _check_schema(self, schema: pa.Schema) -> pa.Schema:
        """The schema of the rows to keep out of a batch of this one, once that is known to fit."""
        if self._schema is not None and self._input_schema is not None and schema.equals(self._input_schema):
            return self._schema
        kept = self._options.schema_of(schema)
        if self._schema is not None:
            check_same_schema(kept, self._schema)
        return self._schema or kept

    @property
    def _numbering(self) -> int:
        """The seed under which a row number is one row; where the number itself is the key, there is one for all."""
        return 0 if self._options.design in NON_PROBABILITY else self._seed

    def _go_on_at(self, row: int) -> None:
        """Give the next row this number."""
        if row != self._store.state.next_row:
            self._store.state.seek(row)
