"""The first rows, of all or of each stratum, which nothing draws: which they are, how they merge, what they go with."""

import numpy as np
import pyarrow.compute as pc
import pytest

import aliquot as aq
from errors import raises
from labelled import LABELS, TABLE, batches


class TestNonProbability:
    def test_first(self):
        assert aq.sample(TABLE, 5, design="first")["row"].to_pylist() == [0, 1, 2, 3, 4]
        got = aq.sample(TABLE, 5, design="first", where=pc.field("group") == 3)
        assert got["row"].to_pylist() == np.flatnonzero(TABLE["group"].to_numpy() == 3)[:5].tolist()
        assert aq.sample(batches(TABLE, 2), 5, design="first")["row"].to_pylist() == [0, 1, 2, 3, 4]
        for source in (TABLE, batches(TABLE, 300)):
            assert aq.sample(source, fraction=0.0002, design="first")["row"].to_pylist() == [0, 1, 2, 3]
        picked = aq.sample(batches(TABLE, 300), fraction=0.001, design="first", where=pc.field("group") == 3)
        assert picked["row"].to_pylist() == np.flatnonzero(TABLE["group"].to_numpy() == 3)[:4].tolist()  # of 3,968
        reservoir = aq.Reservoir(3, design="first", start=4)
        reservoir.update(TABLE.slice(4))
        assert reservoir.result()["row"].to_pylist() == [4, 5, 6]
        told = aq.provenance(reservoir.result())
        assert (told["design"], told["probability"]) == ("first", False)

    def test_quota(self):
        got = aq.sample(TABLE, {"a": 4, "c": 2}, strata="kind", design="quota")
        kinds = np.array(LABELS)
        assert got["row"].to_pylist() == sorted([*np.flatnonzero(kinds == "a")[:4], *np.flatnonzero(kinds == "c")[:2]])
        assert aq.provenance(got)["probability"] is False

    @pytest.mark.parametrize("options", [{"design": "first"}, {"design": "quota", "strata": "kind"}], ids=["first", "quota"])  # fmt: skip
    def test_rows_of_one_number_do_not_merge_whatever_the_seeds(self, options):
        whole, first, second = (aq.Reservoir(3, **options, start=start, rng=start) for start in (0, 0, 100))
        whole.update(TABLE)
        first.update(TABLE.slice(0, 100))
        second.update(TABLE.slice(100))
        first.merge(second)
        assert first.result().equals(whole.result())
        before = first.to_bytes()
        again = aq.Reservoir.from_bytes(second.to_bytes())
        for other, start in [(again, 100), (whole, 0)]:
            message = f"other: must hold rows not seen yet with one seed, got rows {start} to 20000 on both sides"
            with raises(ValueError, message):
                first.merge(other)
        assert first.to_bytes() == before

    def test_what_does_not_go_together(self):
        first = {"design": "first"}
        for options, message in [
            ({"design": "quota"}, "design: must be 'first' without strata, got 'quota'"),
            ({**first, "strata": "kind"}, "design: must be 'quota' with strata, got 'first'"),
            ({**first, "weights": "amount"}, "design: must be 'successive' or 'priority' with weights, got 'first'"),
            ({**first, "design_weight": "w"}, "design_weight: must be None with design 'first', under which rows have no known inclusion probability, got 'w'"),
            ({**first, "replace": True}, "replace: must be False with design 'first', which draws nothing, got True"),
            ({"design": "priority", "replace": True}, "design: must be 'successive' with replace, as draws are independent, got 'priority'"),
        ]:  # fmt: skip
            with raises(ValueError, message):
                aq.sample(TABLE, 5, **options)
