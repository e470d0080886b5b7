"""What the operating system refuses is one message with an exit code, never an internal error or a traceback."""

import json
import os
import resource
import subprocess
import sys
from datetime import datetime, timedelta, timezone, tzinfo
from pathlib import Path

import pytest

from benchloom.app import running
from benchloom.base.atomic import write_bytes
from benchloom.run import process
from support.mounts import mounted
from support.repo import SOURCE, Loom, Repo

FULL = Path("/dev/full")


def loom(*words: str, home: Path, out: int = subprocess.PIPE, err: int = subprocess.PIPE) -> tuple[int, str, str]:
    """Run the command as most users do, with output that Python buffers."""
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    done = subprocess.run(
        [sys.executable, "-m", "benchloom", *words],
        env={**inherited, "PYTHONPATH": str(SOURCE), "LOOM_HOME": str(home)},
        stdin=subprocess.DEVNULL,
        stdout=out,
        stderr=err,
        text=True,
        timeout=120,
        check=False,
    )
    return done.returncode, done.stdout or "", done.stderr or ""


@pytest.mark.skipif(not FULL.exists(), reason="no /dev/full here")
@pytest.mark.parametrize(
    "words",
    [["find"], ["plan", "program:image-classification-onnx", "--json"], ["show", "program:image-classification-onnx"]],
)
def test_output_that_cannot_be_written_is_an_error(words: list[str], tmp_path: Path):
    with FULL.open("w") as full:
        code, _, said = loom(*words, home=tmp_path, out=full.fileno())
    assert code == 4
    assert said == "loom: the output cannot be written: No space left on device\n  where: standard output\n"


@pytest.mark.skipif(not FULL.exists(), reason="no /dev/full here")
@pytest.mark.parametrize("more", [[], ["--json"]])
def test_an_error_that_cannot_be_written_keeps_its_exit_code(more: list[str], tmp_path: Path):
    with FULL.open("w") as full:
        code, _, _ = loom("find", "--tags=no-such-tag", *more, home=tmp_path, out=full.fileno(), err=full.fileno())
    assert code == 2


def test_a_home_that_cannot_be_made_is_named(tmp_path: Path):
    (tmp_path / "file").write_text("not a folder")
    code, data, said = loom("find", "--json", home=tmp_path / "file" / "home")
    assert code == 4
    assert json.loads(data)["error"]["where"] == str(tmp_path / "file" / "home")
    assert said.startswith("loom: Not a directory\n")


@pytest.mark.parametrize(
    "words",
    [
        ("gc", "--older-than=nan"), ("gc", "--older-than=inf"), ("gc", "--older-than=1e300"), ("run", "program:any", "--timeout=nan"),
        ("run", "program:any", "--timeout=inf"), ("tune", "program:any", "--timeout=nan"), ("tune", "program:any", "--precision=nan"),
    ],
)  # fmt: skip
def test_no_number_is_taken_for_a_number(words: tuple[str, ...], tmp_path: Path):
    code, _, said = loom(*words, home=tmp_path)
    assert code == 2
    assert f"Invalid value for '{words[-1].partition('=')[0]}'" in said


@pytest.mark.parametrize("verb", ["run", "plan", "install", "find", "detect", "verify", "record"])
def test_a_word_that_is_not_utf_8_is_refused_before_anything_is_done(verb: str, tmp_path: Path):
    code, data, said = loom(verb, "--json", "program:any", os.fsdecode(b"--record_tags=a\xff"), home=tmp_path)
    assert code == 2
    assert json.loads(data)["error"]["where"] == "word 4 of the command line"
    assert said.startswith(
        "loom: it is not valid UTF-8\n  where: word 4 of the command line\n  why: '--record_tags=a\\udcff'"
    )
    assert not list(tmp_path.iterdir())


def test_a_home_whose_name_is_not_utf_8_is_refused(tmp_path: Path):
    code, _, said = loom("find", home=tmp_path / os.fsdecode(b"a\xff"))
    assert code == 2
    assert "where: the variable LOOM_HOME" in said


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_certificates_that_cannot_be_read_are_named(
    content: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "certificates.pem"))
    if content:
        (tmp_path / "certificates.pem").write_text(content)
    repo = Repo(tmp_path / "repo")
    repo.package("far", "far,trial", fetch=[{"url": "https://127.0.0.1:9/a.txt", "digest": f"sha256:{'0' * 64}"}])
    answer = Loom(tmp_path / "home", repo)("install", "package:far")
    assert answer.code == 3, answer.err
    assert "the CA certificates cannot be read" in answer.err
    assert "where: the variables SSL_CERT_FILE and SSL_CERT_DIR" in answer.err


def test_links_that_lead_nowhere_and_names_that_are_not_utf_8_hide_no_data_set(tmp_path: Path):
    folder = tmp_path / "images"
    folder.mkdir()
    names = [f"ILSVRC2012_val_{number:08d}.JPEG" for number in range(1, 4)]
    for name in names[:2]:
        (folder / name).write_bytes(b"x")
    (folder / names[2]).symlink_to("nowhere")
    (folder / "loop.JPEG").symlink_to("loop.JPEG")
    (folder / os.fsdecode(b"bad-\xff.JPEG")).write_bytes(b"x")
    (folder / "val_map.txt").write_text("".join(f"{name} 1\n" for name in names))
    code, said, problem = loom("detect", "dataset.imagenet.val", f"--search_dirs={folder}", home=tmp_path / "home")
    assert (code, problem) == (0, "")
    assert str(folder) in said
    words = (
        "run",
        "program:image-classification-onnx",
        "--dep_add_tags.model=resnet50,random-weights",
        "--mode=performance",
    )
    more = ("--dep_add_tags.dataset=imagenet", "--count=3", "--quiet", f"--dataset_path={folder}")
    code, _, problem = loom(*words, *more, home=tmp_path / "home")
    assert code == 2, problem
    assert f"1 missing: {names[2]}" in problem


def test_a_clock_that_jumps_back_neither_overwrites_a_record_nor_makes_a_duration_negative(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    class Clock(datetime):
        times = iter(datetime(2026, 1, 1, tzinfo=timezone.utc) - timedelta(hours=number) for number in range(1000))

        @classmethod
        def now(cls, _: tzinfo | None = None) -> datetime:
            return next(cls.times)

    for module in (running, process):
        monkeypatch.setattr(module, "datetime", Clock)
    repo = Repo(tmp_path / "repo")
    repo.program("app", "trial,app")
    at = Loom(tmp_path / "home", repo)
    for _ in range(3):
        at.here("run", "program:app", "--quiet").ok()
    records = [json.loads(path.read_text()) for path in (at.home / "records").glob("*.json")]
    assert len(records) == 3
    assert all(item["ended"] < item["started"] for item in records)  # the times are those of the clock, as it stood
    assert all(0 <= repetition["seconds"] < 60 for item in records for repetition in item["repetitions"])
    assert at.here("record", "ls").ok().out.count("program:app") == 3
    assert at.here("gc").ok()


def test_a_file_that_cannot_be_written_to_its_end_is_named(tmp_path: Path):
    path, limits = tmp_path / "record.json", resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
    try:
        with pytest.raises(OSError, match="too large") as caught:
            write_bytes(path, b"x" * 5000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert caught.value.filename == str(path)  # an error without a file is taken for one of standard output
    assert not list(tmp_path.iterdir())


def mounted_home(
    mount: str, home: Path, *words: str, then: str = ":", cwd: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Run the command with a home that is mounted by ``mount``."""
    env = {**os.environ, "PYTHONPATH": str(SOURCE), "LOOM_HOME": str(home)}
    return mounted(mount, home, sys.executable, "-m", "benchloom", *words, then=then, cwd=cwd, env=env)


@pytest.mark.parametrize(
    ("words", "code", "refused"),
    [
        (["plan", "program:image-classification-onnx"], 0, ""),
        (["find", "--tags=model,onnx"], 0, ""),
        (["run", "program:image-classification-onnx"], 4, "runs"),
        (["venv", "create", "trial"], 4, "venvs"),
        (["repo", "add", "."], 4, "repositories.json.lock"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_a_home_that_is_mounted_read_only_serves_what_only_reads(
    words: list[str], code: int, refused: str, tmp_path: Path
):
    home = tmp_path / "home"
    home.mkdir()
    Repo(tmp_path / "repo", "trial")
    mount = 'mount --bind "$1" "$1" && mount -o remount,ro,bind "$1"'
    done = mounted_home(mount, home, *words, cwd=tmp_path / "repo")
    fix = "set LOOM_HOME to a writable folder"
    assert done.returncode == code, done.stderr
    expected = f"loom: Read-only file system\n  where: {home / refused}\n  fix: {fix}\n"
    assert done.stderr == (expected if refused else "")
    assert list(home.iterdir()) == []


SMALL = (
    'known=$(cat "$1/repositories.json") && mount -t tmpfs -o size=2m tmpfs "$1"'
    ' && echo "$known" > "$1/repositories.json"'
)
FILL = "with open('all', 'wb', 0) as stream:\n    while True:\n        stream.write(bytes(4096))\n"


def test_a_build_that_fails_on_a_full_disk_says_so(tmp_path: Path):
    """Its log is on the same disk, and has no word of it."""
    repo = Repo(tmp_path / "repo", "trial")
    folder = repo.package("fills", "trial,fills", install={"script": "fill.sh"})
    (folder / "fill.sh").write_text("dd if=/dev/zero of=all bs=64k 2>/dev/null\n")
    Loom(tmp_path / "home", repo)
    done = mounted_home(SMALL, tmp_path / "home", "install", "package:fills")
    assert done.returncode == 3
    assert "loom: the disk is full: package:fills could not be written\n" in done.stderr


def test_a_run_that_fills_the_disk_leaves_its_record(tmp_path: Path):
    repo = Repo(tmp_path / "repo", "trial")
    repo.program("fills", "trial,fills", code=FILL)
    Loom(tmp_path / "home", repo)
    done = mounted_home(SMALL, tmp_path / "home", "run", "program:fills", then='cat "$LOOM_HOME"/records/*.json')
    assert done.returncode == 4
    assert "program:fills ended with exit code 1" in done.stderr
    assert json.loads(done.stdout)["status"] == "failed"


@pytest.mark.parametrize(
    "words",
    [
        ["plan", "program:image-classification-onnx", "--dataset_path=LONG"],
        ["plan", "program:image-classification-onnx", "--model_path=LONG"],
        ["plan", "program:image-classification-onnx", "--labels_path=LONG"],
        ["plan", "program:image-classification-onnx", "--user_conf=LONG"],
        ["lint", "LONG"],
        ["repo", "add", "LONG"],
        ["record", "show", "LONG"],
        ["submit", "check", "LONG"],
    ],
)
def test_a_path_that_is_too_long_is_wrong_input(words: list[str], tmp_path: Path):
    code, _, said = loom(*(word.replace("LONG", "é" * 300) for word in words), home=tmp_path)
    assert code == 2
    assert said.startswith("loom: the path is too long\n  where: ")
    assert "  fix: use a shorter path\n" in said
