"""The entries by which CK's pages run a benchmark are written from the program that they run."""

import json
from pathlib import Path
from typing import Any

import pytest

from benchloom.authoring.identity import apply, changes
from benchloom.index.index import Index, load
from benchloom.index.repositories import read_repository
from support.repo import SOURCE, Loom, Repo

ROOT = SOURCE.parent
PREFIX = "mlperf-inference-bench-task-onnx"
KEYS = {
    f"{mode}-{scenario}"
    for mode in ("accuracy", "performance")
    for scenario in ("offline", "server", "singlestream", "multistream")
}
META: dict[str, Any] = {
    "_base_entry": "program:task",
    "summary": "A task",
    "run_deps": {"backend": {"tags": "backend,thing"}},
    "bench": ["cpu", "gpu"],
}


@pytest.fixture(scope="module")
def index() -> Index:
    return load([read_repository(ROOT)], None)


def synced(repo: Repo) -> dict[str, str]:
    found = changes(repo.root)
    apply(repo.root, found)
    return {item.drift.file: item.drift.reason for item in found}


def repository(folder: Path, **meta: Any) -> Repo:
    """Return a repository with a program that wants the entries, over templates of its own."""
    repo = Repo(folder, "trial")
    template = json.loads((ROOT / "program.template/loadgen/.cm/meta.json").read_text())
    del template["_base_entry"]
    repo.program("task", "trial,task", **template)
    repo.program("task-onnx", "trial,task,thing", **{**META, **meta})
    for file in (repo.root / "program/task-onnx/.cm").glob("meta.json"):
        own = json.loads(file.read_text())
        del own["run_cmds"]
        file.write_text(json.dumps(own))
    return repo


def test_one_sync_writes_the_entries_and_a_second_changes_nothing(tmp_path: Path):
    repo = repository(tmp_path / "repo")
    assert {f"program/{PREFIX}-{target}/.cm/meta.json" for target in ("cpu", "gpu")} <= synced(repo).keys()
    assert synced(repo) == {}
    index = load([read_repository(repo.root), read_repository(ROOT)], None)
    for target in ("cpu", "gpu"):
        program = index.get(f"trial:program:{PREFIX}-{target}").program
        assert program is not None
        assert {item.name for item in program.commands} == {"default", *KEYS}
        assert len({item.text for item in program.commands}) == 1
    of = {name: item.env for item in program.commands for name in [item.name]}
    assert of["accuracy-offline"] == {"LOOM_INPUT_MODE": "accuracy", "LOOM_INPUT_SCENARIO": "Offline"}


def test_an_entry_that_nothing_asks_for_any_more_is_for_a_person_to_remove(tmp_path: Path):
    repo = repository(tmp_path / "repo")
    synced(repo)
    repository(tmp_path / "repo", bench=["cpu"])
    assert "no longer states it" in synced(repo)[f"program/{PREFIX}-gpu/.cm/meta.json"]


def test_a_program_that_has_no_modes_is_named(tmp_path: Path):
    repo = Repo(tmp_path / "repo", "trial")
    repo.program("task-onnx", "trial,task", summary="A task", bench=["cpu"])
    assert "needs a program that inherits modes" in synced(repo)["program/task-onnx/.cm/meta.json"]


def test_every_backend_with_a_build_for_gpus_has_an_entry_for_them_and_no_other(index: Index):
    programs = {item.alias for item in index.components if item.kind == "program" and item.alias.endswith("-cpu")}
    assert len(programs) == 10
    for alias in programs:
        program = index.get(f"program:{alias}")
        (backend,) = [item for item in program.requires if item.role == "backend"]
        libraries = [item for item in index.match(backend.query, ["package"]) if item.install]
        has_build = any("cuda" in item.variations for item in libraries)
        known = [item.alias for item in index.components if item.alias == f"{alias[:-3]}gpu"]
        assert known == ([f"{alias[:-3]}gpu"] if has_build else [])


@pytest.mark.parametrize("key", sorted(KEYS))
def test_loom_takes_the_commands_as_inputs_of_the_plan(tmp_path: Path, key: str):
    loom = Loom(tmp_path / "home")
    target = "program:mlperf-inference-bench-image-classification-onnx-cpu"
    mode, scenario = key.split("-")
    inputs = loom.here("plan", target, f"--cmd_key={key}", "--json").ok().json["inputs"]
    assert (inputs["mode"], inputs["scenario"].lower()) == (mode, scenario)


def test_a_flag_and_a_variable_come_before_what_a_command_states(tmp_path: Path):
    loom = Loom(tmp_path / "home")
    words = (
        "plan",
        "program:mlperf-inference-bench-image-classification-onnx-cpu",
        "--cmd_key=accuracy-offline",
        "--json",
    )
    assert loom.here(*words, "--scenario=Server").ok().json["inputs"]["scenario"] == "Server"
    assert "scenario" not in loom.here(*words, "--env.LOOM_INPUT_SCENARIO=Server").ok().json["inputs"]


def test_an_entry_for_cpus_never_takes_a_build_for_gpus(tmp_path: Path):
    loom = Loom(tmp_path / "home")
    target = "program:mlperf-inference-bench-image-classification-onnx-cpu"
    refused = loom.here("plan", target, "--dep_add_tags.backend=_cuda")
    assert refused.code == 3
    assert "backend,onnxruntime,-gpu,-_cuda" in refused.err
