"""Samples in passing: coins by row, by id and by weight, and consumers on the way."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

import aliquot as aq
import reference
from aliquot import _rng
from aliquot.weights import exact_sum
from weighted_rows import TABLE, WEIGHTS, N, stream

SEED = _rng.key_of(7)


class TestBernoulli:
    def test_rows_are_those_with_keys_below_the_threshold(self):
        keys = reference.row_keys(SEED, N)
        expected = np.flatnonzero(keys <= -np.log1p(-0.01)).tolist()
        for source in (TABLE, stream()):
            assert aq.bernoulli(source, 0.01, rng=7).read_all()["x"].to_pylist() == expected

    def test_larger_fractions_hold_smaller_ones_and_samples(self):
        chosen = [set(aq.bernoulli(TABLE, p, rng=7).read_all()["x"].to_pylist()) for p in (0.001, 0.01, 0.2, 1.0)]
        assert chosen[0] < chosen[1] < chosen[2] < chosen[3]
        assert len(chosen[3]) == N
        assert set(aq.sample_indices(N, len(chosen[1]), rng=7).tolist()) == chosen[1]

    def test_numbers_of_rows_are_binomial(self):
        counts = [aq.bernoulli(TABLE.slice(0, 1000), 0.3, rng=seed).read_all().num_rows for seed in range(2000)]
        assert abs(np.mean(counts) - 300) < 5 * np.sqrt(210 / 2000)
        assert np.var(counts) == pytest.approx(210, rel=0.2)

    def test_ids_come_whole_and_alike_in_every_table(self):
        ids = pa.table({"id": pa.array(np.arange(N) % 500, pa.int32()), "x": np.arange(N)})
        other = pa.table({"id": pa.array(np.arange(500)[::-1]).cast(pa.int64())})
        chosen = aq.bernoulli(stream(ids), 0.1, key="id", rng=7).read_all()
        assert chosen.num_rows == len(set(chosen["id"].to_pylist())) * (N // 500)
        assert set(aq.bernoulli(other, 0.1, key="id", rng=7).read_all()["id"].to_pylist()) == set(
            chosen["id"].to_pylist()
        )
        assert 20 < len(set(chosen["id"].to_pylist())) < 90

    def test_errors(self):
        with pytest.raises(ValueError, match=r"^fraction: must be above 0 and at most 1, got 0$"):
            aq.bernoulli(TABLE, 0)
        with pytest.raises(KeyError, match="key: must be a column of"):
            aq.bernoulli(TABLE, 0.1, key="nope")
        with pytest.raises(TypeError, match=r"^l: must be a column of numbers, .* got list<item: int64>$"):
            aq.bernoulli(pa.table({"l": [[1]]}), 0.1, key="l")


class TestTap:
    def test_batches_pass_unchanged_and_every_consumer_sees_them_once(self):
        a, b, seen = aq.Reservoir(10, rng=1), aq.Reservoir(20, rng=2), []
        passed = aq.tap(stream(), a, b, lambda batch: seen.append(batch.num_rows))
        assert list(passed) == TABLE.to_batches(max_chunksize=777)
        assert a.n_seen == b.n_seen == sum(seen) == N
        assert a.result()["x"].to_pylist() == aq.sample_indices(N, 10, rng=1).tolist()

    def test_what_a_consumer_raises_ends_the_stream(self):
        def fail(batch):
            raise RuntimeError("planted")

        with pytest.raises(RuntimeError, match="planted"):
            aq.tap(TABLE, fail).read_all()

    def test_errors(self):
        with pytest.raises(TypeError, match=r"^consumers: must have update\(batch\) or be callable, got int 5$"):
            aq.tap(TABLE, 5)


class TestPoisson:
    def test_rows_are_those_with_priority_keys_below_the_threshold(self):
        keys = reference.weighted_keys(SEED, WEIGHTS, "priority")
        expected = np.flatnonzero(keys <= 300 / WEIGHTS.sum()).tolist()
        assert 250 < len(expected) < 310
        for source, weights in ((TABLE, "w"), (TABLE, pc.field("w")), (stream(), WEIGHTS)):
            assert aq.poisson(source, 300, weights=weights, rng=7).read_all()["x"].to_pylist() == expected

    def test_inclusion_is_in_proportion_and_at_most_certain(self):
        weights, trials = np.array([0.0, 1.0, 2.0, 4.0, 100.0]), 3000
        table = pa.table({"x": range(5), "w": weights})
        counts = np.zeros(5)
        for seed in range(trials):
            counts[aq.poisson(table, 2, weights="w", rng=seed).read_all()["x"].to_numpy()] += 1
        expected = np.minimum(1, 2 * weights / weights.sum()) * trials
        assert counts[0] == 0
        assert counts[4] == trials
        assert np.all(np.abs(counts - expected)[1:4] < 5 * np.sqrt(expected[1:4]))

    def test_larger_sizes_hold_smaller_ones(self):
        small, large = (set(aq.poisson(TABLE, k, weights="w", rng=7).read_all()["x"].to_pylist()) for k in (10, 500))
        assert small < large

    def test_parquet(self, tmp_path):
        pq.write_table(TABLE, tmp_path / "x.parquet", row_group_size=1000)
        expected = aq.poisson(TABLE, 300, weights="w", rng=7).read_all()
        assert aq.poisson(tmp_path, 300, weights="w", rng=7).read_all().equals(expected)

    def test_a_stream_needs_its_total(self):
        expected = aq.poisson(TABLE, 300, weights="w", rng=7).read_all()
        drawn = aq.poisson(stream(), 300, weights="w", total=float(exact_sum(WEIGHTS)), rng=7).read_all()
        assert drawn.equals(expected)

    def test_weights_are_as_many_as_a_stream_turns_out_to_have_rows(self):
        for more in (-1, 1):
            weights = np.ones(N + more)
            with pytest.raises(ValueError, match=rf"^weights: must be one a row, got {N + more} for {N} rows"):
                aq.poisson(stream(), 5, weights=weights).read_all()

    def test_errors(self):
        message = r"^total: must be given for a stream, unless weights are an array, got weights='w'$"
        with pytest.raises(TypeError, match=message):
            aq.poisson(stream(), 5, weights="w")
        with pytest.raises(ValueError, match=r"^total: must be positive and finite, got 0$"):
            aq.poisson(stream(), 5, weights="w", total=0)
        with pytest.raises(ValueError, match=r"^size: must be positive and finite, got 0$"):
            aq.poisson(TABLE, 0, weights="w")
        with pytest.raises(TypeError, match=r"^size: must be a number, got str '5'$"):
            aq.poisson(TABLE, "5", weights="w")
        with pytest.raises(ValueError, match=r"^w: must be positive in at least 1 row, got 0 such rows$"):
            aq.poisson(pa.table({"w": [0, 0]}), 5, weights="w")
        with pytest.raises(ValueError, match=r"^w: must be finite and not negative, got -1.0 at row 1$"):
            aq.poisson(pa.table({"w": [0, -1]}), 5, weights="w")
