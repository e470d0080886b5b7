"""ONNX Runtime over a network with two inputs, made here: each array of a batch goes to the input that the facts state at its place."""

import msgspec
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from benchloom.errors import InputError
from benchloom.harness.backends.seam import open_session
from benchloom.harness.inputs import Inputs, Samples, check_samples
from benchloom.harness.tasks import image_classification
from benchloom.model.facts import Backend, Classes, Model, Tensor

SOURCES = (Tensor(name="left", shape=("N", 3), dtype="float32"), Tensor(name="right", shape=("N", 3), dtype="float32"))
MODEL = Model(
    name="m",
    task="image-classification",
    format="onnx",
    precision="fp32",
    inputs=SOURCES,
    outputs=(Tensor(name="difference", shape=("N", 3), dtype="float32"),),
    classes=Classes(count=3),
)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> str:
    ends = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", 3]) for name in ("left", "right", "difference")
    ]
    graph = helper.make_graph([helper.make_node("Sub", ["left", "right"], ["difference"])], "g", ends[:2], ends[2:])
    path = tmp_path_factory.mktemp("model") / "two.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), path)
    return str(path)


def arrays() -> tuple[np.ndarray, np.ndarray]:
    left = np.zeros((4, 3), np.float32)
    left[np.arange(4), [2, 0, 1, 2]] = 5
    return left, np.ones((4, 3), np.float32)


def test_network_gets_one_array_per_input_in_the_order_of_the_facts(file: str):
    session = open_session("onnxruntime", MODEL, file, 1)
    [found] = session.run(arrays())
    np.testing.assert_array_equal(found, arrays()[0] - arrays()[1])


@pytest.mark.parametrize("indexes", [[1, 2], [3, 0]], ids=["neighbours", "others"])
def test_samples_of_two_tensors_are_predicted(file: str, indexes: list[int]):
    inputs = Inputs(MODEL, file, Backend(name="onnxruntime"), "d", Samples(arrays()), np.zeros(4, np.int64))
    made = image_classification.predictor(open_session("onnxruntime", MODEL, file, 1), inputs, 4)
    made.touch(np.arange(4))
    made.forget(np.arange(4))
    assert made.answers(indexes)[0].tolist() == [[2, 0, 1, 2][index] for index in indexes]


def test_every_input_is_compared_with_the_file(file: str):
    other = msgspec.structs.replace(MODEL, inputs=(SOURCES[0], Tensor(name="right", shape=("N", 4), dtype="float32")))
    with pytest.raises(InputError, match=r"input 'right' is \[-1, 3\], its facts state \['N', 4\]"):
        open_session("onnxruntime", other, file, 1)


def test_samples_of_another_number_of_tensors_are_refused():
    with pytest.raises(InputError, match="a sample has 1 tensors, the model expects 2"):
        check_samples(MODEL, Samples(arrays()[:1]))
    check_samples(MODEL, Samples(arrays()))
