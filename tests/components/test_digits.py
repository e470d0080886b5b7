"""The embedded default: the digits data set, its profile and the networks that ship with the repository."""

import importlib.util
import json
from collections import Counter
from hashlib import sha256
from pathlib import Path

import cv2
import numpy as np
import onnxruntime
import pytest
from numpy.typing import NDArray

from benchloom.harness.profiles import apply
from benchloom.index.index import Index, load
from benchloom.index.repositories import read_repository
from support.recipes import recipe, recipe_of

ROOT = Path(__file__).resolve().parents[2]
FLOATS = ("model-digits-onnx", "model-digits-pytorch", "model-digits-tensorflow", "model-digits-tflite")
EIGHT_BITS = ("model-digits-onnx-int8", "model-digits-pytorch-int8", "model-digits-tflite-int8")
PACKAGES = (*FLOATS, *EIGHT_BITS)
ONNX = ("model-digits-onnx", "model-digits-onnx-int8")
REFS = (
    "dataset:digits-val",
    *(f"package:{alias}" for alias in PACKAGES),
    "package:profile-digits",
    "script:train-digits-network",
    "soft:ml-model",
    "soft:ml-profile",
)

ValMap = list[tuple[str, int]]
Samples = NDArray[np.float32]


@pytest.fixture(scope="module")
def index():
    return load([read_repository(ROOT)], None)


@pytest.fixture(scope="module")
def dataset(index: Index):
    return index.folder(index.get("dataset:digits-val"))


@pytest.fixture(scope="module")
def val_map(dataset: Path):
    lines = (dataset / "val_map.txt").read_text().splitlines()
    return [(name, int(label)) for name, label in (line.split(" ") for line in lines)]


@pytest.fixture(scope="module")
def samples(dataset: Path, val_map: ValMap):
    return np.stack([sample(dataset / "images" / name) for name, _ in val_map])


def sample(path: Path):
    """The profile's steps, written down a second time; float64 here, so rounding differs from the harness at most."""
    image = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    large = cv2.resize(image, (32, 32), interpolation=cv2.INTER_LINEAR)
    return (large.astype(np.float64)[np.newaxis] / 127.5 - 1).astype(np.float32)


def session_of(index: Index, alias: str = "model-digits-onnx"):
    component = index.get(f"package:{alias}")
    file = index.folder(component) / component.result
    return onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])


@pytest.mark.parametrize("ref", REFS)
def test_component_as_shipped_reads_without_findings(index: Index, ref: str):
    component = index.get(ref)
    assert [item for item in index.findings if item.subject == ref] == []
    assert all([component.uid, component.tags, component.summary, component.licence, component.sources])
    assert component.maintainers == ("Benchloom maintainers",)


@pytest.mark.parametrize("alias", PACKAGES)
def test_fetch_of_model_states_digest_and_size_of_its_file(index: Index, alias: str):
    component = index.get(f"package:{alias}")
    (item,) = component.fetch
    data = (index.folder(component) / item.path).read_bytes()
    assert item.digest == f"sha256:{sha256(data).hexdigest()}"
    assert item.size == len(data)
    assert item.path == component.result


@pytest.mark.parametrize("alias", PACKAGES)
def test_model_names_the_one_profile_and_data_set_that_fit_it(index: Index, alias: str):
    component = index.get(f"package:{alias}")
    needs = {need.role: index.match(need.query) for need in component.requires}
    assert sorted(needs) == ["dataset", "profile"]
    (dataset,), profile = needs["dataset"], recipe_of(index, component)
    assert dataset.dataset.classes == component.model.classes.count
    assert profile.shape == component.model.inputs[0].shape[1:]
    assert profile.dtype == component.model.inputs[0].dtype


def test_profile_has_the_steps_the_network_was_trained_with(index: Index):
    steps = index.get("package:profile-digits").profile.steps
    assert [item.op for item in steps] == ["decode", "resize", "cast", "subtract", "divide", "transpose"]
    decode, resize, cast, subtract, divide, transpose = steps
    assert decode.colour == "gray"
    assert (resize.size, resize.mode, resize.interpolation) == ((32, 32), "exact", "linear")
    assert (cast.dtype, subtract.values, divide.values) == ("float32", (127.5,), (127.5,))
    assert transpose.layout == "NCHW"


def test_profile_with_channels_last_gives_the_same_numbers(index: Index, dataset: Path):
    first, last = (recipe(index, name) for name in ("profile-digits", "profile-digits,_nhwc"))
    assert first.steps[:-1] == last.steps[:-1]
    for path in sorted((dataset / "images").iterdir())[:20]:
        np.testing.assert_array_equal(apply(first, path).transpose(1, 2, 0), apply(last, path))


@pytest.mark.parametrize("alias", PACKAGES)
def test_profile_and_input_are_of_the_layout_stated(index: Index, alias: str):
    component = index.get(f"package:{alias}")
    profile = recipe_of(index, component)
    (source,) = component.model.inputs
    assert source.layout == profile.layout
    assert source.shape[1:] == {"NCHW": (1, 32, 32), "NHWC": (32, 32, 1)}[source.layout]


@pytest.mark.parametrize("alias", EIGHT_BITS)
def test_eight_bit_model_is_the_default_only_where_eight_bits_are_asked_for(index: Index, alias: str):
    component, floats = index.get(f"package:{alias}"), index.get(f"package:{alias.removesuffix('-int8')}")
    assert [query.split(",")[-1] for query in component.default_for] == ["int8"]
    assert component.model.precision == "int8"
    assert component.tags.count("int8") == 1
    assert "int8" not in floats.tags
    sort = [json.loads((index.folder(item) / ".cm/meta.json").read_text())["sort"] for item in (component, floats)]
    assert sort[0] < sort[1]  # ck takes the highest


def test_val_map_lists_every_image_once_in_order(index: Index, dataset: Path, val_map: ValMap):
    facts = index.get("dataset:digits-val").dataset
    names = [name for name, _ in val_map]
    assert len(names) == facts.count == 450
    assert names == [f"digits_val_{number:08d}.JPEG" for number in range(1, 451)]
    assert sorted(item.name for item in (dataset / facts.images).iterdir()) == names


def test_images_decode_to_distinct_gray_digits_of_8_by_8(dataset: Path, val_map: ValMap):
    images = [cv2.imread(str(dataset / "images" / name), cv2.IMREAD_UNCHANGED) for name, _ in val_map]
    assert {image.shape for image in images} == {(8, 8)}
    assert len({image.tobytes() for image in images}) == 450
    assert min(int(image.max()) for image in images) > 200


def test_labels_of_data_set_are_balanced(val_map: ValMap):
    counts = Counter(label for _, label in val_map)
    assert sorted(counts) == list(range(10))
    assert min(counts.values()) >= 43
    assert max(counts.values()) <= 46


def test_data_set_with_its_licence_takes_at_most_1_mb(dataset: Path):
    assert sum(item.stat().st_size for item in dataset.rglob("*") if item.is_file()) <= 1_000_000
    licence = (dataset / "LICENSE.txt").read_text()
    assert all(words in licence for words in ("E. Alpaydin", "C. Kaynak", "10.24432/C50P49", "CC BY 4.0"))


@pytest.mark.parametrize("alias", ONNX)
def test_onnx_file_has_the_stated_tensors(index: Index, alias: str):
    component = index.get(f"package:{alias}")
    session = session_of(index, alias)
    for stated, found in (
        (component.model.inputs, session.get_inputs()),
        (component.model.outputs, session.get_outputs()),
    ):
        assert [(item.name, list(item.shape)) for item in stated] == [(item.name, item.shape) for item in found]
        assert {item.type for item in found} == {"tensor(float)"}


@pytest.mark.parametrize("alias", ONNX)
def test_onnx_file_is_of_the_opset_its_tag_says(index: Index, alias: str):
    onnx = pytest.importorskip("onnx", reason="onnx, which reads the opset, is not installed")
    component = index.get(f"package:{alias}")
    graph = onnx.load(index.folder(component) / component.result)
    opsets = [item.version for item in graph.opset_import if item.domain in {"", "ai.onnx"}]
    assert [f"opset-{version}" for version in opsets] == [tag for tag in component.tags if "opset" in tag]


@pytest.mark.parametrize("alias", ONNX)
def test_onnx_network_over_all_images_reaches_its_reference(
    index: Index, samples: Samples, val_map: ValMap, alias: str
):
    reference = index.get(f"package:{alias}").model.reference
    scores = session_of(index, alias).run(["logits"], {"input": samples})[0]
    top1 = np.mean(scores.argmax(1) == [label for _, label in val_map])
    assert top1 >= 0.97
    assert reference.metric == "top1"
    assert top1 == pytest.approx(reference.value, abs=0.003)


def test_onnx_network_in_eight_bits_computes_in_eight_bits_and_is_smaller(index: Index):
    onnx = pytest.importorskip("onnx", reason="onnx, which reads the graph, is not installed")
    floats, eight = (index.get(f"package:{alias}") for alias in ONNX)
    graph = onnx.load(index.folder(eight) / eight.result).graph
    kinds = Counter(node.op_type for node in graph.node)
    produced = {name: node.op_type for node in graph.node for name in node.output}
    convolutions = [node for node in graph.node if node.op_type == "Conv"]
    assert kinds["QuantizeLinear"] > 0
    assert len(convolutions) == 9
    assert {produced[name] for node in convolutions for name in node.input[:2]} == {"DequantizeLinear"}
    assert eight.fetch[0].size < floats.fetch[0].size / 3


def test_onnx_network_one_by_one_decides_as_in_a_batch(index: Index, samples: Samples):
    session = session_of(index)
    together = session.run(["logits"], {"input": samples[:64]})[0]
    alone = np.concatenate([session.run(["logits"], {"input": item[np.newaxis]})[0] for item in samples[:64]])
    assert np.allclose(together, alone, atol=1e-4)


def test_pytorch_network_gives_the_scores_of_the_onnx_one(index: Index, samples: Samples):
    torch = pytest.importorskip("torch", reason="torch is not installed")
    network = importlib.import_module("benchloom.harness.architectures.digits").build()
    component = index.get("package:model-digits-pytorch")
    network.load_state_dict(torch.load(index.folder(component) / component.result, weights_only=True))
    with torch.inference_mode():
        scores = network.eval()(torch.from_numpy(samples)).numpy()
    assert np.allclose(scores, session_of(index).run(["logits"], {"input": samples})[0], atol=1e-4)


def test_no_held_out_image_was_trained_on(index: Index, dataset: Path, val_map: ValMap):
    pytest.importorskip("sklearn", reason="scikit-learn, which holds the whole set, is not installed")
    prepare = imported(index.folder(index.get("script:train-digits-network")) / "prepare.py")
    train, held_out = prepare.split()
    trained = {prepare.encode(image) for image in train.images}
    shipped = [(dataset / "images" / name).read_bytes() for name, _ in val_map]
    assert len(train.labels) == 1347
    assert [label for _, label in val_map] == held_out.labels.tolist()
    assert trained.isdisjoint(shipped)
    for jpeg, image in zip(shipped, held_out.images, strict=True):
        pixels = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_GRAYSCALE)
        assert np.abs(pixels.astype(int) - image).max() <= 2


def imported(file: Path):
    spec = importlib.util.spec_from_file_location(f"digits_{file.stem}", file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
