"""How a model is written, from its first bytes; and the opset of an ONNX file, without its library."""

import io
import pickle
import tarfile
from pathlib import Path

import onnx
import pytest
from onnx import TensorProto, helper

from benchloom.harness.file_kinds import container
from benchloom.harness.opset import opset_of
from support.standin import ROOT, zipped

PACKAGES = ROOT / "package"
WRITTEN = {
    "onnx": "model-digits-onnx/digits.onnx",
    "graphdef": "model-digits-tensorflow/digits.pb",
    "flatbuffer": "model-digits-tflite-int8/digits-int8.tflite",
    "zip": "model-digits-pytorch/digits.pt",
    "torchscript": "model-digits-pytorch-int8/digits-int8.pt",
}


@pytest.mark.parametrize("name", WRITTEN)
def test_container_of_a_model_is_known_from_its_bytes(name: str):
    assert container(PACKAGES / WRITTEN[name]) == name


def tar() -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:", format=tarfile.GNU_FORMAT) as archive:
        archive.addfile(tarfile.TarInfo("sys_info"))
    return made.getvalue()


@pytest.mark.parametrize(
    ("data", "written"),
    [
        (tar(), "tar"),
        (pickle.dumps(1 << 70, protocol=2), "pickle"),
        (zipped({"readme.txt": b"text"}), None),
        (b"PK\x03\x04 and no archive", None),
        (b"<html>", None),
        (b"", None),
        (b"\xff\xd8\xff\xe0", None),
    ],
    ids=["tar", "pickle", "other zip", "broken zip", "HTML", "empty", "picture"],
)
def test_container_of_other_files(tmp_path: Path, data: bytes, written: str | None):
    (tmp_path / "file").write_bytes(data)
    assert container(tmp_path / "file") == written


def model(*opsets: onnx.OperatorSetIdProto) -> bytes:
    tensors = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in ("a", "b")]
    graph = helper.make_graph([helper.make_node("Identity", ["a"], ["b"])], "graph", tensors[:1], tensors[1:])
    found: bytes = helper.make_model(graph, opset_imports=opsets).SerializeToString()
    return found


OWN = helper.make_opsetid("", 200)
OTHER = helper.make_opsetid("com.other", 3)


@pytest.mark.parametrize(
    ("data", "opset"),
    [
        (model(OWN), 200),
        (model(OTHER, helper.make_opsetid("ai.onnx", 8)), 8),
        (model(OTHER), None),
        (model(OWN)[:20], None),
        (b"\x08", None),
        (b"\x42\xff\xff\xff\xff\x7f", None),
        (b"\x0b\x0b", None),
        (b"", None),
    ],
    ids=["own", "beside another", "another", "cut off", "no value", "too long", "no kind", "empty"],
)
def test_opset_is_read_without_the_library(tmp_path: Path, data: bytes, opset: int | None):
    (tmp_path / "file").write_bytes(data)
    assert opset_of(tmp_path / "file") == opset


@pytest.mark.parametrize("file", sorted(PACKAGES.glob("*/*.onnx")), ids=lambda file: file.stem)
def test_opset_is_what_the_library_reads(file: Path):
    assert opset_of(file) == next(item.version for item in onnx.load(file).opset_import if not item.domain)
