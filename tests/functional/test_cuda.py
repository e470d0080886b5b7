"""``_cuda``: another build of a backend's library, only where there is a device, and a clear word where there is none."""

import os
from pathlib import Path

import onnxruntime
import pytest

from benchloom.errors import InputError
from benchloom.harness.backends.seam import open_session
from benchloom.index.index import load
from benchloom.index.repositories import read_repository
from support.repo import SOURCE, Loom

CUDA = "--dep_add_tags.backend=_cuda"
ROOT = SOURCE.parent


def with_driver(folder: Path) -> str:
    """Return a PATH on which the driver's tool says that it is there."""
    tool = folder / "bin" / "nvidia-smi"
    tool.parent.mkdir(parents=True)
    tool.write_text("#!/bin/sh\necho 580.95.05\n")
    tool.chmod(0o755)
    return f"{tool.parent}:{os.environ['PATH']}"


@pytest.mark.parametrize("name", ["onnx", "pytorch", "tensorflow"])
def test_cuda_without_a_device_says_what_is_missing_before_anything_is_installed(tmp_path: Path, name: str):
    loom = Loom(tmp_path / "home", PATH=str(tmp_path))
    refused = loom.here("plan", f"program:image-classification-{name}", CUDA)
    assert refused.code == 3
    assert "soft:device-cuda: it was not found on this machine" in refused.err
    assert "without _cuda" in refused.err
    assert not (loom.home / "store").exists()


@pytest.mark.parametrize(
    ("name", "library"), [("onnx", "onnxruntime-gpu"), ("pytorch", "torch"), ("tensorflow", "tensorflow[and-cuda]")]
)
def test_cuda_with_a_device_takes_the_build_for_it(tmp_path: Path, name: str, library: str):
    loom = Loom(tmp_path / "home", PATH=with_driver(tmp_path))
    target = f"program:image-classification-{name}"
    plan = loom.here("plan", target, CUDA, "--json").ok()
    backend = plan.node("backend")
    assert backend["candidate"]["variations"] == ["cuda"]
    assert backend["env"] == {"LOOM_DEVICE": "cuda"}
    assert f"{library}=={backend['candidate']['version']}" in plan.node("python")["provision"]["pip"]
    assert plan.node("device")["candidate"]["version"] == "580.95.05"
    usual = loom.here("plan", target, "--json").ok()
    assert usual.node("backend")["candidate"].get("variations", []) == []
    assert usual.node("backend")["key"] != backend["key"]


@pytest.mark.parametrize("name", ["onnx", "pytorch", "tensorflow"])
def test_entries_of_cks_pages_take_the_build_of_their_target(tmp_path: Path, name: str):
    loom = Loom(tmp_path / "home", PATH=with_driver(tmp_path))
    for target, variations in (("gpu", ["cuda"]), ("cpu", [])):
        program = f"program:mlperf-inference-bench-object-detection-{name}-{target}"
        backend = loom.here("plan", program, "--cmd_key=accuracy-offline", "--json").ok().node("backend")
        assert backend["candidate"].get("variations", []) == variations


def test_library_without_the_device_refuses_it():
    model = load([read_repository(ROOT)], None).get("package:model-digits-onnx").model
    assert model is not None
    file = ROOT / "package" / "model-digits-onnx" / "digits.onnx"
    with pytest.raises(InputError, match="onnxruntime cannot run on cuda") as caught:
        open_session("onnxruntime", model, str(file), 1, "cuda")
    assert onnxruntime.get_available_providers()[-1] in caught.value.why[0]
    assert open_session("onnxruntime", model, str(file), 1).settings()["provider"] == "CPUExecutionProvider"
