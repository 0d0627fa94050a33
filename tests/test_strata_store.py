"""Reservoirs with strata: merged, saved, going on; what a stratum keeps."""

import datetime
import math
import pickle
import uuid
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest

import aliquot as aq
from errors import raises
from labelled import LABELS, SIZES, TABLE, counts


class TestReservoirs:
    OPTIONS = [
        {},
        {"weights": "amount"},
        {"weights": "amount", "design": "priority"},
        {"design": "quota"},
        {"replace": True},
        {"key": "row"},
        {"size": {"a": 3, None: 5, "b": 40}},
        {"strata": ["kind", "group"]},
        {"strata": aq.bins("amount", edges=[0.5, 2.0])},
        {"columns": ["row"]},
    ]

    @staticmethod
    def make(options, start=0):
        options = {"size": 25, "strata": "kind", "rng": 7, "start": start, **options}
        return aq.Reservoir(options.pop("size"), **options)

    @pytest.mark.parametrize("options", OPTIONS, ids=str)
    def test_merged_saved_and_going_on_it_is_that_of_a_single_pass(self, options):
        whole = self.make(options)
        whole.update(TABLE)
        parts = [self.make(options, start) for start in (0, 5000, 9000)]
        for part, (start, end) in zip(parts, [(0, 5000), (5000, 9000), (9000, 15_000)], strict=True):
            for batch in TABLE.slice(start, end - start).to_batches(max_chunksize=777):
                part.update(batch)
        merged = parts[2]
        merged.merge(parts[0])
        merged = aq.Reservoir.from_bytes(merged.to_bytes())
        merged.merge(parts[1])
        merged.update(TABLE.slice(15_000))
        assert merged == whole
        assert merged.result().equals(whole.result())
        assert merged.n_seen == 20_000
        assert merged.threshold == whole.threshold
        assert len(merged) == len(whole)
        merged.update(TABLE.slice(0, 100))
        assert merged != whole

    def test_the_rows_are_those_of_sample(self):
        reservoir = self.make({"size": {"a": 30, "c": 4}})
        for batch in TABLE.to_batches(max_chunksize=1111):
            reservoir.update(batch)
        expected = aq.sample(TABLE, {"a": 30, "c": 4}, strata="kind", rng=7)
        assert reservoir.result().equals(expected)
        told = aq.provenance(reservoir.result())["strata"]
        assert told["columns"] == ["kind"]
        assert {"stratum": "a", "population": SIZES["a"], "size": 30} in told["strata"]

    def test_a_size_is_of_each_stratum_and_short_strata_are_kept_whole(self):
        reservoir = self.make({"size": 500})
        reservoir.update(TABLE)
        assert counts(reservoir.result()) == {"a": 500, "b": 500, "c": 500, None: SIZES[None]}
        assert sum(reservoir.result(design_weight="w")["w"].to_pylist()) == pytest.approx(20_000)

    def test_a_failed_update_leaves_no_trace(self):
        reservoir = self.make({"weights": "amount"})
        reservoir.update(TABLE.slice(0, 100))
        before = reservoir.to_bytes()
        bad = TABLE.slice(100, 5).set_column(2, "amount", pa.array([1.0, 2.0, -1.0, 1.0, 1.0]))
        bad = bad.set_column(0, "kind", pa.array(["new"] * 5))
        with raises(ValueError, "amount: must be finite and not negative, got -1.0 at row 102"):
            reservoir.update(bad)
        assert reservoir.to_bytes() == before
        with pytest.raises(KeyError):
            reservoir.update(TABLE.drop_columns("kind"))
        assert reservoir.to_bytes() == before

    def test_draws_come_in_one_random_order_whatever_the_order_of_merges(self):
        cuts = [int(np.argmax(kind == LABELS)) for kind in ("b", "c", None)]  # another stratum comes first in each
        whole = aq.Reservoir(3, strata="kind", replace=True, rng=5)
        whole.update(TABLE)
        for cut in cuts:
            first, second = (aq.Reservoir(3, strata="kind", replace=True, start=at, rng=5) for at in (0, cut))
            first.update(TABLE.slice(0, cut))
            second.update(TABLE.slice(cut))
            second.merge(first)
            assert second.result("random").equals(whole.result("random"))

    @pytest.mark.parametrize("options", [each for each in OPTIONS if "weights" not in each], ids=str)
    def test_bytes_do_not_depend_on_the_order_of_merges(self, options):
        data = set()
        for order in ([0, 1, 2], [2, 0, 1], [1, 2, 0]):
            parts = [self.make(options, start) for start in (0, 5000, 9000)]
            for part, (start, end) in zip(parts, [(0, 5000), (5000, 9000), (9000, 20_000)], strict=True):
                part.update(TABLE.slice(start, end - start))
            merged = parts[order[0]]
            merged.merge(parts[order[1]])
            merged.merge(parts[order[2]])
            data.add(merged.to_bytes())
            data.add(aq.Reservoir.from_bytes(merged.to_bytes()).to_bytes())
        assert len(data) == 1

    def test_nan_names_a_stratum(self):
        table = pa.table({"x": [0.5, math.nan, None, math.nan, 0.5, math.nan]})
        wanted = {np.float64("nan"): 2, 0.5: 1}
        assert repr(sorted(aq.sample(table, wanted, strata="x", rng=1)["x"].to_pylist(), key=repr)) == "[0.5, nan, nan]"
        reservoir = aq.Reservoir(wanted, strata="x", rng=1)
        reservoir.update(table)
        again = aq.Reservoir.from_bytes(reservoir.to_bytes())
        assert again == reservoir
        assert again.result().num_rows == 3
        assert sorted(again.threshold, key=repr) == [0.5, None, math.nan]
        with raises(ValueError, "size: must be at most the 3 rows of stratum nan, got 4"):
            aq.sample(table, {math.nan: 4}, strata="x")

    NAMED = {
        "dates": (pa.array([19_000, 19_001, None, 19_000], pa.date32()), datetime.date(2022, 1, 8)),
        "days of NumPy": (pa.array([19_000 * 86_400_000, 5], pa.date64()), np.datetime64("2022-01-08")),
        "timestamps": (pa.array([10**12, 5], pa.timestamp("us")), datetime.datetime(1970, 1, 12, 13, 46, 40)),
        "instants": (
            pa.array([0, 5], pa.timestamp("ms", "Asia/Tokyo")),
            datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC),
        ),
        "nanoseconds": (pa.array([1, 2], pa.timestamp("ns")), np.datetime64(1, "ns")),
        "nanoseconds somewhere": (
            pa.array([10**18 + 1, 2], pa.timestamp("ns", "Asia/Tokyo")),
            pa.scalar(10**18 + 1, pa.timestamp("ns", "+01:00")),
        ),
        "short durations": (pa.array([1, 2], pa.duration("ns")), np.timedelta64(1, "ns")),
        "times": (pa.array([60, 0], pa.time32("s")), datetime.time(0, 1)),
        "durations": (pa.array([1, 2], pa.duration("s")), np.timedelta64(1, "s")),
        "decimals": (pa.array([Decimal("1.50"), Decimal("2.25")]), Decimal("1.5")),
        "bytes": (pa.array([b"\xff", b""]), b"\xff"),
        "scalars of Arrow": (pa.array(["x", "y"]), pa.scalar("x", pa.large_string())),
        "codes of a dictionary": (pa.array(["x", "y"]).dictionary_encode(), pa.array(["x"]).dictionary_encode()[0]),
        "identifiers": (pa.array([b"\0" * 16, b"\1" * 16], pa.uuid()), uuid.UUID(int=0)),
        "large numbers": (pa.array([2**64 - 1, 1], pa.uint64()), 2**64 - 1),
    }

    @pytest.mark.parametrize("kind", NAMED)
    def test_a_value_of_any_type_names_a_stratum(self, kind):
        values, name = self.NAMED[kind]
        table = pa.table({"s": pa.concat_arrays([values] * 5), "x": range(5 * len(values))})
        sampled = aq.sample(table, {name: 3}, strata="s", rng=1)
        assert sampled["s"].to_pylist() == [values[0].as_py()] * 3
        reservoir = aq.Reservoir({name: 3}, strata="s", rng=1)
        reservoir.update(table)
        assert reservoir.result()["x"].equals(sampled["x"])
        again = aq.Reservoir.from_bytes(reservoir.to_bytes())
        assert again == reservoir
        again.update(table)
        assert again.result().num_rows == 3
        pairs = aq.Reservoir({(name, 1): 1}, strata=["s", "x"], rng=1)
        assert pickle.loads(pickle.dumps(pairs)) == pairs

    def test_what_names_no_stratum(self):
        with raises(TypeError, "size: must name strata by values that a column can have, got object"):
            aq.Reservoir({object(): 3}, strata="x")
        with raises(ValueError, "size: must name a stratum once, got 1 twice"):
            aq.Reservoir({pa.scalar(1): 3, 1: 4}, strata="x")
        with raises(ValueError, "size: must name a stratum once, got nan twice"):
            aq.sample(pa.table({"x": [1.0]}), {np.float32("nan"): 1, float("nan"): 1}, strata="x")

    def test_the_order_of_sizes_does_not_tell_reservoirs_apart(self):
        assert aq.Reservoir({"a": 1, "b": 2}, strata="x", rng=1) == aq.Reservoir({"b": 2, "a": 1}, strata="x", rng=1)
        assert aq.Reservoir({"a": 1, "b": 2}, strata="x", rng=1) != aq.Reservoir({"a": 1}, strata="x", rng=1)

    def test_unlike_reservoirs_do_not_merge(self):
        with raises(ValueError, "other: must have strata=['kind'] like this reservoir, got ['group']"):
            self.make({}).merge(self.make({"strata": "group"}))

    def test_memory_is_that_of_the_rows_kept(self):
        reservoir = self.make({"size": 10})
        for batch in TABLE.to_batches(max_chunksize=100):
            reservoir.update(batch)
            assert reservoir._store.rows.count <= 2 * 40 + 4 + 64 + 100
