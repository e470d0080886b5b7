"""The names by which CK's pages and programs ask for things, with the real `ck`."""

import json
import shutil
import sys
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import numpy as np
import pytest

from support.ck import ROOT, Ck
from support.detector import coco_folder
from support.standin import imagenet_folder

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
    found: dict[str, Any] = ck.kernel(SEARCH, wanted)
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


def action_of_samples(ck: Ck, program: str, folder: Path) -> str:
    """Return what a run of ``program`` with the data in ``folder`` would do for its samples."""
    tags, name = program.split("@")
    plan = ck.loom("plan", f"program:{name}", f"--dep_add_tags.model={tags}", f"--dataset_path={folder}")
    (action,) = (node["action"] for node in plan["nodes"] if "samples" in node["roles"])
    return str(action)


def test_samples_that_ck_prepares_ahead_of_a_run_are_those_of_the_run(tmp_path: Path):
    ck = Ck(tmp_path / "home", ROOT)
    places = {
        name: imagenet_folder(tmp_path / name, images=images, wrong=0) for name, images in (("few", 2), ("more", 3))
    }
    places["coco"] = coco_folder(tmp_path / "coco", images=2, wrong=0, labels="category")
    for name in ("few", "more"):
        ck.ok(
            "detect",
            "soft:dataset.imagenet.val",
            "--force_version=2012",
            f"--extra_tags={name}",
            f"--search_dir={places[name]}",
        )
    ck.ok("detect", "soft:dataset.coco.2017.val", f"--search_dir={places['coco']}")
    assert ck.ok("locate", "env", "--tags=imagenet,2012,val,few").strip() == str(places["few"])
    resnet, detector = "resnet50,opset-11@image-classification-onnx", "ssd-mobilenet,opset-11@object-detection-onnx"
    imagenet = "--tags=dataset,imagenet,val,full,preprocessed,using-opencv,side.224"
    assert [action_of_samples(ck, resnet, places[name]) for name in ("few", "more")] == ["build", "build"]
    ck.ok("install", "package", "--dep_add_tags.dataset-source=more", imagenet, "--version=2012")
    assert [action_of_samples(ck, resnet, places[name]) for name in ("few", "more")] == ["build", "reuse"]
    assert action_of_samples(ck, detector, places["coco"]) == "build"
    ck.ok("install", "package", "--tags=dataset,object-detection,preprocessed,full,side.300")
    assert action_of_samples(ck, detector, places["coco"]) == "reuse"
    place = Path(ck.ok("locate", "env", "--tags=dataset,imagenet,preprocessed").strip())
    assert np.load(place / "samples.npy", mmap_mode="r").shape == (3, 3, 224, 224)


def test_samples_are_prepared_only_of_data_that_are_there(tmp_path: Path):
    ck = Ck(tmp_path / "home", ROOT)
    done = ck.call("install", "package", "--tags=dataset,imagenet,val,preprocessed,using-opencv,side.224", "--quiet")
    assert done.returncode != 0
    assert "ck detect soft:dataset.imagenet.val --search_dirs=DIR" in done.stdout
    assert ck.environments == set()


def test_ck_takes_the_python_of_the_folder_that_the_user_names(ck: Ck, tmp_path: Path):
    for name in ("python", "python3"):
        (tmp_path / name).symlink_to(sys.executable)
    for words, name in ((f"--full_path={tmp_path / 'python'}", "python"), (f"--search_dirs={tmp_path}", "python3")):
        assert f"Registering in the CK ({tmp_path / name})" in ck.ok("detect", "soft:compiler.python", words)
