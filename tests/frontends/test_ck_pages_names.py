"""The names by which CK's pages and programs ask for things, with the real `ck`."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest

from support.ck import ROOT, Ck, python_with_ck

SEARCH = """
import json, sys
import ck.kernel as ck
found = {}
for query in json.load(sys.stdin):
    wanted = {"action": "search_in_variations", "module_uoa": "misc", "query_module_uoa": "package", "tags": query}
    found[query] = [item["data_uoa"] for item in ck.access(wanted)["lst"]]
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def ck(tmp_path_factory: pytest.TempPathFactory) -> Ck:
    return Ck(tmp_path_factory.mktemp("home"), ROOT)


def queries() -> dict[str, str]:
    """Return the package that states each query of CK."""
    metas = {path.parents[1].name: json.loads(path.read_text()) for path in ROOT.glob("package/*/.cm/meta.json")}
    return {query: name for name, meta in metas.items() for query in meta.get("ck_queries", [])}


def found_by_ck(ck: Ck, wanted: list[str]) -> dict[str, Any]:
    done = subprocess.run(
        [python_with_ck(), "-c", SEARCH],
        input=json.dumps(wanted),
        env=ck.environ,
        capture_output=True,
        text=True,
        check=True,
    )
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_every_query_of_ck_finds_the_package_that_states_it(ck: Ck):
    wanted = queries()
    assert len(wanted) > 20
    assert found_by_ck(ck, list(wanted)) == {query: [name] for query, name in wanted.items()}


def planned_by_ck(ck: Ck, tags: str, *words: str) -> str:
    """Return the package that ``ck install`` begins with, of one that it cannot fetch here."""
    done = ck.call("install", "package", f"--tags={tags}", *words, LOOM_OFFLINE="yes")
    assert done.returncode != 0
    return done.stdout + done.stderr


@pytest.mark.parametrize(
    ("tags", "words", "name"),
    [
        ("model,image-classification,mlperf,onnx,resnet50,v1.5-opset-8", (), "model-resnet50-onnx-opset8"),
        ("model,mobilenet,tf,non-quantized", ("--quiet",), "model-mobilenet-tensorflow"),
        ("model,tf,mobilenet,quantized", ("--quiet",), "model-mobilenet-tensorflow-int8"),
    ],
)
def test_ck_installs_what_the_query_means(ck: Ck, tags: str, words: tuple[str, ...], name: str):
    said = planned_by_ck(ck, tags, *words)
    assert f"package:{name}:" in said or f"package:{name} " in said, said[-2000:]


@pytest.mark.parametrize("tags", ["lib,python-package,absl", "lib,python-package,onnx"])
def test_ck_installs_a_library_of_the_set_up_pages(ck: Ck, tags: str):
    before = ck.environments
    ck.ok("install", "package", f"--tags={tags}")
    assert len(ck.environments - before) == 1
    name = tags.rpartition(",")[2]
    assert f"Python package {name}" in ck.ok("show", "env", f"--tags={tags}")
    assert f"{name} " not in ck.ok("show", "env", "--tags=onnxruntime")


@pytest.mark.skipif(bool(shutil.which("nvidia-smi")), reason="this machine has a CUDA device")
@pytest.mark.parametrize("name", ["onnxruntime-gpu", "pytorch-cuda", "tensorflow-gpu"])
def test_ck_refuses_a_build_for_cuda_where_there_is_no_device(ck: Ck, name: str):
    done = ck.call("install", "package", f"--tags=lib,python-package,{name}")
    assert done.returncode != 0
    assert "soft:device-cuda: it was not found on this machine" in done.stderr


@pytest.mark.parametrize("name", ["python3", "gcc"])
def test_ck_registers_a_compiler_that_the_user_names(ck: Ck, tmp_path: Path, name: str):
    (tmp_path / name).symlink_to(sys.executable)
    soft = f"compiler.{name.removesuffix('3')}"
    ck.ok("detect", f"soft:{soft}", f"--full_path={tmp_path / name}")
    tags = soft.replace(".", ",")
    (uid,) = ck.ok("search", "env", f"--tags={tags}").split()
    assert f"export LOOM_{soft.upper().replace('.', '_')}={tmp_path / name}" in ck.ok("cat", uid.partition(":")[2])
    refused = ck.call("detect", f"soft:{soft}", f"--full_path={Path(__file__)}")
    assert refused.returncode != 0
    assert f"is not a file named {name}" in refused.stdout


@pytest.mark.parametrize(
    ("tags", "name"), [("compiler,python", "python3"), ("compiler,gcc", "gcc"), ("tool,cmake", "cmake")]
)
def test_ck_finds_what_is_in_the_folder_of_the_system(ck: Ck, tags: str, name: str):
    done = ck.call("detect", "soft", f"--tags={tags}")
    if Path("/usr/bin", name).is_file():
        assert (done.returncode, f"Registering in the CK (/usr/bin/{name})" in done.stdout) == (0, True)
    else:
        assert (done.returncode, "was not found" in done.stdout) == (16, True)


def test_ck_makes_an_environment_of_another_round(ck: Ck, tmp_path: Path):
    meta = json.loads((ROOT / "package/mlperf-inference-source-r1.1/.cm/meta.json").read_text())
    with ZipFile(tmp_path / meta["fetch"][0]["filename"], "w") as archive:
        archive.writestr(f"{meta['result']}/mlperf.conf", "*.*.min_duration = 600000\n")
    said = ck.ok("create", "venv:newer", "--template=mlperf-inference-1.1", LOOM_MIRROR=str(tmp_path))
    (line,) = (line for line in said.splitlines() if line.startswith("reference "))
    source = Path(line.split()[-1])
    assert (source.name, (source / "mlperf.conf").is_file()) == (meta["result"], True)
