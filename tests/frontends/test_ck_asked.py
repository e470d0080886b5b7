"""What a user asks of the real `ck`, and what it has registered, reaches the run, or the run is refused by name."""

import os
import re
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest

from support.ck import PROGRAM, ROOT, Ck
from support.detector import coco_folder, expected, planted_detector
from support.repo import Loom, Repo
from support.served import served, tar
from support.server import FileServer
from support.standin import imagenet_folder, meta_of, overlay, planted_onnx
from support.standins.detectors import BYTES, MOBILENET

RESNET, DETECTOR = "model-resnet50-onnx-opset11", "model-ssd-mobilenet-onnx-opset11"
DETECTION = "program:object-detection-onnx"
ACCURACY = "--env.LOOM_INPUT_MODE=accuracy"
MODEL = ("--dep_add_tags.model=served", "--env.LOOM_INPUT_BATCH_SIZE=1", ACCURACY)
IMAGES, WRONG = 8, 2
FEW = 4


@dataclass(frozen=True)
class World:
    """What the tests share: a repository of served stand-ins, data sets, and a store."""

    root: Path
    repo: Repo

    def ck(self, home: Path) -> Ck:
        return Ck(home, ROOT, self.repo.root, LOOM_HOME=str(self.root / "loom"))


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    root = tmp_path_factory.mktemp("world")
    (root / "files").mkdir()
    repo = Repo(root / "repository", "served")
    full = imagenet_folder(root / "full", images=IMAGES, wrong=WRONG)
    (full / "val.txt").write_bytes((full / "val_map.txt").read_bytes())
    imagenet_folder(root / "min", images=FEW, wrong=0)
    bare = imagenet_folder(root / "bare", images=FEW, wrong=0)
    labels = (bare / "val_map.txt").read_bytes()
    (bare / "val_map.txt").unlink()
    coco_folder(root / "coco", images=IMAGES, wrong=WRONG, labels="category")
    with FileServer(root / "files") as server:
        for alias, data in (
            (RESNET, planted_onnx(meta_of(RESNET)["model"], 11, 123.68, 1.0)),
            (DETECTOR, planted_detector(meta_of(DETECTOR)["model"], 11, BYTES, MOBILENET)),
        ):
            (server.folder / alias).write_bytes(data)
            overlay(repo, alias, server.url(alias), data, served=True)
        served(repo, server, "imagenet-2012-aux", tar("gz", **{"val.txt": labels}))
        Loom(root / "sync").here("repo", "sync", str(repo.root)).ok()
        yield World(root, repo)


@pytest.fixture
def ck(world: World, tmp_path: Path) -> Iterator[Ck]:
    made = world.ck(tmp_path / "home")
    yield made
    made.tidy()


@pytest.fixture(scope="module")
def ck_with_digits(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ck]:
    """`ck` that has installed the digits; for tests that register nothing."""
    made = world.ck(tmp_path_factory.mktemp("digits") / "home")
    made.ok("install", "package", "--tags=model,digits,onnx,fp32", "--quiet")
    yield made
    made.tidy()


def refused(ck: Ck, *words: str, program: str = PROGRAM) -> tuple[int, str]:
    """Run the program, which must fail before it starts; return ck's exit code and what was said."""
    done = ck.call("run", program, "--quiet", "--generate_rnd_tmp_dir", *words)
    assert "\nExecuting code" not in done.stdout
    assert done.returncode != 0
    return done.returncode, done.stderr


def registered(ck: Ck, soft: str, *words: str) -> str:
    """Have ck detect ``soft`` and return the uid of its environment."""
    printed = ck.ok("detect", f"soft:{soft}", *words, "--quiet")
    return printed.strip().rpartition("UID: ")[2]


def test_a_registered_coco_is_used(ck: Ck, world: World):
    registered(ck, "dataset.coco.2017.val", f"--search_dir={world.root / 'coco'}")
    accuracy = ck.run(*MODEL, program=DETECTION)["accuracy"]
    assert accuracy["mean_average_precision"] == pytest.approx(expected(IMAGES, IMAGES - WRONG, 1))


def test_of_two_registered_data_sets_the_one_asked_for_is_used(ck: Ck, world: World):
    full, few = (
        registered(ck, "dataset.imagenet.val", f"--search_dir={world.root / name}", f"--extra_tags={name}", *version)
        for name, version in (("full", ["--force_version=2012"]), ("min", []))
    )
    totals = {
        flag: ck.run(*MODEL, flag)["accuracy"]["total"]
        for flag in ("--dep_add_tags.dataset=full", "--dep_add_tags.dataset=min", f"--deps.dataset={full}")
    }
    assert list(totals.values()) == [IMAGES, FEW, IMAGES]
    assert ck.run(*MODEL, LOOM_DATASET_PATH=str(world.root / "min"))["accuracy"]["total"] == FEW
    both = f"--search_dirs={world.root / 'full'},{world.root / 'min'}"
    several = ck.call("detect", "soft:dataset.imagenet.val", both, "--extra_tags=any", "--quiet")
    assert several.returncode != 0
    assert "--full_path=" in several.stdout
    for words in ([], ["--dep_add_tags.dataset=imagenet"]):
        code, said = refused(ck, *MODEL, *words)
        assert code in {2, 3}
        assert full in said
        assert few in said
    digits = ("--dep_add_tags.model=digits", ACCURACY, "--env.LOOM_INPUT_COUNT=20")
    assert ck.run(*digits)["dataset"] == "dataset:digits-val"
    code, said = refused(ck, *digits, "--dep_add_tags.dataset=full")
    assert (code, "--dep_add_tags.dataset=full" in said) == (3, True)


def test_a_registered_data_set_of_another_kind_is_not_taken_for_folders_of_classes(ck: Ck, world: World):
    registered(ck, "dataset.coco.2017.val", f"--search_dir={world.root / 'coco'}", "--extra_tags=mine")
    code, said = refused(ck, *MODEL)
    assert (code, "folders cannot" in said) == (3, False), said
    registered(ck, "dataset.imagenet.val", f"--search_dir={world.root / 'full'}", "--extra_tags=full")
    assert ck.run(*MODEL)["accuracy"]["total"] == IMAGES


def test_images_without_a_label_file_are_found_and_used(ck: Ck, world: World):
    registered(ck, "dataset.imagenet.val", "--force_version=2012", f"--search_dir={world.root / 'bare'}")
    ck.ok("install", "package", "--tags=served,imagenet,2012,aux", "--quiet")
    accuracy = ck.run(*MODEL, "--dep_add_tags.imagenet-labels=served")["accuracy"]
    assert (accuracy["correct"], accuracy["total"]) == (FEW, FEW)
    labelled = registered(ck, "dataset.imagenet.val", f"--search_dir={world.root / 'full'}", "--extra_tags=labelled")
    code, said = refused(ck, *MODEL)
    assert (code, labelled in said) == (3, True)


def test_a_registered_data_set_that_is_gone_is_not_replaced(ck: Ck, world: World, tmp_path: Path):
    coco = tmp_path / "coco"
    shutil.copytree(world.root / "coco", coco)
    uid = registered(ck, "dataset.coco.2017.val", f"--search_dir={coco}", "--extra_tags=mine")
    shutil.rmtree(coco)
    for words in ([], ["--dep_add_tags.dataset=mine"]):
        code, said = refused(ck, *MODEL, *words, program=DETECTION)
        assert code == 2
        assert f"ck rm env:{uid} --force" in said
    ck.ok("rm", f"env:{uid}", "--force")


@pytest.mark.parametrize(
    ("flag", "code", "named"),
    [
        ("--dep_add_tags.dataset=imagenet", 3, "imagenet"),
        ("--dep_add_tags.datset=digits", 2, "did you mean 'dataset'?"),
        ("--deps.dataset=0123456789abcdef", 2, "--deps.dataset=0123456789abcdef"),
        ("--dep_add_tags.harness=nonsense", 3, "--dep_add_tags.harness"),
        ("--env.LOOM_INPUT_COUTN=5", 2, "did you mean 'LOOM_INPUT_COUNT'?"),
        ("--env.LOOM_INPUT_MODE=nonsense", 2, "'nonsense'"),
        ("--env.CK_LOADGEN_BUFFER_SIZE=5", 2, "use the input user_conf"),
        ("--env.ML_MODEL_FILEPATH_EXTERNAL=x.onnx", 2, "ML_MODEL_FILEPATH_EXTERNAL"),
        ("--env.EXTRA_OPS=--cuont 50", 2, "'--cuont' is not a known option"),
        ("--env.LOOM_DATASET_PATH=/nowhere", 2, "/nowhere is not a folder"),
        ("--scenario=Offline", 2, "--scenario=Offline is not a flag of ck: write --env.LOOM_INPUT_SCENARIO=Offline"),
        ("--dataset_path=/nowhere", 2, "is not a flag of ck: write --env.LOOM_DATASET_PATH=/nowhere"),
        ("--model_path=x.onnx", 2, "is not a flag of ck: write ck detect soft:ml-model --full_path="),
    ],
)
def test_what_cannot_be_followed_is_refused_by_name(ck_with_digits: Ck, flag: str, code: int, named: str):
    found, said = refused(ck_with_digits, "--dep_add_tags.model=digits", flag)
    assert (found, named in said) == (code, True), said


def test_the_knobs_of_ck_documents_are_inputs(ck_with_digits: Ck):
    ops = "--env.EXTRA_OPS=--count 30 --time=1 --threads 1 --max-batchsize 4 --qps 50"
    scenario = "--env.LOOM_INPUT_SCENARIO=Offline"
    found = ck_with_digits.run("--dep_add_tags.model=digits", ops, scenario)
    assert found["accuracy"]["total"] == 30
    assert (found["settings"]["threads"], found["settings"]["batch_size"]) == (1, 4)


@pytest.mark.skipif(sys.version_info < (3, 11), reason="one version of ONNX Runtime is known for Python 3.10")
def test_a_version_chosen_by_flag_is_installed_used_and_recorded(ck: Ck):
    install = ("install", "package", "--tags=lib,python-package,onnxruntime", "--quiet")
    for flag, fix in (("--force_version=9.9.9", "9.9.9"), ("--version=1.23.2", "--force_version=1.23.2")):
        failed = ck.call(*install, flag)
        assert failed.returncode != 0
        assert fix in failed.stderr + failed.stdout
    assert ck.environments == set()
    ck.ok(*install, "--force_version=1.23.2")
    ck.ok(*install)  # the default version, beside it
    assert len(ck.environments) == 2
    asked = ("--dep_add_tags.model=digits", ACCURACY, "--env.LOOM_INPUT_COUNT=20", "--dep_add_tags.backend=v1.23.2")
    assert ck.run(*asked)["versions"]["onnxruntime"] == "1.23.2"
    place = Path(ck.ok("locate", "env", "--tags=onnxruntime,v1.23.2").strip())
    assert list(place.glob("lib/python*/site-packages/onnxruntime-1.23.2.dist-info"))


def test_a_version_that_is_not_there_is_not_registered(ck: Ck):
    detect = ("detect", "soft", "--tags=lib,python-package,msgspec", "--quiet")  # every Python that runs ck here has it
    failed = ck.call(*detect, "--force_version=9.9")
    assert failed.returncode != 0
    assert "not 9.9" in failed.stdout
    assert ck.environments == set()
    ck.ok(*detect, f"--force_version={re.findall(r'is version (.*), not 9', failed.stdout)[0]}")
    assert len(ck.environments) == 1


def test_the_tag_onnx_is_of_onnx(ck: Ck):
    ck.ok("install", "package", "--tags=lib,python-package,onnx", "--quiet")
    shown = ck.ok("show", "env", "--tags=lib,python-package,onnx")
    assert "Python package onnx " in shown
    assert "onnxruntime" not in shown


def test_environments_lead_to_what_was_registered(ck: Ck, world: World):
    registered(ck, "dataset.imagenet.val", f"--search_dir={world.root / 'full'}")
    coco = os.path.relpath(world.root / "coco/annotations/instances_val2017.json", ck.home)  # where ck is started
    registered(ck, "dataset.coco.2017.val", f"--full_path=./{coco}")
    ck.ok("install", "package", "--tags=served,imagenet,2012,aux", "--quiet")
    ck.ok("install", "package", "--tags=model,digits,onnx,opset-13,fp32", "--quiet")
    places = {
        tags: Path(ck.ok("locate", "env", f"--tags={tags}").strip())
        for tags in ("imagenet,2012,aux", "imagenet,val", "coco")
    }
    assert (places["imagenet,2012,aux"] / "val.txt").is_file()
    assert (places["imagenet,val"], places["coco"]) == (world.root / "full", world.root / "coco")
    (uid,) = (line.rpartition(":")[2] for line in ck.ok("search", "env", "--tags=coco").split())
    assert f"_FILE={world.root / 'coco'}/annotations" in ck.ok("cat", f"env:{uid}")
    command = "cat $LOOM_ML_MODEL | wc -c; ls -d $LOOM_ML_MODEL"
    size, path = ck.ok("virtual", "env", "--tags=model,digits", f"--shell_cmd={command}").split()[-2:]
    assert path.endswith("digits.onnx")
    assert int(size) == (ROOT / "package/model-digits-onnx/digits.onnx").stat().st_size


def test_logs_are_where_ck_documents_look_for_them(ck_with_digits: Ck):
    words = (
        "--dep_add_tags.model=digits",
        "--env.EXTRA_OPS=--count 20 --time 0.5",
        "--generate_rnd_tmp_dir",
        "--quiet",
    )
    options = ("--repetitions=1", "--skip_freq=yes", "--print_files=mlperf_log_summary.txt,accuracy.txt")
    for record in ([], ["--record", "--record_repo=local", "--record_uoa=logs"]):
        printed = ck_with_digits.ok("benchmark", PROGRAM, *words, *options, *record)
        assert "performance_sample_count : 20" in printed
        assert "accuracy=95.000%, good=19, total=20" in printed


def test_a_failed_installation_leaves_no_environment(ck: Ck):
    install = ("install", "package", "--tags=lib,python-package,onnxruntime", "--quiet", "--install_to_env")
    assert ck.call(*install, "--force_version=9.9.9").returncode != 0
    assert ck.environments == set()
    ck.ok(*install)
    assert len(ck.environments) == 1


def test_ck_detect_refuses_files_that_are_not_what_is_asked_for(ck: Ck, world: World, tmp_path: Path):
    uid = registered(ck, "dataset.imagenet.val", f"--search_dir={world.root / 'full'}")
    ck.ok("install", "package", "--tags=model,digits,onnx,opset-13,fp32", "--quiet")
    kept = ck.ok("cat", f"env:{uid}")
    (model,) = ck.home.glob("tools/model-digits*/loom.json")
    any_file, labels = tmp_path / "any.bin", tmp_path / "folder" / "val_map.txt"
    any_file.write_bytes(b"anything")
    labels.parent.mkdir()
    labels.write_text("no images here\n")
    metadata = next(Path(entry).glob("numpy-*.dist-info/METADATA") for entry in sys.path if entry.endswith("packages"))
    for tags, file in (
        ("dataset,imagenet,val", any_file),
        ("dataset,imagenet,val", labels),
        ("dataset,imagenet,val", model),
        ("dataset,coco", world.root / "full" / "val_map.txt"),
        ("lib,python-package,onnxruntime", next(metadata)),
        ("soft,ml-model", any_file),
        ("soft,ml-profile", model),
    ):
        done = ck.call("detect", "soft", f"--tags={tags}", f"--full_path={file}", "--quiet")
        assert done.returncode != 0, (tags, file)
        assert str(file) in done.stdout
    assert ck.ok("cat", f"env:{uid}") == kept
    assert len(ck.environments) == 2
    ck.ok("detect", "soft", "--tags=soft,ml-model", f"--full_path={model}", "--quiet")


def test_ck_detect_finds_images_in_folders_by_class(ck: Ck, tmp_path: Path):
    for name in ("cat", "dog"):
        (tmp_path / "own" / name).mkdir(parents=True)
        for number in (1, 2):
            picture = np.full((64, 64, 3), 100 * number, np.uint8)
            cv2.imwrite(str(tmp_path / "own" / name / f"val_{number}.jpg"), picture)
    registered(ck, "dataset.imagenet.val", f"--search_dir={tmp_path / 'own'}")
    assert ck.ok("locate", "env", "--tags=imagenet,val").strip() == str(tmp_path / "own")
