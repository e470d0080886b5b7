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
    "a pointer of Git LFS": (
        b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n",
        "it appears to be a pointer of Git LFS",
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
    assert answer.code == 4
    assert "onnxruntime cannot load the model" in answer.err
    assert told in answer.err
    assert "digits.onnx" in answer.err
    assert told.startswith("onnxruntime") or "it is the file of package:model-changed" in answer.err
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
    assert answer.code == 4
    assert "the file of the model takes batches of at most 1" in answer.err


def test_other_fixed_batch_is_refused(tmp_path: Path):
    answer = run_file(tmp_path, with_batch(3))
    assert answer.code == 4
    assert "the file takes batches of exactly 3" in answer.err
    assert "Traceback" not in answer.err
