"""What one would write today, without aliquot.

Generators and connections are made once, as a program that draws often would.
"""

import random
from collections.abc import Iterable, Iterator, Sequence
from typing import Any
from unittest.mock import patch

import datasketches
import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from scipy.stats.sampling import DiscreteAliasUrn
from sklearn.metrics import confusion_matrix, roc_auc_score
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold, train_test_split

import aliquot as aq
from data import SEED

_NUMPY = np.random.default_rng(SEED)
_PYTHON = random.Random(SEED)
_DUCKDB = duckdb.connect()


def numpy_choice(n: int, k: int, *, shuffle: bool = True) -> NDArray[np.int64]:
    """Row numbers in random order; without ``shuffle`` in no particular one."""
    return _NUMPY.choice(n, k, replace=False, shuffle=shuffle)


def random_sample(n: int, k: int) -> list[int]:
    """Row numbers in random order, as Python integers."""
    return _PYTHON.sample(range(n), k)


def duckdb_reservoir(source: pa.Table, k: int) -> pa.Table:
    """Without a seed: with one, DuckDB has a single thread."""
    return _DUCKDB.sql(f"FROM source USING SAMPLE reservoir({k} ROWS)").to_arrow_table()


def duckdb_parquet(path: str, k: int) -> pa.Table:
    """Without a seed, too."""
    return _DUCKDB.sql(f"FROM '{path}' USING SAMPLE {k} ROWS").to_arrow_table()


def polars_sample(frame: pl.DataFrame, k: int) -> pl.DataFrame:
    """Knows the number of rows, and can reach each."""
    return frame.sample(k)


def polars_parquet(path: str, k: int) -> pl.DataFrame:
    """A lazy frame has no sample: everything is read."""
    return pl.read_parquet(path).sample(k)


def pandas_sample(frame: pd.DataFrame, k: int) -> pd.DataFrame:
    """Permutes all row numbers unless it is given a Generator: here it is."""
    return frame.sample(k, random_state=_NUMPY)


def pyarrow_take(source: pa.Table, k: int) -> pa.Table:
    """The rows in their order in the source, which is how ``take`` is fastest."""
    return source.take(np.sort(numpy_choice(len(source), k)))


def pyarrow_parquet(path: str, k: int) -> pa.Table:
    """Everything is read, then the rows are taken."""
    return pyarrow_take(pq.read_table(path), k)


def numpy_coins(rows: int, share: float) -> NDArray[np.bool_]:
    """Which rows are in the smaller part, by a coin for each: its share is not exact."""
    return _NUMPY.random(rows) < share


def duckdb_stratified(source: pa.Table, column: str, share: float) -> pa.Table:
    """Which rows are in the smaller part: in each stratum, the first in random order."""
    return _DUCKDB.sql(
        f"SELECT row_number() OVER (PARTITION BY {column} ORDER BY place) "
        f"<= {share} * count(*) OVER (PARTITION BY {column}) AS test "
        f"FROM (SELECT {column}, random() AS place FROM source)"
    ).to_arrow_table()


def polars_stratified(frame: pl.DataFrame, column: str, share: float) -> pl.Series:
    """The same."""
    return frame.select((pl.int_range(pl.len()).shuffle() < share * pl.len()).over(column)).to_series()


def pandas_stratified(frame: pd.DataFrame, column: str, share: float) -> pd.DataFrame:
    """The rows of the smaller part."""
    return frame.groupby(column).sample(frac=share, random_state=_NUMPY)


def duckdb_hashed(source: pa.Table, column: str, tenths: int) -> pa.Table:
    """Which rows are in the smaller part, of so many tenths, by a hash of a column."""
    return _DUCKDB.sql(f"SELECT hash({column}) % 10 < {tenths} AS test FROM source").to_arrow_table()


def polars_hashed(frame: pl.DataFrame, column: str, tenths: int) -> pl.Series:
    """The same."""
    return frame.select(pl.col(column).hash(SEED) % 10 < tenths).to_series()


def pandas_hashed(frame: pd.DataFrame, column: str, tenths: int) -> NDArray[np.bool_]:
    """The same."""
    return pd.util.hash_array(frame[column].to_numpy()) % 10 < tenths


def by_file(rows: NDArray[np.int64], files: Sequence[str]) -> Iterator[tuple[str, NDArray[np.int64]]]:
    """Files of as many rows each, and the places of row numbers, ascending, in those that hold any."""
    each = pq.read_metadata(files[0]).num_rows
    cuts = np.searchsorted(rows, np.arange(len(files) + 1) * each)
    for i, file in enumerate(files):
        if cuts[i + 1] > cuts[i]:
            yield file, rows[cuts[i] : cuts[i + 1]] - i * each


def duckdb_rows(files: Sequence[str], rows: NDArray[np.int64]) -> pa.Table:
    """Rows by number, file by file: over all files at once it takes many times as long."""
    found = []
    for file, wanted in by_file(rows, files):
        numbers = pa.table({"row": wanted})  # noqa: F841
        query = f"SELECT * EXCLUDE file_row_number FROM read_parquet('{file}', file_row_number = true)"
        found.append(_DUCKDB.sql(f"{query} WHERE file_row_number IN (SELECT row FROM numbers)").to_arrow_table())
    return pa.concat_tables(found)


def copied_rows(files: Sequence[str], rows: NDArray[np.int64]) -> pa.Table:
    """Ours without picking: whole pages are copied into files in memory, which pyarrow decodes."""
    with patch("aliquot.pages._pick", lambda *_: None):
        return aq.take_rows(files, rows)


def polars_rows(files: Sequence[str], rows: NDArray[np.int64]) -> pl.DataFrame:
    """Rows by number: the row index is made along with all columns, and filtered."""
    found = []
    for file, wanted in by_file(rows, files):
        numbered = pl.scan_parquet(file, row_index_name="row").filter(pl.col("row").is_in(pl.Series(wanted).implode()))
        found.append(numbered.drop("row").collect())
    return pl.concat(found)


def pyarrow_rows(files: Sequence[str], rows: NDArray[np.int64]) -> pa.Table:
    """Rows by number: the row groups that hold any are read, and the rows taken."""
    found = []
    for path, wanted in by_file(rows, files):
        file = pq.ParquetFile(path)
        ends = np.cumsum([0] + [file.metadata.row_group(i).num_rows for i in range(file.num_row_groups)])
        groups = np.searchsorted(ends, wanted, side="right") - 1
        for group in np.unique(groups):
            found.append(file.read_row_group(group).take(wanted[groups == group] - ends[group]))  # noqa: PERF401
    return pa.concat_tables(found)


def numpy_weighted(weights: NDArray[np.float64], k: int) -> NDArray[np.int64]:
    """Successive sampling by its keys, all of them."""
    with np.errstate(divide="ignore"):
        return np.argpartition(_NUMPY.standard_exponential(len(weights)) / weights, k)[:k]


def duckdb_weighted(frame: pl.DataFrame, k: int) -> pa.Table:
    """The same, as SQL has it."""
    return _DUCKDB.sql(f"SELECT row FROM frame ORDER BY -ln(random()) / w LIMIT {k}").to_arrow_table()


def polars_weighted(frame: pl.DataFrame, k: int) -> pl.DataFrame:
    """The same, with numpy's exponentials."""
    keys = pl.Series("key", _NUMPY.standard_exponential(len(frame)))
    return frame.lazy().with_columns(key=keys / pl.col("w")).bottom_k(k, by="key").collect()


def sketch_weighted(weights: NDArray[np.float64], k: int) -> datasketches.var_opt_sketch:
    """Variance-optimal sampling, which is fed item by item."""
    sketch = datasketches.var_opt_sketch(k)
    for row, weight in enumerate(weights.tolist()):
        sketch.update(row, weight)
    return sketch


def sklearn_roc_auc(y_true: NDArray[np.bool_], y_score: NDArray[np.floating]) -> float:
    """Checks, a stable sort of indices, the whole curve, its area."""
    return float(roc_auc_score(y_true, y_score))


def numpy_roc_auc(y_true: NDArray[np.bool_], y_score: NDArray[np.floating]) -> float:
    """Both classes sorted, and for each positive row the negative ones below it, ties half."""
    positive, negative = np.sort(y_score[y_true]), np.sort(y_score[~y_true])
    below = negative.searchsorted(positive, "left").sum() + negative.searchsorted(positive, "right").sum()
    return float(below) / (2 * len(positive) * len(negative))


def polars_roc_auc(y_true: NDArray[np.bool_], y_score: NDArray[np.floating]) -> float:
    """Counts by score, sorted, then running sums."""
    frame = pl.LazyFrame({"y": y_true, "s": y_score}).group_by("s").agg(p=pl.col("y").sum(), n=(~pl.col("y")).sum())
    p, n = pl.col("p").cast(pl.Float64), pl.col("n").cast(pl.Float64)
    pairs = (p * (n.cum_sum() - n / 2)).sum() / (p.sum() * n.sum())
    return float(frame.sort("s").select(pairs).collect().item())


def numpy_outcomes(probabilities: NDArray[np.float64], k: int) -> NDArray[np.int64]:
    """Independent draws, by a search in the sums of all probabilities."""
    return _NUMPY.choice(len(probabilities), k, p=probabilities)


def scipy_urn(weights: NDArray[np.float64]) -> DiscreteAliasUrn:
    """Walker's tables in UNU.RAN."""
    return DiscreteAliasUrn(weights, random_state=_NUMPY)


class NumpyReservoir:
    """A reservoir of row numbers in a few lines of numpy: a uniform key for each row, and the k smallest are kept."""

    def __init__(self, k: int) -> None:
        self._k = k
        self._n = 0
        self.threshold = 1.0
        self._held = 0
        self._keys = [np.empty(0)]
        self._rows = [np.empty(0, np.int64)]

    def update(self, batch: pa.RecordBatch) -> None:
        """See the next rows."""
        keys = _NUMPY.random(batch.num_rows)
        entering = np.flatnonzero(keys < self.threshold)
        if len(entering):
            self._keys.append(keys[entering])
            self._rows.append(self._n + entering)
            self._held += len(entering)
            if self._held > 2 * self._k:
                self._shrink()
        self._n += batch.num_rows

    def rows(self) -> NDArray[np.int64]:
        """Row numbers of the sample, ascending."""
        self._shrink()
        return np.sort(self._rows[0])

    def _shrink(self) -> None:
        keys, rows = np.concatenate(self._keys), np.concatenate(self._rows)
        if len(keys) > self._k:
            kept = np.argpartition(keys, self._k - 1)[: self._k]
            keys, rows = keys[kept], rows[kept]
            self.threshold = keys.max()
        self._held, self._keys, self._rows = len(keys), [keys], [rows]


def numpy_reservoir(batches: Iterable[pa.RecordBatch], k: int) -> NDArray[np.int64]:
    """Row numbers of a sample of a stream."""
    reservoir = NumpyReservoir(k)
    for batch in batches:
        reservoir.update(batch)
    return reservoir.rows()


def pyarrow_codes(users: pa.Array) -> NDArray[np.int32]:
    """By first appearance."""
    codes: NDArray[np.int32] = users.dictionary_encode().indices.to_numpy()
    return codes


def pandas_codes(users: pd.Series) -> NDArray[np.int64]:
    """By first appearance, too."""
    return pd.factorize(users)[0]


def polars_codes(users: pl.Series) -> NDArray[np.uint32]:
    """The codes of a categorical; of numbers, which have none, their rank."""
    codes = users.cast(pl.Categorical).to_physical() if users.dtype == pl.String else users.rank("dense")
    return codes.to_numpy()


def duckdb_codes(source: pa.Table) -> NDArray[np.int64]:
    """Values numbered, and joined to their rows, in whatever order these come."""
    numbered = "SELECT user_id, row_number() OVER () AS code FROM (SELECT DISTINCT user_id FROM source)"
    found = _DUCKDB.sql(f"SELECT code FROM source JOIN ({numbered}) USING (user_id)").fetchnumpy()["code"]
    return np.asarray(found)


def sklearn_split(labels: NDArray[np.int64], share: float) -> list[NDArray[np.int64]]:
    """Exact in each class."""
    rows = np.arange(len(labels))
    return train_test_split(rows, train_size=share, stratify=labels, random_state=_PYTHON.getrandbits(32))


def polars_split(labels: NDArray[np.int64], share: float) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """A shuffled rank in each class."""
    rank = pl.int_range(pl.len()).shuffle().over("label")
    frame = pl.DataFrame({"label": labels})
    first = frame.select(rank < (share * pl.len().over("label")).round()).to_series().to_numpy()
    return np.flatnonzero(first), np.flatnonzero(~first)


def duckdb_split(labels: NDArray[np.int64], share: float) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The same, as SQL has it."""
    frame = pl.DataFrame({"row": np.arange(len(labels)), "label": labels})  # noqa: F841 named in the query
    rank = "row_number() OVER (PARTITION BY label ORDER BY key)"
    size = "count(*) OVER (PARTITION BY label)"
    keyed = "SELECT *, random() AS key FROM frame"
    found = _DUCKDB.sql(f"SELECT row, {rank} <= round({share} * {size}) AS is_first FROM ({keyed})").pl()
    first = found["is_first"]
    return found["row"].filter(first).to_numpy(), found["row"].filter(~first).to_numpy()


def pandas_split(labels: NDArray[np.int64], share: float) -> tuple[pd.Index, pd.Index]:
    """A sample of each class, and what is left."""
    frame = pd.DataFrame({"label": labels})
    first = frame.groupby("label").sample(frac=share, random_state=_NUMPY).index
    return first, frame.index.drop(first)


def sklearn_folds(labels: NDArray[np.int64], folds: int) -> NDArray[np.int64]:
    """The fold of each row."""
    of_rows = np.empty(len(labels), np.int64)
    splitter = StratifiedKFold(folds, shuffle=True, random_state=_PYTHON.getrandbits(32))
    for fold, (_, tested) in enumerate(splitter.split(labels, labels)):
        of_rows[tested] = fold
    return of_rows


def sklearn_group_folds(labels: NDArray[np.int64], groups: NDArray[np.int64], folds: int) -> NDArray[np.int64]:
    """The fold of each row, groups kept whole."""
    of_rows = np.empty(len(labels), np.int64)
    splitter = StratifiedGroupKFold(folds, shuffle=True, random_state=_PYTHON.getrandbits(32))
    for fold, (_, tested) in enumerate(splitter.split(labels, labels, groups)):
        of_rows[tested] = fold
    return of_rows


def numpy_confusion(y_true: NDArray[Any], y_pred: NDArray[Any], classes: int) -> NDArray[np.int64]:
    """One bincount of pairs, for labels that are known to be 0 to classes - 1; what torchmetrics does, too."""
    pairs = y_true.astype(np.int64) * classes + y_pred.astype(np.int64)
    return np.bincount(pairs, minlength=classes * classes).reshape(classes, classes)


def sklearn_confusion(y_true: NDArray[Any], y_pred: NDArray[Any]) -> NDArray[np.int64]:
    """Of labels of any kind."""
    counts: NDArray[np.int64] = confusion_matrix(y_true, y_pred)
    return counts


def polars_confusion(frame: pl.DataFrame, classes: int) -> NDArray[np.int64]:
    """A group-by of both columns."""
    counted = frame.group_by("true", "predicted").len()
    matrix = np.zeros((classes, classes), np.int64)
    matrix[counted["true"].to_numpy().astype(int), counted["predicted"].to_numpy().astype(int)] = counted["len"]
    return matrix


def duckdb_confusion(frame: pl.DataFrame, classes: int) -> NDArray[np.int64]:
    """The same, as SQL has it."""
    counted = _DUCKDB.sql('SELECT "true", predicted, count(*) AS len FROM frame GROUP BY ALL').pl()
    matrix = np.zeros((classes, classes), np.int64)
    matrix[counted["true"].to_numpy().astype(int), counted["predicted"].to_numpy().astype(int)] = counted["len"]
    return matrix


def duckdb_evaluate(path: str) -> pl.DataFrame:
    """Accuracy by slice."""
    return _DUCKDB.sql(f"SELECT site, count(*), avg(CAST(label = guess AS DOUBLE)) FROM '{path}' GROUP BY site").pl()


def polars_evaluate(path: str) -> pl.DataFrame:
    """The same."""
    right = (pl.col("label") == pl.col("guess")).mean()
    return pl.scan_parquet(path).group_by("site").agg(pl.len(), accuracy=right).collect()


def decode_columns(path: str, columns: list[str]) -> int:
    """What any pass over these columns of a Parquet file costs on one thread."""
    file = pq.ParquetFile(path)
    batches = file.iter_batches(65_536, columns=columns, use_threads=False)
    return sum(batch.num_rows for batch in batches)
