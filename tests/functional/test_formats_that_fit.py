"""A model and a backend whose facts do not fit each other never come together, and the reasons are told."""

from pathlib import Path
from typing import Any

import pytest

from benchloom.harness import backends
from benchloom.index.index import Index, load
from benchloom.index.repositories import read_repository
from support.repo import SOURCE, Answer, Loom, Repo

ROOT = SOURCE.parent
TARGET = "program:any-backend"


@pytest.fixture(scope="module")
def loom(tmp_path_factory: pytest.TempPathFactory) -> Loom:
    """The built-in components, and a program that fixes neither format nor backend."""
    repo = Repo(tmp_path_factory.mktemp("repo") / "repo")
    needs: dict[str, Any] = {"model": {"tags": "model,image-classification"}, "backend": {"tags": "backend"}}
    repo.program("any-backend", "program,any-backend", needs=needs)
    program = repo.program("only-onnx", "program,only-onnx", needs={**needs, "model": {"tags": "model,digits,onnx"}})
    assert program.is_dir()
    home: Path = tmp_path_factory.mktemp("home")
    return Loom(home, repo)


def _chosen(answer: Answer) -> tuple[str, str]:
    found = answer.ok()
    return found.node("model")["candidate"]["component"], found.node("backend")["candidate"]["family"]


@pytest.mark.parametrize(
    ("words", "model", "backend"),
    [
        ([], "package:model-digits-onnx", "soft:lib-python-onnxruntime"),
        (["--dep_add_tags.backend=tensorflow"], "package:model-digits-tensorflow", "soft:lib-python-tensorflow"),
        (["--dep_add_tags.backend=pytorch"], "package:model-digits-pytorch", "soft:lib-python-torch"),
        (["--dep_add_tags.backend=tflite"], "package:model-digits-tflite", "soft:lib-python-ai-edge-litert"),
        (["--dep_add_tags.model=tensorflow"], "package:model-digits-tensorflow", "soft:lib-python-tensorflow"),
        (
            ["--dep_add_tags.model=digits,tflite,int8"],
            "package:model-digits-tflite-int8",
            "soft:lib-python-ai-edge-litert",
        ),
        (
            ["--dep_add_tags.backend=tensorflow", "--dep_add_tags.model=mobilenet"],
            "package:model-mobilenet-tensorflow",
            "soft:lib-python-tensorflow",
        ),
    ],
)
def test_backend_and_model_narrow_each_other(loom: Loom, words: list[str], model: str, backend: str):
    assert _chosen(loom.here("plan", TARGET, *words, "--json")) == (model, backend)


def test_no_model_that_fits_is_explained_with_both_formats(loom: Loom):
    answer = loom.here("plan", "program:only-onnx", "--dep_add_tags.backend=tensorflow")
    assert answer.code == 3
    assert "no component that matches backend,tensorflow can be backend" in answer.err
    assert "package:model-digits-onnx, package:model-digits-onnx-int8 need one that takes onnx as backend" in answer.err
    assert "package:lib-python-tensorflow: it takes tensorflow-frozen-graph, not onnx" in answer.err
    assert "fix: choose another model or another backend" in answer.err


def test_one_model_that_does_not_fit_is_named_with_its_file_and_key(loom: Loom):
    words = ["--dep_add_tags.backend=tflite", "--dep_add_tags.model=int8"]
    answer = loom.here("plan", "program:only-onnx", *words)
    assert answer.code == 3
    assert (
        "package:model-digits-onnx-int8 needs one that takes onnx as backend "
        "(package/model-digits-onnx-int8/.cm/meta.json: model.format)" in answer.err
    )


def test_explain_says_which_models_do_not_fit(loom: Loom):
    words = ["--dep_add_tags.backend=tensorflow", "--json"]
    [found] = loom.here("explain", TARGET, "model", *words).ok().json
    reasons = {item["component"]: item["reason"] for item in found["alternatives"]}
    assert reasons["package:model-digits-onnx"].endswith(
        "lib-python-tensorflow takes tensorflow-frozen-graph, not onnx"
    )
    assert "not tflite" in reasons["package:model-mobilenet-tflite"]
    assert "preferred" in reasons["package:model-mobilenet-tensorflow"]


def test_explain_says_why_a_backend_does_not_fit(loom: Loom):
    [found] = loom.here("explain", TARGET, "backend", "--json").ok().json
    assert any(item.get("facts") == {"format": ["onnx"]} for item in found["required_by"])
    reasons = {item["component"]: item["reason"] for item in found["refused"]}
    assert reasons["package:lib-python-tensorflow"] == "it takes tensorflow-frozen-graph, not onnx"


def test_network_that_runs_on_the_cpu_alone_is_never_chosen_for_cuda(tmp_path: Path):
    tool = tmp_path / "bin" / "nvidia-smi"
    tool.parent.mkdir()
    tool.write_text("#!/bin/sh\necho 580.95.05\n")
    tool.chmod(0o755)
    loom = Loom(tmp_path / "home", PATH=f"{tool.parent}:/usr/bin:/bin")
    words = ["plan", "program:image-classification-pytorch", "--dep_add_tags.backend=_cuda"]
    refused = loom.here(*words, "--dep_add_tags.model=int8")
    assert refused.code == 3
    assert "package:lib-python-torch: it runs on cuda, not cpu" in refused.err
    assert _chosen(loom.here(*words, "--json"))[0] == "package:model-digits-pytorch"


def test_every_backend_states_formats_and_every_model_a_format_that_one_takes():
    index: Index = load([read_repository(ROOT)], None)
    takers = [item.backend for item in index.components if item.kind == "soft" and item.backend]
    assert {item.name for item in takers} >= {"onnxruntime", "pytorch", "tensorflow", "tflite"}
    assert all(item.formats for item in takers)
    known = {name for item in takers for name in item.formats}
    assert {item.model.format for item in index.components if item.model} <= known
    modules = Path(backends.__file__).parent
    assert all((modules / f"{item.name}.py").is_file() for item in takers)
