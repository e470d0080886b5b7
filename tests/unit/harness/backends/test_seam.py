"""Backends by name: which batches a file takes, and what is said of one that is no model."""

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from benchloom.errors import InputError
from benchloom.harness.backends.seam import ROOM, Backend, backends, fixed_batch, least_batch, no_device, open_session
from benchloom.model.facts import Model, Tensor
from support.seams import misfits

OUTPUTS = tuple(Tensor(name=name, shape=("N", 1), dtype="float32") for name in ("scores", "other"))
MODEL = Model(
    name="m", task="image-classification", format="onnx", precision="fp32", inputs=OUTPUTS[:1], outputs=OUTPUTS
)


@pytest.mark.parametrize(("sizes", "batch"), [((), None), ((-1, 3), None), ((0, 3), None), ((1, 3), 1)])
def test_file_takes_any_batch_or_one(sizes: tuple[int, ...], batch: int | None):
    assert fixed_batch(sizes, "f") == batch


def test_file_of_another_fixed_batch_is_refused():
    with pytest.raises(InputError, match="batches of exactly 2") as caught:
        fixed_batch((2, 3), "f")
    assert caught.value.where == "f"


def test_batch_of_a_file_is_the_least_of_its_inputs():
    assert least_batch([(-1, 3), (1, 3)], "f") == 1
    assert least_batch([(-1, 3), ()], "f") is None


def test_unknown_backend_names_the_nearest():
    with pytest.raises(InputError, match="there is no backend 'onnxruntme'") as caught:
        open_session("onnxruntme", MODEL, "f", 1)
    assert "onnxruntime" in caught.value.fix
    with pytest.raises(InputError) as caught:
        open_session("xyz", MODEL, "f", 1)
    assert caught.value.fix == f"known: {', '.join(backends())}"
    assert {"onnxruntime", "pytorch", "tensorflow", "tflite"} <= set(backends())


@pytest.fixture
def refusing(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Let a backend refuse whatever it is given, at the place that the list holds."""
    where: list[Any] = []

    def load(*given: Any) -> None:
        _, _, threads, device = given
        why = ["a reason", *where[1:]]
        raise InputError(f"{device} cannot load it with {threads} threads", where=where[0], why=why)

    module = ModuleType("benchloom.harness.backends.tflite")
    module.load = load  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, module.__name__, module)
    return where


def test_file_that_is_no_model_is_said_to_be_what_it_appears_to_be(tmp_path: Path, refusing: list[Any]):
    file = tmp_path / "network.tflite"
    file.write_text("<!doctype html><html></html>")
    refusing.append(str(file))

    def refused(**origin: str) -> InputError:
        with pytest.raises(InputError, match="cpu cannot load it with 3 threads") as caught:
            open_session("tflite", MODEL, str(file), 3, **origin)
        return caught.value

    [appears, own] = refused().why
    assert "web page" in appears
    assert (own, refused().fix) == ("a reason", "name another file")
    assert refused(origin="package:m").why == (appears, "it was downloaded by package:m", "a reason")
    assert refused(origin="package:m").fix.startswith("download it again")
    refusing.append(appears)  # the backend says the same
    assert refused().why == (appears, "a reason")


@pytest.mark.parametrize("is_elsewhere", [True, False])
def test_other_refusals_stay_as_they_are(tmp_path: Path, refusing: list[Any], is_elsewhere: bool):
    file = tmp_path / "network.tflite"
    file.write_bytes(b"<html>" if is_elsewhere else b"\x1c\0\0\0TFL3" + bytes(600))
    refusing.append("model.outputs" if is_elsewhere else str(file))
    with pytest.raises(InputError) as caught:
        open_session("tflite", MODEL, str(file), 1, "cuda", "package:m")
    assert caught.value.why == ("a reason",)


def test_missing_device_says_how_to_go_on():
    error = no_device("cuda", "onnxruntime", "no driver")
    assert (error.what, error.why) == ("onnxruntime cannot run on cuda", ("no driver",))
    assert "_cuda" in error.fix


def test_every_backend_keeps_the_protocol():
    assert not list(misfits(ROOM, Backend))
