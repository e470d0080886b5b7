"""What is said of a file whose facts, one by one, are not those that its component states."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from benchloom.app.published_facts import report_on
from benchloom.model.component import Component, Fetch
from benchloom.model.facts import Classes, Model, Tensor
from benchloom.model.published import FileReport, FoundFile, PublishedFile

MODEL = Model(
    name="net",
    task="image-classification",
    format="onnx",
    precision="fp32",
    inputs=(Tensor(name="in", shape=("N", 3, 8, 8), dtype="float32"),),
    outputs=(Tensor(name="out", shape=("N", 10), dtype="float32"),),
    classes=Classes(count=10),
    opset=11,
)
FOUND = FoundFile(
    container="onnx",
    backend="onnxruntime 1",
    inputs=(Tensor(name="in", shape=(-1, 3, 8, 8), dtype="float32"),),
    outputs=(Tensor(name="out", shape=(-1, 10), dtype="float32"),),
    opset=11,
    results=(Tensor(name="out", shape=(1, 10), dtype="float32"),),
)
NO_FETCH = Fetch(url="http://host/net", unpinned="nobody published one")


def report(
    tmp_path: Path, model: dict[str, Any], found: dict[str, Any], published: PublishedFile, **fetch: Any
) -> FileReport:
    (tmp_path / "net").write_bytes(b"network")
    component = Component(
        kind="package",
        alias="net",
        uid="",
        repo="trial",
        path="package/net",
        file="package/net/.cm/meta.json",
        fetch=(msgspec.structs.replace(NO_FETCH, **fetch),),
        model=msgspec.structs.replace(MODEL, **model),
        published=published,
    )
    return report_on(component, tmp_path / "net", msgspec.structs.replace(FOUND, **found))


ONNX = PublishedFile(container="onnx")


def test_file_as_stated_differs_in_nothing(tmp_path: Path):
    found = report(tmp_path, {}, {}, ONNX)
    assert found.is_as_stated
    assert found.pins["size"] == len(b"network")
    assert "opset: 11" in found.agrees


@pytest.mark.parametrize(
    ("model", "found", "told"),
    [
        ({"opset": 8}, {}, "opset: 11, the component states 8"),
        ({"max_batch": 1}, {}, "max_batch: any number of samples at once, the component states one sample at a time"),
        ({}, {"max_batch": 1}, "max_batch: one sample at a time, the component states any number of samples at once"),
        ({}, {"inputs": (Tensor(name="x"),)}, "input 'in' is not in the file: it has 'x'"),
        (
            {},
            {"inputs": (Tensor(name="in", shape=(-1, 8, 8, 3), dtype="float32"),)},
            "input: in float32 [-1, 8, 8, 3], the component states in float32 [N, 3, 8, 8]",
        ),
        (
            {},
            {"results": (Tensor(name="out", shape=(1, 11), dtype="float32"),)},
            "output: out float32 [1, 11], the component states out float32 [N, 10]",
        ),
        (
            {},
            {"outputs": (), "results": (Tensor(name="out", shape=(1, 10), dtype="int64"),)},
            "output: out int64 [1, 10], the component states out float32 [N, 10]",
        ),
        ({}, {"results": (), "problems": ("it does not run",)}, "it does not run"),
        (
            {},
            {"container": "graphdef"},
            "container: frozen graph (GraphDef protobuf), the component states ONNX protobuf",
        ),
    ],
    ids=["opset", "fixed batch", "free batch", "name", "layout", "classes", "type", "problem", "container"],
)
def test_each_fact_that_is_another_is_named_with_both(
    tmp_path: Path, model: dict[str, Any], found: dict[str, Any], told: str
):
    assert report(tmp_path, model, found, ONNX).differs == (told,)


def test_what_is_not_stated_is_found_and_no_difference(tmp_path: Path):
    model = {"opset": None, "classes": None, "max_batch": 1, "unpinned": {"max_batch": "not published"}}
    found = report(tmp_path, model, {}, PublishedFile())
    assert found.is_as_stated
    assert {"container: ONNX protobuf", "opset: 11", "classes: 10 scores for a sample"} <= set(found.found)
    assert "max_batch: any number of samples at once" in found.found


@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_quantised_output_may_be_stated_as_it_is_in_the_file_or_as_it_comes_out(tmp_path: Path, dtype: str):
    quantised = {"outputs": (Tensor(name="out", shape=(1, 10)),)}  # a type that is not told agrees with any
    model = {"outputs": (Tensor(name="out", shape=("N", 10), dtype=dtype),)}
    assert report(tmp_path, model, quantised, ONNX).is_as_stated


def test_size_far_from_the_rounded_one_is_a_difference(tmp_path: Path):
    near = report(tmp_path, {}, {}, PublishedFile(rounded_size=7))
    assert "size: 7 bytes" in near.found
    far = report(tmp_path, {}, {}, PublishedFile(rounded_size=9_100_000))
    assert far.differs == ("size: 7 bytes, the component states about 9.1 MB",)
    assert not far.pins


def test_file_that_was_not_opened_is_not_as_stated(tmp_path: Path):
    found = report(tmp_path, {}, {"unopened": "nobody vouches for it", "results": (), "backend": ""}, ONNX)
    assert found.unchecked == ("nobody vouches for it",)
    assert not found.is_as_stated


def test_archive_that_cannot_be_unpacked_says_why(tmp_path: Path):
    broken = {"container": None, "appearance": "a zip archive", "problems": ("net is not a valid zip archive",)}
    container, why = report(tmp_path, {}, broken, ONNX).differs
    assert container == "container: the file appears to be a zip archive, the component states ONNX protobuf"
    assert why == "net is not a valid zip archive"
