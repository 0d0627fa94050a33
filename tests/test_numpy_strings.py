"""Strings and objects in NumPy arrays, which become dictionaries where they repeat."""

import numpy as np
import pyarrow as pa
import pytest

import aliquot as aq
from aliquot._numpy_strings import STRETCH, as_arrow, as_dictionary

WORDS = ["", "a", "b", "cat", "dog ", "a\0b", "Zürich", "łódź", "日本", "🙂", "a longer one than sixteen bytes"]


@pytest.fixture
def picks():
    return np.random.default_rng(0).integers(0, len(WORDS), 2 * STRETCH + 99)


@pytest.mark.parametrize("kind", ["U", object])
@pytest.mark.parametrize("words", [WORDS[:2], WORDS[:7], WORDS, ["", "\0"], [""]])
def test_it_holds_the_same_rows(picks, words, kind):
    values = np.array(words, kind)[picks % len(words)]
    made = as_dictionary(values)
    assert made is None if values.itemsize == 0 else pa.types.is_dictionary(made.type)
    for each in (values, values[::-3], values[5:]):
        assert (as_dictionary(each) or as_arrow(each)).to_pylist() == each.tolist()


def test_a_character_beyond_latin_may_come_late(picks):
    values = np.array(["a", "ab", "Zü"])[picks % 3].astype("U2")
    values[-1] = "日本"
    assert as_dictionary(values).to_pylist() == values.tolist()


def test_values_may_come_up_late(picks):
    picks[:STRETCH] %= 3
    values = np.array(WORDS, object)[picks]
    assert as_dictionary(values).to_pylist() == values.tolist()


def test_equal_objects_at_different_places_are_one_label():
    values = np.array(["category"[:3] for _ in range(50)] + ["dog"] * 2000, object)
    m = aq.ConfusionMatrix()
    m.update(values, values.astype(str))
    assert m.labels == ["cat", "dog"]
    assert m.matrix.tolist() == [[50, 0], [0, 2000]]


@pytest.mark.parametrize(
    "values", [np.array(["", ""]), np.array([], "U3"), np.array([], object), np.arange(9).astype("U4")]
)
def test_few_rows_and_values_that_seldom_repeat_are_left_to_arrow(values):
    assert as_dictionary(values) is None
    m = aq.ConfusionMatrix()
    m.update(values, values)
    assert m.n_seen == len(values)
    assert m.labels == sorted(set(values.tolist()))


def test_a_mask_makes_nulls():
    values = np.ma.MaskedArray(np.array(["a", "b"] * 50, object), mask=[False, True] * 50)
    m = aq.ConfusionMatrix(nulls="skip")
    m.update(values, values)
    assert (m.labels, m.n_seen) == (["a"], 100)


@pytest.mark.parametrize("missing", [["a", None], [None, None]])
def test_none_is_null(missing):
    values = np.array(missing * 50, object)
    m = aq.ConfusionMatrix(nulls="skip")
    m.update(values, values)
    assert m.labels == [word for word in missing[:1] if word]
    with pytest.raises(ValueError, match=r"^y_true: must not be null, got null at row \d$"):
        aq.ConfusionMatrix().update(values, values)


@pytest.mark.parametrize("labels", [[0, 1], [True, False], [-5.0, 3.0], [2**40, 3]])
def test_objects_may_be_numbers(labels):
    values = np.array(labels * 50, object)
    m = aq.ConfusionMatrix()
    m.update(values, values[::-1])
    assert m.labels == sorted(labels)
    assert m.matrix.tolist() == [[0, 50], [50, 0]]


@pytest.mark.parametrize("wrong", [["a", 1], ["a", b"a"], [0, 2**70], [{"a": 1}, {"a": 2}], [0.5, 1.5]])
def test_objects_that_are_no_labels_are_refused_however_often_they_come(wrong):
    said = []
    for times in (1, 50):
        with pytest.raises((TypeError, ValueError), match=r"^y_true: must hold ") as caught:
            aq.ConfusionMatrix().update(np.array(wrong * times, object), np.array(wrong * times, object))
        said.append((caught.type, str(caught.value).partition(", got")[0]))
    assert said[0] == said[1]
