"""Reservoirs: batching, merging, memory, and rows that stay what they are."""

import copy
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
from numbered_rows import N, drawn, feed, rows


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
