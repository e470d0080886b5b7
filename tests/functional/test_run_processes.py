"""How programs end and what reaches them: T8, T11, T18, T19 of the peer-failure catalogue, and kin."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from support.repo import SOURCE, Loom, Repo

TRICKY = "a 'b' \"c\" $HOME `id` $(id)\n\ttwo\\n %s ü"

WAITS = "import os, time\nopen({file!r}, 'w').write(str(os.getpid()))\ntime.sleep(600)\n"


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    return Repo(tmp_path / "repo")


@pytest.fixture
def loom(tmp_path: Path, repo: Repo) -> Loom:
    return Loom(tmp_path / "home", repo)


def last_record(loom: Loom) -> dict:
    return json.loads(max((loom.home / "records").glob("*.json")).read_text())


def test_t08_build_script_exits_7_is_reported_and_leaves_no_entry(repo: Repo, loom: Loom):
    folder = repo.script("make-thing", "trial,make", install={"script": "make.sh"}, result="thing")
    (folder / "make.sh").write_text("echo half > thing\necho the reason >&2\nexit 7\n")
    answer = loom("install", "--tags=trial,make", "--json")
    assert answer.code == 3
    assert answer.json["error"]["details"]["exit_code"] == 7
    assert "exit code 7" in answer.err
    assert "the reason" in answer.err
    assert not list((loom.home / "store" / "entries").glob("*"))
    (folder / "make.sh").write_text("echo whole > thing\n")
    installed = loom("install", "--tags=trial,make", "--json").ok()
    assert Path(installed.json["nodes"][0]["path"]).read_text() == "whole\n"


def test_t08_program_exits_7_is_reported_and_recorded(repo: Repo, loom: Loom):
    repo.program("seven", "trial,seven", code="import sys\nsys.stderr.write('seven it is\\n')\nsys.exit(7)\n")
    answer = loom("run", "program:seven", "--json")
    assert answer.code == 4
    assert answer.json["error"]["details"]["exit_code"] == 7
    assert "seven it is" in answer.err
    record = last_record(loom)
    assert record["status"] == "failed"
    assert record["repetitions"][0]["exit_code"] == 7
    assert answer.json["error"]["details"]["record"].endswith(f"{record['id']}.json")


def test_t11_program_killed_by_signal_is_named(repo: Repo, loom: Loom):
    repo.program("dies", "trial,dies", code="import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n")
    answer = loom("run", "program:dies", "--json")
    assert answer.code == 4
    assert answer.json["error"]["details"]["signal"] == "SIGKILL"
    assert last_record(loom)["repetitions"][0]["signal"] == "SIGKILL"


def test_t11_program_past_its_limit_is_killed_with_its_children(repo: Repo, loom: Loom, tmp_path: Path):
    pid_file = tmp_path / "pid"
    code = (
        "import subprocess, sys, time\n"
        f"child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        f"open({str(pid_file)!r}, 'w').write(str(child.pid))\n"
        "time.sleep(600)\n"
    )
    repo.program("hangs", "trial,hangs", code=code)
    answer = loom("run", "program:hangs", "--timeout=1.5", "--json")
    assert answer.code == 4
    assert "TIMEOUT" in answer.err
    assert answer.json["error"]["kind"] == "RunTimeoutError"
    assert last_record(loom)["status"] == "timeout"
    with pytest.raises(ProcessLookupError):
        _wait_gone(int(pid_file.read_text()))


def start(loom: Loom, *words: str) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [sys.executable, "-m", "benchloom", *words],
        env={**os.environ, **loom.environ, "PYTHONPATH": str(SOURCE)},
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        # A shell's background job ignores SIGINT, and so would everything below it, this test's children included.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # noqa: PLW1509 - no threads here
    )


def _wait_for_pid(file: Path) -> int:
    for _ in range(600):
        if file.exists() and file.read_text():
            return int(file.read_text())
        time.sleep(0.05)
    raise AssertionError("the process did not start")


def _wait_gone(pid: int) -> None:
    for _ in range(100):
        os.kill(pid, 0)
        time.sleep(0.05)


def test_t18_values_arrive_byte_for_byte(repo: Repo, loom: Loom):
    code = "import json, os, sys\njson.dump([os.environ['TRICKY'], sys.argv[1:]], open('seen.json', 'w'))\n"
    inputs = {"text": {"summary": "any text"}}
    repo.program("echoes", "trial,echoes", code=code, inputs=inputs)
    answer = loom("run", "program:echoes", f"--env.TRICKY={TRICKY}", f"--text={TRICKY}", "--json").ok()
    seen = json.loads((Path(answer.json["directory"]) / "seen.json").read_text())
    assert seen == [TRICKY, [f"--text={TRICKY}"]]


def test_t18_variables_of_a_build_script_arrive_byte_for_byte(repo: Repo, loom: Loom):
    folder = repo.script("keeps", "trial,keeps", install={"script": "keep.py"}, env={"TRICKY": TRICKY}, result="seen")
    (folder / "keep.py").write_text("import os\nopen('seen', 'w').write(os.environ['TRICKY'])\n")
    installed = loom("install", "--tags=trial,keeps", "--json").ok()
    assert Path(installed.json["nodes"][0]["path"]).read_text() == TRICKY


@pytest.mark.parametrize("verb", ["plan", "lock", "explain", "graph", "run --dry-run"])
def test_secret_input_is_in_no_answer_of_any_verb(repo: Repo, loom: Loom, tmp_path: Path, verb: str):
    repo.program("signs", "trial,signs", code="pass", inputs={"token": {"summary": "a token", "secret": True}})
    first, *more = verb.split()
    words = [*more, f"--output={tmp_path / 'made'}"] if first in {"lock", "graph"} else more
    for form in ([], ["--json"]):
        for given in (["--token=s3cret"], ["--token", "s3cret"]):
            answer = loom.here(first, "program:signs", *given, *words, *form)
            assert "no input" not in answer.err
            assert "s3cret" not in answer.out + answer.err
    assert not (tmp_path / "made").exists() or "s3cret" not in (tmp_path / "made").read_text()


def test_secret_input_as_a_variable_is_refused(repo: Repo, loom: Loom):
    repo.program("signs", "trial,signs", code="pass", inputs={"token": {"summary": "a token", "secret": True}})
    answer = loom.here("plan", "program:signs", "--env.LOOM_INPUT_TOKEN=s3cret")
    assert answer.code == 2
    assert "write --token=VALUE" in answer.err
    assert "s3cret" not in answer.err


@pytest.mark.parametrize(
    ("words", "recorded"),
    [(["--token=s3cr3t-t0k3n"], ["--token=***"]), (["--token", "s3cr3t-t0k3n"], ["--token", "***"])],
)
def test_t19_secret_input_reaches_the_program_and_no_file(
    repo: Repo, loom: Loom, words: list[str], recorded: list[str]
):
    code = "import os\nassert os.environ['LOOM_INPUT_TOKEN'] == 's3cr3t-t0k3n'\nprint('signed in')\n"
    repo.program("signs", "trial,signs", code=code, inputs={"token": {"summary": "a token", "secret": True}})
    answer = loom("run", "program:signs", *words, "--json").ok()
    assert (Path(answer.json["directory"]) / "stdout.txt").read_text() == "signed in\n"
    for path in loom.home.rglob("*"):
        if path.is_file():
            assert b"s3cr3t-t0k3n" not in path.read_bytes(), path
    assert "s3cr3t" not in answer.out + answer.err
    assert last_record(loom)["arguments"][-len(recorded) - 1 : -1] == recorded


def test_program_without_its_python_module_says_which(repo: Repo, loom: Loom):
    repo.program("lacks", "trial,lacks", code="import no_such_module\n")
    answer = loom("run", "program:lacks")
    assert answer.code == 4
    assert "No module named 'no_such_module'" in answer.err


def test_program_with_unfit_results_fails_and_is_recorded(repo: Repo, loom: Loom):
    repo.program("lies", "trial,lies", code="open('results.json', 'w').write('{\"schema\": 3}')\n")
    answer = loom("run", "program:lies", "--json")
    assert answer.code == 4
    assert "results.schema.json" in answer.err
    assert last_record(loom)["status"] == "failed"


def test_program_whose_files_have_no_end_fails_with_their_names_and_is_recorded(repo: Repo, loom: Loom):
    code = "import os, sys\nopen('results.json', 'wb').truncate(1 << 33)\n"
    repo.program("swells", "trial,swells", code=code)
    answer = loom("run", "program:swells", "--json")
    assert answer.code == 4
    assert "larger than 67,108,864 bytes" in answer.err
    assert last_record(loom)["status"] == "failed"


def test_failing_repetition_shows_its_own_reason(repo: Repo, loom: Loom):
    code = "import os, sys\nsys.exit('the second fails' if os.getcwd().endswith('repetition-2') else 0)\n"
    repo.program("tires", "trial,tires", code=code)
    answer = loom("run", "program:tires", "--repetitions=3")
    assert answer.code == 4
    assert "why: the second fails" in answer.err
    assert "repetition-2/stderr.txt" in answer.err
    assert [item["status"] for item in last_record(loom)["repetitions"]] == ["ok", "failed"]


def test_program_that_measures_nothing_may_leave_no_results(repo: Repo, loom: Loom):
    repo.program("quiet", "trial,quiet", code="print('done')\n")
    assert loom("run", "program:quiet", "--json").ok().json["results"] is None


def test_script_with_commands_runs_like_a_program_in_the_same_home_and_is_shown(repo: Repo, loom: Loom, tmp_path: Path):
    code = (
        "import os, sys; print(*(os.environ['LOOM_' + name] for name in ('HOME', 'MIRROR', 'OFFLINE')), sys.argv[1:])"
    )
    cmds = {"default": {"run_time": {"run_cmd_main": f'$<<LOOM_PYTHON>>$ -c "{code}"'}}}
    repo.script("says", "trial,says", run_cmds=cmds, inputs={"word": {"summary": "a word"}})
    answer = loom("run", "script:says", "--word=hello", "--offline", f"--mirror={tmp_path}").ok()
    assert f"{loom.home} {tmp_path} yes ['--word=hello']" in answer.err
    assert loom("run", "script:says", "--wort=hello").code == 2


def test_component_folder_is_not_written_to(repo: Repo, loom: Loom):
    repo.program("writes", "trial,writes", code="open('out.txt', 'w').write('x')\n")
    before = sorted(path for path in repo.root.rglob("*"))
    loom("run", "program:writes").ok()
    assert sorted(path for path in repo.root.rglob("*")) == before


def test_run_interrupted_ends_with_130_kills_the_program_and_records(repo: Repo, loom: Loom, tmp_path: Path):
    pid_file = tmp_path / "pid"
    repo.program("waits", "trial,waits", code=WAITS.format(file=str(pid_file)))
    child = start(loom, "run", "program:waits")
    pid = _wait_for_pid(pid_file)
    child.send_signal(signal.SIGINT)
    _, err = child.communicate(timeout=30)
    assert child.returncode == 130
    assert b"interrupted" in err
    with pytest.raises(ProcessLookupError):
        _wait_gone(pid)
    assert last_record(loom)["repetitions"][0]["signal"] == "SIGINT"
    assert last_record(loom)["status"] == "interrupted"


def test_run_of_what_is_no_program_says_what_to_do(repo: Repo, loom: Loom):
    repo.package("data", "trial,data", files={"a.txt": "a"})
    answer = loom("run", "package:data")
    assert answer.code == 2
    assert "loom install package:data" in answer.err


def test_command_with_a_shell_operator_is_refused(repo: Repo, loom: Loom):
    repo.program("pipes", "trial,pipes", command="echo a | cat")
    answer = loom("run", "program:pipes")
    assert answer.code == 2
    assert "without a shell" in answer.err


def test_run_terminated_ends_its_program_and_records(repo: Repo, loom: Loom, tmp_path: Path):
    pid_file = tmp_path / "pid"
    repo.program("waits", "trial,waits", code=WAITS.format(file=str(pid_file)))
    child = start(loom, "run", "program:waits")
    pid = _wait_for_pid(pid_file)
    child.terminate()
    child.communicate(timeout=30)
    assert child.returncode == 128 + signal.SIGTERM
    with pytest.raises(ProcessLookupError):
        _wait_gone(pid)
    assert last_record(loom)["repetitions"][0]["signal"] == "SIGTERM"
    assert last_record(loom)["status"] == "interrupted"


def test_install_interrupted_ends_the_builds_of_all_threads(repo: Repo, loom: Loom, tmp_path: Path):
    pid_file = tmp_path / "pid"
    folder = repo.script("builds", "trial,builds", install={"script": "build.py"})
    (folder / "build.py").write_text(WAITS.format(file=str(pid_file)))
    child = start(loom, "install", "--tags=trial,builds")
    pid = _wait_for_pid(pid_file)
    child.send_signal(signal.SIGINT)
    child.communicate(timeout=30)
    assert child.returncode == 130
    with pytest.raises(ProcessLookupError):
        _wait_gone(pid)
    assert not list((loom.home / "store" / "stage").glob("*"))


def test_install_puts_a_file_into_the_folder_that_its_name_says(repo: Repo, loom: Loom):
    fetch = [{"path": "a.txt", "filename": "sub/b.txt", "unpack_to": "there", "unpinned": "a test"}]
    (repo.package("placed", "trial,placed", fetch=fetch, result="there/sub/b.txt") / "a.txt").write_text("a")
    [node] = loom.here("install", "package:placed", "--json").ok().json["nodes"]
    assert Path(node["path"]).read_text() == "a"


def test_install_refuses_a_file_name_that_leads_outside(repo: Repo, loom: Loom):
    folder = repo.package(
        "sly", "trial,sly", fetch=[{"path": "a.txt", "filename": "../../a.txt", "unpinned": "a test"}]
    )
    (folder / "a.txt").write_text("a")
    answer = loom("install", "package:sly")
    assert answer.code == 2
    assert "leads outside the entry" in answer.err
    assert not list((loom.home / "store").rglob("a.txt"))


def test_entries_of_a_running_program_are_protected_from_collection(repo: Repo, loom: Loom):
    repo.package("data", "trial,data", files={"a.txt": "kept"}, result="a.txt")
    code = (
        "import json, os, subprocess, sys\n"
        "subprocess.run([sys.executable, '-m', 'benchloom', 'gc'], check=True, env={**os.environ, 'LOOM_HOME': sys.argv[1][7:]})\n"
        "print(open(json.load(open(os.environ['LOOM_DATA']))['path']).read())\n"
    )
    deps = {"data": {"tags": "trial,data"}}
    repo.program("collects", "trial,collects", code=code, run_deps=deps, inputs={"home": {"summary": "home"}})
    answer = loom("run", "program:collects", f"--home={loom.home}", "--json").ok()
    assert (Path(answer.json["directory"]) / "stdout.txt").read_text().endswith("kept\n")
