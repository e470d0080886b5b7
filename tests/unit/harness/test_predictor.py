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
    [(True, "argmax", r"is \[1\] for 1 samples, its facts state 10 classes"), (False, "index", "'index' takes one")],
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
