"""T9: thirty-two processes want one key at the same moment. One builds, all succeed, the entry is whole.

Run as a program, this file is the single-threaded parent that forks the builders, so that they start together.
"""

import hashlib
import json
import os
import subprocess
import sys
import tarfile
import time
import traceback
from pathlib import Path

from benchloom.model.component import Fetch
from benchloom.store.archive import extract
from benchloom.store.entries import Store
from benchloom.store.fetch import Fetcher
from benchloom.store.verify import verify

KEY = "sha256-parallel"
PROCESSES = 32


def test_t09_build_thirty_two_processes_at_once_builds_and_downloads_once(tmp_path: Path):
    from support.server import FileServer  # late: the forking parent has no tests folder on its path

    served = tmp_path / "served"
    (served / "content").mkdir(parents=True)
    content = {f"{number}.bin": os.urandom(20_000) for number in range(20)}
    for name, data in content.items():
        (served / "content" / name).write_bytes(data)
    with tarfile.open(served / "data.tar.gz", "w:gz") as made:
        made.add(served / "content", "content")
    digest = f"sha256:{hashlib.sha256((served / 'data.tar.gz').read_bytes()).hexdigest()}"
    with FileServer(served) as server:
        done = subprocess.run(
            [sys.executable, __file__, str(tmp_path / "work"), server.url("data.tar.gz"), digest],
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
        assert server.requests["/data.tar.gz"] == 1
    said = json.loads(done.stdout)
    assert said["codes"] == [0] * PROCESSES, done.stderr
    assert len(said["builders"]) == 1
    assert said["warnings"] == 0
    store = Store(tmp_path / "work" / "store")
    assert [finding.severity for finding in verify(store)] == ["pass"]
    got = {p.name: p.read_bytes() for p in (store.content(KEY) / "content").iterdir()}
    assert got == content
    assert os.listdir(store.root / "stage") == []
    assert not (store.root / "quarantine").exists()


def build(work: Path, fetch: Fetch) -> None:
    """What one process does: exactly one of them gets to call ``builder``."""
    store = Store(work / "store")

    def builder(folder: Path) -> dict[str, str]:
        with (work / "builders").open("a") as log:
            log.write(f"{os.getpid()}\n")
        time.sleep(0.2)  # time for every other process to arrive
        extract(Fetcher(store.root).obtain(fetch, folder).path, fetch.archive, folder)
        return {"component": "package:data"}

    entry = store.build(KEY, "data", builder)
    assert len(entry.files) == 20
    assert all((store.content(KEY) / name).stat().st_size == 20_000 for name in entry.files)


def fork_builders(work: Path, fetch: Fetch) -> list[int]:
    """Fork, let all start at once by closing a pipe, and return the exit codes."""
    gate, opener = os.pipe()
    pids = []
    for _ in range(PROCESSES):
        pid = os.fork()
        if pid == 0:
            os.close(opener)
            os.read(gate, 1)
            try:
                build(work, fetch)
            except BaseException:  # noqa: BLE001 - a forked process must never go on as pytest's parent would
                traceback.print_exc()
                os._exit(1)
            os._exit(0)
        pids.append(pid)
    os.close(opener)
    return [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in pids]


def main(work: str, url: str, digest: str) -> None:
    """Print what became of the builders as JSON."""
    import httpx2  # noqa: F401 - loaded before the forks, so that they start together

    place = Path(work)
    place.mkdir()
    codes = fork_builders(place, Fetch(url=url, digest=digest, archive="tar"))
    builders = (place / "builders").read_text().splitlines()
    warnings = len(list((place / "store").glob("quarantine/*")))
    sys.stdout.write(json.dumps({"codes": codes, "builders": builders, "warnings": warnings}))


if __name__ == "__main__":
    main(*sys.argv[1:])
