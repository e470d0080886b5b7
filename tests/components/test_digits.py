"""The embedded default: the digits data set, its profile and the networks that ship with the repository."""

import importlib.util
from collections import Counter
from hashlib import sha256
from pathlib import Path

import cv2
import numpy as np
import onnxruntime
import pytest
from numpy.typing import NDArray

from benchloom.index.index import Index, load
from benchloom.index.repositories import read_repository

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("model-digits-onnx", "model-digits-pytorch")
REFS = (
    "dataset:digits-val",
    "package:model-digits-onnx",
    "package:model-digits-pytorch",
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


def session_of(index: Index):
    component = index.get("package:model-digits-onnx")
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
    (dataset,), (profile,) = needs["dataset"], needs["profile"]
    assert dataset.dataset.classes == component.model.classes.count
    assert profile.profile.shape == component.model.inputs[0].shape[1:]
    assert profile.profile.dtype == component.model.inputs[0].dtype


def test_profile_has_the_steps_the_network_was_trained_with(index: Index):
    steps = index.get("package:profile-digits").profile.steps
    assert [item.op for item in steps] == ["decode", "resize", "cast", "subtract", "divide", "transpose"]
    decode, resize, cast, subtract, divide, transpose = steps
    assert decode.colour == "gray"
    assert (resize.size, resize.mode, resize.interpolation) == ((32, 32), "exact", "linear")
    assert (cast.dtype, subtract.values, divide.values) == ("float32", (127.5,), (127.5,))
    assert transpose.layout == "NCHW"


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


def test_onnx_file_has_the_stated_tensors(index: Index):
    component = index.get("package:model-digits-onnx")
    session = session_of(index)
    for stated, found in (
        (component.model.inputs, session.get_inputs()),
        (component.model.outputs, session.get_outputs()),
    ):
        assert [(item.name, list(item.shape)) for item in stated] == [(item.name, item.shape) for item in found]
        assert {item.type for item in found} == {"tensor(float)"}


def test_onnx_file_is_of_the_opset_its_tag_says(index: Index):
    onnx = pytest.importorskip("onnx", reason="onnx, which reads the opset, is not installed")
    component = index.get("package:model-digits-onnx")
    graph = onnx.load(index.folder(component) / component.result)
    assert [f"opset-{item.version}" for item in graph.opset_import] == [tag for tag in component.tags if "opset" in tag]


def test_onnx_network_over_all_images_reaches_its_reference(index: Index, samples: Samples, val_map: ValMap):
    reference = index.get("package:model-digits-onnx").model.reference
    scores = session_of(index).run(["logits"], {"input": samples})[0]
    top1 = np.mean(scores.argmax(1) == [label for _, label in val_map])
    assert top1 >= 0.97
    assert reference.metric == "top1"
    assert top1 == pytest.approx(reference.value, abs=0.003)


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
