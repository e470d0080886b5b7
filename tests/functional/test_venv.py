"""``loom venv``: real environments, made by the real pip, entered by the shells that are on this machine."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from benchloom.store.entries import Store
from support.reference import MAIN, NAME, archive
from support.repo import SOURCE, Loom, Repo
from support.server import FileServer

PROGRAM = "program:image-classification-onnx"
SHORT = ("--env.LOOM_INPUT_MODE=accuracy", "--env.LOOM_INPUT_COUNT=20")


@pytest.fixture(scope="module")
def loom(tmp_path_factory: pytest.TempPathFactory) -> Loom:
    """A home whose name would break a script that does not quote, with the environment ``one`` made of ``generic``."""
    made = Loom(tmp_path_factory.mktemp("venv") / "it's a home")
    made("venv", "create", "one").ok()
    return made


@pytest.fixture
def home(tmp_path: Path) -> Loom:
    """A home without environments."""
    return Loom(tmp_path / "home")


def facts(loom: Loom, name: str) -> Any:
    return loom("venv", "show", name, "--json").ok().json


def inside(loom: Loom, name: str, *words: str) -> str:
    return loom("venv", "exec", name, "--", *words).ok().out


def ck_run(loom: Loom, name: str) -> str:
    """Run the program by the `ck` of an environment, in a folder of its own that is removed again."""
    said = inside(loom, name, "ck", "run", PROGRAM, "--quiet", "--generate_rnd_tmp_dir", *SHORT)
    place = next(line.partition(": ")[2] for line in said.splitlines() if line.startswith("Current directory: "))
    shutil.rmtree(place)
    return said


def files(loom: Loom) -> set[str]:
    """What lies in the folder of environments, locks apart."""
    return {path.name for path in (loom.home / "venvs").glob("*") if path.suffix != ".lock"} | {
        path.name for path in (loom.home / "venvs").glob(".*") if path.is_dir()
    }


def test_venv_create_gives_a_world_of_its_own(loom: Loom):
    folder = loom.home / "venvs" / "one"
    found = facts(loom, "one")
    assert (found["template"], found["path"]) == ("venv.template:generic", str(folder))
    assert {"ck", "msgspec", "pip"} <= {item["name"] for item in found["distributions"]}
    assert all(item["digest"].startswith("sha256:") for item in found["distributions"])
    code = "import json, os, sys; print(json.dumps([sys.prefix, dict(os.environ)]))"
    prefix, environ = json.loads(inside(loom, "one", "python", "-c", code))
    assert prefix == environ["VIRTUAL_ENV"] == str(folder)
    assert (environ["CK_REPOS"], environ["CK_TOOLS"]) == (str(folder / "CK"), str(folder / "CK-TOOLS"))
    assert inside(loom, "one", "sh", "-c", '"$CK_VENV_PYTHON_BIN" -c "import sys; print(sys.prefix)"').strip() == prefix
    assert inside(loom, "one", "ck", "ls", "repo").split()[-1] == "benchloom" == found["repositories"][0]
    assert inside(loom, "one", "loom", "--version").startswith("loom, version")
    assert "image-classification-onnx" in inside(loom, "one", "loom", "find", "program")
    stage = f"{loom.home}/venvs/.".encode()
    assert not [path for path in folder.rglob("*") if path.is_file() and stage in path.read_bytes()]


def test_venv_exec_ends_as_its_command_ends(loom: Loom):
    assert loom("venv", "exec", "one", "--", "sh", "-c", "exit 7").code == 7
    assert loom("venv", "exec", "one", "sh", "-c", "kill -TERM $$").code == -signal.SIGTERM
    missing = loom("venv", "exec", "one", "--", "no-such-command")
    assert missing.code == 2
    assert "no-such-command" in missing.err


@pytest.mark.parametrize("shell", ["sh", "bash", "zsh", "fish"])
def test_venv_activate_line_enters_and_deactivate_restores_everything(loom: Loom, shell: str):
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    line = loom("venv", "activate", "one", "--shell", "bash" if shell == "sh" else shell).ok().out.strip()
    # `_` and the level of nested shells are the shell's own
    show = "env | grep -v -e ^_= -e ^SHLVL= -e ^OLDPWD= | sort"
    script = f"{show}\necho ----\n{line}\n{line}\ncommand -v ck\ncommand -v loom\ncommand -v python\necho $CK_VENV\necho ----\ndeactivate\n{show}"
    done = subprocess.run(
        [shell, "-c", script],
        env={**os.environ, "HOME": str(loom.home), "CK_TOOLS": "/else where", "PYTHONHOME": ""},
        cwd=loom.home,
        capture_output=True,
        text=True,
        check=True,
        stdin=subprocess.DEVNULL,
    )
    before, within, after = done.stdout.split("----\n")
    bin_ = loom.home / "venvs" / "one" / "bin"
    assert within.splitlines() == [*(str(bin_ / name) for name in ("ck", "loom", "python")), "one"]
    assert "CK_TOOLS=/else where" in after.splitlines()
    assert set(before.splitlines()) - set(after.splitlines()) <= {"PYTHONHOME="}
    assert set(after.splitlines()) <= set(before.splitlines())


def test_venv_activate_without_a_terminal_prints_the_line_for_the_users_shell(loom: Loom):
    assert loom("venv", "activate", "one", SHELL="/usr/bin/fish").out.startswith("source '")
    assert "Activate.ps1" in loom("venv", "activate", "one", "--shell", "powershell").out
    line = loom("venv", "activate", "one", SHELL="/bin/bash").out
    done = subprocess.run(["bash", "-c", f"{line}\ncommand -v ck"], capture_output=True, text=True, check=True)
    assert done.stdout.strip().endswith("one/bin/ck")


def test_venv_lock_makes_an_equal_environment_or_none(loom: Loom, tmp_path: Path):
    file = tmp_path / "one.lock.json"
    locked = loom("venv", "lock", "one", "--output", str(file), "--json").ok().json
    again = loom("venv", "create", "two", f"--lock={file}", "--json").ok().json
    assert again["distributions"] == facts(loom, "one")["distributions"] == locked["distributions"]
    assert again["template"] == "venv.template:generic"
    assert "V2.6.4" in inside(loom, "two", "ck", "version")

    other = {**locked, "platform": {**locked["platform"], "python": "3.9"}}
    file.write_text(json.dumps(other))
    refused = loom("venv", "create", "three", f"--lock={file}")
    assert (refused.code, "Python 3.9" in refused.err) == (5, True)

    nodes = [
        {**node, "version": "0.0.1"} if node["family"].endswith("-ck") else node for node in locked["plan"]["nodes"]
    ]
    file.write_text(json.dumps({**locked, "plan": {**locked["plan"], "nodes": nodes}}))
    drifted = loom("venv", "create", "three", f"--lock={file}")
    assert (drifted.code, "0.0.1" in drifted.err) == (5, True)

    wrong = [{**item, "digest": "sha256:" + "0" * 64} for item in locked["distributions"]]
    file.write_text(json.dumps({**locked, "distributions": wrong}))
    changed = loom("venv", "create", "three", f"--lock={file}")
    assert (changed.code, "DO NOT MATCH THE HASHES" in changed.err) == (3, True)

    file.write_text("{}")
    assert loom("venv", "create", "three", f"--lock={file}").code == 2
    assert files(loom) == {"one", "two"}
    assert loom("venv", "rm", "two").code == 0
    assert [item["name"] for item in loom("venv", "ls", "--json").json] == ["one"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("create", "one"), "a virtual environment 'one' exists already"),
        (("create", "../one"), "is not a valid name"),
        (("create", "new", "--template=generik"), "generic"),
        (("create", "new", "--tags=generic", "--template=generic"), "by name or by tags"),
        (("create", "new", "--python=/no/python"), "--python"),
        (("create", "new", "--python=/bin/false"), "is not a working Python interpreter"),
        (("create", "new", "--no-such-flag=1"), "--no-such-flag"),
        (("create", "new", "--dep_add_tags.nobody=x"), "nobody"),
        (("create", "new", "word"), "unexpected argument"),
        (("create", "new", "--lock=/no/lock"), "the lock cannot be read"),
        (("show", "onee"), "did you mean 'one'?"),
        (("rm", "../one"), "no virtual environment"),
        (("activate", "none-such"), "no virtual environment"),
        (("exec", "none-such", "true"), "no virtual environment"),
        (("exec", "one", "--"), "no command was given"),
        (("lock", "one", "--output=/dev/null/file"), "the lock cannot be written"),
    ],
)
def test_venv_wrong_input_exits_2_and_changes_nothing(loom: Loom, words: tuple[str, ...], said: str):
    answer = loom.here("venv", *words)
    assert (answer.code, answer.out) == (2, "")
    assert said in answer.err
    assert files(loom) == {"one"}


def python(pattern: str) -> Path | None:
    """Return an interpreter of the versions ``pattern``, beside the running one or on PATH."""
    beside = sorted(Path(sys.base_prefix).parent.glob(f"{pattern}*/bin/python3"))
    on_path = [Path(found) for found in [shutil.which(f"python{pattern}")] if found]
    for candidate in (*beside, *on_path):
        if subprocess.run([candidate, "--version"], capture_output=True, check=False).returncode == 0:
            return candidate
    return None


def test_venv_old_python_is_refused_by_its_version(loom: Loom):
    old = python("3.[6-9].")
    if old is None:
        pytest.skip("no old Python is installed")
    refused = loom.here("venv", "create", "new", f"--python={old}")
    assert refused.code == 2
    assert "3.10 or newer" in refused.err


def test_venv_ls_of_an_empty_home_exits_1(home: Loom):
    answer = home.here("venv", "ls")
    assert (answer.code, answer.out) == (1, "")


def test_venv_killed_or_interrupted_leaves_no_environment_and_the_next_one_is_whole(home: Loom):
    for number, status in ((signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGKILL, -signal.SIGKILL)):
        child = subprocess.Popen(
            [sys.executable, "-m", "benchloom", "venv", "create", "one"],
            env={**os.environ, **home.environ, "PYTHONPATH": str(SOURCE)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # noqa: PLW1509 - no threads here
        )
        while not list((home.home / "venvs").glob(".one.*/bin/python")):
            time.sleep(0.01)
            assert child.poll() is None
        child.send_signal(number)
        said = child.communicate(timeout=30)[1]
        assert child.returncode == status, said
        assert home.here("venv", "ls").code == 1
        left = files(home)
        assert bool(left) == (number == signal.SIGKILL), said
    stage = f"{home.home}/venvs/{left.pop()}"
    while subprocess.run(["pgrep", "-f", stage], check=False, capture_output=True).stdout:
        time.sleep(0.1)  # a child of the killed one still writes
    with ThreadPoolExecutor(2) as pool:
        codes = sorted(answer.code for answer in pool.map(lambda _: home("venv", "create", "one"), range(2)))
    assert codes == [0, 2]  # one made it, the other found it made
    assert files(home) == {"one"}
    made = facts(home, "one")["created"]
    failed = home("venv", "create", "one", "--force", PIP_CONSTRAINT="/nowhere/constraints.txt")
    assert (failed.code, facts(home, "one")["created"]) == (3, made)
    # All of its wheels are in the store by now; ck is built among others from Python 3.12 on, which asks for its source again.
    offline = ["--offline"] if sys.version_info < (3, 12) else []
    again = home("venv", "create", "one", "--force", *offline, "--json")
    assert made < again.ok().json["created"]
    assert files(home) == {"one"}


def test_venv_template_for_submissions_brings_backend_loadgen_and_the_reference_source(home: Loom, tmp_path: Path):
    served = tmp_path / "served"
    served.mkdir()
    (served / NAME).write_bytes(archive())
    with FileServer(served) as server:
        made = home(
            "venv", "create", "mlperf", "--template=mlperf-inference-1.0", f"--mirror={server.url('')}", "--json"
        )
    found = made.ok().json
    names = {item["name"] for item in found["distributions"]}
    assert {"ck", "mlcommons_loadgen", "onnxruntime", "opencv-python-headless", "pycocotools", "pillow"} <= names
    source = Path(found["needs"]["reference"])
    assert (source / MAIN).is_file()
    home.here("gc").ok()
    assert source.is_dir()
    # what programs need is in the environment, so nothing is installed beside it
    record = json.loads(inside(home, "mlperf", "loom", "run", PROGRAM, "--count=20", "--json"))
    plan = json.loads(Path(record["record"]).read_text())["plan"]
    python = next(node for node in plan["nodes"] if node["id"] == "python")
    assert (python["action"], python["candidate"]["origin"]) == ("reuse", "detected")
    assert "of 20 correct (top1)" in ck_run(home, "mlperf")
    assert "VERSION" in inside(home, "mlperf", "ck", "show", "env").upper()
    home("venv", "rm", "mlperf").ok()
    home.here("gc", "--all").ok()
    assert Store(home.home / "store").keys() == ()


@pytest.mark.parametrize("round_", ["1.0", "6.1"])
def test_venv_templates_of_rounds_choose_other_backends_by_tags(home: Loom, round_: str):
    answer = home.here(
        "plan", f"venv.template:mlperf-inference-{round_}", "--dep_add_tags.backend=torch", "--json"
    ).ok()
    assert answer.node("backend")["candidate"]["component"] == "package:lib-python-torch"
    assert answer.node("loadgen")["candidate"]["version"] == "6.0.17"
    assert f"r{round_}" in answer.node("reference")["candidate"]["component"]


def test_venv_needs_of_a_template_that_fail_leave_nothing(tmp_path: Path):
    repo = Repo(tmp_path / "repo")
    url = "http://127.0.0.1:9/absent"
    repo.package("broken", "trial,broken", fetch=[{"url": url, "digest": "sha256:" + "0" * 64}])
    repo.entry("venv.template", "trial", "trial,venv,broken-template", needs={"thing": {"tags": "trial,broken"}})
    loom = Loom(tmp_path / "home", repo)
    failed = loom.here("venv", "create", "new", "--tags=broken-template")
    assert failed.code == 3
    assert "Python packages" not in failed.err  # what is fetched comes first
    assert files(loom) == set()


def test_venv_of_a_template_without_python_libraries_has_the_engine(tmp_path: Path):
    repo = Repo(tmp_path / "repo")
    repo.entry("venv.template", "bare", "trial,venv,bare-template")
    loom = Loom(tmp_path / "home", repo)
    loom("venv", "create", "new", "--template=bare").ok()
    answer = loom("venv", "exec", "new", "--", "loom", "find", "--tags=trial,bare-template", "--json").ok()
    assert [item["ref"] for item in answer.json] == ["venv.template:bare"]


def test_venv_leaves_out_what_its_template_can_do_without_and_says_how_to_add_it(tmp_path: Path):
    repo = Repo(tmp_path / "repo")
    fetch = {"url": "http://127.0.0.1:9/source.zip", "unpinned": "a trial"}
    repo.package("source", "trial,source", fetch=[fetch])
    need = {"tags": "trial,source", "continue_on_error": "yes"}
    needs = {"source": need, "ck": {"tags": "lib,python-package,ck"}}
    repo.entry("venv.template", "trial", "trial,venv,open-template", needs=needs)
    loom = Loom(tmp_path / "home", repo)
    created = loom("venv", "create", "new", "--template=trial").ok()
    how = "loom venv create new --template=trial --force --mirror=DIR, where DIR has source.zip"
    why = f"source.zip could not be fetched; to add it: {how}"
    assert f"loom: warning: source is left out: {why}\n" in created.err
    assert created.err.index("left out") < created.err.index("Python packages")
    assert "to add it: ./loom venv create new" in loom("venv", "show", "new", LOOM_TYPED="./loom").ok().out
    assert (facts(loom, "new")["left_out"], facts(loom, "new")["needs"]) == ({"source": why}, {})
    asked = loom.here("venv", "create", "other", "--template=trial", "--dep_add_tags.source=trial")
    assert (asked.code, files(loom)) == (3, {"new"})
    (tmp_path / "mirror").mkdir()
    (tmp_path / "mirror" / "source.zip").write_bytes(b"anything")
    lock = str(loom.home / "venvs" / "new" / "loom-venv.lock.json")
    again = loom("venv", "create", "again", f"--lock={lock}", f"--mirror={tmp_path / 'mirror'}").ok()
    assert "left out" not in again.err
    assert Path(facts(loom, "again")["needs"]["source"]).exists()


@pytest.mark.parametrize("version", ["3.10", "3.12", "3.13"])
def test_venv_of_another_python_runs_ck_and_programs(home: Loom, version: str):
    if "LOOM_TEST_HEAVY" not in os.environ or f"{sys.version_info.major}.{sys.version_info.minor}" == version:
        pytest.skip("LOOM_TEST_HEAVY=1 tries Pythons other than the running one")
    interpreter = python(version)
    if interpreter is None:
        pytest.skip(f"Python {version} is not installed")
    found = home("venv", "create", "other", f"--python={interpreter}", "--json").ok().json
    assert found["python"].startswith(f"{version}.")
    assert ("zombie-imp" in {item["name"] for item in found["distributions"]}) == (version >= "3.12")
    assert "of 20 correct (top1)" in ck_run(home, "other")
