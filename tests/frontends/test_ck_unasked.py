"""Without `--quiet`, with closed standard input and at a terminal, the real `ck` never asks what this repository can say itself."""

import os
import pty
import select
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.checkout import committed
from support.ck import CLI, PROGRAM, ROOT, Ck, python_with_ck
from support.repo import Loom, Repo

SHORT = ("--env.LOOM_INPUT_MODE=accuracy", "--env.LOOM_INPUT_COUNT=20", "--generate_rnd_tmp_dir")
LIMIT = 120  # seconds
FOREIGN = """
import os
for name in sorted(os.environ):
    if name.startswith("CK_ENV_ONNX_MODEL"):
        print(f"{name}={os.environ[name]}")
"""


@pytest.fixture(scope="module")
def ck(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ck]:
    """`ck` that knows this repository and one with a program that is CK's alone."""
    root = tmp_path_factory.mktemp("foreign")
    repo = Repo(root, "foreign")
    need = {"local": "yes", "name": "Model", "sort": 1, "tags": "model,image-classification,onnx,digits,fp32"}
    command = {"run_time": {"run_cmd_main": "$<<CK_PYTHON>>$ ../main.py"}}
    keys = {"program": "yes", "no_compile": "yes", "no_target_file": "yes", "process_in_tmp": "yes"}
    repo.program(
        "prints-model",
        "program,prints-model",
        code=FOREIGN,
        run_cmds={"default": command},
        run_deps={"model": need},
        main_language="python",
        **keys,
    )
    Loom(root / "sync").here("repo", "sync", str(root)).ok()
    made = Ck(tmp_path_factory.mktemp("unasked"), ROOT, root)
    yield made
    made.tidy()


def model_of(printed: str) -> str:
    return next(line.strip() for line in printed.splitlines() if line.startswith("  Model: "))


def at_a_terminal(ck: Ck, *words: str, typed: bytes = b"") -> str:
    """Run ``ck WORDS`` at a terminal at which somebody types; return what it printed. Fails unless it ends well."""
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [python_with_ck(), "-c", CLI, *words], env=ck.environ, cwd=ck.home, stdin=slave, stdout=slave, stderr=slave
    )
    os.close(slave)
    os.write(master, typed)
    printed, end = b"", time.monotonic() + LIMIT
    while time.monotonic() < end:
        if select.select([master], [], [], 1)[0]:
            try:
                printed += os.read(master, 65536)
            except OSError:
                break  # the other end is closed
    os.close(master)
    if process.poll() is None and time.monotonic() > end:
        process.kill()
    text = printed.decode(errors="replace").replace("\r\n", "\n")
    assert process.wait() == 0, text[-2000:]
    return text


def test_a_run_without_quiet_takes_the_default_of_packages_and_of_environments(ck: Ck):
    first = ck.ok("run", PROGRAM, *SHORT)
    assert model_of(first).startswith("Model: digits, fp32, onnx (/")
    ck.ok("install", "package", "--tags=model,digits,onnx,int8")
    known = ck.environments
    for words in (SHORT, (*SHORT, "--quiet")):  # of two environments
        assert model_of(ck.ok("run", PROGRAM, *words)).startswith("Model: digits, fp32, onnx (/")
    assert model_of(at_a_terminal(ck, "run", PROGRAM, *SHORT)).startswith("Model: digits, fp32, onnx (/")
    asked = ck.ok("run", PROGRAM, *SHORT, "--dep_add_tags.model=int8")
    assert model_of(asked).startswith("Model: digits, int8, onnx (/")
    assert ck.environments == known
    shown = ck.ok("show", "env", "--tags=model")
    assert "digits fp32 (onnx opset 13) opset-13 64bits," in shown
    assert "digits int8 (onnx opset 13) opset-13 64bits," in shown


def test_a_version_that_is_shown_makes_no_tags_and_no_second_environment(ck: Ck):
    """`ck` takes opset-13 for a version 0.13 if a model is installed again, or all environments are set up anew."""
    file = ck.home / "mine.onnx"
    file.write_bytes((ROOT / "package/model-digits-onnx/digits.onnx").read_bytes())
    words = ("--tags=model,digits,onnx,fp32", "--quiet")
    mine = ("detect", "soft:ml-model", f"--full_path={file}", "--extra_tags=model,digits,onnx,fp32")
    for again in (("install", "package", *words), mine, ("refresh", "env")) * 2:
        ck.ok(*again)

    shown = [line for line in ck.ok("show", "env", "--tags=model,fp32").splitlines() if "digits" in line]
    assert len(shown) == 2
    assert all(" opset-13 64bits," in line and ",v0" not in line for line in shown)
    ck.ok("rm", f"env:{ck.ok('search', 'env', '--tags=own-file').strip().rpartition(':')[2]}", "--force")


def test_what_is_detected_again_without_quiet_takes_the_place_of_the_same(ck: Ck, tmp_path: Path):
    (tmp_path / "val_map.txt").write_text("ILSVRC2012_val_00000001.JPEG 65\n")
    image = (ROOT / "dataset/digits-val/images/digits_val_00000001.JPEG").read_bytes()
    (tmp_path / "ILSVRC2012_val_00000001.JPEG").write_bytes(image)
    detections = (
        ("--tags=lib,python-package,msgspec",),
        ("--tags=dataset,imagenet,val", f"--full_path={tmp_path / 'val_map.txt'}"),
    )
    for words in detections:
        ck.ok("detect", "soft", *words)
    known = len(ck.environments)
    for words in detections:
        ck.ok("detect", "soft", *words)
    at_a_terminal(ck, "detect", "soft:dataset.imagenet.val", f"--search_dirs={tmp_path}")
    assert len(ck.environments) == known
    found = ck.ok("cat", f"env:{ck.ok('search', 'env', '--tags=imagenet').strip().rpartition(':')[2]}")
    assert f"export CK_ENV_DATASET_IMAGENET_VAL={tmp_path}\n" in found
    assert f"export CK_CAFFE_IMAGENET_VAL={tmp_path}/\n" in found


def test_a_program_of_ck_alone_finds_the_model_by_the_names_it_knows(ck: Ck):
    printed = ck.ok("run", "program:prints-model", "--quiet", "--generate_rnd_tmp_dir")
    found = dict(line.split("=", 1) for line in printed.splitlines() if line.startswith("CK_ENV_"))
    file = Path(found["CK_ENV_ONNX_MODEL_ONNX_FILEPATH"])
    assert file.read_bytes() == (ROOT / "package/model-digits-onnx/digits.onnx").read_bytes()
    assert found["CK_ENV_ONNX_MODEL_ONNX_FILENAME"] == file.name == "digits.onnx"
    assert found["CK_ENV_ONNX_MODEL_INPUT_LAYER_NAME"] == "input"
    assert found["CK_ENV_ONNX_MODEL_OUTPUT_LAYER_NAME"] == "logits"


def test_a_data_set_that_is_not_downloaded_says_what_to_do(ck: Ck):
    done = ck.call("install", "package", "--tags=dataset,imagenet,val,full,original")
    assert done.returncode != 0
    assert "get ILSVRC2012_img_val.tar from https://www.image-net.org/download.php" in done.stdout
    assert "ck detect soft:dataset.imagenet.val --search_dirs=DIR" in done.stdout
    other = ck.call("install", "package", "--tags=dataset,coco,2017,val,full", HTTP_PROXY="http://127.0.0.1:9")
    assert other.returncode != 0
    assert "if you have it: ck detect soft:dataset.coco.2017.val --search_dirs=DIR" in other.stderr


def test_of_several_packages_ck_install_takes_one_by_a_tag_by_quiet_or_by_its_own_setting(tmp_path: Path):
    ck = Ck(tmp_path, ROOT)
    install = ("install", "package", "--tags=model,digits,onnx")
    asked = ck.call(*install)
    assert asked.returncode != 0
    assert "More than one package or version found:" in asked.stdout
    assert asked.stderr.endswith("EOFError: EOF when reading a line\n")
    assert ck.environments == set()
    ck.ok("install", "package", "--tags=model,digits,onnx,fp32")
    [known] = ck.environments
    ck.ok(*install, "--quiet")
    ck.ok("setup", "kernel", "--var.package_quiet_install=yes")
    ck.ok(*install)
    at_a_terminal(ck, *install)
    assert ck.environments == {known}


def git_repository(folder: Path) -> Path:
    """Put the identity of this repository, which is all that adding it reads, into a git repository in ``folder``."""
    folder.mkdir()
    (folder / ".ckr.json").write_bytes((ROOT / ".ckr.json").read_bytes())
    return committed(folder)


UNASKED = {
    "add": ("add", "repo:benchloom", "--path=PATH", "--quiet"),
    "import": ("import", "repo", "--path=PATH", "--out=json"),
    "pull": ("pull", "repo", "--url=PATH"),
}


@pytest.mark.parametrize("form", UNASKED)
@pytest.mark.parametrize("stdin", ["closed", "terminal"])
def test_forms_of_adding_the_repository_that_ask_nothing(form: str, stdin: str, tmp_path: Path):
    ck, path = Ck(tmp_path / "home"), git_repository(tmp_path / "benchloom")
    words = [word.replace("PATH", str(path)) for word in UNASKED[form]]
    printed = ck.ok(*words) if stdin == "closed" else at_a_terminal(ck, *words)
    assert "benchloom" in printed
    assert "?" not in printed
    assert "benchloom" in ck.ok("ls", "repo").split()
    known = Path(ck.ok("find", "repo:benchloom").strip())
    assert known == (ck.home / "CK" / "benchloom" if form == "pull" else path)
    assert (known / ".ckr.json").is_file()


def test_add_repo_alone_asks_before_it_reads_anything(tmp_path: Path):
    ck = Ck(tmp_path)
    closed = ck.call("add", "repo:benchloom", f"--path={ROOT}")
    assert closed.returncode != 0
    assert closed.stderr.endswith("EOFError: EOF when reading a line\n")
    assert "benchloom" not in ck.ok("ls", "repo").split()
    printed = at_a_terminal(
        ck, "add", "repo:benchloom", f"--path={ROOT}", typed=b"\n" * 9
    )  # Return answers each question
    assert "CK repository successfully registered!" in printed
    assert "benchloom" in ck.ok("ls", "repo").split()
