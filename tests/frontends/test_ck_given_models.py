"""A file of the user's own in the place of the one that a model package downloads, registered with the real `ck`."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.ck import PROGRAM, ROOT, Ck
from support.standin import turned_digits

TAGS = "model,image-classification,digits,onnx,fp32"
DIGITS = "--dep_add_tags.model=digits,fp32"
SHORT = ("--env.LOOM_INPUT_COUNT=20", "--env.LOOM_INPUT_MODE=accuracy")
MINE, PUBLISHED = range(9), range(18, 21)  # correct ones of 20


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("store")


@pytest.fixture
def ck(tmp_path: Path, store: Path) -> Iterator[Ck]:
    made = Ck(tmp_path / "home", ROOT, LOOM_HOME=str(store))
    yield made
    made.tidy()


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    return turned_digits(tmp_path / "mine.onnx")


def detect(ck: Ck, file: Path | str, tags: str = TAGS) -> str:
    """Register ``file`` and return the uid of its environment."""
    printed = ck.ok("detect", "soft:ml-model", f"--full_path={file}", f"--extra_tags={tags}", "--quiet")
    return printed.strip().rpartition("UID: ")[2]


def correct(ck: Ck, *words: str) -> int:
    found: int = ck.run(*words, *SHORT)["accuracy"]["correct"]
    return found


def refused(ck: Ck, *words: str) -> str:
    done = ck.call("run", PROGRAM, "--quiet", "--generate_rnd_tmp_dir", *SHORT, *words)
    assert "\nExecuting code" not in done.stdout
    assert done.returncode == 2, done.stdout[-2000:] + done.stderr
    return done.stderr


def test_registered_file_is_used_whatever_its_digest(ck: Ck, mine: Path):
    uid = detect(ck, mine)
    assert correct(ck, DIGITS) in MINE
    assert correct(ck) in MINE
    assert correct(ck, f"--deps.model={uid}") in MINE
    assert ck.ok("locate", "env", f"--tags={TAGS}").strip() == str(mine.parent)
    shown = ck.ok("cat", f"env:{uid}")
    assert f"export LOOM_ML_MODEL={mine}\n" in shown
    assert "export LOOM_MODEL=" not in shown
    ck.ok("rm", f"env:{uid}", "--force")
    assert mine.is_file()
    assert correct(ck, DIGITS) in PUBLISHED


def test_the_published_file_and_ones_own_lie_side_by_side(ck: Ck, mine: Path):
    ck.ok("install", "package", f"--tags={TAGS}", "--quiet")
    (published,) = ck.environments
    own = detect(ck, mine, "digits,onnx,fp32")
    ck.ok("install", "package", f"--tags={TAGS}", "--quiet")
    assert ck.environments == {published, own}
    again = detect(ck, mine, "digits,onnx,fp32")
    assert ck.environments == {published, again}
    assert correct(ck, DIGITS) in MINE
    assert correct(ck, f"{DIGITS},published") in PUBLISHED


def test_of_two_files_for_one_model_the_one_asked_for_is_used(ck: Ck, mine: Path, tmp_path: Path):
    right = tmp_path / "right.onnx"
    right.write_bytes((ROOT / "package/model-digits-onnx/digits.onnx").read_bytes())
    uids = [detect(ck, right, f"{TAGS},right"), detect(ck, mine, f"{TAGS},turned")]
    assert correct(ck, "--dep_add_tags.model=right") in PUBLISHED
    assert correct(ck, f"--deps.model={uids[1]}") in MINE
    said = refused(ck, DIGITS)
    for uid in uids:
        assert uid in said
    assert "--deps.model=" in said


@pytest.mark.parametrize(
    ("tags", "told"),
    [
        ("", "no model matches"),
        ("mine", "no model has the tag 'mine'"),
        ("digits,resnet50", "no model matches"),
        ("resnet50,onnx", "package:model-resnet50-onnx-opset8"),
        ("digits,onnx,fp32,opset-31", "write 'opset-11'"),
    ],
)
def test_tags_that_do_not_mean_one_model_are_refused_by_name(ck: Ck, mine: Path, tags: str, told: str):
    done = ck.call("detect", "soft:ml-model", f"--full_path={mine}", f"--extra_tags={tags}", "--quiet")
    assert done.returncode != 0
    assert told in done.stderr
    assert "--extra_tags" in done.stderr
    assert ck.environments == set()


def test_what_is_no_model_is_refused_and_a_good_registration_kept(ck: Ck, mine: Path, tmp_path: Path):
    uid = detect(ck, mine)
    kept = ck.ok("cat", f"env:{uid}")
    (tmp_path / "folder").mkdir()
    (tmp_path / "empty.onnx").touch()
    (tmp_path / "page.onnx").write_text("<html>not found</html>")
    for name, told in (
        ("folder", "is a folder"),
        ("empty.onnx", "is empty"),
        ("page.onnx", "it appears to be a web page (HTML)"),
        ("none.onnx", "does not exist"),
    ):
        file = tmp_path / name
        done = ck.call("detect", "soft:ml-model", f"--full_path={file}", f"--extra_tags={TAGS}", "--quiet")
        assert done.returncode != 0
        assert told in done.stderr
        assert str(file) in done.stdout
    assert ck.call("setup", "soft:ml-model", f"--full_path={mine}", "--quiet").returncode != 0
    assert ck.environments == {uid}
    assert ck.ok("cat", f"env:{uid}") == kept
    ck.ok("refresh", "env")
    assert f"export LOOM_ML_MODEL={mine}\n" in ck.ok("cat", f"env:{uid}")


def test_registered_file_that_is_gone_is_said_and_nothing_else_is_taken(ck: Ck, mine: Path):
    uid = detect(ck, mine)
    mine.unlink()
    said = refused(ck, DIGITS)
    assert f"{mine} does not exist" in said
    assert f"ck rm env:{uid} --force" in said


def test_file_for_another_backend_is_refused_by_name(ck: Ck):
    file = ROOT / "package/model-digits-pytorch/digits.pt"
    detect(ck, file, TAGS)
    done = ck.call("run", PROGRAM, "--quiet", "--generate_rnd_tmp_dir", *SHORT, DIGITS)
    assert done.returncode != 0
    assert str(file) in done.stdout + done.stderr
    assert "accuracy: " not in done.stdout
