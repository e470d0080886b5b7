"""Every command of CK's pages, typed as it stands with the real `ck`, has the outcome that the table states.

A representative part runs always; LOOM_TEST_CK_PAGES=all runs the whole table, some of whose commands install the large backends.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from functools import reduce
from pathlib import Path
from typing import Any

import msgspec
import pytest

from benchloom.authoring.ck_pages import AS_WRITTEN, REFUSED, SPELLED, Expectation, PageCommand, PageGroup, read_table
from support.ck import ROOT
from support.ck_pages import BROWSED, Shell, World, world

GROUPS = read_table(ROOT)
ROWS = [row for group in GROUPS for row in group.rows]
IS_WHOLE = os.environ.get("LOOM_TEST_CK_PAGES") == "all"
HAS_GPU = shutil.which("nvidia-smi") is not None
SOON = 30  # seconds in which a server must answer


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with world(tmp_path_factory.mktemp("ck-pages"), has_submission=IS_WHOLE) as here:
        yield here


@pytest.mark.timeout(3600 if IS_WHOLE else 300)
@pytest.mark.parametrize("group", GROUPS, ids=lambda group: group.group)
def test_commands_of_the_ck_pages_have_the_outcome_that_the_table_states(group: PageGroup, made: World):
    typist = Typist(made, group.group)
    wrong = [f"{row.id}: {problem}" for row in group.rows if IS_WHOLE or row.ci for problem in typist.problems(row)]
    assert not wrong, "\n\n".join(wrong)


def test_the_table_has_every_command_once_and_each_has_an_outcome():
    assert len({row.id for row in ROWS}) == len(ROWS) == 176
    assert {row.outcome for row in ROWS} == {AS_WRITTEN, SPELLED, REFUSED}
    for row in ROWS:
        if row.outcome == REFUSED and row.id != "B01":  # which is the help of a command that is refused
            assert 0 not in row.expect.exits, row.id
        if row.outcome != REFUSED and not row.without_gpu:
            assert 0 in row.expect.exits, row.id
    assert all(any(row.ci for row in group.rows) for group in GROUPS)


@pytest.mark.parametrize(
    "row",
    [
        {"expect": {}},
        {"expect": {"exit": 1}},
        {"expect": {"says": ["x"]}, "ours": "ck"},
        {"expect": {"says": ["x"]}, "refused": {"exit": 1, "says": ["x"]}},
        {"expect": {"says": ["x"]}, "ours": "ck", "instead": "nothing", "refused": {"exit": 1, "says": ["x"]}},
        {},
    ],
)
def test_a_row_without_an_outcome_cannot_be_read(row: dict[str, Any]):
    whole = {"id": "X", "command": "ck", "pages": "none", "gives": "nothing", **row}
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(whole, type=PageCommand)


class Typist:
    """Types the commands of a group in a home of its own."""

    def __init__(self, made: World, name: str) -> None:
        self.world = made
        self.shell: Shell = made.shell(name.replace(" ", "-"))
        self.typed: set[str] = set()

    def problems(self, row: PageCommand) -> Iterator[str]:
        """Yield what is not as ``row`` states."""
        begun = time.monotonic()
        for command in (*(command for command in row.given if command not in self.typed), *row.before):
            self.typed.add(command)
            done = self.shell(command)
            if done.returncode:
                yield f"before it, $ {command}\n{_ends(done)}"
        if row.refused:
            yield from self.differences(row.command, row.refused)
        expected = row.expect if HAS_GPU or row.without_gpu is None else row.without_gpu
        yield from self.differences(row.ours or row.command, expected)
        print(f"{row.id:5} {row.outcome}, {time.monotonic() - begun:.1f} s")  # noqa: T201 - pytest -rP shows it

    def differences(self, command: str, expected: Expectation) -> Iterator[str]:
        """Yield what ``command`` does in another way than ``expected``."""
        since = time.time() - 1  # some file systems keep whole seconds
        if expected.page:
            text = self.served(command)
            if expected.page not in text:
                yield f"$ {command}\nthe page does not have {expected.page!r}: {text[-2000:]}"
            return
        done = self.shell(command)
        found = [
            *_of_streams(done, expected),
            *_of_files(self.shell.home, expected, since),
            *(self.unregistered("package", expected.installs, since) if expected.installs else ()),
            *(self.unregistered("soft", expected.detects, since) if expected.detects else ()),
            *(_of_results(self.results(since), expected.results) if expected.results else ()),
        ]
        if found:
            yield "\n".join([f"$ {command}", *found, _ends(done)])

    def unregistered(self, kind: str, alias: str, since: float) -> Iterator[str]:
        """Yield a problem if no environment was registered for the entry ``alias`` in the meantime."""
        info = self.world.copy / kind / alias / ".cm" / "info.json"
        names = {alias, json.loads(info.read_text())["backup_data_uid"]} if info.is_file() else {alias}
        files = (self.shell.home / "CK" / "local" / "env").glob("*/.cm/meta.json")
        metas = [json.loads(file.read_text()) for file in files if file.stat().st_mtime >= since]
        found = [meta for meta in metas if meta.get(f"{kind}_uoa") in names and not meta.get("tmp")]
        if not any(Path(meta["customize"]["full_path"]).exists() for meta in found):
            others = [meta.get(f"{kind}_uoa") for meta in metas]
            yield f"{kind}:{alias} was not registered; {others} were"

    def results(self, since: float) -> Any:
        """Return the results that a run left in the meantime."""
        files = [*self.world.copy.glob("program/*/tmp*/results.json")]
        fresh = [file for file in files if file.stat().st_mtime >= since]
        return json.loads(max(fresh, key=lambda file: file.stat().st_mtime).read_text()) if fresh else {}

    def served(self, command: str) -> str:
        """Return the page at the address that ``command`` opens in a browser."""
        (browsed := self.shell.home / BROWSED).unlink(missing_ok=True)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.shell(f"ck set kernel --var.default_port={port}")
        with subprocess.Popen(
            ["bash", "-c", command],
            cwd=self.shell.home,
            env=self.shell.environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        ) as process:
            try:
                return _page(browsed)
            finally:
                os.killpg(process.pid, signal.SIGKILL)


def _page(browsed: Path) -> str:
    end = time.monotonic() + SOON
    while time.monotonic() < end:
        try:
            with urllib.request.urlopen(browsed.read_text().strip(), timeout=SOON) as answer:  # http on this machine
                return str(answer.read().decode())
        except (FileNotFoundError, ValueError, urllib.error.URLError):
            time.sleep(0.1)
    return "no page was served"


def _of_streams(done: "subprocess.CompletedProcess[str]", expected: Expectation) -> Iterator[str]:
    if done.returncode not in expected.exits:
        yield f"it ended with {done.returncode}, not {sorted(expected.exits)}"
    said = done.stdout + done.stderr
    yield from (f"it does not say {text!r}" for text in expected.says if text not in said)
    if expected.silent and said.strip():
        yield "it is not silent"


def _of_files(home: Path, expected: Expectation, since: float) -> Iterator[str]:
    if expected.file and not any(path.stat().st_mtime >= since for path in home.glob(expected.file)):
        yield f"{expected.file} is not there, or is older than the command"
    if expected.gone and (home / expected.gone).exists():
        yield f"{expected.gone} is still there"


def _of_results(results: Any, expected: dict[str, Any]) -> Iterator[str]:
    for key, value in expected.items():
        found = reduce(lambda table, name: (table or {}).get(name), key.split("."), results)
        if found != value:
            yield f"results: {key} is {found!r}, not {value!r}"


def _ends(done: "subprocess.CompletedProcess[str]") -> str:
    return f"ended with {done.returncode}\n{done.stdout[-1500:]}\n{done.stderr[-1500:]}"
