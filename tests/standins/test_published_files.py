"""script:check-published-models on stand-ins of the large backends: each opened in the environment of its backend."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from support.heavy import heavy, loom_with, standin
from support.published import Trial, lines_on, trial_in
from support.standin import meta_of, tgz

pytestmark = [heavy, pytest.mark.timeout(900)]


@pytest.fixture
def trial(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Trial]:
    with trial_in(tmp_path, partial(loom_with, request.param)) as made:
        yield made


def packed(alias: str, data: bytes) -> bytes:
    fetch = meta_of(alias)["fetch"][0]
    return tgz({f"./{fetch['member']}": data}) if fetch.get("archive") else data


@pytest.mark.parametrize(
    ("trial", "alias", "what", "told"),
    [
        ("tensorflow", "model-resnet50-tensorflow", "planted-resnet50", "container: frozen graph (GraphDef protobuf)"),
        (
            "tensorflow",
            "model-mobilenet-tensorflow",
            "planted-mobilenet",
            "output: MobilenetV1/Predictions/Reshape_1:0",
        ),
        ("tflite", "model-mobilenet-tflite", "planted-tflite", "max_batch: one sample at a time"),
        ("tflite", "model-mobilenet-tflite-int8", "planted-tflite-int8", "container: TensorFlow Lite flatbuffer"),
        ("pytorch", "model-resnet50-pytorch", "planted-state-dict", "container: tar archive of torch.save"),
        (
            "pytorch",
            "model-resnet50-pytorch-int8",
            "planted-torchscript-int8",
            "container: zip archive of torch.jit.save",
        ),
        ("pytorch", "model-ssd-mobilenet-pytorch", "planted-pickled-ssd-mobilenet", "container: stream of pickles"),
    ],
    indirect=["trial"],
)
def test_stand_in_is_as_its_component_states(trial: Trial, alias: str, what: str, told: str):
    ref = trial.model(alias, packed(alias, standin(what).read_bytes()))
    answer = trial.check().ok()
    lines = lines_on(answer, ref)
    assert lines.startswith("as stated\n")
    assert f"agrees       {told}" in lines
    assert ", which ran a sample of zeros" in lines
    assert standin(what).stat().st_size == pytest.approx(meta_of(alias)["stand_in"]["size"], rel=0.01)
    assert "installing" not in answer.err  # the environment is that of the benchmark programs


@pytest.mark.parametrize("trial", ["pytorch"], indirect=True)
def test_torchscript_that_nobody_vouches_for_is_opened_only_if_it_is_trusted(trial: Trial):
    ref = trial.model("model-resnet50-pytorch-int8", standin("planted-torchscript-int8").read_bytes(), pinned=False)
    answer = trial.check()
    assert answer.code == 4
    assert "not checked  resnet50 is TorchScript, and no digest verifies" in lines_on(answer, ref)
    assert "agrees       container: zip archive of torch.jit.save" in lines_on(answer, ref)
    assert lines_on(trial.check("--models=served", "--trust=yes").ok(), ref).startswith("as stated\n")


@pytest.mark.parametrize("trial", ["pytorch"], indirect=True)
def test_state_dict_of_another_network_is_a_difference(trial: Trial):
    ref = trial.model("model-ssd-mobilenet-pytorch", standin("planted-state-dict").read_bytes())
    answer = trial.check()
    assert answer.code == 4
    lines = lines_on(answer, ref)
    assert (
        "DIFFERS      container: tar archive of torch.save (before torch 0.1.10), the component states stream of pickles"
        in lines
    )
    assert "DIFFERS      the file is written by torch.save (a tar archive" in lines
