"""What the components of the object-detection rows say: tags, tensors, pre-processing and digests."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from benchloom.harness.profiles import apply
from benchloom.index.index import Index, load
from benchloom.index.repositories import read_repository
from benchloom.model.component import Component
from benchloom.model.query import parse_query
from support.detector import coco_folder
from support.recipes import recipe_of
from support.repo import Loom
from support.standin import ROOT, meta_of

INT8 = "ssd-mobilenet-tensorflow-int8"
# Row, query, and the one model that it finds.
QUERIES = [
    (11, "ssd-mobilenet,tensorflow,fp32", "ssd-mobilenet-tensorflow"),
    (11, "mlperf,ssd-mobilenet,tf,non-quantized", "ssd-mobilenet-tensorflow"),
    (12, "ssd-mobilenet,tensorflow,quantized-finetuned", INT8),
    (13, "ssd-mobilenet,tensorflow,symmetrically-quantized-finetuned", f"{INT8}-symmetric"),
    (13, "ssd-mobilenet,int8,symmetric", f"{INT8}-symmetric"),
    (14, "ssd-mobilenet,pytorch", "ssd-mobilenet-pytorch"),
    (15, "ssd-mobilenet,onnx,opset-8", "ssd-mobilenet-onnx-opset8"),
    (15, "mlperf,onnx,ssd-mobilenet,opset-11", "ssd-mobilenet-onnx-opset11"),
    (16, "ssd-mobilenet,int8,quantized-finetuned", INT8),
    (16, "ssd-mobilenet,onnx,int8", INT8),
    (17, "ssd-resnet34,tensorflow", "ssd-resnet34-tensorflow"),
    (17, "mlperf,ssd-resnet34,tf,non-quantized", "ssd-resnet34-tensorflow"),
    (18, "ssd-resnet34,pytorch", "ssd-resnet34-pytorch"),
    (19, "ssd-resnet34,onnx,opset-8", "ssd-resnet34-onnx-opset8"),
    (19, "mlperf,onnx,ssd-resnet34,side.1200,non-quantized,opset-8", "ssd-resnet34-onnx-opset8"),
    (20, "ssd-resnet34,onnx,opset-11", "ssd-resnet34-onnx-opset11"),
]
ALIASES = sorted({f"model-{name}" for _, _, name in QUERIES})
# Round v1.0 asks for 99 % of 0.22 and of 0.20.
TARGETS = {"ssd-mobilenet": 0.2178, "ssd-resnet34": 0.198}
REFERENCES = {f"model-{INT8}": 0.23594, f"model-{INT8}-symmetric": 0.234}
# Order of the corners, threshold and labels by the reference's post-processing (coco.py).
POST_PROCESSING = {
    "PostProcessCoco": ("yxyx", 0.0, "category"),
    "PostProcessCocoOnnx": ("xyxy", 0.5, "index"),
    "PostProcessCocoTf": ("yxyx", 0.05, "index"),
}
POST_PROCESSING_PT = {"ssd-mobilenet": ("xyxy", 0.3, "category"), "ssd-resnet34": ("xyxy", 0.05, "index")}


@pytest.fixture(scope="module")
def index() -> Index:
    return load([read_repository(ROOT)], None)


@pytest.fixture(scope="module")
def coco(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return coco_folder(tmp_path_factory.mktemp("data") / "coco", images=1, wrong=0, labels="index")


@pytest.mark.parametrize(("row", "query", "name"), QUERIES, ids=[f"row {row}: {query}" for row, query, _ in QUERIES])
def test_query_finds_the_one_model_of_its_row(index: Index, row: int, query: str, name: str):
    found = index.match(parse_query(f"model,object-detection,{query}"))
    assert [item.ref for item in found] == [f"package:model-{name}"], row


def test_eight_bits_mean_the_network_that_two_rows_name(tmp_path: Path, coco: Path):
    flags = ("--dep_add_tags.model=ssd-mobilenet,int8", f"--dataset_path={coco}", "--json")
    plan = Loom(tmp_path).here("plan", "program:object-detection-tensorflow", *flags).ok()
    assert plan.node("model")["candidate"]["component"] == f"package:model-{INT8}"


def test_row_16_is_found_by_its_words_and_explained(tmp_path: Path, coco: Path):
    loom = Loom(tmp_path)
    [found] = loom.here("find", "--tags=model,ssd-mobilenet,onnx,int8", "--json").ok().json
    assert found["ref"] == f"package:model-{INT8}"
    assert (
        "also the file of the table's int8 row for 'onnx, pytorch', which no runtime of ONNX or PyTorch can open"
        in found["summary"]
    )
    words = ("--dep_add_tags.model=ssd-mobilenet,onnx,int8", f"--dataset_path={coco}", "--json")
    assert (
        loom.here("plan", "program:object-detection-tensorflow", *words).ok().node("model")["candidate"]["component"]
        == found["ref"]
    )
    refused = loom.here("plan", "program:object-detection-onnx", *words)
    assert refused.code == 3
    assert f"{found['ref']} has frozen-graph, which is excluded ({found['summary']})" in refused.err
    any_of_it = loom.here(
        "plan", "program:object-detection-onnx", "--dep_add_tags.model=ssd-mobilenet", *words[1:]
    ).ok()
    assert any_of_it.node("model")["candidate"]["component"] == "package:model-ssd-mobilenet-onnx-opset11"


@pytest.mark.parametrize("alias", ALIASES)
def test_profile_gives_what_the_model_takes(index: Index, coco: Path, alias: str):
    component = index.get(f"package:{alias}")
    profile = recipe_of(index, component)
    (source,) = component.model.inputs
    sample = apply(profile, next((coco / "val2017").iterdir()))
    assert (sample.shape, sample.dtype.name) == (source.shape[1:], source.dtype)
    assert profile.layout == source.layout
    assert {item.dataset.name for item in matched(index, component, "dataset")} == {"coco-2017-val"}


def matched(index: Index, component: Component, role: str) -> tuple[Component, ...]:
    (need,) = [item for item in component.requires if item.role == role]
    return index.match(need.query)


@pytest.mark.parametrize("alias", ALIASES)
def test_boxes_are_read_as_the_reference_reads_them(index: Index, alias: str):
    component = index.get(f"package:{alias}")
    facts, said = component.model.detections, " ".join(component.sources)
    (name,) = [item for item in (*POST_PROCESSING, "PostProcessCocoPt") if f"({item})" in said]
    wanted = POST_PROCESSING.get(name) or POST_PROCESSING_PT[component.model.name]
    assert (facts.order, facts.threshold, facts.labels, facts.scale) == (*wanted, 1.0)
    meanings = {item.meaning for item in component.model.outputs}
    assert meanings - {"count"} == {"boxes", "labels", "scores"}
    assert ("count" in meanings) == (name == "PostProcessCoco")


@pytest.mark.parametrize("alias", ALIASES)
def test_reference_is_the_tables(index: Index, alias: str):
    model = index.get(f"package:{alias}").model
    table = 0.23 if model.name == "ssd-mobilenet" else 0.20
    assert (model.reference.value, model.reference.target) == (REFERENCES.get(alias, table), TARGETS[model.name])
    assert (model.reference.metric, "table of models" in model.reference.source) == ("mAP", True)


@pytest.mark.parametrize("alias", ALIASES)
def test_what_is_not_pinned_says_why(index: Index, alias: str):
    component = index.get(f"package:{alias}")
    (fetch,) = component.fetch
    assert all(bool(item.digest) != bool(item.unpinned) for item in fetches(component))
    # Only what a digest holds may come from elsewhere.
    assert fetch.digest or not fetch.mirrors
    if fetch.archive:
        assert fetch.member == component.result


def fetches(component: Component) -> list:
    return [*component.fetch, *(item for variation in component.variations.values() for item in variation.fetch)]


def test_only_one_profile_leaves_images_out(index: Index):
    profiles = index.match(parse_query("profile,object-detection"))
    assert [item.ref for item in profiles if item.profile.only_with_objects] == ["package:profile-coco-1200-pt"]


def test_coco_as_bytes_is_cut_and_not_rounded(index: Index, tmp_path: Path):
    noise = np.random.default_rng(3).integers(0, 256, (47, 62, 3), np.uint8)
    path = tmp_path / "photo.png"
    cv2.imwrite(str(path), noise)
    found = apply(index.get("package:profile-coco-300").profile, path).astype(np.float32)
    floats = apply(index.get("package:profile-coco-300-pt").profile, path).transpose(1, 2, 0) * 127.5 + 127.5
    assert (floats - found).min() > -0.001
    assert (floats - found).max() > 0.9


def test_variation_plans_the_file_of_another_place(tmp_path: Path, coco: Path):
    flags = ("--dep_add_tags.model=ssd-mobilenet,symmetric,_for.openvino", f"--dataset_path={coco}", "--json")
    plan = Loom(tmp_path).here("plan", "program:object-detection-tensorflow", *flags).ok()
    (fetch,) = plan.node("model")["provision"]["files"]
    assert fetch["url"].startswith("https://zenodo.org/record/3422182/")


def test_batch_of_one_is_stated_where_the_file_has_it():
    shapes = {alias: meta_of(alias)["model"] for alias in ALIASES}
    assert [alias for alias, model in shapes.items() if model["inputs"][0]["shape"][0] == 1] == [
        "model-ssd-resnet34-onnx-opset8"
    ]
    assert [alias for alias, model in shapes.items() if model.get("max_batch")] == [
        "model-ssd-resnet34-onnx-opset11",
        "model-ssd-resnet34-onnx-opset8",
    ]
