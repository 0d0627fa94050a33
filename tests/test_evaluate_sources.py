"""Evaluations of all that rows come from."""

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sklearn import metrics as sk

import aliquot as aq
from aliquot.sources import Memory
from evaluated import predictions, value


class TestSources:
    def test_batches_files_and_dictionaries_change_nothing(self, tmp_path):
        table = predictions()
        whole = aq.evaluate(table, y_true="y", y_pred="guess", y_score="score", by=["site", "group"])
        pq.write_table(table, tmp_path / "a.parquet", row_group_size=700)
        coded = table.set_column(3, "site", table["site"].dictionary_encode())
        for source in (
            table.to_batches(max_chunksize=13),
            pa.RecordBatchReader.from_batches(table.schema, table.to_batches(max_chunksize=999)),
            str(tmp_path / "a.parquet"),
            coded,
            pl.from_arrow(table),
        ):
            other = aq.evaluate(source, y_true="y", y_pred="guess", y_score="score", by=["site", "group"])
            assert other.to_table().to_pylist() == whole.to_table().to_pylist()
            assert other.matrix == whole.matrix

    @pytest.mark.parametrize("use_dictionary", [True, False])
    @pytest.mark.parametrize("group_rows", [97, 1000, 8000])
    def test_threads_row_groups_and_their_order_change_no_digit(self, tmp_path, group_rows, use_dictionary):
        n = 8_000
        rng = np.random.default_rng(5)
        words = np.array(["ant", "bee", "cat", ""])
        y = words[rng.integers(0, 4, n)]
        table = pa.table(
            {
                "y": y,
                "guess": np.where(rng.random(n) < 0.6, y, rng.permutation(y)),
                "site": np.array([f"site {i}" for i in rng.integers(0, 30, n)]),
                "side": rng.choice([-1.5, -0.0, 0.0, 1.5], n),
                "score": np.round(rng.random(n), 2),
                "weight": rng.integers(0, 4, n) * rng.random(n) * 10.0 ** rng.integers(-20, 20, n),
            }
        )
        options = {
            "y_true": "y",
            "y_pred": "guess",
            "y_score": "score",
            "positive": "ant",
            "by": ["site", "side"],
            "sample_weight": "weight",
        }
        whole = aq.evaluate(table.take(rng.permutation(n)), **options)
        pq.write_table(table, tmp_path / "p.parquet", row_group_size=group_rows, use_dictionary=use_dictionary)
        made = aq.evaluate(str(tmp_path / "p.parquet"), **options)
        assert made.to_table().schema == whole.to_table().schema
        assert repr(made.to_table().to_pylist()) == repr(whole.to_table().to_pylist())
        assert made.matrix == whole.matrix
        assert made.curve == whole.curve
        row = made.to_table().to_pylist()[7]
        mask = (table["site"].to_numpy() == row["site"]) & (table["side"].to_numpy() == row["side"])
        y, guess, score, weight = (table[name].to_numpy()[mask] for name in ("y", "guess", "score", "weight"))
        assert row["f1_macro"] == value(sk.f1_score(y, guess, average="macro", sample_weight=weight))
        assert row["mcc"] == value(sk.matthews_corrcoef(y, guess, sample_weight=weight))
        assert row["roc_auc"] == value(sk.roc_auc_score(y == "ant", score, sample_weight=weight))
        assert row["prevalence"] == value(np.average(y == "ant", weights=weight))

    def test_the_first_mistake_is_named_whichever_thread_finds_one(self, tmp_path):
        guess = [1] * 10_000
        guess[4_321] = guess[9_000] = None
        table = pa.table({"y": [1] * 10_000, "guess": guess, "site": ["a"] * 10_000})
        pq.write_table(table, tmp_path / "p.parquet", row_group_size=100)
        for _ in range(5):
            with pytest.raises(ValueError, match=r"^y_pred: must not be null, got null at row 4321$"):
                aq.evaluate(str(tmp_path / "p.parquet"), y_true="y", y_pred="guess", by="site")

    def test_dictionaries_that_differ_from_batch_to_batch(self):
        table = predictions().select(["guess", "site"]).add_column(0, "y", predictions()["site"])
        table = table.set_column(1, "guess", pa.chunked_array([np.roll(table["y"].to_numpy(), 1)]))
        names = table.column_names
        batches = [
            pa.record_batch([batch.column(name).dictionary_encode() for name in names], names)
            for batch in table.to_batches(max_chunksize=37)
        ]
        options = {"y_true": "y", "y_pred": "guess", "by": "site"}
        coded, plain = (aq.evaluate(each, **options).to_table().to_pylist() for each in (batches, table))
        assert coded == plain

    def test_labels_far_apart_in_many_slices(self, tmp_path):
        n = 5_000
        rng = np.random.default_rng(2)
        y = rng.integers(0, 2**62, n)
        guess = np.where(rng.random(n) < 0.5, y, y[::-1])
        table = pa.table({"y": y, "guess": guess, "user": rng.integers(0, 3_000, n)})
        pq.write_table(table, tmp_path / "p.parquet", row_group_size=400)
        made = aq.evaluate(str(tmp_path / "p.parquet"), y_true="y", y_pred="guess", by="user").to_table().to_pylist()
        for row in made[1:50]:
            mask = table["user"].to_numpy() == row["user"]
            assert row["f1_macro"] == value(sk.f1_score(y[mask], guess[mask], average="macro"))

    def test_slices_that_weigh_nothing_score_as_a_matrix_does(self):
        table = pa.table({"y": [0, 1, 1], "guess": [0, 1, 0], "w": [0.0, 0.0, 1.0], "site": ["a", "a", "b"]})
        rows = aq.evaluate(table, y_true="y", y_pred="guess", by="site", sample_weight="w").to_table().to_pylist()
        assert (rows[1]["rows"], rows[1]["accuracy"], rows[1]["mcc"]) == (2, None, 0.0)

    def test_only_the_columns_named_are_read(self):
        class Watched(Memory):
            read = None

            def scan(self, columns, where, progress):
                Watched.read = list(columns)
                return super().scan(columns, where, progress)

        table = predictions(100)
        source = Watched(table.to_batches(), table.schema)
        aq.evaluate(source, y_true="y", y_pred="y", by="site", sample_weight="weight")
        assert Watched.read == ["y", "weight", "site"]

    def test_strings_booleans_and_a_positive_label(self):
        table = predictions()
        words = pa.array(np.array(["no", "yes"])[table["y"].to_numpy()])
        guesses = pa.array(np.array(["no", "yes"])[table["guess"].to_numpy()]).dictionary_encode()
        named = table.set_column(0, "y", words).set_column(1, "guess", guesses)
        options = {"y_true": "y", "y_pred": "guess", "y_score": "score", "by": "site"}
        plain = aq.evaluate(table, **options)
        assert aq.evaluate(named, positive="yes", **options).to_table().equals(plain.to_table())
        flags = table.set_column(0, "y", pa.array(table["y"].to_numpy() == 1))
        assert aq.evaluate(flags, **options).to_table().equals(plain.to_table())

    def test_no_rows(self):
        empty = predictions(0)
        made = aq.evaluate(empty, y_true="y", y_pred="guess", y_score="score", by="site")
        (row,) = made.to_table().to_pylist()
        assert row["rows"] == 0
        assert row["small"]
        assert {row[name] for name in row if name not in ("rows", "small")} == {None}
        assert "0 rows" in str(made)
        assert "</html>" in made.to_html()

    def test_a_slice_of_one_class_has_no_area(self):
        table = pa.table({"y": [0, 1, 1, 1], "score": [0.1, 0.9, 0.5, 0.2], "site": ["a", "a", "b", "b"]})
        rows = aq.evaluate(table, y_true="y", y_score="score", by="site").to_table().to_pylist()
        assert [row["roc_auc"] for row in rows] == [1.0, 1.0, None]
        assert rows[2]["roc_auc_low"] is None
        assert rows[2]["average_precision"] == 1.0

    @pytest.mark.slow
    def test_a_hundred_thousand_slices(self):
        n = 1_000_000
        rng = np.random.default_rng(1)
        y = rng.integers(0, 2, n)
        table = pa.table(
            {"y": y, "guess": y ^ (rng.random(n) < 0.2), "score": rng.random(n), "user": rng.integers(0, 100_000, n)}
        )
        made = aq.evaluate(table, y_true="y", y_pred="guess", y_score="score", by="user").to_table()
        assert made.num_rows == 1 + len(np.unique(table["user"]))
        for at in (1, 5_000, made.num_rows - 1):
            row = made.slice(at, 1).to_pylist()[0]
            mask = table["user"].to_numpy() == row["user"]
            m = aq.ConfusionMatrix()
            m.update(y[mask], table["guess"].to_numpy()[mask])
            assert row["mcc"] == value(m.mcc())
