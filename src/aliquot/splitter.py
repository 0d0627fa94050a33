"""Splits of streams: each row gets its part as it passes."""

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from aliquot import _rng
from aliquot._checks import check_column, check_name
from aliquot._codes import Codes
from aliquot._kernels.splitter import SplitterState
from aliquot._parts import Parts, PartsOption, parse_parts
from aliquot._saved import pack, unpack
from aliquot.hashing import hash_parts
from aliquot.sources import as_batches
from aliquot.strata import Strata, StrataOption

MAX_PARTS = 2**16
BOOK_ROWS = 1024
"""Largest common denominator of shares for which rows are drawn with just these probabilities: see schedule.hpp."""


class Splitter:
    """Assigns each row of a stream to a part as it passes, with exact shares at every moment.

    After any number of rows, each part holds its share of them, and of each stratum, to within less than one row. Or,
    with ``key``, every row goes where the value of a column sends it.

    Parameters
    ----------
    parts : dict of str to float
        Names and shares, which sum to 1.
    strata : str, ``bins`` with edges, or list of these, optional
        Columns whose values, or combinations of values, each have the exact shares. Null is a value.
    key : str, optional
        A column of ids, for a hash split: the part depends on the seed and the id alone, so that rows can be added or
        reordered and all rows of an id stay together. Shares are then those of ids in expectation. A share that grows
        while the others keep their proportions moves rows into that part and nowhere else. Ids hash as for
        ``Reservoir``.
    rng : None, int, SeedSequence, BitGenerator or Generator
        The seed. None takes fresh entropy.

    Raises
    ------
    TypeError, ValueError
        If ``parts`` are no shares that sum to 1, or ``strata`` and ``key`` are both given.

    Notes
    -----
    O(strata) memory and O(1) time a row. Parts do not depend on how the stream is cut into batches, nor on what the
    values of the strata are called. Each row goes to each part with a probability that is its share exactly if the
    shares have a common denominator of at most 1024; else it is its share on the average of rows.

    Each stratum follows random schedules, each of as many rows as the common denominator, that keep the count of every
    part at the exact share rounded down or up (the quota). They are a decomposition of the doubly stochastic matrix of
    the shares into permutations. One splitter must not be used by two threads at once.

    References
    ----------
    Tijdeman (1980), "The chairman assignment problem", doi:10.1016/0012-365X(80)90269-1. Gölz, Peters, Procaccia
    (2022), "In this apportionment lottery, the house always wins", doi:10.1145/3490486.3538299. Schindelhauer,
    Schomaker (2005), "Weighted distributed hash tables", doi:10.1145/1073970.1074008.

    Examples
    --------
    >>> import aliquot as aq, pyarrow as pa
    >>> splitter = aq.Splitter({"train": 0.8, "test": 0.2}, rng=7)
    >>> parts = splitter.assign(pa.record_batch({"x": range(10)}))
    >>> parts.to_pylist().count("test")
    2
    >>> splitter
    Splitter(parts={'train': 0.8, 'test': 0.2}, n_seen=10, rng=7)
    """

    def __init__(
        self,
        parts: PartsOption,
        *,
        strata: StrataOption = None,
        key: str | None = None,
        rng: _rng.RNG = None,
    ) -> None:
        self._parts = parse_parts(parts)
        if self._parts.shares is None:
            raise ValueError(f"parts: must be shares, as a stream has no known length, got {dict(parts)}")
        if len(self._parts) > MAX_PARTS:
            raise ValueError(f"parts: must be at most {MAX_PARTS}, got {len(self._parts)}")
        self._strata = None if strata is None else Strata(strata)
        if self._strata is not None:
            self._strata.find_edges(None)
        self._key = None if key is None else check_name("key", key)
        if self._key is not None and self._strata is not None:
            raise ValueError(f"strata: must be None with key, as an id alone decides, got {strata!r}")
        self._seed = _rng.seed_of(rng)
        words = _rng.key_of(self._seed)
        self._by_key = None if key is None else KeyParts(self._parts, words, key)
        self._state = SplitterState(words, _whole_shares(self._parts))
        self._names = pa.array(self._parts.names)
        self._n_seen = 0

    @property
    def n_seen(self) -> int:
        """Rows seen."""
        return self._n_seen

    def assign(self, batch: Any) -> pa.DictionaryArray:
        """The parts of the next rows.

        Parameters
        ----------
        batch : pyarrow.RecordBatch, Table, or anything with ``__arrow_c_array__`` or ``__arrow_c_stream__``
            The next rows; only the columns of ``strata`` or ``key`` are looked at.

        Returns
        -------
        pyarrow.DictionaryArray of string, shape (rows,)
            In the order of the rows, with codes of int32 into the names of the parts in the order given.

        Raises
        ------
        KeyError
            If a column is not there.
        TypeError
            If ``batch`` is no Arrow data, or a column is of a type that has no strata or no hash. The splitter is then
            as it was.

        Examples
        --------
        >>> import aliquot as aq, pyarrow as pa
        >>> by_user = aq.Splitter({"train": 0.5, "test": 0.5}, key="user", rng=7)
        >>> by_user.assign(pa.record_batch({"user": [6, 1, 6, 2]})).to_pylist()
        ['train', 'test', 'train', 'test']
        """
        batches, schema = as_batches(batch)
        rows = sum(each.num_rows for each in batches)
        if self._by_key is not None:
            check_column("key", self._by_key.column, schema.names)
            codes = _joined([self._by_key(each) for each in batches])
        elif self._strata is not None:
            self._strata.columns(schema)
            codes = self._state.assign(_strata_of(batches, self._strata), len(self._strata.book))
        else:
            codes = self._state.assign_rows(rows) if rows else np.empty(0, np.int32)
        self._n_seen += rows
        return pa.DictionaryArray.from_arrays(pa.array(codes), self._names, safe=False)

    def to_bytes(self) -> bytes:
        """The state, to be saved, sent, and read by ``from_bytes``: the strata and their row counts, as checksummed
        Arrow IPC.
        """
        seen, before = self._state.save()
        columns = [pa.array(seen), pa.FixedSizeListArray.from_arrays(before.ravel(), len(self._parts))]
        if self._strata is not None:
            columns += self._strata.book.values()
        batch = pa.RecordBatch.from_arrays(columns, [str(i) for i in range(len(columns))])
        return pack("Splitter", self._options(), [batch], batch.schema)

    @classmethod
    def from_bytes(cls, data: bytes) -> "Splitter":
        """The splitter that ``to_bytes`` saved.

        Raises
        ------
        ValueError
            If the bytes are damaged, are no saved splitter, or come from a newer version.
        TypeError
            If ``data`` is not bytes.
        """
        state, (batch,), _ = unpack("Splitter", data)
        shares = {name: Fraction(share) for name, share in state["parts"]}
        strata = None if state["strata"] is None else Strata.parts_of(state["strata"])
        made = cls(shares, strata=strata, key=state["key"], rng=state["seed"])
        before = batch.column(1).flatten().to_numpy().reshape(-1, len(shares))
        if made._strata is not None:
            made._strata.book.encode(batch.columns[2:])
        made._state.restore(batch.column(0).to_numpy(), before)
        made._n_seen = state["n_seen"]
        return made

    def __reduce__(self) -> tuple[Any, ...]:
        return Splitter.from_bytes, (self.to_bytes(),)

    def __copy__(self) -> "Splitter":
        return Splitter.from_bytes(self.to_bytes())

    def __deepcopy__(self, memo: dict[int, Any]) -> "Splitter":
        return self.__copy__()

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Splitter):
            return NotImplemented
        if self._options() != other._options():
            return False
        if not all(np.array_equal(a, b) for a, b in zip(self._state.save(), other._state.save(), strict=True)):
            return False
        if self._strata is None or other._strata is None:
            return True
        return self._strata.book.labels() == other._strata.book.labels()

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        assert self._parts.shares is not None
        shares = {name: float(share) for name, share in zip(self._parts.names, self._parts.shares, strict=True)}
        facts = [f"parts={shares}"]
        if self._strata is not None:
            facts.append(f"strata={self._strata.option}")
        if self._key is not None:
            facts.append(f"key={self._key!r}")
        return f"Splitter({', '.join([*facts, f'n_seen={self.n_seen}', f'rng={self._seed}'])})"

    def _options(self) -> dict[str, Any]:
        """All but the strata, as JSON can hold it."""
        assert self._parts.shares is not None
        return {
            "parts": [[name, str(share)] for name, share in zip(self._parts.names, self._parts.shares, strict=True)],
            "strata": None if self._strata is None else self._strata.option,
            "key": self._key,
            "seed": self._seed,
            "n_seen": self._n_seen,
        }


class KeyParts:
    """The part of each row of a batch by the value of one column."""

    def __init__(self, parts: Parts, seed: _rng.Words, column: str) -> None:
        assert parts.shares is not None
        self._parts = parts
        self._shares = np.array([float(share) for share in parts.shares])
        self._seed = seed
        self.column = column

    def __call__(self, batch: pa.RecordBatch) -> Codes:
        """Codes of parts, int32; what ``hash_parts`` raises."""
        return hash_parts(batch.column(self.column), self._seed, self._parts.names, self._shares, self.column)


def _strata_of(batches: list[pa.RecordBatch], strata: Strata) -> Codes:
    """The strata of rows; if those of one batch cannot be told, none of the values before are kept."""
    before = len(strata.book)
    try:
        return _joined([strata(each) for each in batches])
    except BaseException:
        strata.book.truncate(before)
        raise


def _joined(codes: list[Codes]) -> Codes:
    return codes[0] if len(codes) == 1 else np.concatenate([np.empty(0, np.int32), *codes])


def _whole_shares(parts: Parts) -> NDArray[np.uint64]:
    """The shares as integers over their sum.

    A float stands for all numbers that round to it: if there are such of a small common denominator, as thirds, these.
    """
    assert parts.shares is not None
    simple = [share.limit_denominator(BOOK_ROWS) for share in parts.shares]
    unit = math.lcm(*(share.denominator for share in simple))
    near = all(abs(a - b) <= Fraction(1, 2**53) for a, b in zip(simple, parts.shares, strict=True))
    if unit <= BOOK_ROWS and near and sum(simple) == 1:
        return np.array([int(share * unit) for share in simple], np.uint64)
    return parts.weights(0).astype(np.uint64)
