"""T10: an install is killed with SIGKILL at every step. What was, or what should be, is there; never anything between.

An install is what the executor does for a fetched node: download over HTTP, extract, seal, publish. Steps are the
audit events of the file system inside the store (before the operation happens) and every write, flush and fsync. Run as
a program, this file is the warm single-threaded parent that forks one install after the other.
"""

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import traceback
import zipfile
from collections.abc import Callable
from pathlib import Path

from benchloom.base.talk import Silent
from benchloom.model.component import Fetch
from benchloom.store.archive import extract
from benchloom.store.entries import Store
from benchloom.store.fetch import Fetcher, FetchOptions
from benchloom.store.gc import collect
from benchloom.store.verify import verify

KEY = "sha256-killed"
MOST_KILLS = 90
LEAST_KILLS = 50
EVENTS = {"open", "os.rename", "os.mkdir", "os.rmdir", "os.remove", "os.chmod", "os.symlink", "os.link", "os.truncate"}
CALLS = {"write", "flush", "fsync", "flock"}
CONTENT = {
    "model.onnx": bytes(range(256)) * 1200,
    "labels/val_map.txt": b"a.jpg 0\n" * 500,
    "labels/tool": b"#!/bin/sh\n",
}


class Heard(Silent):
    """Warnings would mean that a reader met something half."""

    def __init__(self) -> None:
        self.warnings: list[str] = []

    def warn(self, text: str) -> None:
        """Keep it."""
        self.warnings.append(text)


def test_t10_install_killed_at_every_step_leaves_old_state_or_new(tmp_path: Path):
    from support.server import FileServer  # late: the forking parent has no tests folder on its path

    served = tmp_path / "served"
    served.mkdir()
    with zipfile.ZipFile(served / "data.zip", "w") as made:
        for name, data in CONTENT.items():
            made.writestr(name, data)
    digest = f"sha256:{hashlib.sha256((served / 'data.zip').read_bytes()).hexdigest()}"
    with FileServer(served) as server:
        done = subprocess.run(
            [sys.executable, __file__, str(tmp_path / "work"), server.url("data.zip"), digest],
            capture_output=True,
            text=True,
            check=False,
            timeout=240,
        )
        resumed = [request for request in server.seen("data.zip") if "range" in request.headers]
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["problems"] == []
    assert said["kills"] >= LEAST_KILLS
    assert set(said["before"]) == {"nothing", "entry"}, "kills fell on both sides of the publishing rename"
    assert resumed, "no kill fell into the download"


def install(root: Path, fetch: Fetch, talk: Silent) -> None:
    """Build one entry as the executor does for a node with files."""
    store, fetcher = Store(root, talk), Fetcher(root, FetchOptions(backoff=0.0), talk)

    def builder(folder: Path) -> dict[str, str]:
        extract(fetcher.obtain(fetch, folder).path, fetch.archive, folder)
        return {"component": "package:data"}

    store.build(KEY, "data", builder)
    store.add_root("record-1", [KEY])


def count_steps(root: Path, at_step: Callable[[], None]) -> None:
    """Call ``at_step`` before every file-system event inside ``root`` and every write, flush and fsync."""
    inside = os.fspath(root)
    is_counting = True

    def audit(event: str, arguments: tuple[object, ...]) -> None:
        if event not in EVENTS or not is_counting:
            return
        if event == "open" and not (isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR)):
            return
        if any(
            os.fsdecode(part).startswith(inside) for part in arguments if isinstance(part, str | bytes | os.PathLike)
        ):
            at_step()

    def profile(_: object, event: str, argument: object) -> None:
        if event == "c_call" and getattr(argument, "__name__", "") in CALLS:
            at_step()

    sys.addaudithook(audit)
    sys.setprofile(profile)


def forked_install(root: Path, fetch: Fetch, kill_at: int, counter: Path | None = None) -> int:
    """Install in a forked process that kills itself at a step (0: never); return its exit code."""
    pid = os.fork()
    if pid:
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    steps = 0

    def at_step() -> None:
        nonlocal steps
        steps += 1
        if steps == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

    try:
        count_steps(root, at_step)
        install(root, fetch, Silent())
        sys.setprofile(None)
        if counter:
            counter.write_text(str(steps))
    except BaseException:  # noqa: BLE001 - a forked process must never go on as its parent would
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


def what_is_there(root: Path, fetch: Fetch, problems: list[str]) -> str:
    """Judge a store as a reader meets it: ``nothing`` or ``entry``, and problems for everything else."""
    talk = Heard()
    store = Store(root, talk)
    entry = store.find(KEY)
    problems += [str(finding) for finding in verify(store) if finding.severity != "pass"]
    if entry is not None:
        problems += _wrong_content(store)
    blob = Fetcher(root).blob(fetch)
    if blob.exists() and f"sha256:{hashlib.sha256(blob.read_bytes()).hexdigest()}" != fetch.digest:
        problems.append("the download is not the file")
    problems += talk.warnings
    problems += [f"quarantined: {path.name}" for path in root.glob("quarantine/*")]
    store.roots()
    return "entry" if entry else "nothing"


def _wrong_content(store: Store) -> list[str]:
    content = store.content(KEY)
    got = {path.relative_to(content).as_posix(): path.read_bytes() for path in content.rglob("*") if path.is_file()}
    return [] if got == CONTENT else [f"the entry holds {sorted(got)} or other bytes"]


def one_kill(root: Path, fetch: Fetch, step: int, problems: list[str]) -> tuple[str, int]:
    """Kill an install, kill the next one half as far, then install cleanly; look at the store after each.

    Returns what the first kill left, and how many of the two installs were really killed.
    """
    found, kills = "", 0
    for kill_at in (step, step // 2):
        code = forked_install(root, fetch, kill_at)
        state = what_is_there(root, fetch, problems)
        found = found or state
        kills += code == -signal.SIGKILL
        if code not in {-signal.SIGKILL, 0} or (code == 0 and state != "entry"):
            problems.append(f"step {kill_at}: exit code {code} with {state}")
    if forked_install(root, fetch, 0) != 0 or what_is_there(root, fetch, problems) != "entry":
        problems.append(f"step {step}: the clean install after it failed")
    collect(Store(root))
    left = [path for name in ("stage", "downloads") for path in root.glob(f"{name}/*")]
    problems += [f"step {step}: gc left {path}" for path in left]
    if what_is_there(root, fetch, problems) != "entry":
        problems.append(f"step {step}: gc took a protected entry")
    return found, kills


def main(work: str, url: str, digest: str) -> None:
    """Kill at every step, or at evenly spread ones, and print what was seen as JSON."""
    import httpx2  # noqa: F401 - warm before the forks

    place = Path(work)
    place.mkdir()
    fetch = Fetch(url=url, digest=digest, archive="zip")
    problems: list[str] = []
    if forked_install(place / "whole", fetch, 0, place / "steps") != 0:
        raise SystemExit("an install that nobody kills fails")
    steps = int((place / "steps").read_text())
    chosen = sorted({1 + number * (steps - 1) // (MOST_KILLS - 1) for number in range(MOST_KILLS)})
    before: set[str] = set()
    kills = 0
    for step in chosen:
        found: list[str] = []
        state, killed = one_kill(place / "killed", fetch, step, found)
        before.add(state)
        kills += killed
        problems += [f"step {step}: {problem}" for problem in found]
        shutil.rmtree(place / "killed")
    sys.stdout.write(json.dumps({"steps": steps, "kills": kills, "before": sorted(before), "problems": problems}))


if __name__ == "__main__":
    main(*sys.argv[1:])
