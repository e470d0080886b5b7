"""What contradicts itself is refused whatever the machine."""

import pytest

from benchloom.errors import InputError
from benchloom.model.facts import Model
from benchloom.rules.possible import refuse_impossible


def model(**fields: object) -> Model:
    return Model(name="m", task="t", format="onnx", precision="fp32", inputs=(), outputs=(), **fields)  # type: ignore[arg-type]


def refused(found: Model | None = None, scenario: str = "Offline", mode: str = "performance", **inputs: int) -> str:
    """Return where the inputs are refused; '' if they are not."""
    try:
        refuse_impossible(found, scenario=scenario, mode=mode, **inputs)
    except InputError as error:
        return error.where
    return ""


@pytest.mark.parametrize("found", [None, model()])
def test_single_stream_has_one_instance(found: Model | None):
    assert refused(found, "SingleStream", instances=2) == "--instances"
    assert refused(found, "SingleStream", instances=1) == ""
    assert refused(found, "MultiStream", instances=2) == ""


def test_batch_is_at_most_what_the_model_takes():
    assert refused(model(max_batch=4), batch_size=5) == "--batch_size"
    assert refused(model(max_batch=4), batch_size=4) == ""
    assert refused(model(max_batch=4), batch_size=None) == ""  # type: ignore[arg-type]
    assert refused(model(), batch_size=5) == ""
    assert refused(None, batch_size=5) == ""


@pytest.mark.parametrize(("mode", "where"), [("performance", ""), ("accuracy", "--mode"), ("both", "--mode")])
def test_random_weights_have_no_accuracy(mode: str, where: str):
    assert refused(model(weights="random"), mode=mode) == where
    assert refused(model(), mode=mode) == ""
