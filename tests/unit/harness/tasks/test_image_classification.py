"""Image classification: what is asked of a model's facts, and how a log becomes a figure."""

import json
from pathlib import Path

import msgspec
import numpy as np
import pytest

from benchloom.errors import ExecutionError, InputError
from benchloom.harness.inputs import Inputs
from benchloom.harness.tasks import image_classification
from benchloom.model.facts import Classes, Dataset
from support.one_hot import SAMPLES, predictor

DATASET = Dataset(name="d", task="image-classification", layout="imagenet", images="", labels="", count=20, classes=10)


def log(folder: Path, *items: tuple[int, float | list[float]]) -> Path:
    rows = [
        {"seq_id": number, "qsl_idx": index, "data": np.float32(value).tobytes().hex().upper()}
        for number, (index, value) in enumerate(items)
    ]
    (folder / "mlperf_log_accuracy.json").write_text(json.dumps(rows))
    return folder


def inputs(labels: list[int], count: int | None = 10) -> Inputs:
    found = predictor(count=count)[0]._inputs
    return Inputs(found.model, "", found.backend, "d", found.samples, np.array(labels), data=DATASET)


def test_score_counts_right_labels_over_all_samples(tmp_path: Path):
    found = image_classification.score(log(tmp_path, (1, 5.0), (0, 3.0), (2, 1.0)), inputs([3, 5, 9]), tmp_path)
    assert (found.metric, found.values, found.correct, found.total) == ("top1", {"top1": 2 / 3}, 2, 3)
    assert (found.chance, found.problem) == (2 / 3, "")


def test_score_counts_labels_among_the_best_five(tmp_path: Path):
    best = (2, [1, 2, 3, 4, 5]), (0, [7, 6, 5, 4, 3]), (1, [0, 1, 2, 3, 4]), (3, [8, 9, 0, 1, 2])
    found = image_classification.score(log(tmp_path, *best), inputs([3, 5, 1, 8]), tmp_path)
    assert found.values == {"top1": 0.5, "top5": 0.75}
    assert (found.metric, found.correct) == ("top1", 2)
    assert image_classification.read_predictions(tmp_path, 4).tolist() == [7, 0, 1, 8]


def test_log_in_which_a_response_has_fewer_labels_gives_the_first_only(tmp_path: Path):
    found = image_classification.score(log(tmp_path, (0, [3, 1, 2, 4, 5]), (1, 5.0)), inputs([3, 5]), tmp_path)
    assert found.values == {"top1": 1.0}


def test_score_says_what_a_shift_of_labels_would_give(tmp_path: Path):
    found = image_classification.score(log(tmp_path, (0, 2.0), (1, 4.0)), inputs([3, 5]), tmp_path)
    assert [found.shifted(shift) for shift in (-1, 0, 1)] == [0, 0, 1]


def test_score_refuses_missing_samples_and_strange_labels(tmp_path: Path):
    with pytest.raises(ExecutionError, match="lacks 1 of 2 samples"):
        image_classification.score(log(tmp_path, (0, 3.0)), inputs([3, 4]), tmp_path)
    with pytest.raises(InputError, match="gives label 10, its facts state labels 0 to 9"):
        image_classification.score(log(tmp_path, (0, 10.0)), inputs([3]), tmp_path)


@pytest.mark.parametrize(("labels", "offset"), [(10, 0), (9, 1)])
def test_classes_are_found_by_the_scores_of_a_sample(labels: int, offset: int):
    _, session = predictor(count=None)
    given = inputs([0] * len(SAMPLES), count=None)
    given = Inputs(
        given.model,
        "",
        given.backend,
        "d",
        given.samples,
        given.labels,
        data=msgspec.structs.replace(DATASET, classes=labels),
    )
    assert image_classification.completed(given, session).model.classes == Classes(count=10, offset=offset)


def test_number_of_scores_that_fits_no_data_set_says_nothing():
    given = inputs([0], count=None)
    session = predictor(count=None)[1]
    other = Inputs(given.model, "", given.backend, "d", given.samples, given.labels)
    assert image_classification.completed(other, session) is other
    with pytest.raises(InputError, match="do not state which output"):
        image_classification.refuse_unscorable(given.model)
    image_classification.refuse_unscorable(inputs([0]).model)


def test_only_the_first_output_is_used():
    model = inputs([0]).model
    two = msgspec.structs.replace(model, outputs=(*model.outputs, *model.outputs))
    assert image_classification.used_outputs(two) == model.outputs
