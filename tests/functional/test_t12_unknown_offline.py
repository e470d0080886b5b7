"""T12: an unknown component is known to be unknown without asking anybody."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from support.repo import SOURCE, Loom

# Ends the process with 99 at the first socket, name look-up or child process, whoever asks for it.
WATCHED = """
import os, sys
FORBIDDEN = ("socket.", "subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.fork")
def watch(event, arguments):
    if event.startswith(FORBIDDEN):
        os.write(2, f"forbidden: {event} {arguments!r}\\n".encode())
        os._exit(99)
sys.addaudithook(watch)
from benchloom.cli.main import main
sys.exit(main(sys.argv[1:]))
"""


def watched(home: Path, code: str, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code, *words],
        env={**os.environ, "LOOM_HOME": str(home), "PYTHONPATH": str(SOURCE)},
        cwd=home,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("offline", [["--offline"], []])
@pytest.mark.parametrize("verb", ["run", "plan", "install"])
def test_t12_unknown_component_exits_2_and_opens_no_socket(tmp_path: Path, verb: str, offline: list[str]):
    done = watched(tmp_path, WATCHED, verb, "program:nobody-made-this", *offline)
    assert done.returncode == 2, done.stderr
    assert "no component is called 'program:nobody-made-this'" in done.stderr
    assert done.stdout == ""


def test_unknown_kind_or_verb_exits_2_and_opens_no_socket(tmp_path: Path):
    assert watched(tmp_path, WATCHED, "find", "nokind:x").returncode == 2
    assert watched(tmp_path, WATCHED, "no-such-verb").returncode == 2


def test_unknown_component_with_a_near_name_hints_at_it(tmp_path: Path):
    known = Loom(tmp_path).here("find", "program", "--json").ok().json[0]["ref"]
    done = watched(tmp_path, WATCHED, "run", known[:-1])
    assert done.returncode == 2
    assert known in done.stderr


def test_watch_itself_sees_a_socket(tmp_path: Path):
    code = WATCHED.replace("from benchloom.cli.main import main", "import socket; socket.socket()")
    assert watched(tmp_path, code).returncode == 99
