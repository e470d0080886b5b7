"""One program per task, and those that fix its backend: each found by the queries that always found it."""

import json

import pytest

from support.repo import SOURCE, Loom

ROOT = SOURCE.parent
# The tags by which queries name a backend, as the programs of CK had them.
CK_TAGS = {"onnx": "onnxruntime", "pytorch": "torch", "tensorflow": "tf", "tflite": "ai-edge-litert"}


def programs() -> dict[str, dict[str, str]]:
    """Return for every task the names of the backends that have a program, each with the last tag of it."""
    found: dict[str, dict[str, str]] = {"image-classification": {}, "object-detection": {}}
    for task, backends in found.items():
        for file in sorted((ROOT / "program").glob(f"{task}-*/.cm/meta.json")):
            meta = json.loads(file.read_text())
            if meta["_base_entry"] == f"program:{task}":  # others are names that CK's pages have for these
                backends[file.parents[1].name.removeprefix(f"{task}-")] = meta["tags"][-1]
    return found


BACKENDS = programs()
PROGRAMS = [(task, name, tag) for task, backends in BACKENDS.items() for name, tag in backends.items()]


@pytest.fixture(scope="module")
def loom(tmp_path_factory: pytest.TempPathFactory) -> Loom:
    return Loom(tmp_path_factory.mktemp("home"))


def target(loom: Loom, *words: str) -> str:
    shown: str = loom.here("plan", "program", *words, "--json").ok().json["target"]
    return shown


def test_every_backend_that_had_a_program_still_has_it_by_its_tag():
    assert CK_TAGS.items() <= BACKENDS["image-classification"].items()
    assert CK_TAGS.items() <= BACKENDS["object-detection"].items()


@pytest.mark.parametrize(("task", "name", "tag"), PROGRAMS)
def test_a_query_that_named_a_program_still_has_one_answer(loom: Loom, task: str, name: str, tag: str):
    others = ",".join(f"-{other}" for other in BACKENDS[task].values() if other != tag)
    for query in (f"program,{task},{tag}", f"{task},{tag}", f"program,{task},{others}"):
        found = loom.here("find", "program", f"--tags={query}", "--json").ok().json
        assert [item["ref"] for item in found] == [f"program:{task}-{name}"], query


@pytest.mark.parametrize(("task", "name", "tag"), PROGRAMS)
def test_a_program_of_one_backend_states_two_queries_and_no_more(task: str, name: str, tag: str):
    meta = json.loads((ROOT / f"program/{task}-{name}/.cm/meta.json").read_text())
    assert set(meta) == {"_base_entry", "tags", "summary", "run_deps", "bench"}
    assert set(meta["run_deps"]) == {"model", "backend"}
    assert tag in meta["tags"]


@pytest.mark.parametrize("task", BACKENDS)
def test_the_program_of_a_task_takes_the_preferred_backend_and_a_model_for_it(loom: Loom, task: str):
    plan = loom.here("plan", f"program:{task}", "--json").ok()
    own = loom.here("plan", f"program:{task}-onnx", "--json").ok()
    for role in ("model", "backend", "dataset", "samples"):
        assert plan.node(role)["candidate"] == own.node(role)["candidate"]
        assert plan.node(role)["key"] == own.node(role)["key"]


def test_the_program_of_a_task_is_found_by_a_tag_of_its_own(loom: Loom):
    found = loom.here("find", "program", "--tags=any-backend", "--json").ok().json
    assert [item["ref"] for item in found] == [f"program:{task}" for task in BACKENDS]


def test_the_program_of_a_task_runs(loom: Loom):
    results = (
        loom("run", "program:image-classification", "--mode=accuracy", "--count=20", "--json").ok().json["results"]
    )
    assert (results["model"], results["backend"], results["accuracy"]["total"]) == ("digits", "onnxruntime", 20)
