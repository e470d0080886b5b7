"""The OpenVINO backend on networks made here, where openvino is installed."""

import os
import subprocess
import sys
from pathlib import Path

import msgspec
import numpy as np
import pytest

from benchloom.errors import InputError
from benchloom.model.facts import Model, Tensor
from support.networks import BIAS, WEIGHTS, scores, tiny

pytest.importorskip("openvino", reason="openvino is not installed")
onnx = pytest.importorskip("onnx")
backend = pytest.importorskip("benchloom.harness.backends.openvino")
MODEL = tiny("onnx")


def save(path: Path, *, batch: int | str = "N", opset: int = 13) -> str:
    """Write the tiny network as ONNX: the sum of support.networks, and the difference from a second input beside it."""
    helper, floats = onnx.helper, onnx.TensorProto.FLOAT
    rows = batch if isinstance(batch, int) else -1
    graph = helper.make_graph(
        [
            helper.make_node("Reshape", ["input", "shape"], ["flat"]),
            helper.make_node("MatMul", ["flat", "weights"], ["product"]),
            helper.make_node("Add", ["product", "bias"], ["scores"]),
            helper.make_node("Sub", ["flat", "other"], ["difference"]),
        ],
        "tiny",
        [
            helper.make_tensor_value_info("input", floats, [batch, 2, 2, 1]),
            helper.make_tensor_value_info("other", floats, [batch, 4]),
        ],
        [
            helper.make_tensor_value_info("scores", floats, [batch, 3]),
            helper.make_tensor_value_info("difference", floats, [batch, 4]),
        ],
        [
            onnx.numpy_helper.from_array(np.array([rows, 4]), "shape"),
            onnx.numpy_helper.from_array(WEIGHTS, "weights"),
            onnx.numpy_helper.from_array(BIAS, "bias"),
        ],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8), path)
    return str(path)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> str:
    # A download need not have a name that says what it is.
    return save(tmp_path_factory.mktemp("model") / "tiny")


def facts(*outputs: str, **changed: object) -> Model:
    """Return true facts of the file with those ``outputs``."""
    inputs = (*MODEL.inputs, Tensor(name="other", shape=("N", 4), dtype="float32"))
    return msgspec.structs.replace(
        MODEL, **{"inputs": inputs, "outputs": tuple(Tensor(name=name) for name in outputs or ("scores",)), **changed}
    )


def batch(size: int, seed: int = 5) -> tuple[np.ndarray, np.ndarray]:
    made = np.random.default_rng(seed)
    return tuple(made.uniform(-1, 1, (size, *shape)).astype(np.float32) for shape in ((2, 2, 1), (4,)))


def test_outputs_are_those_of_the_facts_in_their_order_at_every_batch_size(file: str):
    network = backend.load(facts("difference", "scores"), file, 1)
    assert network.max_batch is None
    for size in (1, 4, 4, 2, 1):
        given = batch(size, size)
        difference, found = network.run(given)
        assert (found.dtype, found.shape) == (np.float32, (size, 3))
        np.testing.assert_allclose(found, scores(given[0]), atol=1e-6)
        np.testing.assert_allclose(difference, given[0].reshape(-1, 4) - given[1], atol=1e-6)


def test_scores_of_one_batch_stay_when_the_next_is_run(file: str):
    network = backend.load(facts(), file, 1)
    first = network.run(batch(2, 1))[0]
    network.run(batch(2, 2))
    np.testing.assert_allclose(first, scores(batch(2, 1)[0]), atol=1e-6)


def test_samples_that_lie_in_a_larger_array_are_read_in_place(file: str):
    network = backend.load(facts(), file, 1)
    pixels, other = batch(9)
    pixels.flags.writeable = other.flags.writeable = False
    found = network.run([pixels[3:5], other[3:5]])[0]
    np.testing.assert_allclose(found, scores(pixels[3:5]), atol=1e-6)


def test_instances_are_independent(file: str):
    one, two = (backend.load(facts(), file, 1) for _ in range(2))
    first = one.run(batch(3, 1))[0]
    second = two.run(batch(3, 2))[0]
    np.testing.assert_allclose(first, scores(batch(3, 1)[0]), atol=1e-6)
    np.testing.assert_allclose(second, scores(batch(3, 2)[0]), atol=1e-6)


def test_settings_are_those_that_the_compiled_model_states(file: str):
    network = backend.load(facts(), file, 1)
    assert network.settings() == {
        "device": "cpu",
        "inference_precision": "f32",
        "performance_hint": "LATENCY",
        "streams": 1,
        "inference_threads": 1,
        "opset": 13,
    }
    assert network.version[0].isdigit()


def test_file_for_one_sample_says_so_and_one_for_two_is_refused(tmp_path: Path):
    single = backend.load(facts(), save(tmp_path / "single.onnx", batch=1), 1)
    assert single.max_batch == 1
    np.testing.assert_allclose(single.run(batch(1))[0], scores(batch(1)[0]), atol=1e-6)
    with pytest.raises(InputError, match="batches of exactly 2"):
        backend.load(facts(), save(tmp_path / "double.onnx", batch=2), 1)


def test_tensors_of_the_file_are_told(file: str):
    inputs, outputs = backend.tensors(file)
    assert [(item.name, item.shape, item.dtype) for item in inputs] == [
        ("input", (-1, 2, 2, 1), "float32"),
        ("other", (-1, 4), "float32"),
    ]
    assert [item.name for item in outputs] == ["scores", "difference"]


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"outputs": (Tensor(name="logits"),)}, "the model has no tensor 'logits'"),
        ({"inputs": (Tensor(name="pixels", shape=("N", 2, 2, 1)),)}, "the model has no tensor 'pixels'"),
        ({"inputs": tiny("onnx", shape=("N", 1, 2, 2)).inputs}, r"is \[-1, 2, 2, 1\], its facts state"),
        ({"inputs": tiny("onnx", dtype="uint8").inputs}, "takes float32, its facts state uint8"),
        ({"opset": 11}, "the file has opset 13, its facts state 11"),
    ],
    ids=str,
)
def test_facts_that_are_not_the_files_are_refused(file: str, changed: dict[str, object], told: str):
    with pytest.raises(InputError, match=told) as caught:
        backend.load(facts(**changed), file, 1)
    assert caught.value.where == file


@pytest.mark.parametrize("content", [b"no protocol buffer at all", None])
def test_file_that_is_no_onnx_is_refused(tmp_path: Path, content: bytes | None):
    path = tmp_path / "broken.onnx"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match="openvino cannot load the model") as caught:
        backend.load(facts(), str(path), 1)
    assert caught.value.where == str(path)
    assert caught.value.why


def test_empty_file_and_one_cut_short_are_refused(tmp_path: Path, file: str):
    for size in (0, 100):
        (tmp_path / "short").write_bytes(Path(file).read_bytes()[:size])
        with pytest.raises(InputError) as caught:
            backend.load(facts(), str(tmp_path / "short"), 1)
        assert caught.value.where == str(tmp_path / "short")


def test_other_formats_and_devices_are_named(file: str):
    with pytest.raises(InputError, match="openvino cannot load format 'tflite'"):
        backend.load(tiny("tflite"), file, 1)
    with pytest.raises(InputError, match="openvino cannot run on cuda"):
        backend.load(facts(), file, 1, "cuda")


def test_loading_says_nothing(file: str, capfd: pytest.CaptureFixture[str]):
    backend.load(facts(), file, 1).run(batch(1))
    assert capfd.readouterr() == ("", "")


def test_nothing_is_reported_to_the_maker_of_the_library(tmp_path: Path):
    """Elsewhere than in CI, importing the package makes a folder in the home, and a connection."""
    told = "import socket, sys; socket.socket.connect = lambda *_: sys.exit('a connection'); sys.path[:] = sys.argv[1:]"
    environ = {name: text for name, text in os.environ.items() if name not in {"CI", "TF_BUILD", "JENKINS_URL"}}
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            f"{told}\nimport benchloom.harness.backends.openvino\nassert not sys.modules['openvino_telemetry']",
            *sys.path,
        ],
        env={**environ, "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert list(tmp_path.iterdir()) == []
