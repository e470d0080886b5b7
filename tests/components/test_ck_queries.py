"""Queries of CK's pages and programs: each is answered by the one component that states it, and the table of models shows them."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from benchloom.authoring.documentation import models_page
from benchloom.index.index import Index, load
from benchloom.index.repositories import read_repository
from benchloom.model.component import VENV_TEMPLATE, Component
from benchloom.model.query import parse_query
from support.repo import Loom

ROOT = Path(__file__).resolve().parents[2]
# Rows of the model table that CK has no package for, or whose package of CK's has no tag that tells its files apart.
WITHOUT = {
    "model-mobilenet-onnx-opset11",
    "model-mobilenet-onnx-opset8",
    "model-ssd-mobilenet-pytorch",
    "model-ssd-resnet34-pytorch",
}


def asked() -> Iterator[tuple[str, str]]:
    for path in sorted(ROOT.glob("package/*/.cm/meta.json")):
        meta: dict[str, Any] = json.loads(path.read_text())
        yield from ((f"package:{path.parents[1].name}", query) for query in meta.get("ck_queries", []))


@pytest.fixture(scope="module")
def index() -> Index:
    return load([read_repository(ROOT)], None)


@pytest.fixture(scope="module")
def rows(index: Index) -> list[Component]:
    """Return the models of the table of MLPerf."""
    return [item for item in index.components if item.model and "mlperf" in item.tags]


def test_every_row_that_ck_can_tell_from_others_states_a_query(rows: list[Component]):
    assert len(rows) == 22
    assert {item.alias for item in rows if not item.ck_queries} == WITHOUT


@pytest.mark.parametrize(("ref", "query"), list(asked()))
def test_query_of_ck_is_answered_by_one_package(index: Index, ref: str, query: str):
    assert [item.ref for item in index.match(parse_query(query), ("package",))] == [ref]


def test_table_of_models_shows_the_queries(index: Index, rows: list[Component]):
    lines = models_page(index).splitlines()
    assert sum(map(len, (item.ck_queries for item in rows))) > len(rows)
    for item in rows:
        (line,) = (line for line in lines if line.startswith(f"| `{item.ref}` |"))
        assert all(f"`{query}`" in line for query in item.ck_queries)


@pytest.mark.parametrize(
    ("query", "alias"),
    [
        ("model,mobilenet,tf", "model-mobilenet-tensorflow"),
        ("model,tf,mobilenet,quantized", "model-mobilenet-tensorflow-int8"),
        ("model,mobilenet,tflite", "model-mobilenet-tflite"),
        ("model,mobilenet,onnx", "model-mobilenet-onnx-opset11"),
        ("model,image-classification,onnx", "model-digits-onnx"),
    ],
)
def test_query_that_several_rows_answer_means_the_row_that_it_meant(tmp_path: Path, query: str, alias: str):
    made = Loom(tmp_path).here("plan", f"--tags={query}", "--json").ok().json
    assert [node["id"] for node in made["nodes"] if "target" in node["roles"]] == [f"package:{alias}"]


@pytest.mark.parametrize(
    ("name", "of"), [("onnxruntime-gpu", "onnxruntime"), ("torch-cuda", "torch"), ("tensorflow-gpu", "tensorflow")]
)
def test_build_for_cuda_is_that_of_the_variation_and_fills_no_other_query(index: Index, name: str, of: str):
    build, library = index.get(f"package:lib-python-{name}"), index.get(f"package:lib-python-{of}")
    cuda = library.variations["cuda"]
    assert build.install is not None
    assert library.install is not None
    assert (build.install.pip, build.versions[0].version) == (cuda.pip or library.install.pip, cuda.version)
    assert [need.query for need in build.requires] == [need.query for need in cuda.requires]
    assert build not in index.match(parse_query(f"backend,{of}"))
    assert build not in index.match(parse_query(f"lib,python-package,{of}"))


def test_onnx_is_the_library_and_not_the_runtime(index: Index):
    found = index.match(parse_query("lib,python-package,onnx"), ("package", "soft"))
    assert {item.alias for item in found} == {"lib-python-onnx"}


def test_every_round_of_the_reference_has_a_template_and_a_source(index: Index):
    templates = {
        item.alias.removeprefix("mlperf-inference-"): item for item in index.components if item.kind == VENV_TEMPLATE
    }
    sources = [item for item in index.components if item.alias.startswith("mlperf-inference-source-")]
    assert len(sources) == 13
    for source in sources:
        (fetch,) = source.fetch
        template = templates[source.alias.removeprefix("mlperf-inference-source-").removeprefix("r")]
        (need,) = (need for need in template.requires if need.role == "reference")
        assert index.match(need.query, ("package",)) == (source,)
        assert fetch.url.startswith("https://github.com/mlcommons/inference/archive/")
        assert fetch.unpinned


def test_templates_of_rounds_differ_by_the_source_alone(index: Index):
    first, other = (index.get(f"{VENV_TEMPLATE}:mlperf-inference-{name}") for name in ("1.0", "2.1"))
    queries = [{need.role: str(need.query) for need in item.requires} for item in (first, other)]
    assert {role for role in queries[0] if queries[0][role] != queries[1][role]} == {"reference"}
