"""script:check-published-models on stand-ins over HTTP: what agrees, what differs, and what cannot be had."""

import json
import subprocess
import sys
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import msgspec
import pytest

from benchloom.model.base import to_json
from benchloom.model.facts import Facts, Model
from support.published import Trial, lines_on, trial_in
from support.standin import ROOT, meta_of, planted_onnx, zipped

HTML = b"<!DOCTYPE html>\n<html><body>Moved</body></html>"
NETWORKS = Path(__file__).resolve().parents[1] / "support" / "networks"


def network(alias: str, opset: int) -> bytes:
    return planted_onnx(meta_of(alias)["model"], opset, 0.0, 1.0)


@pytest.fixture
def trial(tmp_path: Path) -> Iterator[Trial]:
    with trial_in(tmp_path) as made:
        yield made


def test_each_model_is_compared_and_a_bad_one_does_not_end_the_others(trial: Trial):
    good, tflite = network("model-resnet50-onnx-opset8", 8), (NETWORKS / "tiny.tflite").read_bytes()
    longer, other = good + b"\x4a\x00", good.replace(b"stand-in", b"stand_in")
    agreed = trial.model("model-resnet50-onnx-opset8", good)
    sized = trial.model("model-resnet50-onnx-opset11", longer, stated=good)
    changed = trial.model("model-mobilenet-onnx-opset8", other, stated=good)
    contained = trial.model("model-mobilenet-onnx-opset11", tflite)
    page = trial.model("model-ssd-mobilenet-onnx-opset11", HTML, pinned=False)
    absent = trial.model("model-ssd-mobilenet-onnx-opset8", None)
    answer = trial.check()
    assert answer.code == 4  # loom run's code for a program that failed
    assert "ended with exit code 1" in answer.err
    assert lines_on(answer, agreed).startswith("as stated\n")
    assert f"agrees       digest: sha256:{sha256(good).hexdigest()}" in lines_on(answer, agreed)
    assert f"DIFFERS      size: {len(longer):,} bytes, the component states {len(good):,} bytes" in lines_on(
        answer, sized
    )
    stated = f"the component states sha256:{sha256(good).hexdigest()}"
    assert f"DIFFERS      digest: sha256:{sha256(other).hexdigest()}, {stated}" in lines_on(answer, changed)
    told = "container: TensorFlow Lite flatbuffer, the component states ONNX protobuf"
    assert f"DIFFERS      {told}" in lines_on(answer, contained)
    assert "is not the requested file; it appears to be a web page (HTML)" in lines_on(answer, page)
    assert lines_on(answer, absent).startswith("not checked\n")
    assert "HTTP status 404" in lines_on(answer, absent)
    assert "1 of 6 models match their components" in answer.err
    assert "Traceback" not in answer.err


def test_what_was_found_can_be_pinned_with_the_lines_that_are_printed(trial: Trial):
    data = network("model-mobilenet-onnx-opset11", 11)
    ref = trial.model("model-mobilenet-onnx-opset11", data, pinned=False)
    answer = trial.check().ok()
    assert f"found        digest: sha256:{sha256(data).hexdigest()}" in lines_on(answer, ref)
    _, _, pins = answer.err.partition(
        "to pin the files, replace 'digest' or 'unpinned' in the first item of 'fetch' by:\n"
    )
    file, digest, size, _, seen, *_ = pins.splitlines()
    assert file == "package/model-mobilenet-onnx-opset11-served/.cm/meta.json"
    trial.state("model-mobilenet-onnx-opset11", fetch=json.loads(f"{{{digest}{size}}}"), **json.loads(f"{{{seen}}}"))
    again = trial.check().ok()
    assert "1 of 1 models match their components" in again.err
    assert "1 model, 1 file to download: 0.0 MB" in again.err
    assert "to pin" not in again.err


def test_download_that_breaks_off_is_resumed_and_a_second_check_downloads_nothing(trial: Trial):
    data = network("model-resnet50-onnx-opset8", 8)
    trial.model("model-resnet50-onnx-opset8", data)
    name = "model-resnet50-onnx-opset8.file"
    trial.server.truncate(name, after=1000)
    trial.check().ok()
    assert [request.headers.get("range") for request in trial.server.seen(name)] == [None, "bytes=1000-"]
    again = trial.check().ok()
    assert "1 model, 0 files to download: 0.0 MB" in again.err
    assert "(cached)" in again.err
    assert len(trial.server.seen(name)) == 2


def test_archive_is_unpacked_and_one_that_is_none_says_what_it_is(trial: Trial):
    alias = "model-mobilenet-onnx-int8-nvidia"
    stated = meta_of(alias)
    outputs = [{**stated["model"]["outputs"][0], "shape": [1, 1001]}]
    model = {**stated["model"], "classes": {"count": 1001, "offset": 1}, "outputs": outputs}
    packed = zipped({stated["fetch"][0]["member"]: planted_onnx(model, 8, 128.0, 1.0)})
    ref = trial.model(alias, packed)
    answer = trial.check().ok()
    assert "found        opset: 8" in lines_on(answer, ref)
    assert "found        classes: 1001 scores for a sample" in lines_on(answer, ref)
    assert "agrees       max_batch: one sample at a time" in lines_on(answer, ref)
    trial.model(alias, HTML, pinned=False)
    answer = trial.check()
    assert "is not the requested file; it appears to be a web page (HTML)" in lines_on(answer, ref)


def test_file_without_its_backend_is_looked_at_all_the_same(trial: Trial, tmp_path: Path):
    mirror = tmp_path / "mirror"
    mirror.mkdir()
    alias = "model-resnet50-pytorch"  # no environment here has torch, and --offline none can be made
    state_dict = (ROOT / "package" / "model-digits-pytorch" / "digits.pt").read_bytes()
    ref = trial.model(alias, None, stated=state_dict)
    (mirror / meta_of(alias)["fetch"][0]["filename"]).write_bytes(state_dict)
    answer = trial.check("--models=served", "--offline", f"--mirror={mirror}")
    assert answer.code == 4
    lines = lines_on(answer, ref)
    assert f"agrees       size: {len(state_dict):,} bytes" in lines
    assert "DIFFERS      container: zip archive of torch.save" in lines
    assert "not checked  pytorch cannot be installed: " in lines


def test_models_that_nobody_has_are_refused(trial: Trial):
    answer = trial.check("--models=resnet5O")
    assert answer.code == 2
    assert "no component has the tag 'resnet5O'" in answer.err
    answer = trial.check("--models=model,digits")
    assert answer.code == 2
    assert "no downloadable model matches 'digits,model'" in answer.err


def test_file_can_be_looked_at_by_a_python_without_numpy(tmp_path: Path):
    package = ROOT / "package" / "model-digits-onnx"
    model = msgspec.convert(meta_of(package.name)["model"], Model)
    facts = Facts(role="model", component="", path=str(package / "digits.onnx"), model=model)
    (tmp_path / "facts.json").write_bytes(to_json(facts))
    code = "import sys; sys.modules['numpy'] = None; from benchloom.harness.examine import main; main(sys.argv[1:], {'LOOM_MODEL': 'facts.json'})"
    done = subprocess.run([sys.executable, "-c", code, "found.json", "pytorch"], cwd=tmp_path, check=True)
    assert done.returncode == 0
    found = json.loads((tmp_path / "found.json").read_text())
    assert (found["container"], found["opset"]) == ("onnx", 13)
    assert found["unopened"].startswith("pytorch cannot be imported: ")
