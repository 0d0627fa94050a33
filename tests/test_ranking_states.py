"""States of BinaryCurve: the same whatever the batches, merged, shared and saved."""

import copy
import pickle
from concurrent.futures import ThreadPoolExecutor

import hypothesis.strategies as st
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given

import aliquot as aq
from aliquot import _ranking, ranking
from aliquot._kernels import score_bins
from aliquot._saved import pack
from errors import raises
from scored import KINDS, WEIGHTS, curve_of, pieces, rows


class TestBatching:
    @pytest.mark.parametrize("bins", [None, 1, 7, 64, 5000])
    @pytest.mark.parametrize("weight", WEIGHTS)
    @pytest.mark.parametrize("kind", KINDS)
    def test_states_do_not_depend_on_batches_or_the_order_of_merges(self, kind, weight, bins):
        columns = rows(kind, weight, 400)
        whole = curve_of(*columns, bins=bins)
        parts = [curve_of(*piece, bins=bins) for piece in pieces(columns, (0, 1, 50, 57, 300))]
        streamed = aq.BinaryCurve(bins=bins)
        for y_true, y_score, w in pieces(columns, (10, 10, 250)):
            streamed.update(y_true, y_score, sample_weight=w)
            len(streamed)  # ranks what waits
        assert streamed == whole
        for order in (parts, parts[::-1], parts[3:] + parts[:3]):
            merged = aq.BinaryCurve(bins=bins)
            for part in order:
                merged.merge(part)
            assert merged == whole
            assert merged.to_bytes() == whole.to_bytes()
            assert merged.roc_auc_bounds() == whole.roc_auc_bounds()
            assert merged.average_precision_bounds() == whole.average_precision_bounds()
        left, right = copy.copy(parts[0]), copy.copy(parts[3])
        for side, more in ((left, parts[1:3]), (right, parts[4:])):
            for part in more:
                side.merge(part)
        left.merge(right)
        assert left == whole

    @given(
        st.lists(st.tuples(st.booleans(), st.floats(allow_nan=False), st.floats(0, 1e300)), max_size=40),
        st.lists(st.integers(0, 40), max_size=4),
        st.sampled_from([None, 1, 2, 3, 10]),
        st.randoms(),
    )
    def test_states_are_those_of_the_rows_in_any_order(self, drawn, cuts, bins, random):
        columns = [np.array([row[i] for row in drawn], kind) for i, kind in enumerate((bool, float, float))]
        whole = curve_of(*columns, bins=bins)
        order = list(range(len(drawn)))
        random.shuffle(order)
        merged = aq.BinaryCurve(bins=bins)
        for piece in pieces([column[order] for column in columns], [min(cut, len(drawn)) for cut in cuts]):
            merged.merge(curve_of(*piece, bins=bins))
        assert merged == whole

    def test_rows_are_ranked_early_when_scores_repeat_and_late_when_they_do_not(self, monkeypatch):
        monkeypatch.setattr(ranking, "FEW_ROWS", 100)
        monkeypatch.setattr(ranking, "MANY_ROWS", 1000)
        monkeypatch.setattr(_ranking, "KEPT_ROWS", 200)  # so that a ranking keeps the memory that its rows waited in
        for kind in ("ties", "continuous"):
            columns = rows(kind, None, 4000)
            whole = curve_of(*columns)
            streamed = aq.BinaryCurve()
            waiting = []
            for y_true, y_score, _ in pieces(columns, range(40, 4000, 40)):
                streamed.update(y_true, y_score)
                waiting.append(streamed._pending.rows)
            assert max(waiting) < (100 if kind == "ties" else 4000)
            assert max(waiting) > (0 if kind == "ties" else 900)
            assert streamed == whole

    def test_many_rows_are_sorted_in_parts(self, monkeypatch):
        columns = rows("ties", "floats", 1000)
        whole = {bins: curve_of(*columns, bins=bins) for bins in (None, 4)}
        assert all(len(curve) for curve in whole.values())
        monkeypatch.setattr(_ranking, "MOST_ROWS", 64)
        for bins, curve in whole.items():
            assert curve_of(*columns, bins=bins) == curve

    def test_weights_of_one_are_no_weights_and_whole_ones_are_repeats(self):
        y_true, y_score, w = rows("ties", "integers")
        assert curve_of(y_true, y_score, np.ones(500)) == curve_of(y_true, y_score)
        repeated = curve_of(np.repeat(y_true, w), np.repeat(y_score, w))
        weighted = curve_of(y_true, y_score, w)
        assert weighted.roc_auc() == repeated.roc_auc()
        assert weighted.average_precision() == repeated.average_precision()

    @pytest.mark.parametrize("ranked", [(), (0,), (1,), (0, 1)])
    @pytest.mark.parametrize("kinds", [("f4", "f4"), ("f4", "f8"), ("f8", "f4")])
    @pytest.mark.parametrize("weighted", [(), (0,), (1,), (0, 1)])
    def test_merged_rows_of_any_types_are_as_good_waiting_as_ranked(self, ranked, kinds, weighted):
        y_true, y_score, w = rows("ties", "integers", 600)
        sides = []
        for i, kind in enumerate(kinds):
            at = slice(300 * i, 300 * (i + 1))
            weights = w[at] * (np.arange(300) % 3) if i in weighted else None  # some weigh nothing
            sides.append((y_true[at], y_score[at].astype("f4").astype(kind), weights))
        curves = [curve_of(*side) for side in sides]
        for i in ranked:
            len(curves[i])
        seen = curves[1].n_seen
        curves[0].merge(curves[1])
        whole = curve_of(*sides[1])
        assert whole == curves[1]
        assert curves[1].n_seen == seen
        whole.update(sides[0][0], sides[0][1], sample_weight=sides[0][2])
        assert curves[0].n_seen == 600
        assert curves[0] == whole
        assert curves[0].roc_auc() == whole.roc_auc()

    def test_a_curve_merges_with_itself(self):
        y_true, y_score, _ = rows()
        curve = curve_of(y_true, y_score)
        curve.merge(curve)
        assert curve == curve_of(np.tile(y_true, 2), np.tile(y_score, 2))

    def test_merging_leaves_the_other_as_it_was(self):
        y_true, y_score, _ = rows()
        other = curve_of(y_true, y_score)
        aq.BinaryCurve().merge(other)
        mine = curve_of(y_true, y_score)
        mine.merge(other)
        assert other == curve_of(y_true, y_score)

    def test_threads_side_by_side(self):
        parts = [rows("float32", "floats", 20_000, seed) for seed in range(6)]
        with ThreadPoolExecutor(3) as pool:
            areas = list(pool.map(lambda part: curve_of(*part).roc_auc(), parts))
        assert areas == [curve_of(*part).roc_auc() for part in parts]

    @pytest.mark.parametrize("bins", [None, 20])
    def test_threads_that_share_a_curve(self, bins):
        columns = rows("float32", "floats", 60_000)
        parts = pieces(columns, range(1000, 60_000, 1000))
        shared = aq.BinaryCurve(bins=bins)

        def work(part):
            y_true, y_score, w = part
            shared.update(y_true, y_score, sample_weight=w)
            shared.merge(aq.BinaryCurve(bins=bins))
            return len(shared)

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(work, parts))
        assert shared == curve_of(*columns, bins=bins)


class TestSaving:
    @pytest.mark.parametrize("bins", [None, 10])
    @pytest.mark.parametrize("weight", WEIGHTS)
    def test_states_come_back_and_go_on(self, weight, bins):
        y_true, y_score, w = rows("float32", weight)
        curve = curve_of(y_true, y_score, w, bins=bins, positive=1)
        for again in (
            aq.BinaryCurve.from_bytes(curve.to_bytes()),
            pickle.loads(pickle.dumps(curve)),
            copy.copy(curve),
            copy.deepcopy(curve),
        ):
            assert again == curve
            again.update(y_true, y_score, sample_weight=w)
            assert again != curve
            assert again == curve_of(
                np.tile(y_true, 2), np.tile(y_score, 2), None if w is None else np.tile(w, 2), bins=bins, positive=1
            )

    def test_repr(self):
        assert repr(curve_of([0, 1], [0.1, 0.2])) == "BinaryCurve(n_seen=2)"
        assert repr(aq.BinaryCurve(bins=3, positive="a")) == "BinaryCurve(n_seen=0, bins=3, positive='a')"

    def test_curves_differ(self):
        curve = curve_of([0, 1], [0.1, 0.2])
        assert curve != curve_of([0, 1], [0.1, 0.3])
        assert curve != curve_of([1, 0], [0.1, 0.2])
        assert curve != curve_of([0, 1], [0.1, 0.2], bins=9)
        assert curve != "curve"
        with pytest.raises(TypeError):
            hash(curve)

    @pytest.mark.parametrize(
        ("options", "shown"),
        [({"bins": 3}, "bins=None, got bins=3"), ({"positive": 1}, "positive=None, got positive=1"), ({"nulls": "skip"}, "nulls='raise', got nulls='skip'")],
    )  # fmt: skip
    def test_unlike_curves_do_not_merge(self, options, shown):
        curve = curve_of([0, 1], [0.1, 0.2])
        with pytest.raises(ValueError, match=f"^other: must have {shown}$"):
            curve.merge(aq.BinaryCurve(**options))

    def test_curves_of_unlike_labels_do_not_merge(self):
        curve = curve_of([0, 1], [0.1, 0.2])
        with pytest.raises(ValueError, match=r"^y_true: must hold 0 and 1, or -1 and 1, got both 0 and -1$"):
            curve.merge(curve_of([-1, 1], [0.1, 0.2]))
        with pytest.raises(ValueError, match=r"^y_true: must hold 0 and 1, or -1 and 1, got both 0 and -1$"):
            curve.update([-1, 1], [0.1, 0.2])
        with pytest.raises(TypeError, match=r"^other: must be a BinaryCurve, got int 3$"):
            curve.merge(3)
        assert curve == curve_of([0, 1], [0.1, 0.2])

    def test_crafted_states_are_refused(self):
        curve = curve_of([0, 1], [0.1, 0.2])
        state = {
            "bins": None,
            "positive": None,
            "nulls": "raise",
            "n_seen": 2,
            "negatives": [0],
            "level": score_bins.FINEST,
        }
        batch = curve._settled().to_batch()
        with pytest.raises(ValueError, match=r"^data: must hold masses of 5 limbs, got others$"):
            aq.BinaryCurve.from_bytes(pack("BinaryCurve", {**state, "masses": [2, 0, 150]}, [batch], batch.schema))
        backwards = batch.take(pa.array([1, 0]))
        with pytest.raises(ValueError, match=r"^data: must hold scores in descending order, got others$"):
            aq.BinaryCurve.from_bytes(pack("BinaryCurve", {**state, "masses": [2, 0, 0]}, [backwards], batch.schema))
        with pytest.raises(ValueError, match=r"^data: must be whole, got bytes that do not match their checksum$"):
            aq.BinaryCurve.from_bytes(curve.to_bytes()[:-1])


def test_a_curve_whose_ranking_was_interrupted_gives_no_wrong_values(monkeypatch):
    columns = rows("float32", None, 400)
    (first, second), whole = pieces(columns, (200,)), curve_of(*columns)
    curve = curve_of(*first)
    len(curve)  # ranks what waits
    curve.update(second[0], second[1])
    with monkeypatch.context() as patched:
        patched.setattr(_ranking._kernel, "merge", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            curve.roc_auc()
    for use in (curve.roc_auc, curve.to_bytes, lambda: whole.merge(curve)):
        with raises(RuntimeError, "curve: must be made again, as ranking its rows was interrupted or lacked memory"):
            use()
