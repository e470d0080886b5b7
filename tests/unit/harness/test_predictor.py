"""The predictor over a backend whose scores are known: every way to slice a batch gives the same labels."""

import numpy as np
import pytest

from benchloom.errors import InputError
from support.one_hot import SAMPLES, predictor


@pytest.mark.parametrize("indexes", [[3], [4, 5, 6], [9, 2, 2, 14], [19, 18, 17]], ids=str)
def test_labels_belong_to_their_samples(indexes: list[int]):
    made, _ = predictor()
    assert made.answers(indexes)[0].tolist() == [index % 10 for index in indexes]


def test_labels_are_float32_for_the_accuracy_log():
    made, _ = predictor()
    assert made.answers([1])[0].dtype == np.float32


def test_offset_and_index_outputs_are_applied():
    assert predictor(offset=1)[0].answers([5])[0].tolist() == [4]
    assert predictor(offset=1, prediction="index")[0].answers([5, 7])[0].tolist() == [4, 6]


@pytest.mark.parametrize("offset", [0, 1])
def test_checked_responses_have_the_best_labels_in_the_order_of_their_scores(offset: int):
    made, backend = predictor(offset=offset)
    scores = np.random.default_rng(1).permuted(np.tile(np.arange(10, dtype=np.float32), (3, 1)), axis=1)
    backend.run = lambda _: [scores]
    timed = made.answers([0, 1, 2])[0].tolist()
    assert (made.numbers, timed) == (1, (scores.argmax(axis=1) - offset).tolist())
    made.check_responses()
    found, sizes = made.answers([0, 1, 2])
    assert (made.numbers, list(sizes), found.dtype, found.ctypes.data) == (5, [5, 5, 5], np.float32, made.place)
    labels = found.reshape(3, 5)
    assert labels[:, 0].tolist() == timed
    rows = np.arange(3)[:, np.newaxis]
    assert scores[rows, labels.astype(int) + offset].tolist() == [[9, 8, 7, 6, 5]] * 3


@pytest.mark.parametrize("dtype", [np.float32, np.uint8, np.int8])
def test_best_label_of_equal_scores_is_the_one_that_is_timed(dtype: type):
    made, backend = predictor()
    scores = np.array([[0, 3, 0, 3, 1, 1, 2, 0, 3, 0], [1] * 10], dtype)
    backend.run = lambda _: [scores]
    timed = made.answers([0, 1])[0].tolist()
    made.check_responses()
    assert made.answers([0, 1])[0].reshape(2, 5).tolist() == [[1, 3, 8, 6, 4], [0, 1, 2, 3, 4]]
    assert timed == [1, 0]


def test_checked_responses_have_one_label_if_the_model_gives_one_or_few_scores():
    made, _ = predictor(prediction="index")
    made.check_responses()
    assert (made.numbers, made.answers([5, 7])[0].tolist()) == (1, [5, 7])
    few, backend = predictor(count=5)
    backend.run = lambda _: [np.eye(5, dtype=np.float32)[[4, 2]]]
    few.check_responses()
    assert (few.numbers, few.answers([4, 2])[0].tolist()) == (1, [4, 2])


def test_checked_output_of_another_number_of_classes_is_refused():
    made, _ = predictor(count=11)
    made.check_responses()
    with pytest.raises(InputError, match=r"is \[2, 10\] for 2 samples, its facts state 11 classes"):
        made.answers([3, 4])


def test_neighbouring_samples_are_not_copied():
    made, backend = predictor()
    made.answers([4, 5, 6])[0]
    made.answers([6, 4, 5])[0]
    assert [np.shares_memory(batch, SAMPLES) for batch in backend.batches] == [True, False]


def test_touch_reads_any_samples():
    made, _ = predictor()
    made.touch(np.array([0, 19, 3]))


@pytest.mark.parametrize(
    ("gives_index", "prediction", "told"),
    [(True, "argmax", r"is \[1\] for 1 samples, its facts state 10 classes"), (False, "index", "'index' requires one")],
)
def test_output_of_the_other_kind_of_prediction_is_refused(gives_index: bool, prediction: str, told: str):
    made, backend = predictor(prediction=prediction)
    backend.index_output = gives_index
    with pytest.raises(InputError, match=told):
        made.answers([3])[0]


def test_output_of_another_number_of_classes_is_refused():
    made, _ = predictor(count=11)
    with pytest.raises(InputError, match=r"is \[2, 10\] for 2 samples, its facts state 11 classes"):
        made.answers([3, 4])[0]


def test_output_of_unknown_classes_gives_its_best():
    made, _ = predictor(count=None)
    assert made.answers([5])[0].tolist() == [5]
