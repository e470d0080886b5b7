"""The TensorFlow backend on a tiny frozen graph, where TensorFlow is installed."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from benchloom.errors import InputError
from support.networks import HERE, scores, tiny

pytest.importorskip("tensorflow", reason="TensorFlow is not installed")
backend = pytest.importorskip("benchloom.harness.backends.tensorflow")
FORMAT, GRAPH = "tensorflow-frozen-graph", str(HERE / "tiny.pb")
NAMES = ("input:0", "scores:0")
QUIET = """
import sys, numpy
from benchloom.harness.backends.seam import open_session
from support.networks import tiny
network = open_session("tensorflow", tiny("tensorflow-frozen-graph", names=("input:0", "scores:0")), sys.argv[1], 1)
print(network.run([numpy.ones((2, 2, 2, 1), numpy.float32)])[0].tolist())
"""


def test_graph_gives_the_scores_of_its_arithmetic_at_every_batch_size():
    network = backend.load(tiny(FORMAT, names=NAMES), GRAPH, 1)
    for size in (1, 4, 3):
        samples = np.random.default_rng(size).uniform(-1, 1, (size, 2, 2, 1)).astype(np.float32)
        np.testing.assert_allclose(network.run([samples])[0], scores(samples), atol=1e-6)
    assert network.settings() == {"device": "cpu", "intra_op_threads": 1, "inter_op_threads": 1}


def test_samples_may_be_read_only():
    samples = np.ones((1, 2, 2, 1), np.float32)
    samples.flags.writeable = False
    assert backend.load(tiny(FORMAT, names=NAMES), GRAPH, 1).run([samples])[0].tolist() == [[1, 2.5, 3]]


def test_tensor_in_the_middle_of_the_graph_may_be_the_output():
    found = backend.load(tiny(FORMAT, names=("input:0", "matmul:0")), GRAPH, 1).run(
        [np.ones((1, 2, 2, 1), np.float32)]
    )[0]
    assert found.tolist() == [[1, 2, 3]]


@pytest.mark.parametrize("names", [("input_tensor:0", "scores:0"), ("input:0", "logits:0"), ("input", "scores:0")])
def test_tensor_the_graph_lacks_is_told_with_those_it_has(names: tuple[str, str]):
    with pytest.raises(InputError, match="the model has no tensor") as caught:
        backend.load(tiny(FORMAT, names=names), GRAPH, 1)
    assert caught.value.where == GRAPH
    assert caught.value.why == ("its inputs and outputs are input:0, scores:0",)


def test_type_the_input_does_not_take_is_refused():
    with pytest.raises(InputError, match="takes float32, its facts state uint8"):
        backend.load(tiny(FORMAT, names=NAMES, dtype="uint8"), GRAPH, 1)


@pytest.mark.parametrize("shape", [("N", 1, 2, 2), ("N", 2, 2), ("N", 2, 2, 3)])
def test_shape_that_is_not_the_graphs_is_refused(shape: tuple[int | str, ...]):
    with pytest.raises(InputError, match=r"is \[-1, 2, 2, 1\], its facts state"):
        backend.load(tiny(FORMAT, names=NAMES, shape=shape), GRAPH, 1)


@pytest.mark.parametrize("content", [b"no graph at all", Path(GRAPH).read_bytes()[:300], None])
def test_file_that_is_no_graph_is_refused(tmp_path: Path, content: bytes | None):
    file = tmp_path / "broken.pb"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(InputError, match="tensorflow cannot load the model as a frozen graph") as caught:
        backend.load(tiny(FORMAT, names=NAMES), str(file), 1)
    assert caught.value.where == str(file)


def test_graph_with_an_operator_nobody_knows_is_refused(tmp_path: Path):
    (tmp_path / "odd.pb").write_bytes(Path(GRAPH).read_bytes().replace(b"AddV2", b"AddV9"))
    with pytest.raises(InputError, match="frozen graph") as caught:
        backend.load(tiny(FORMAT, names=NAMES), str(tmp_path / "odd.pb"), 1)
    assert "AddV9" in " ".join(caught.value.why)


def test_empty_file_has_no_tensors(tmp_path: Path):
    (tmp_path / "empty.pb").touch()
    with pytest.raises(InputError, match="no tensor 'input:0'") as caught:
        backend.load(tiny(FORMAT, names=NAMES), str(tmp_path / "empty.pb"), 1)
    assert caught.value.why == ("its graph is empty",)


def test_other_format_is_named():
    with pytest.raises(InputError, match="tensorflow cannot load format 'tflite'"):
        backend.load(tiny("tflite"), GRAPH, 1)


def test_process_that_only_predicts_says_nothing_on_standard_error():
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path[:0] = {sys.path!r}\n{QUIET}", GRAPH],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout.strip(), done.stderr) == ("[[1.0, 2.5, 3.0], [1.0, 2.5, 3.0]]", "")


def test_device_that_is_not_there_is_refused():
    with pytest.raises(InputError, match="tensorflow cannot run on cuda"):
        backend.load(tiny(FORMAT, names=NAMES), GRAPH, 1, "cuda")
