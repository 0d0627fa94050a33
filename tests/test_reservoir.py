"""Reservoirs: batching, merging, saving, and rows that stay what they are."""

import copy
import multiprocessing
import pickle
import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor

import hypothesis.strategies as st
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given

import aliquot as aq
import laws

N = 20_000


def rows(start, stop):
    return pa.record_batch({"x": np.arange(start, stop)})


def feed(reservoir, start, stop, step=1000):
    for first in range(start, stop, step):
        reservoir.update(rows(first, min(first + step, stop)))
    return reservoir


def drawn(reservoir):
    return reservoir.result()["x"].to_pylist()


@given(st.lists(st.integers(0, N), max_size=8), st.sampled_from([0, 1, 50, 3000, N, N + 1]))
def test_result_does_not_depend_on_batch_boundaries(cuts, k):
    reservoir = aq.Reservoir(k, rng=7)
    bounds = [0, *sorted(cuts), N]
    for first, last in zip(bounds, bounds[1:], strict=False):
        reservoir.update(rows(first, last))
    assert drawn(reservoir) == aq.sample_indices(N, min(k, N), rng=7).tolist()
    assert reservoir.n_seen == N
    assert len(reservoir) == min(k, N)


@given(st.lists(st.integers(0, N), min_size=1, max_size=5, unique=True).map(sorted), st.sampled_from([1, 40, 2500]))
def test_merging_equals_one_pass(cuts, k):
    laws.merging_equals_one_pass(lambda start: aq.Reservoir(k, rng=7, start=start), feed, N, cuts)


def test_merging_draws_with_replacement_equals_one_pass():
    laws.merging_equals_one_pass(
        lambda start: aq.Reservoir(40, replace=True, rng=7, start=start), feed, N, [5000, 12_000]
    )


def test_merge_update_save_load_merge():
    whole = feed(aq.Reservoir(30, rng=7), 0, N)
    a, b, c = (feed(aq.Reservoir(30, rng=7, start=s), s, e) for s, e in ((0, 4000), (4000, 9000), (15_000, N)))
    a.merge(b)
    feed(a, 9000, 12_000, step=77)
    a = aq.Reservoir.from_bytes(a.to_bytes())
    feed(a, 12_000, 15_000)
    a.merge(pickle.loads(pickle.dumps(c)))
    assert a == whole
    assert drawn(a) == drawn(whole)


def test_a_merge_into_the_later_part_goes_on_after_it():
    late = feed(aq.Reservoir(30, rng=7, start=5000), 5000, 9000)
    late.merge(feed(aq.Reservoir(30, rng=7), 0, 5000))
    assert drawn(feed(late, 9000, N)) == aq.sample_indices(N, 30, rng=7).tolist()


def test_a_gap_is_filled_by_the_own_stream():
    early = feed(aq.Reservoir(30, rng=7), 0, 3000)
    early.merge(feed(aq.Reservoir(30, rng=7, start=8000), 8000, N))
    feed(early, 3000, 7500)
    before = early.to_bytes()
    with pytest.raises(
        ValueError,
        match=r"^batch: must hold rows not seen yet, got rows 7500 to 8500, of which those from 8000 came with a merge$",
    ):
        early.update(rows(7500, 8500))
    assert early.to_bytes() == before
    feed(early, 7500, 8000)
    assert early == feed(aq.Reservoir(30, rng=7), 0, N)


def merged_rows(n, k, seed):
    a, b = (aq.Reservoir(k, rng=10**6 * side + seed) for side in (1, 2))
    a.update(rows(0, n))
    b.update(rows(n, 2 * n))
    a.merge(b)
    return a


def test_merging_independent_seeds_is_uniform():
    laws.merging_is_uniform(lambda n, k, seed: drawn(merged_rows(n, k, seed)), trials=3000)


def test_going_on_after_a_merge_is_even():
    def merge_and_go_on(n, k, seed):
        merged = merged_rows(n, k, seed)
        merged.update(rows(2 * n, 4 * n))
        return drawn(merged)

    laws.going_on_after_a_merge_is_even(merge_and_go_on, trials=1500)


def test_smaller_samples_are_part_of_larger_ones():
    def draw(n, k, seed):
        return drawn(feed(aq.Reservoir(k, rng=seed), 0, n))

    laws.samples_nest(draw, 3000, [1, 10, 100])


def test_random_order_begins_with_the_smaller_sample():
    large = feed(aq.Reservoir(500, rng=7), 0, N).result("random")
    small = feed(aq.Reservoir(50, rng=7), 0, N).result("random")
    assert large.slice(0, 50).equals(small)
    assert large["x"].to_pylist() != sorted(large["x"].to_pylist())


def test_inclusion_probability_follows_from_the_threshold():
    reservoir = feed(aq.Reservoir(2000, rng=7), 0, N)
    assert 1 - np.exp(-reservoir.threshold) == pytest.approx(2000 / N, rel=0.1)
    assert feed(aq.Reservoir(N, rng=7), 0, N).threshold == np.inf
    assert feed(aq.Reservoir(2001, rng=7), 0, N).threshold > reservoir.threshold


def test_row_numbers_and_design_weights():
    table = feed(aq.Reservoir(10, rng=7), 0, N).result(row_number="row", design_weight="weight")
    assert table["row"].to_pylist() == table["x"].to_pylist()
    assert table["weight"].to_pylist() == [N / 10] * 10
    assert table.schema.field("row").type == pa.int64()
    assert table.schema.field("weight").type == pa.float64()
    with pytest.raises(ValueError, match=r"^row_number: must not be a column that is there already, got 'x'$"):
        feed(aq.Reservoir(10, rng=7), 0, N).result(row_number="x")


class TestReplacement:
    def test_draws_in_order_begin_with_the_smaller_sample(self):
        large = feed(aq.Reservoir(500, replace=True, rng=7), 0, 100).result("random")
        small = feed(aq.Reservoir(50, replace=True, rng=7), 0, 100).result("random")
        assert large.slice(0, 50).equals(small)

    def test_a_stream_shorter_than_the_size_gives_all_draws(self):
        drawn_rows = drawn(feed(aq.Reservoir(500, replace=True, rng=7), 0, 10))
        assert len(drawn_rows) == 500
        assert set(drawn_rows) == set(range(10))
        assert drawn_rows == sorted(drawn_rows)

    def test_an_empty_stream_gives_none(self):
        assert aq.Reservoir(5, replace=True, rng=7).result().num_rows == 0


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

    def test_other_schema(self, reservoir):
        message = r"^batch: must keep the schema of the batches before it, got x: string for x: int64$"
        self.check(reservoir, ValueError, message, lambda: reservoir.update(pa.record_batch({"x": ["a"]})))

    def test_more_columns(self, reservoir):
        message = r"^batch: must keep the schema of the batches before it, got y: int64 for no column$"
        self.check(reservoir, ValueError, message, lambda: reservoir.update(pa.record_batch({"x": [1], "y": [2]})))

    def test_no_arrow_data(self, reservoir):
        message = r"^batch: must be a RecordBatch, a Table or other Arrow data, got int 5$"
        self.check(reservoir, TypeError, message, lambda: reservoir.update(5))

    def test_overlapping_rows(self, reservoir):
        other = feed(aq.Reservoir(20, rng=7, start=900), 900, 1100)
        message = r"^other: must hold rows not seen yet with one seed, got rows 900 to 1000 on both sides$"
        self.check(reservoir, ValueError, message, lambda: reservoir.merge(other))

    def test_itself(self, reservoir):
        message = r"^other: must hold rows not seen yet with one seed, got rows 0 to 1000 on both sides$"
        self.check(reservoir, ValueError, message, lambda: reservoir.merge(reservoir))

    def test_other_size(self, reservoir):
        message = r"^other: must have size=20 like this reservoir, got 21$"
        self.check(reservoir, ValueError, message, lambda: reservoir.merge(aq.Reservoir(21, rng=7, start=5000)))

    def test_other_design(self, reservoir):
        message = r"^other: must have replace=False like this reservoir, got True$"
        self.check(reservoir, ValueError, message, lambda: reservoir.merge(aq.Reservoir(20, replace=True, rng=8)))

    def test_merge_of_another_schema(self, reservoir):
        other = aq.Reservoir(20, rng=8)
        other.update(pa.record_batch({"y": [1]}))
        message = r"^other: must keep the schema of the batches before it, got y: int64 for x: int64$"
        self.check(reservoir, ValueError, message, lambda: reservoir.merge(other))

    def test_merge_with_something_else(self, reservoir):
        self.check(reservoir, TypeError, r"^other: must be a Reservoir, got int 5$", lambda: reservoir.merge(5))

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


class TestCoordination:
    IDS = pa.array([f"user{i % 300}" for i in range(N)])

    def table(self, ids):
        return pa.record_batch({"id": ids, "x": np.arange(len(ids))})

    def chosen(self, ids, k=100, rng=7):
        reservoir = aq.Reservoir(k, key="id", rng=rng)
        reservoir.update(self.table(ids))
        return reservoir.result()

    def test_whole_ids_are_chosen_whatever_the_row_order(self):
        per_id = len(self.IDS) // 300 + 1
        forward = self.chosen(self.IDS, 10 * per_id)
        backward = self.chosen(self.IDS.take(pa.array(np.arange(N)[::-1])), 10 * per_id)
        whole = {
            id
            for id, count in zip(*np.unique(forward["id"].to_pylist(), return_counts=True), strict=True)
            if count >= 66
        }
        assert len(whole) >= 9
        assert whole <= set(backward["id"].to_pylist())

    @pytest.mark.parametrize(
        "kind", [pa.large_string(), pa.string_view(), pa.binary(), pa.dictionary(pa.int16(), pa.string())]
    )
    def test_strings_of_all_layouts_hash_alike(self, kind):
        ids = self.IDS.dictionary_encode().cast(kind) if pa.types.is_dictionary(kind) else self.IDS.cast(kind)
        assert self.chosen(ids)["x"].equals(self.chosen(self.IDS)["x"])

    @pytest.mark.parametrize(
        "kind", [pa.int16(), pa.uint32(), pa.int64(), pa.float64(), pa.dictionary(pa.int8(), pa.int64())]
    )
    def test_numbers_of_all_widths_hash_alike(self, kind):
        ids = pa.array(np.arange(N) % 100, pa.int32())
        cast = ids.cast(pa.int64()).dictionary_encode().cast(kind) if pa.types.is_dictionary(kind) else ids.cast(kind)
        assert self.chosen(cast)["x"].equals(self.chosen(ids)["x"])

    def test_ties_go_to_the_lower_row_number_in_every_batching_and_merge(self):
        ids = pa.array([1] * 50 + [2] * 50)
        whole = self.chosen(ids, 10)
        pieces = [aq.Reservoir(10, key="id", start=start, rng=7) for start in (0, 30, 60)]
        for piece, start in zip(pieces, (0, 30, 60), strict=True):
            piece.update(self.table(ids).slice(start, 30 if start < 60 else 40))
        merged = pieces[2]
        merged.merge(pieces[0])
        merged.merge(pieces[1])
        assert merged.result().equals(whole)
        assert np.ptp(whole["x"].to_numpy()) == 9

    def test_other_seeds_do_not_merge(self):
        with pytest.raises(ValueError, match=r"^other: must have rng=7 like this reservoir to hash alike, got 8$"):
            aq.Reservoir(5, key="id", rng=7).merge(aq.Reservoir(5, key="id", rng=8))

    def test_errors(self):
        with pytest.raises(KeyError, match="key: must be a column of .* got 'nope'"):
            aq.Reservoir(5, key="nope").update(self.table(self.IDS))
        with pytest.raises(
            TypeError,
            match=r"^id: must be a column of numbers, strings, dates, times or dictionaries of these, got list<item: int64>$",
        ):
            aq.Reservoir(5, key="id").update(pa.record_batch({"id": [[1]]}))
        with pytest.raises(ValueError, match="design_weight: must be None with key"):
            aq.Reservoir(5, key="id").result(design_weight="w")
        with pytest.raises(ValueError, match=r"^design: must be 'successive' with key, got 'priority'$"):
            aq.Reservoir(5, key="id", design="priority")


def test_columns_are_projected():
    reservoir = aq.Reservoir(5, columns=["b", "a"], rng=7)
    reservoir.update(pa.record_batch({"a": [1, 2], "b": ["x", "y"], "c": [0, 0]}))
    assert reservoir.result().to_pylist() == [{"b": "x", "a": 1}, {"b": "y", "a": 2}]
    with pytest.raises(KeyError, match="columns: must be a column of"):
        aq.Reservoir(5, columns=["nope"]).update(rows(0, 5))


def test_tables_and_frames_are_taken():
    import polars as pl

    whole = feed(aq.Reservoir(5, rng=7), 0, 1000)
    for data in (pa.table(rows(0, 1000)), pl.DataFrame({"x": np.arange(1000)}), rows(0, 1000).to_struct_array()):
        reservoir = aq.Reservoir(5, rng=7)
        reservoir.update(data)
        assert drawn(reservoir) == drawn(whole)


def test_rows_without_columns_are_counted():
    reservoir = aq.Reservoir(5, rng=7)
    for _ in range(10):
        reservoir.update(rows(0, 100).select([]))
    result = copy.copy(reservoir).result(row_number="row")
    assert result["row"].to_pylist() == aq.sample_indices(1000, 5, rng=7).tolist()


def test_threads_on_separate_reservoirs_do_not_disturb_each_other():
    def work(seed):
        return drawn(feed(aq.Reservoir(50, rng=seed), 0, N, step=100))

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(work, range(16))) == [work(seed) for seed in range(16)]


def _in_child(data):
    return drawn(feed(aq.Reservoir.from_bytes(data), 5000, N))


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork.*:DeprecationWarning")
def test_a_fork_goes_on():
    reservoir = feed(aq.Reservoir(50, rng=7), 0, 5000)
    with multiprocessing.get_context("fork").Pool(1) as pool:
        assert pool.apply(_in_child, (reservoir.to_bytes(),)) == aq.sample_indices(N, 50, rng=7).tolist()


def peak_memory(code):
    """Peak resident memory, in MB, of a Python process, and what it prints."""
    code = (
        "import resource\n"
        + textwrap.dedent(code)
        + "\nprint(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)"
    )
    out = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split()
    return int(out[-1]), out[:-1]


@pytest.mark.slow
def test_memory_is_that_of_the_sample_whatever_the_stream():
    # 100 million rows with a 200-byte string, 22 GB, for a sample of 10,000 rows, 2.2 MB.
    code = """
        import aliquot as aq, pyarrow as pa, numpy as np
        batch = pa.record_batch({"x": np.arange(65_536), "s": pa.array(["%0200d" % i for i in range(65_536)])})
        reservoir = aq.Reservoir(10_000, rng=7)
        for _ in range(PASSES):
            # A batch of its own, so that holding on to one would show.
            reservoir.update(pa.RecordBatch.from_arrays([pa.concat_arrays([c, c.slice(0, 0)]) for c in batch.columns], batch.schema.names))
        assert len(reservoir) == 10_000
        print(reservoir.n_seen)
    """
    short, _ = peak_memory(code.replace("PASSES", "3"))
    long, (seen,) = peak_memory(code.replace("PASSES", "1526"))
    assert int(seen) > 100_000_000
    assert long - short < 25
