"""A file that is no model is one error that says what it appears to be and where it came from; a fixed batch is found out."""

import gzip
import json
from pathlib import Path

import onnx
import pytest

from support.benchmark import run
from support.repo import Answer, Loom, Repo
from support.standin import ROOT, changed_digits

NETWORK = (ROOT / "package" / "model-digits-onnx" / "digits.onnx").read_bytes()


def run_file(tmp_path: Path, data: bytes, *words: str) -> Answer:
    repo = Repo(tmp_path / "repo")
    flag = changed_digits(repo, data)
    return run(flag, "--count=10", *(words or ("--mode=accuracy",)), loom=Loom(tmp_path / "home", repo))


ODD = {
    "an HTML page": (b"<!DOCTYPE html>\n<html><body>Not found</body></html>", "it appears to be a web page (HTML)"),
    "a Git LFS pointer": (
        b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n",
        "it appears to be a Git LFS pointer",
    ),
    "an error message": (json.dumps({"error": "quota"}).encode(), "it appears to be JSON text"),
    "plain text": (b"Please try again later.\n", "it appears to be plain text"),
    "a compressed file": (gzip.compress(NETWORK), "it appears to be a gzip archive"),
    "nothing": (b"", "it is empty"),
    "half of a model": (NETWORK[: len(NETWORK) // 2], "onnxruntime cannot load the model"),
}


@pytest.mark.parametrize(("data", "told"), ODD.values(), ids=ODD.keys())
def test_file_that_is_no_model_is_named_with_its_origin(tmp_path: Path, data: bytes, told: str):
    answer = run_file(tmp_path, data)
    assert answer.code == 2
    assert "onnxruntime cannot load the model" in answer.err
    assert told in answer.err
    assert "digits.onnx" in answer.err
    assert told.startswith("onnxruntime") or "it was downloaded by package:model-changed" in answer.err
    assert "Traceback" not in answer.err


def with_batch(batch: int) -> bytes:
    network = onnx.load_from_string(NETWORK)
    for item in (*network.graph.input, *network.graph.output):
        item.type.tensor_type.shape.dim[0].Clear()
        item.type.tensor_type.shape.dim[0].dim_value = batch
    found: bytes = network.SerializeToString()
    return found


def test_fixed_batch_of_one_is_found_out(tmp_path: Path):
    answer = run_file(tmp_path, with_batch(1), "--mode=both", "--scenario=Offline", "--duration=0.2").ok()
    assert answer.json["results"]["settings"]["batch_size"] == 1
    assert answer.json["results"]["accuracy"]["total"] == 10


def test_larger_batch_than_the_file_takes_is_refused(tmp_path: Path):
    answer = run_file(tmp_path, with_batch(1), "--mode=accuracy", "--scenario=Offline", "--batch_size=4")
    assert answer.code == 2
    assert "the model file supports batches of at most 1" in answer.err


def test_other_fixed_batch_is_refused(tmp_path: Path):
    answer = run_file(tmp_path, with_batch(3))
    assert answer.code == 2
    assert "the file supports only batches of exactly 3" in answer.err
    assert "Traceback" not in answer.err


def test_file_is_refused_before_the_data_are_prepared_and_nothing_is_recorded(tmp_path: Path):
    answer = run_file(tmp_path, ODD["an HTML page"][0])
    assert answer.code == 2
    home = tmp_path / "home"
    assert not list(home.rglob("samples.npy"))
    assert not list(home.rglob("records/*.json"))
    # What is there already is used, and the refusal is the same.
    assert run("--count=10", "--mode=accuracy", loom=Loom(home)).ok()
    again = run_file(tmp_path, ODD["an HTML page"][0])
    assert again.code == 2
    assert again.err.splitlines()[0] == answer.err.splitlines()[0]


def with_opset(version: int) -> bytes:
    network = onnx.load_from_string(NETWORK)
    own = next(item for item in network.opset_import if item.domain in {"", "ai.onnx"})
    own.version = version
    found: bytes = network.SerializeToString()
    return found


def test_file_of_another_opset_is_refused(tmp_path: Path):
    repo = Repo(tmp_path / "repo")
    flag = changed_digits(repo, with_opset(13), opset=14)
    answer = run(flag, "--count=10", "--mode=accuracy", loom=Loom(tmp_path / "home", repo))
    assert answer.code == 2
    assert "the file has opset 13, its facts state 14" in answer.err


def test_opset_of_the_file_is_recorded(tmp_path: Path):
    answer = run_file(tmp_path, with_opset(13)).ok()
    assert answer.json["results"]["settings"]["opset"] == 13
