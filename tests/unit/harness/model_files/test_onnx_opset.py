"""The opset that a file states, read without the package onnx."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from benchloom.harness.model_files.onnx_opset import onnx_opset


def network(*opsets: tuple[str, int]) -> bytes:
    weights = numpy_helper.from_array(np.zeros((300, 7), np.float32), "weights")
    value = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 300])
    result = helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 7])
    graph = helper.make_graph([helper.make_node("MatMul", ["x", "weights"], ["y"])], "g", [value], [result], [weights])
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid(*item) for item in opsets])
    found: bytes = made.SerializeToString()
    return found


@pytest.mark.parametrize(
    ("opsets", "wanted"),
    [
        ([("", 8)], 8),
        ([("ai.onnx", 11)], 11),
        ([("com.microsoft", 1), ("", 21)], 21),
        ([("", 300), ("ai.onnx.ml", 2)], 300),
        ([("ai.onnx.ml", 2)], None),
    ],
)
def test_opset_is_that_of_onnx_itself(tmp_path: Path, opsets: list[tuple[str, int]], wanted: int | None):
    (tmp_path / "network.onnx").write_bytes(network(*opsets))
    assert onnx_opset(str(tmp_path / "network.onnx")) == wanted


@given(st.integers(0, 9000))
def test_truncated_file_has_its_opset_or_none(tmp_path_factory: pytest.TempPathFactory, size: int):
    path = tmp_path_factory.mktemp("half") / "network.onnx"
    path.write_bytes(network(("", 9))[:size])
    assert onnx_opset(str(path)) in {None, 9}


@given(st.binary(max_size=200))
def test_bytes_that_are_no_model_are_read_without_an_error(tmp_path_factory: pytest.TempPathFactory, data: bytes):
    path = tmp_path_factory.mktemp("any") / "network.onnx"
    path.write_bytes(data)
    found = onnx_opset(str(path))
    assert found is None or found >= 0


def test_opset_agrees_with_onnx(tmp_path: Path):
    path = tmp_path / "network.onnx"
    path.write_bytes(network(("", 17)))
    assert onnx_opset(str(path)) == onnx.load(path).opset_import[0].version
