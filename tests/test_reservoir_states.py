"""States of reservoirs: compared, copied, saved, and as they were after what failed."""

import copy
import multiprocessing
import re

import numpy as np
import pyarrow as pa
import pytest

import aliquot as aq
from numbered_rows import N, drawn, feed, rows


class TestState:
    def test_no_rows_yet(self):
        empty = aq.Reservoir(5, rng=7)
        assert (empty.n_seen, len(empty), empty.size, empty.threshold) == (0, 0, 5, np.inf)
        assert empty.result().num_rows == 0
        assert aq.Reservoir.from_bytes(empty.to_bytes()) == empty
        empty.merge(feed(aq.Reservoir(5, rng=7), 0, 100))
        assert empty == feed(aq.Reservoir(5, rng=7), 0, 100)

    def test_result_is_the_same_twice_and_changes_nothing(self):
        a, b = (feed(aq.Reservoir(50, rng=7), 0, N) for _ in range(2))
        assert a.result().equals(a.result())
        assert a == b
        assert drawn(feed(a, N, N + 5000)) == drawn(feed(b, N, N + 5000))

    def test_copies_are_apart(self):
        a = feed(aq.Reservoir(50, rng=7), 0, 1000)
        b = copy.copy(a)
        c = copy.deepcopy(a)
        feed(b, 1000, N)
        assert a == c
        assert a != b

    def test_equality(self):
        a = feed(aq.Reservoir(50, rng=7), 0, 1000)
        assert a == feed(aq.Reservoir(50, rng=7), 0, 1000, step=13)
        assert a != feed(aq.Reservoir(50, rng=8), 0, 1000)
        assert a != feed(aq.Reservoir(51, rng=7), 0, 1000)
        assert a != 5

    def test_a_sample_with_nan_equals_its_copy(self):
        a = aq.Reservoir(5, rng=7)
        a.update(pa.record_batch({"x": [float("nan")] * 10}))
        assert copy.copy(a) == a

    def test_repr(self):
        assert repr(feed(aq.Reservoir(5, rng=7), 0, 100)) == "Reservoir(size=5, n_seen=100, kept=5, rng=7)"
        assert repr(aq.Reservoir(5, replace=True, columns=["x"], rng=7)) == (
            "Reservoir(size=5, columns=['x'], replace=True, n_seen=0, kept=0, rng=7)"
        )
        assert repr(aq.Reservoir(5, columns=[], rng=7)) == "Reservoir(size=5, columns=[], n_seen=0, kept=0, rng=7)"

    def test_row_numbers_reach_2_to_the_62(self):
        near_end = aq.Reservoir(5, start=2**62 - 100, rng=7)
        near_end.update(rows(0, 100))
        assert min(near_end.result(row_number="row")["row"].to_pylist()) >= 2**62 - 100
        with pytest.raises(ValueError, match=r"^start: row numbers must stay below 2\*\*62, got 4611686018427387905$"):
            near_end.update(rows(0, 1))


def fed_other_columns():
    other = aq.Reservoir(20, rng=8)
    other.update(pa.record_batch({"y": [1]}))
    return other


class TestErrorsLeaveTheStateAsItWas:
    @pytest.fixture
    def reservoir(self):
        return feed(aq.Reservoir(20, rng=7), 0, 1000)

    def check(self, reservoir, error, message, call):
        before = reservoir.to_bytes()
        with pytest.raises(error, match=message):
            call()
        assert reservoir.to_bytes() == before
        assert drawn(feed(reservoir, 1000, N)) == aq.sample_indices(N, 20, rng=7).tolist()

    REFUSED = {
        "other schema": (
            ValueError,
            "batch: must keep the schema of the batches before it, got x: string for x: int64",
            lambda reservoir: reservoir.update(pa.record_batch({"x": ["a"]})),
        ),
        "more columns": (
            ValueError,
            "batch: must keep the schema of the batches before it, got y: int64 for no column",
            lambda reservoir: reservoir.update(pa.record_batch({"x": [1], "y": [2]})),
        ),
        "no Arrow data": (
            TypeError,
            "batch: must be a RecordBatch, a Table or other Arrow data, got int 5",
            lambda reservoir: reservoir.update(5),
        ),
        "overlapping rows": (
            ValueError,
            "other: must hold rows not seen yet with one seed, got rows 900 to 1000 on both sides",
            lambda reservoir: reservoir.merge(feed(aq.Reservoir(20, rng=7, start=900), 900, 1100)),
        ),
        "itself": (
            ValueError,
            "other: must hold rows not seen yet with one seed, got rows 0 to 1000 on both sides",
            lambda reservoir: reservoir.merge(reservoir),
        ),
        "other size": (
            ValueError,
            "other: must have size=20 like this reservoir, got 21",
            lambda reservoir: reservoir.merge(aq.Reservoir(21, rng=7, start=5000)),
        ),
        "other design": (
            ValueError,
            "other: must have replace=False like this reservoir, got True",
            lambda reservoir: reservoir.merge(aq.Reservoir(20, replace=True, rng=8)),
        ),
        "rows of another schema": (
            ValueError,
            "other: must keep the schema of the batches before it, got y: int64 for x: int64",
            lambda reservoir: reservoir.merge(fed_other_columns()),
        ),
        "no reservoir": (
            TypeError,
            "other: must be a Reservoir, got int 5",
            lambda reservoir: reservoir.merge(5),
        ),
    }

    @pytest.mark.parametrize("what", REFUSED)
    def test_what_is_refused(self, reservoir, what):
        error, message, call = self.REFUSED[what]
        self.check(reservoir, error, f"^{re.escape(message)}$", lambda: call(reservoir))

    def test_rows_that_cannot_be_fetched(self, reservoir, monkeypatch):
        def fail(*_):
            raise MemoryError("planted")

        def update():
            with monkeypatch.context() as patched:
                patched.setattr("aliquot._arrow.take_rows", fail)
                reservoir.update(rows(1000, 9000))

        self.check(reservoir, MemoryError, "^planted$", update)

    def test_dictionaries_that_do_not_fit_together(self):
        def batch(i):
            return pa.record_batch(
                {"d": pa.DictionaryArray.from_arrays(pa.array(range(100), pa.int8()), [f"{i}-{j}" for j in range(100)])}
            )

        reservoir, short = aq.Reservoir(150, rng=7), aq.Reservoir(1000, rng=7)
        for i in range(10):
            reservoir.update(batch(i))
            short.update(batch(i))
        rows = aq.sample_indices(1000, 150, rng=7).tolist()
        assert reservoir.result()["d"].to_pylist() == [f"{row // 100}-{row % 100}" for row in rows]
        assert aq.Reservoir.from_bytes(short.to_bytes()).result()["d"].to_pylist() == [
            f"{i}-{j}" for i in range(10) for j in range(100)
        ]
        shuffled = reservoir.result("random", row_number="row")
        assert shuffled["d"].to_pylist() == [f"{row // 100}-{row % 100}" for row in shuffled["row"].to_pylist()]

    def test_a_failed_compaction_loses_nothing(self, monkeypatch):
        reservoir = aq.Reservoir(20, rng=7)

        def fail(*_):
            raise MemoryError("planted")

        with monkeypatch.context() as patched:
            patched.setattr("aliquot._arrow.permute", fail)
            while reservoir._store.rows.count <= 2 * 20 + 64:
                feed(reservoir, reservoir.n_seen, reservoir.n_seen + 10)
            seen = reservoir.n_seen
            with pytest.raises(MemoryError, match="planted"):
                reservoir.update(rows(seen, seen + 10))
        assert reservoir.n_seen == seen
        assert drawn(feed(reservoir, seen, N)) == aq.sample_indices(N, 20, rng=7).tolist()


class TestBytes:
    def test_equality_and_bytes_do_not_depend_on_batching(self):
        a, b = aq.Reservoir(100, rng=7), aq.Reservoir(100, rng=7)
        a.update(rows(0, 20))
        for first in range(0, 20, 5):
            b.update(rows(first, first + 5))
        assert a == b
        assert a.to_bytes() == b.to_bytes()

    DATA = feed(aq.Reservoir(20, rng=7), 0, 1000).to_bytes()

    def test_every_damaged_byte_is_noticed(self):
        for at in range(0, len(self.DATA), 7):
            damaged = bytearray(self.DATA)
            damaged[at] ^= 0x10
            with pytest.raises(ValueError, match=r"^data: must be "):
                aq.Reservoir.from_bytes(bytes(damaged))

    def test_truncation_is_noticed(self):
        for size in [*range(30), 100, len(self.DATA) - 1]:
            with pytest.raises(ValueError, match=r"^data: must be "):
                aq.Reservoir.from_bytes(self.DATA[:size])

    def test_a_newer_format_is_named(self):
        newer = self.DATA[:8] + (2).to_bytes(8, "little") + self.DATA[16:]
        with pytest.raises(ValueError, match=r"^data: must be of format 1 or before, got 2: saved by a newer aliquot$"):
            aq.Reservoir.from_bytes(newer)

    def test_an_older_format_that_never_was(self):
        with pytest.raises(ValueError, match=r"^data: must be whole"):
            aq.Reservoir.from_bytes(self.DATA[:8] + (0).to_bytes(8, "little") + self.DATA[16:])

    def test_other_things(self):
        with pytest.raises(TypeError, match=r"^data: must be bytes, got str$"):
            aq.Reservoir.from_bytes("abc")


def _in_child(data):
    return drawn(feed(aq.Reservoir.from_bytes(data), 5000, N))


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork.*:DeprecationWarning")
def test_a_fork_goes_on():
    reservoir = feed(aq.Reservoir(50, rng=7), 0, 5000)
    with multiprocessing.get_context("fork").Pool(1) as pool:
        assert pool.apply(_in_child, (reservoir.to_bytes(),)) == aq.sample_indices(N, 50, rng=7).tolist()
