"""How a model is written, from its first bytes."""

import io
import pickle
import tarfile
from pathlib import Path

import pytest

from benchloom.base.file_kinds import container
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
