"""Real child processes: how they end, what they see, and that nothing of them stays."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchloom.base import group
from benchloom.errors import ExecutionError, InputError
from benchloom.run.process import ProcessResult, clean_environment, last_lines, run_process

IGNORES_TERM = """
import os, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
if os.fork() == 0:
    if os.fork() == 0:
        open(sys.argv[1] + ".2", "w").write(str(os.getpid()))
        time.sleep(600)
    open(sys.argv[1] + ".1", "w").write(str(os.getpid()))
    time.sleep(600)
open(sys.argv[1] + ".0", "w").write(str(os.getpid()))
time.sleep(600)
"""


def run(tmp_path: Path, *argv: str, **more: object) -> ProcessResult:
    options: dict[str, object] = {"env": {"PATH": os.environ["PATH"]}, "timeout": 60.0, **more}
    return run_process(argv, cwd=tmp_path, stdout=tmp_path / "out.txt", stderr=tmp_path / "err.txt", **options)


def python(tmp_path: Path, code: str, *arguments: str, **more: object) -> ProcessResult:
    return run(tmp_path, sys.executable, "-I", "-c", code, *arguments, **more)


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def all_end(pids: list[int]) -> bool:
    for _ in range(1000):
        if not any(map(is_running, pids)):
            return True
        time.sleep(0.01)
    return False


def pids_of(mark: Path, count: int) -> list[int]:
    """Wait for the files in which processes tell their numbers."""
    places = [mark.with_name(f"{mark.name}.{number}") for number in range(count)]
    for _ in range(3000):
        if all(place.exists() and place.read_text() for place in places):
            return [int(place.read_text()) for place in places]
        time.sleep(0.01)
    raise AssertionError("the processes did not start")


def test_run_process_success_keeps_both_streams(tmp_path: Path):
    result = run(tmp_path, "sh", "-c", "echo out; echo err >&2")
    assert (result.status, result.exit_code, result.signal) == ("ok", 0, "")
    assert (tmp_path / "out.txt").read_text() == "out\n"
    assert (tmp_path / "err.txt").read_text() == "err\n"
    assert result.started <= result.ended
    assert result.started.endswith("Z")


@pytest.mark.parametrize("code", [1, 2, 77, 255])
def test_run_process_exit_code_is_told(tmp_path: Path, code: int):
    result = run(tmp_path, "sh", "-c", f"exit {code}")
    assert (result.status, result.exit_code, result.signal) == ("failed", code, "")


@pytest.mark.parametrize("name", ["SIGKILL", "SIGSEGV", "SIGTERM"])
def test_run_process_signal_is_told_by_name(tmp_path: Path, name: str):
    result = run(tmp_path, "sh", "-c", f"kill -{name[3:]} $$")
    assert (result.status, result.exit_code, result.signal) == ("failed", None, name)


def test_run_process_real_time_signal_without_a_name_is_told_by_number(tmp_path: Path):
    assert run(tmp_path, "sh", "-c", "kill -40 $$").signal == "signal 40"


def test_run_process_works_in_its_folder_and_input_is_closed(tmp_path: Path):
    run(tmp_path, "sh", "-c", "pwd; cat; echo end")
    assert (tmp_path / "out.txt").read_text() == f"{tmp_path.resolve()}\nend\n"


def test_run_process_second_run_adds_to_the_files(tmp_path: Path):
    heard: list[str] = []
    run(tmp_path, "echo", "one", echo=heard.append)
    run(tmp_path, "echo", "two", echo=heard.append)
    assert (tmp_path / "out.txt").read_text() == "one\ntwo\n"
    assert heard == ["one\n", "two\n"]


NASTY = {
    "QUOTES": "'\"\"'",
    "DOLLAR": "$HOME ${HOME} $(date) $<<X>>$",
    "TICKS": "`date`",
    "LINES": "a\nb\r\n\tc\\n",
    "UNICODE": "größe 数 🎲",
    "EMPTY": "",
    "SPACES": "  a  b  ",
    "EQUALS": "a=b=c",
    "odd name-1": "x",
    "RAW": os.fsdecode(b"\xff\xfe"),
}


def seen_environment(tmp_path: Path, env: dict[str, str]) -> dict[bytes, bytes]:
    (tmp_path / "out.txt").unlink(missing_ok=True)
    run(tmp_path, "env", "-0", env=env)
    return dict(item.split(b"=", 1) for item in (tmp_path / "out.txt").read_bytes().split(b"\0") if item)


def test_run_process_environment_arrives_byte_for_byte(tmp_path: Path):
    env = clean_environment({"PATH": os.environ["PATH"]}, NASTY)
    assert seen_environment(tmp_path, env) == {os.fsencode(k): os.fsencode(v) for k, v in env.items()}


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])))
def test_run_process_any_value_arrives_byte_for_byte(tmp_path: Path, value: str):
    env = clean_environment({"PATH": os.environ["PATH"]}, {"X": value})
    assert seen_environment(tmp_path, env)[b"X"] == value.encode()


def test_run_process_words_arrive_byte_for_byte(tmp_path: Path):
    words = [*NASTY.values(), "*", "~", "#x"]
    python(tmp_path, "import json, os, sys; print(json.dumps([os.fsencode(a).hex() for a in sys.argv[1:]]))", *words)
    assert json.loads((tmp_path / "out.txt").read_text()) == [os.fsencode(word).hex() for word in words]


def test_clean_environment_host_settings_pass_and_pythons_own_do_not():
    host = {
        "PATH": "/bin",
        "http_proxy": "p",
        "LC_ALL": "C",
        "OMP_NUM_THREADS": "2",
        "PYTHONPATH": "x",
        "PYTHONSTARTUP": "x",
        "VIRTUAL_ENV": "x",
        "MY_TOKEN": "secret",
    }
    assert clean_environment(host, {"A": "1", "PATH": "/usr/bin"}) == {
        "PATH": "/usr/bin",
        "http_proxy": "p",
        "LC_ALL": "C",
        "OMP_NUM_THREADS": "2",
        "A": "1",
    }


@pytest.mark.parametrize(("name", "value"), [("", "x"), ("a=b", "x"), ("a\0b", "x"), ("a", "x\0y")])
def test_clean_environment_impossible_variable_is_input_error(name: str, value: str):
    with pytest.raises(InputError, match="is not a valid environment variable"):
        clean_environment({}, {name: value})


@pytest.mark.parametrize(
    "argv", [("/no/such/program",), ("no-such-program-zz",), ("/etc/passwd",), ("echo", "a\0b"), ("echo", "\ud800")]
)
def test_run_process_that_cannot_start_is_execution_error(tmp_path: Path, argv: tuple[str, ...]):
    with pytest.raises(ExecutionError, match="cannot be started") as caught:
        run(tmp_path, *argv)
    assert caught.value.why
    assert caught.value.exit_code == 4


def test_run_process_folder_that_is_not_there_is_execution_error(tmp_path: Path):
    with pytest.raises(ExecutionError, match="cannot be started"):
        run_process(["true"], cwd=tmp_path / "none", env={}, timeout=1, stdout=tmp_path / "o", stderr=tmp_path / "e")


def test_run_process_timeout_ends_child_politely(tmp_path: Path):
    code = "import signal, sys, time; signal.signal(15, lambda *_: (print('bye'), sys.exit(9))); time.sleep(600)"
    # a fresh interpreter needs a moment until it listens
    result = python(tmp_path, code, timeout=2.0)
    assert (result.status, result.exit_code) == ("timeout", 9)
    assert (tmp_path / "out.txt").read_text() == "bye\n"


def test_run_process_timeout_kills_group_that_ignores_sigterm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(group, "GRACE_SECONDS", 0.2)
    result = python(tmp_path, IGNORES_TERM, str(tmp_path / "pid"), timeout=2.0)
    assert (result.status, result.exit_code, result.signal) == ("timeout", None, "SIGKILL")
    assert all_end(pids_of(tmp_path / "pid", 3))


def test_run_process_child_that_ends_leaves_no_grandchild(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(group, "GRACE_SECONDS", 0.2)
    result = run(tmp_path, "sh", "-c", "sleep 600 & echo $! > pid.0; exit 5")
    assert (result.status, result.exit_code) == ("failed", 5)
    assert all_end(pids_of(tmp_path / "pid", 1))


def test_run_process_grandchild_that_only_finishes_its_work_is_waited_for(tmp_path: Path):
    assert run(tmp_path, "sh", "-c", "(sleep 0.3; echo late) & echo early").status == "ok"
    assert (tmp_path / "out.txt").read_text() == "early\nlate\n"


def test_run_process_echo_gets_both_streams_to_the_last_byte(tmp_path: Path):
    heard: list[str] = []
    code = "import sys; print('ü' * 100_000, end=''); print('done', file=sys.stderr, end='')"
    python(tmp_path, code, echo=heard.append)
    text = "".join(heard)
    assert text.count("ü") == 100_000
    assert "done" in text
    assert len(text) == 100_004
    assert (tmp_path / "out.txt").read_text() == "ü" * 100_000


def test_run_process_echo_comes_while_the_child_runs(tmp_path: Path):
    """The child waits for a file that only the listener makes."""
    done = threading.Event()

    def listen(text: str) -> None:
        if "ready" in text:
            (tmp_path / "go").touch()
            done.set()

    result = run(tmp_path, "sh", "-c", "echo ready; until test -e go; do sleep 0.01; done", echo=listen)
    assert result.status == "ok"
    assert done.is_set()


def test_run_process_character_split_between_two_writes_is_heard_whole(tmp_path: Path):
    heard: list[str] = []
    code = "import os, time; os.write(1, b'\\xc3'); time.sleep(0.3); os.write(1, b'\\xbc')"
    python(tmp_path, code, echo=heard.append)
    assert "".join(heard) == "ü"


def test_run_process_listener_that_goes_away_does_not_disturb_the_child(tmp_path: Path):
    def broken(_: str) -> None:
        raise BrokenPipeError

    assert run(tmp_path, "sh", "-c", "echo a; sleep 0.2; echo b", echo=broken).status == "ok"
    assert (tmp_path / "out.txt").read_text() == "a\nb\n"


@pytest.mark.parametrize("interruptions", [1, 2])
def test_run_process_interruption_leaves_no_orphan(tmp_path: Path, interruptions: int):
    """A real SIGINT to a process that is waiting for its child; the second one comes during the grace time."""
    code = """
import os, signal, sys
from pathlib import Path
from benchloom.run.process import run_process
signal.signal(signal.SIGINT, signal.default_int_handler)  # whoever runs the tests may ignore it
here = Path(sys.argv[1])
try:
    run_process([sys.executable, "-I", "-c", sys.argv[2], str(here / "pid")], cwd=here, env=dict(os.environ),
                timeout=None, stdout=here / "out.txt", stderr=here / "err.txt")
except KeyboardInterrupt:
    sys.exit(130)
"""
    parent = subprocess.Popen([sys.executable, "-c", code, str(tmp_path), IGNORES_TERM])
    pids = pids_of(tmp_path / "pid", 3)
    for _ in range(interruptions):
        parent.send_signal(signal.SIGINT)
        time.sleep(0.5)
    assert parent.wait(30) == 130
    assert all_end(pids)


def test_last_lines_of_an_endless_log_are_read_from_its_end(tmp_path: Path):
    with (tmp_path / "log").open("wb") as stream:
        stream.truncate(1 << 33)
        stream.seek(0, os.SEEK_END)
        stream.write(b"\nlast but one\rthe last\n")
    assert last_lines(tmp_path / "log", 2) == ["last but one", "the last"]
