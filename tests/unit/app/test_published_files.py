"""How far a download is, for whoever started the script."""

import json
from pathlib import Path

import pytest

from benchloom.app.published_files import _WarningTalk, backend_for
from benchloom.index.index import load
from benchloom.index.repositories import read_repository
from benchloom.model.facts import Model
from support.repo import SOURCE


def test_progress_of_a_download_is_in_the_file_that_loom_run_reads(tmp_path: Path):
    file = tmp_path / "progress.json"
    with _WarningTalk({"LOOM_PROGRESS": str(file)}).progress("net.onnx", 100, "B") as bar:
        assert json.loads(file.read_text()) == {"label": "net.onnx", "unit": "B", "total": 100, "done": 0}
        bar.advance(40)
        bar.advance(2)
        while (
            json.loads(file.read_text())["done"] != 42
        ):  # it is written a few times a second; the test has a limit of its own
            pass


@pytest.mark.parametrize(
    ("form", "backend"),
    [
        ("onnx", "onnxruntime"),
        ("tensorflow-frozen-graph", "tensorflow"),
        ("tflite", "tflite"),
        ("pytorch-state-dict", "pytorch"),
        ("pytorch-pickled-module", "pytorch"),
        ("torchscript", "pytorch"),
        ("other", "other"),
    ],
)
def test_backend_that_opens_a_file_is_one_that_states_its_format(form: str, backend: str):
    index = load([read_repository(SOURCE.parent)], None)
    model = Model(name="m", task="image-classification", format=form, precision="fp32", inputs=(), outputs=())
    assert backend_for(index, model) == backend
