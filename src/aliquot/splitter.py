"""Splits of streams: each row gets its part as it passes."""

import math
from collections.abc import Iterable
from fractions import Fraction
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from aliquot import _rng
from aliquot._checks import check_column, check_name, check_names
from aliquot._codes import Codebook, Codes
from aliquot._kernels.splitter import SplitterState
from aliquot._parts import Parts, PartsOption, parse_parts
from aliquot._saved import pack, unpack
from aliquot.hashing import hash_parts
from aliquot.sources import as_batches

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
    strata : str or list of str, optional
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
        strata: str | Iterable[str] | None = None,
        key: str | None = None,
        rng: _rng.RNG = None,
    ) -> None:
        self._parts = parse_parts(parts)
        if self._parts.shares is None:
            raise ValueError(f"parts: must be shares, as a stream has no known length, got {dict(parts)}")
        if len(self._parts) > MAX_PARTS:
            raise ValueError(f"parts: must be at most {MAX_PARTS}, got {len(self._parts)}")
        self._strata = None
        if strata is not None:
            self._strata = check_names("strata", [strata] if isinstance(strata, str) else strata)
        if self._strata == []:
            raise ValueError("strata: must be at least one column, got none")
        self._key = None if key is None else check_name("key", key)
        if self._key is not None and self._strata is not None:
            raise ValueError(f"strata: must be None with key, as an id alone decides, got {strata!r}")
        self._seed = _rng.seed_of(rng)
        words = _rng.key_of(self._seed)
        self._by_key = None if key is None else KeyParts(self._parts, words, key)
        self._state = SplitterState(words, _whole_shares(self._parts))
        self._codebook = None if self._strata is None else Codebook(self._strata)
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
        for name in self._strata or ([] if self._key is None else [self._key]):
            check_column("strata" if self._key is None else "key", name, schema.names)
        rows = sum(each.num_rows for each in batches)
        if self._by_key is not None:
            codes = _joined([self._by_key(each) for each in batches])
        elif self._codebook is not None:
            codes = self._state.assign(self._strata_of(batches, self._codebook), len(self._codebook))
        else:
            codes = self._state.assign_rows(rows)
        self._n_seen += rows
        return pa.DictionaryArray.from_arrays(pa.array(codes), self._names, safe=False)

    def to_bytes(self) -> bytes:
        """The state, to be saved, sent, and read by ``from_bytes``: the strata and their row counts, as checksummed
        Arrow IPC.
        """
        seen, before = self._state.save()
        columns = [pa.array(seen), pa.FixedSizeListArray.from_arrays(before.ravel(), len(self._parts))]
        if self._codebook is not None:
            columns += self._codebook.values()
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
        made = cls(shares, strata=state["strata"], key=state["key"], rng=state["seed"])
        before = batch.column(1).flatten().to_numpy().reshape(-1, len(shares))
        if made._codebook is not None:
            made._codebook.encode(batch.columns[2:])
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
        return self._codebook is None or self._codebook.labels() == other._codebook.labels()  # type: ignore[union-attr]

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        assert self._parts.shares is not None
        shares = {name: float(share) for name, share in zip(self._parts.names, self._parts.shares, strict=True)}
        options = [f"{name}={getattr(self, '_' + name)!r}" for name in ("strata", "key") if getattr(self, "_" + name)]
        return f"Splitter({', '.join([f'parts={shares}', *options, f'n_seen={self.n_seen}', f'rng={self._seed}'])})"

    def _options(self) -> dict[str, Any]:
        """All but the strata, as JSON can hold it."""
        assert self._parts.shares is not None
        return {
            "parts": [[name, str(share)] for name, share in zip(self._parts.names, self._parts.shares, strict=True)],
            "strata": self._strata,
            "key": self._key,
            "seed": self._seed,
            "n_seen": self._n_seen,
        }

    def _strata_of(self, batches: list[pa.RecordBatch], codebook: Codebook) -> Codes:
        """The strata of rows; if those of one batch cannot be told, none of the values before are kept."""
        before = len(codebook)
        try:
            return _joined([codebook.encode([each.column(name) for name in self._strata or ()]) for each in batches])
        except BaseException:
            codebook.truncate(before)
            raise


class KeyParts:
    """The part of each row of a batch by the value of one column."""

    def __init__(self, parts: Parts, seed: _rng.Words, column: str) -> None:
        assert parts.shares is not None
        self._parts = parts
        self._shares = np.array([float(share) for share in parts.shares])
        self._seed = seed
        self._column = column

    def __call__(self, batch: pa.RecordBatch) -> Codes:
        """Codes of parts, int32; what ``hash_parts`` raises."""
        return hash_parts(batch.column(self._column), self._seed, self._parts.names, self._shares, self._column)


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
