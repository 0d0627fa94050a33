"""Confusion matrices: counts of every type, cut and order; states; errors that change nothing."""

import copy
import pickle
from fractions import Fraction

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from river import metrics as river

import aliquot as aq
from aliquot._saved import pack, unpack
from label_pairs import as_type, counted, rows


class TestLaws:
    @given(st.data())
    def test_neither_batches_nor_order_nor_merges_change_anything(self, data):
        k = data.draw(st.sampled_from([2, 3, 10, 30, 3000]))
        n = data.draw(st.integers(0, 400))
        y_true, y_pred = rows(n, k, seed=data.draw(st.integers(0, 99)))
        weights = np.random.default_rng(5).lognormal(0, 20, n)
        strings = data.draw(st.booleans())
        if strings:
            y_true, y_pred = y_true.astype(str), y_pred.astype(str)
        weighted = data.draw(st.booleans())
        order = np.random.default_rng(3).permutation(n)
        cuts = [0, *sorted(data.draw(st.lists(st.integers(0, n), max_size=4))), n]

        def feed(m, at):
            m.update(y_true[at], y_pred[at], sample_weight=weights[at] if weighted else None)
            return m

        whole = feed(aq.ConfusionMatrix(), np.arange(n))
        pieces = [order[a:b] for a, b in zip(cuts, cuts[1:], strict=False)]
        one, merged = aq.ConfusionMatrix(), aq.ConfusionMatrix()
        for piece in pieces:
            feed(one, piece)
        for piece in pieces[::-1]:
            merged.merge(pickle.loads(pickle.dumps(feed(aq.ConfusionMatrix(), piece))))
        assert one == whole == merged
        assert one.matrix.tolist() == merged.matrix.tolist() == whole.matrix.tolist()
        assert one.to_bytes() == whole.to_bytes() == merged.to_bytes()

    @pytest.mark.parametrize(
        "kind", [pa.int64(), pa.int8(), pa.bool_(), pa.string(), pa.dictionary(pa.int32(), pa.string())]
    )
    @pytest.mark.parametrize("weighted", [False, True])
    def test_a_sliding_window_is_a_matrix_of_its_rows(self, kind, weighted):
        k = 2 if kind == pa.bool_() else 6
        y_true, y_pred = (as_type(side, kind) for side in rows(600, k))
        weights = pa.array(np.random.default_rng(2).lognormal(0, 10, 600)) if weighted else None
        m = aq.ConfusionMatrix()
        for start in range(0, 500, 50):
            batch = slice(start, start + 50)
            of_batch = {} if weights is None else {"sample_weight": weights[batch]}
            m.update(y_true[batch], y_pred[batch], **of_batch)
            if start >= 150:
                old = slice(start - 150, start - 100)
                m.revert(y_true[old], y_pred[old], **({} if weights is None else {"sample_weight": weights[old]}))
            window = slice(max(start - 100, 0), start + 50)
            fresh = aq.ConfusionMatrix()
            fresh.update(
                y_true[window], y_pred[window], **({} if weights is None else {"sample_weight": weights[window]})
            )
            assert m == fresh

    def test_labels_without_rows_are_not_reported_unless_given(self):
        m = counted([1, 2, 3], [1, 2, 2])
        m.revert([3], [2])
        assert m.labels == [1, 2]
        m = counted([1, 2, 3], [1, 2, 2], labels=[3, 2, 1])
        m.revert([3], [2])
        assert m.matrix.tolist() == [[0, 0, 0], [0, 1, 0], [0, 0, 1]]

    @pytest.mark.parametrize("first", [0, 5, -5, 10**9, 2**63 - 5000])
    def test_labels_that_come_up_later_get_room(self, first):
        rng = np.random.default_rng(8)
        m, seen = aq.ConfusionMatrix(), []
        for reach in (1, 3, 4, 16, 17, 60, 300, 2000, 4000):
            batch = first + rng.integers(0, reach, (2, 100))
            seen.append(batch)
            m.update(*batch)
            y_true, y_pred = np.concatenate(seen, axis=1)
            assert m.labels == sorted({*y_true.tolist(), *y_pred.tolist()})
            expected = np.zeros((len(m.labels),) * 2, int)
            np.add.at(expected, (np.searchsorted(m.labels, y_true), np.searchsorted(m.labels, y_pred)), 1)
            assert m.matrix.tolist() == expected.tolist()

    def test_weights_are_summed_exactly(self):
        weights = [1e300, 1.0, 1e-300, 3e-17, 5e-324, 0.1, 1e16, 1e-16, 1e250] * 30
        m = aq.ConfusionMatrix()
        for weight in weights:
            m.update([1], [2], sample_weight=[weight])
        assert m.matrix[0, 1] == float(sum(map(Fraction, weights)))
        for weight in weights[::-1][:-1]:
            m.revert([1], [2], sample_weight=[weight])
        assert m.matrix[0, 1] == weights[0]
        m.revert([1], [2], sample_weight=[weights[0]])
        assert m.labels == []

    def test_rows_with_and_without_weights_go_together(self):
        m = aq.ConfusionMatrix()
        m.update(["a", "b"], ["a", "a"], sample_weight=[0.5, 0.25])
        m.update(["a", "b"], ["a", "b"])
        assert m.matrix.tolist() == [[1.5, 0], [0.25, 1]]
        assert m.cells().to_pydict() == {"true": ["a", "b", "b"], "predicted": ["a", "a", "b"], "rows": [1.5, 0.25, 1]}
        assert pickle.loads(pickle.dumps(m)) == m

    def test_a_row_of_weight_zero_has_its_label(self):
        m = aq.ConfusionMatrix()
        m.update([1, 2], [1, 3], sample_weight=[0, 0])
        assert m.labels == [1, 2, 3]
        assert m.matrix.tolist() == np.zeros((3, 3)).tolist()
        assert pickle.loads(pickle.dumps(m)) == m

    @pytest.mark.slow
    def test_counts_beyond_32_bits(self):
        block = pa.array(np.zeros(2**26, np.int8))
        for labels in ([0, 1, 2, 3, 4], list(range(20))):
            m = aq.ConfusionMatrix(labels)
            for _ in range(65):
                m.update(block, block)
            m.revert(block.slice(0, 5), block.slice(0, 5))
            assert m.matrix[0, 0] == 65 * 2**26 - 5

    @pytest.mark.slow
    @pytest.mark.parametrize("strings", [False, True])
    def test_a_million_labels(self, strings):
        y_true, y_pred = rows(500_000, 1_000_000)
        kind = pa.string() if strings else pa.int64()
        m = aq.ConfusionMatrix()
        m.update(pa.array(y_true).cast(kind), pa.array(y_pred).cast(kind))
        assert len(m.labels) == len(np.union1d(y_true, y_pred))
        assert m.accuracy() == np.mean(y_true == y_pred)
        assert m.cells().num_rows == len(np.unique(y_true * 1_000_000 + y_pred))
        with pytest.raises(ValueError, match=r"^matrix: must have at most 16384 labels, got \d+; cells\(\) has those"):
            _ = m.matrix
        m.revert(pa.array(y_true).cast(kind), pa.array(y_pred).cast(kind))
        assert m.labels == []


class TestState:
    def test_no_rows_yet(self):
        m = aq.ConfusionMatrix()
        assert (m.labels, m.n_seen, m.matrix.shape) == ([], 0, (0, 0))
        m.update([], [])
        m.update(pa.array([], pa.string()), pa.array([], pa.string()))
        assert m.labels == []
        assert aq.ConfusionMatrix.from_bytes(m.to_bytes()) == m
        m.merge(counted(["a"], ["b"]))
        assert m == counted(["a"], ["b"])

    @pytest.mark.parametrize("labels", [None, [2, 0, 1], ["2", "0", "1"], [False, True]])
    def test_saved_and_copied_states_go_on_alike(self, labels):
        y_true, y_pred = rows(500, 3)
        if labels and isinstance(labels[0], str):
            y_true, y_pred = y_true.astype(str), y_pred.astype(str)
        if labels == [False, True]:
            y_true, y_pred = y_true > 1, y_pred > 1
        m = counted(y_true, y_pred, labels)
        for other in (
            pickle.loads(pickle.dumps(m)),
            aq.ConfusionMatrix.from_bytes(m.to_bytes()),
            copy.copy(m),
            copy.deepcopy(m),
        ):
            assert other == m
            assert other.labels == m.labels
            other.update(y_true, y_pred)
            assert other != m
            assert other.matrix.tolist() == (2 * m.matrix).tolist()

    def test_equality(self):
        m = counted([1, 2], [1, 1])
        assert m == counted([2, 1], [1, 1])
        assert m != counted([1, 2], [1, 2])
        assert m != counted([1, 2], [1, 1], labels=[1, 2])
        assert m != "ConfusionMatrix"
        weighted = aq.ConfusionMatrix()
        weighted.update([1, 2], [1, 1], sample_weight=[1, 1])
        assert m != weighted

    def test_merging_with_itself_doubles(self):
        m = counted(["a", "b"], ["a", "a"])
        m.merge(m)
        assert m.matrix.tolist() == [[2, 0], [2, 0]]
        assert m.n_seen == 4

    def test_skipped_nulls_are_seen_but_not_counted(self):
        for values in (["a", None, "b", "b"], [1, None, 2, 2], [True, None, False, False]):
            for kind in (None, pa.string_view()) if values[0] == "a" else (None,):
                array = pa.array(values).cast(kind) if kind else pa.array(values)
                m = aq.ConfusionMatrix(nulls="skip")
                m.update(array, pa.array([values[2], values[0], None, values[0]]), sample_weight=[1, 2, 3, 4])
                assert m.n_seen == 4
                assert m.matrix.sum() == 5
                assert len(m.labels) == 2
        m = aq.ConfusionMatrix(nulls="skip")
        m.update(pa.nulls(3), pa.array([1, 2, 3]))
        assert (m.labels, m.n_seen) == ([], 3)
        codes = pa.DictionaryArray.from_arrays(pa.array([0, 1, None, 0]), pa.array(["a", None]))
        m.update(codes, codes)
        assert m.cells().to_pydict() == {"true": ["a"], "predicted": ["a"], "rows": [2]}

    def test_text(self):
        m = counted(["cat", "dog", "cat", "cat"], ["cat", "cat", "cat", "dog"])
        assert repr(m) == "ConfusionMatrix(n_labels=2, n_seen=4)"
        assert repr(aq.ConfusionMatrix([1, 2], nulls="skip")) == (
            "ConfusionMatrix(labels=[1, 2], nulls='skip', n_labels=2, n_seen=0)"
        )
        assert str(m).splitlines()[1:] == [
            "true \\ predicted     cat     dog  recall",
            "cat                    2       1  0.6667",
            "dog                    1       0  0.0000",
            "precision         0.6667  0.0000",
        ]
        assert str(aq.ConfusionMatrix()) == "no rows yet"
        large = counted(np.arange(30), np.roll(np.arange(30), 1))
        assert "  0 -> 29: 1" in str(large)

    def test_html_escapes_labels(self):
        m = counted(["<script>", "b"], ["<script>", "b"])
        assert "<script>" not in m._repr_html_()
        assert m._repr_html_().count("<td style") == 4
        assert "no rows yet" in aq.ConfusionMatrix()._repr_html_()
        assert counted(np.arange(30), np.roll(np.arange(30), 1))._repr_html_().count("<tr>") == 11

    def test_plot_shows_every_cell(self):
        import matplotlib as mpl

        mpl.use("Agg")
        from matplotlib import pyplot

        m = counted([0, 1, 1], [0, 1, 0])
        ax = m.plot()
        assert [text.get_text() for text in ax.texts] == ["1", "0", "1", "1"]
        assert m.plot(ax, normalize=True) is ax
        assert ax.texts[-1].get_text() == "0.5000"
        pyplot.close("all")

    def test_damaged_and_foreign_bytes(self):
        data = bytearray(counted([1], [2]).to_bytes())
        data[-20] ^= 1
        with pytest.raises(ValueError, match=r"^data: must be whole, got bytes that do not match their checksum$"):
            aq.ConfusionMatrix.from_bytes(bytes(data))
        with pytest.raises(ValueError, match=r"^data: must be a saved ConfusionMatrix, got a AliasTable$"):
            aq.ConfusionMatrix.from_bytes(aq.AliasTable([1]).to_bytes())

    @pytest.mark.parametrize(
        ("column", "value"), [("true", 5), ("true", -1), ("predicted", 2), ("rows", 0), ("weight", [float("nan")])]
    )
    def test_crafted_cells_are_refused(self, column, value):
        state, (batch,), schema = unpack("ConfusionMatrix", counted([1], [2]).to_bytes())
        del state["kind"]
        crafted = batch.set_column(schema.get_field_index(column), column, pa.array([value], schema.field(column).type))
        with pytest.raises(ValueError, match=r"^data: must hold cells of its own labels with rows, got others$"):
            aq.ConfusionMatrix.from_bytes(pack("ConfusionMatrix", state, [crafted], schema))


class TestAgainstRiver:
    """River scores a stream row by row; where it gives 0 for what has no value, ours is asked to."""

    PAIRS = [
        (river.Accuracy, lambda m: m.accuracy()),
        (river.BalancedAccuracy, lambda m: m.balanced_accuracy()),
        (river.CohenKappa, lambda m: np.nan_to_num(m.kappa())),
        (river.MacroF1, lambda m: m.f1("macro", zero_division=0.0)),
        (river.MicroRecall, lambda m: m.recall("micro", zero_division=0.0)),
        (river.WeightedPrecision, lambda m: m.precision("weighted", zero_division=0.0)),
    ]

    @pytest.mark.parametrize(("metric", "score"), PAIRS, ids=lambda each: getattr(each, "__name__", ""))
    @pytest.mark.parametrize("labels", [[0, 1], ["ant", "bee", "cat"]])
    def test_after_every_prefix(self, metric, score, labels):
        rng = np.random.default_rng(8)
        y_true, y_pred = ([labels[i] for i in rng.integers(0, len(labels), 200)] for _ in range(2))
        m, theirs = aq.ConfusionMatrix(), metric()
        for t, p in zip(y_true, y_pred, strict=True):
            m.update([t], [p])
            theirs.update(t, p)
            assert score(m) == pytest.approx(theirs.get(), rel=1e-12, abs=1e-12)
