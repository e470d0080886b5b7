"""The variables that users of `ck` set, as inputs."""

import pytest

from benchloom.app.ck_inputs import inputs_from
from benchloom.errors import InputError, UnknownNameError
from benchloom.model.component import Component, Input, Program


def component(*inputs: Input) -> Component:
    return Component(
        kind="program", alias="p", uid="", repo="r", path="p", file="f", program=Program(commands=(), inputs=inputs)
    )


DECLARED = component(
    Input(summary="", name="count", type="int", minimum=1),
    Input(summary="", name="mode", choices=("performance", "accuracy", "both")),
    Input(summary="", name="duration", type="float", minimum=0),
    Input(summary="", name="max_latency_ms", type="float", minimum=0),
    Input(summary="", name="batch_size", type="int", minimum=1),
    Input(summary="", name="scenario", choices=("SingleStream", "Offline")),
)


@pytest.mark.parametrize(
    ("environ", "found"),
    [
        ({}, {}),
        ({"LOOM_INPUT_COUNT": "5", "LOOM_INPUT_MODE": "", "OTHER": "1"}, {"count": "5"}),
        ({"LOOM_INPUT_MODE": "Accuracy"}, {"mode": "accuracy"}),
        ({"EXTRA_OPS": "--count 5 --time=1.5"}, {"count": "5", "duration": "1.5"}),
        ({"EXTRA_OPS": "--accuracy --max-batchsize '4'"}, {"mode": "accuracy", "batch_size": "4"}),
        ({"EXTRA_OPS": "--max-latency 0.1"}, {"max_latency_ms": "100"}),
        ({"EXTRA_OPS": "--count 5", "LOOM_INPUT_COUNT": "5"}, {"count": "5"}),
        ({"CK_BATCH_COUNT": "10"}, {"count": "10"}),
        ({"CK_BATCH_COUNT": "10", "CK_BATCH_SIZE": "2"}, {"count": "20", "batch_size": "2"}),
        ({"CK_BATCH_SIZE": "2"}, {"batch_size": "2"}),
        (
            {"CK_LOADGEN_MODE": "AccuracyOnly", "CK_LOADGEN_SCENARIO": "Offline"},
            {"mode": "accuracy", "scenario": "Offline"},
        ),
        ({"CK_LOADGEN_MODE": "PerformanceOnly"}, {"mode": "performance"}),
        ({"CK_LOADGEN_MODE": "SubmissionRun"}, {"mode": "both"}),
        ({"CK_LOADGEN_DATASET_SIZE": "500"}, {"count": "500"}),
        ({"CK_LOADGEN_DATASET_SIZE": "0"}, {}),
    ],
)
def test_variables_become_inputs(environ: dict[str, str], found: dict[str, str]):
    assert inputs_from(DECLARED, environ) == found


@pytest.mark.parametrize(
    ("environ", "kind", "where"),
    [
        ({"LOOM_INPUT_COUTN": "5"}, UnknownNameError, "LOOM_INPUT_COUTN"),
        ({"LOOM_INPUT_COUNT": "none"}, InputError, "LOOM_INPUT_COUNT"),
        ({"EXTRA_OPS": "--count"}, InputError, "EXTRA_OPS='--count'"),
        ({"EXTRA_OPS": "--count 0"}, InputError, "EXTRA_OPS='--count 0'"),
        ({"EXTRA_OPS": "count 5"}, UnknownNameError, "EXTRA_OPS='count 5'"),
        ({"EXTRA_OPS": "--profile x"}, UnknownNameError, "EXTRA_OPS='--profile x'"),
        ({"EXTRA_OPS": "--qps 5"}, UnknownNameError, "EXTRA_OPS='--qps 5'"),
        ({"EXTRA_OPS": "--max-latency soon"}, InputError, "EXTRA_OPS='--max-latency soon'"),
        ({"EXTRA_OPS": "--count '5"}, InputError, 'EXTRA_OPS="--count \'5"'),
        ({"EXTRA_OPS": "--count 5", "LOOM_INPUT_COUNT": "6"}, InputError, "EXTRA_OPS='--count 5'"),
        ({"CK_BATCH_SIZE": "none"}, InputError, "CK_BATCH_SIZE"),
        ({"CK_BATCH_COUNT": "5", "CK_BATCH_SIZE": "none"}, InputError, "CK_BATCH_SIZE"),
        ({"CK_BATCH_COUNT": "5", "LOOM_INPUT_COUNT": "6"}, InputError, "CK_BATCH_COUNT"),
        ({"CK_BATCH_ANYTHING": "5"}, InputError, "CK_BATCH_ANYTHING"),
        ({"CK_LOADGEN_MODE": "FindPeakPerformance"}, InputError, "CK_LOADGEN_MODE"),
        ({"CK_LOADGEN_TARGET_QPS": "5"}, UnknownNameError, "CK_LOADGEN_TARGET_QPS"),
        ({"CK_LOADGEN_BUFFER_SIZE": "1024"}, InputError, "CK_LOADGEN_BUFFER_SIZE"),
        ({"CK_LOADGEN_ANYTHING": "1"}, InputError, "CK_LOADGEN_ANYTHING"),
    ],
)
def test_what_is_not_understood_is_refused_by_name(environ: dict[str, str], kind: type[InputError], where: str):
    with pytest.raises(kind) as caught:
        inputs_from(DECLARED, environ)
    assert caught.value.where == where


def test_a_program_without_inputs_reads_variables_of_its_own():
    assert inputs_from(component(), {"EXTRA_OPS": "--any thing", "CK_BATCH_SIZE": "1"}) == {}
