"""Scores of confusion matrices: those of scikit-learn after every prefix; intervals; reports."""

import warnings

import numpy as np
import pyarrow as pa
import pytest
from scipy import stats
from sklearn import metrics as sk

import aliquot as aq
from aliquot.metrics import top_k_accuracy, wilson

AVERAGES = (None, "micro", "macro", "weighted")
CASES = {
    "two": (2, int),
    "three": (3, int),
    "strings": (4, str),
    "booleans": (2, bool),
}
WITH_AVERAGE = {
    "precision": sk.precision_score,
    "recall": sk.recall_score,
    "f1": sk.f1_score,
    "jaccard": sk.jaccard_score,
}


def data(k, kind, n=16, seed=4):
    rng = np.random.default_rng(seed)
    y_true = rng.integers(0, k, n)
    y_pred = np.where(rng.random(n) < 0.5, y_true, rng.integers(0, k, n))
    return y_true.astype(kind), y_pred.astype(kind), rng.random(n) * 3


def expected(score, *args, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return score(*args, **options)


def agree(ours, theirs):
    assert np.asarray(ours) == pytest.approx(np.asarray(theirs, float), rel=1e-12, abs=1e-12, nan_ok=True)


def specificity(y_true, y_pred, average, labels, weights):
    """From scikit-learn's matrices of each class against the rest."""
    tn, fp, fn, tp = (
        sk.multilabel_confusion_matrix(y_true, y_pred, labels=labels, sample_weight=weights).reshape(-1, 4).T
    )
    if average == "micro":
        return tn.sum() / (tn + fp).sum() if (tn + fp).sum() else np.nan
    scores = np.divide(tn, tn + fp, out=np.full(len(tn), np.nan), where=tn + fp > 0)
    if average is None:
        return scores
    known = ~np.isnan(scores)
    if not known.any():
        return np.nan
    support = (tp + fn)[known]
    return np.average(scores[known], weights=support if average == "weighted" and support.any() else None)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("name", CASES)
def test_scores_are_those_of_scikit_learn_after_every_prefix(name, weighted):
    k, kind = CASES[name]
    y_true, y_pred, weights = data(k, kind)
    m = aq.ConfusionMatrix()
    for n in range(1, len(y_true) + 1):
        m.update(y_true[n - 1 : n], y_pred[n - 1 : n], sample_weight=weights[n - 1 : n] if weighted else None)
        t, p, w = y_true[:n], y_pred[:n], weights[:n] if weighted else None
        labels = m.labels
        assert labels == sorted({*t.tolist(), *p.tolist()})
        agree(m.matrix, expected(sk.confusion_matrix, t, p, labels=labels, sample_weight=w))
        agree(m.accuracy(), sk.accuracy_score(t, p, sample_weight=w))
        agree(m.balanced_accuracy(), expected(sk.balanced_accuracy_score, t, p, sample_weight=w))
        agree(m.mcc(), expected(sk.matthews_corrcoef, t, p, sample_weight=w))
        for how in (None, "linear", "quadratic"):
            agree(m.kappa(how), expected(sk.cohen_kappa_score, t, p, weights=how, sample_weight=w))
        beta = (0, 0.5, 1, 2, np.inf)[n % 5]
        for average in AVERAGES:
            options = {"beta": beta, "average": average, "zero_division": np.nan, "sample_weight": w}
            theirs = expected(sk.precision_recall_fscore_support, t, p, labels=labels, **options)
            ours = m.precision(average), m.recall(average), m.fbeta(beta, average)
            for mine, other in zip(ours, theirs, strict=False):
                agree(mine, other)
            jaccard = expected(
                sk.jaccard_score, t, p, labels=labels, average=average, zero_division=0.0, sample_weight=w
            )
            agree(m.jaccard(average, zero_division=0.0), jaccard)
            agree(m.specificity(average), specificity(t, p, average, labels, w))
    agree(m.f1("macro"), m.fbeta(1, "macro"))
    agree(m.recall(), m.fbeta(1e200))


@pytest.mark.parametrize("kind", [int, bool])
def test_binary_scores_are_those_of_scikit_learn_after_every_prefix(kind):
    y_true, y_pred, _ = data(2, kind)
    m = aq.ConfusionMatrix()
    for n in range(1, len(y_true) + 1):
        m.update(y_true[n - 1 : n], y_pred[n - 1 : n])
        for score, theirs in WITH_AVERAGE.items():
            for positive in (0, 1):
                if positive in m.labels or len(m.labels) < 2:
                    ours = getattr(m, score)("binary", pos_label=positive, zero_division=0.0)
                    agree(ours, expected(theirs, y_true[:n], y_pred[:n], pos_label=positive, zero_division=0.0))
    agree(m.specificity("binary"), sk.recall_score(y_true, y_pred, pos_label=0))


def test_labels_that_are_given_but_have_no_rows():
    y_true, y_pred = [0, 2, 2, 0], [0, 2, 0, 0]
    m = aq.ConfusionMatrix([2, 1, 0])
    m.update(y_true, y_pred)
    for average in AVERAGES:
        for zero in (np.nan, 0.0, 1.0):
            for score in ("precision", "recall", "f1"):
                theirs = WITH_AVERAGE[score]
                options = {"average": average, "zero_division": zero}
                agree(getattr(m, score)(**options), expected(theirs, y_true, y_pred, labels=[2, 1, 0], **options))
    assert m.balanced_accuracy() == 0.75
    assert m.balanced_accuracy(adjusted=True) == sk.balanced_accuracy_score(y_true, y_pred, adjusted=True)


def test_scores_of_no_rows():
    m = aq.ConfusionMatrix()
    assert np.isnan([m.accuracy(), m.balanced_accuracy(), m.kappa(), m.kappa("linear"), m.cost(np.empty((0, 0)))]).all()
    assert np.isnan([m.f1("macro"), m.precision("micro"), m.recall("weighted"), m.specificity("binary")]).all()
    assert m.precision().shape == (0,)
    assert m.precision("micro", zero_division=1) == 1.0
    assert np.isnan(m.interval("mcc")).all()


@pytest.mark.parametrize("how", [None, "linear", "quadratic"])
def test_kappa_of_one_class_is_nan_whatever_it_weighs(how):
    for weight in np.random.default_rng(1).random(100):
        m = aq.ConfusionMatrix(["a", "b", "c", "d"])
        m.update(["d"], ["d"], sample_weight=[weight])
        assert np.isnan(m.kappa(how))


def test_kappa_where_nearly_all_rows_are_of_one_class():
    m = aq.ConfusionMatrix()
    m.update(np.arange(3), np.array([0, 1, 1]), sample_weight=[1e15, 1.0, 1.0])
    assert m.kappa() == pytest.approx(0.75, rel=1e-12)


def test_mcc_of_large_counts_is_exact():
    m = aq.ConfusionMatrix()
    m.update([0, 0, 1, 1], [0, 1, 0, 1])
    for _ in range(30):
        m.merge(m)
    m.update([1], [1])
    (a, b), (c, d) = m.matrix.tolist()
    assert m.mcc() == pytest.approx((a * d - b * c) / np.sqrt(float((a + b) * (a + c) * (d + b) * (d + c))), rel=1e-12)


def test_cost():
    m = aq.ConfusionMatrix()
    m.update(["a", "a", "b", "b"], ["a", "b", "b", "a"], sample_weight=[1, 2, 3, 4])
    assert m.cost([[0, 10], [100, 1]]) == (2 * 10 + 3 * 1 + 4 * 100) / 10
    with pytest.raises(ValueError, match=r"^matrix: must be of shape \(2, 2\), got \(2,\)$"):
        m.cost([1, 2])
    with pytest.raises(ValueError, match=r"^matrix: must be finite, got others$"):
        m.cost([[1, 2], [np.inf, 0]])


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("k", [0, 1, 2, 3, 5])
def test_top_k_accuracy_is_that_of_scikit_learn(k, weighted):
    rng = np.random.default_rng(1)
    y_true = rng.integers(0, 4, 300)
    y_score = rng.integers(0, 4, (300, 4)) / 4  # with ties
    weights = rng.random(300) if weighted else None
    if k == 0:
        assert top_k_accuracy(y_true, y_score, k=0) == 0.0
        return
    for normalize in (False, True):
        options = {"k": k, "normalize": normalize, "sample_weight": weights}
        agree(top_k_accuracy(y_true, y_score, **options), expected(sk.top_k_accuracy_score, y_true, y_score, **options))
    named = np.array(["a", "b", "c", "d"])[y_true]
    assert top_k_accuracy(pa.array(named), y_score, k=2, labels=["a", "b", "c", "d"]) == top_k_accuracy(y_true, y_score)


def test_top_k_accuracy_names_what_is_wrong():
    for arguments, message in (
        (([0, 1], [[1, 2], [3, float("nan")]]), "y_score: must be numbers, got nan at row 1"),
        (([0, 1], [1, 2]), "y_score: must be of shape (2, 2), got (2,)"),
        (([0, 1], [[1, 2], [3]]), "y_score: must be numbers of shape (2, 2), got list [[1, 2], [3]]"),
        ((["a", None], [[1, 2], [3, 4]]), "y_true: must not be null, got null at row 1"),
    ):
        with pytest.raises(ValueError) as caught:  # noqa: PT011 - compared whole
            top_k_accuracy(*arguments)
        assert str(caught.value) == message
    with pytest.raises(ValueError, match=r"^y_true: must be one of the labels, got 2 at row 1$"):
        top_k_accuracy([0, 2], np.ones((2, 2)), labels=[0, 1])
    with pytest.raises(ValueError, match=r"^sample_weight: must be one a row, got 1 for 2 rows$"):
        top_k_accuracy([0, 1], np.ones((2, 2)), sample_weight=[1])


class TestIntervals:
    @pytest.mark.parametrize(("hits", "rows"), [(0, 10), (10, 10), (3, 10), (500, 1000), (1, 1)])
    @pytest.mark.parametrize("level", [0.9, 0.95, 0.999])
    def test_proportions_have_those_of_wilson(self, hits, rows, level):
        theirs = stats.binomtest(hits, rows).proportion_ci(level, "wilson")
        assert wilson(hits, rows, level) == pytest.approx((theirs.low, theirs.high), abs=1e-12)

    def test_proportions_of_labels(self):
        m = aq.ConfusionMatrix()
        m.update([0, 0, 0, 1], [0, 0, 1, 1])
        low, high = m.interval("recall")
        for i, (hits, rows) in enumerate([(2, 3), (1, 1)]):
            assert (low[i], high[i]) == wilson(hits, rows, 0.95)
        assert m.interval("precision", average="binary") == wilson(1, 2, 0.95)
        assert m.interval("specificity", average="binary") == wilson(2, 3, 0.95)
        assert m.interval() == m.interval("precision", average="micro") == wilson(3, 4, 0.95)
        assert np.isnan(aq.ConfusionMatrix().interval()).all()

    @pytest.mark.slow
    @pytest.mark.parametrize(
        ("score", "options"),
        [("f1", {"average": "macro"}), ("mcc", {}), ("kappa", {"weights": "linear"}), ("balanced_accuracy", {})],
    )
    def test_the_bootstrap_covers_the_truth_about_as_often_as_it_says(self, score, options):
        share = np.array([[0.4, 0.1], [0.15, 0.35]])
        whole = aq.ConfusionMatrix()
        t, p = np.indices((2, 2)).reshape(2, -1)
        whole.update(t, p, sample_weight=share.ravel())
        truth = getattr(whole, score)(**options)
        rng = np.random.default_rng(1)
        trials, covered = 200, 0
        for seed in range(trials):
            drawn = rng.choice(4, 300, p=share.ravel())
            m = aq.ConfusionMatrix()
            m.update(t[drawn], p[drawn])
            low, high = m.interval(score, level=0.9, resamples=200, rng=seed, **options)
            covered += low <= truth <= high
        # Coverage itself is off by a few percent at this size.
        assert stats.binom.cdf(covered, trials, 0.86) > 1e-6
        assert stats.binom.sf(covered, trials, 0.94) > 1e-6

    def test_seeds_repeat_and_arrays_have_bounds_for_each_label(self):
        m = aq.ConfusionMatrix([0, 1, 2])
        m.update([0, 0, 1, 1], [0, 1, 1, 1])
        assert m.interval("mcc", rng=3) == m.interval("mcc", rng=3)
        low, high = m.interval("f1", rng=3)
        assert low.shape == high.shape == (3,)
        assert np.isnan([low[2], high[2]]).all()
        assert np.all(low[:2] <= m.f1()[:2])
        assert np.all(high[:2] >= m.f1()[:2])

    def test_what_is_refused(self):
        m = aq.ConfusionMatrix()
        m.update([0, 1], [0, 1], sample_weight=[1, 2])
        with pytest.raises(ValueError, match=r"^sample_weight: must not be given to rows that intervals are of, got "):
            m.interval()
        with pytest.raises(ValueError, match=r"^score: must be one of 'accuracy', .*, got 'auc'$"):
            m.interval("auc")
        with pytest.raises(TypeError, match="unexpected keyword argument 'averages'"):
            aq.ConfusionMatrix().interval(averages="micro")
        with pytest.raises(ValueError, match=r"^level: must be between 0 and 1, got 95$"):
            m.interval(level=95)


class TestReport:
    @pytest.mark.parametrize("kind", [int, str, bool])
    def test_report_is_that_of_scikit_learn(self, kind):
        y_true, y_pred, _ = data(2 if kind is bool else 4, kind)
        m = aq.ConfusionMatrix()
        m.update(y_true, y_pred)
        theirs = sk.classification_report(y_true, y_pred, output_dict=True)
        table = m.report()
        for row in table.to_pylist():
            if row["label"] is None and row["average"] == "micro":
                agree([row["precision"], row["recall"], row["f1"]], [theirs["accuracy"]] * 3)
                assert (row["recall_low"], row["recall_high"]) == m.interval()
                continue
            name = str(row["label"]) if row["average"] is None else f"{row['average']} avg"
            agree(
                [row[key] for key in ("precision", "recall", "f1")],
                [theirs[name][key] for key in ("precision", "recall", "f1-score")],
            )
            assert row["support"] == theirs[name]["support"]
            assert (row["recall_low"] is None) == (row["average"] is not None)
        assert table["label"].to_pylist() == [*m.labels, None, None, None]

    def test_report_of_weighted_and_of_no_rows(self):
        m = aq.ConfusionMatrix()
        assert m.report().num_rows == 3
        m.update([0, 1], [0, 1], sample_weight=[0.5, 0.25])
        assert m.report()["support"].to_pylist() == [0.5, 0.25, 0.75, 0.75, 0.75]
        assert m.report()["precision_low"].null_count == 5


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (
            lambda m: m.f1("sum"),
            ValueError,
            "average: must be one of 'binary', 'micro', 'macro', 'weighted', got 'sum'",
        ),
        (
            lambda m: m.f1("binary"),
            ValueError,
            "average: must be None, 'micro', 'macro' or 'weighted' for 3 labels, got 'binary'",
        ),
        (lambda m: m.f1(zero_division=0.5), ValueError, "zero_division: must be 0, 1 or nan, got 0.5"),
        (lambda m: m.f1(zero_division="warn"), TypeError, "zero_division: must be 0, 1 or nan, got str 'warn'"),
        (
            lambda m: m.f1("macro", pos_label=2),
            ValueError,
            "pos_label: must be left out unless average is 'binary', got 2",
        ),
        (
            lambda m: m.recall(pos_label="b"),
            ValueError,
            "pos_label: must be left out unless average is 'binary', got 'b'",
        ),
        (lambda m: m.balanced_accuracy(adjusted="no"), TypeError, "adjusted: must be True or False, got str 'no'"),
        (lambda m: m.plot(normalize="true"), TypeError, "normalize: must be True or False, got str 'true'"),
        (lambda m: m.fbeta(-1), ValueError, "beta: must not be negative, got -1"),
        (lambda m: m.cost("x"), ValueError, "matrix: must be numbers of shape (3, 3), got str 'x'"),
        (lambda m: m.fbeta("1"), TypeError, "beta: must be a number, got str '1'"),
        (lambda m: m.kappa("cubic"), ValueError, "weights: must be one of 'linear', 'quadratic', got 'cubic'"),
    ],
)
def test_options_that_do_not_fit(call, kind, message):
    m = aq.ConfusionMatrix()
    m.update([0, 1, 2], [0, 1, 1])
    with pytest.raises(kind) as caught:
        call(m)
    assert str(caught.value) == message


def test_a_positive_label_that_is_not_there():
    m = aq.ConfusionMatrix()
    m.update(["no", "yes"], ["no", "no"])
    with pytest.raises(ValueError, match=r"^pos_label: must be one of \['no', 'yes'\], got 1$"):
        m.precision("binary")
    assert m.recall("binary", pos_label="no") == 1.0
