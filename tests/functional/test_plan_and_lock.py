"""Plans without side effects, offline, locks and drift."""

import json
import shutil
import sys
from pathlib import Path

from support.benchmark import TARGET
from support.repo import Loom, Repo
from support.server import FileServer

GUARD = """
import sys
def hook(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.bind"):
        raise SystemExit(f"a socket was used: {event} {arguments}")
sys.addaudithook(hook)
"""


def guarded(folder: Path) -> str:
    """Return a PYTHONPATH whose sitecustomize ends any process that uses a socket."""
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(GUARD)
    return str(folder)


def test_plan_leaves_nothing_behind(tmp_path: Path):
    repo = Repo(tmp_path / "repo")
    repo.package("data", "trial,data", files={"a.txt": "a"})
    loom = Loom(tmp_path / "home", repo)
    loom("plan", "package:data").ok()
    left = {path.relative_to(loom.home).parts[0] for path in loom.home.rglob("*")}
    assert left <= {"index", "repositories.json"}


def test_plan_offline_on_an_empty_store_says_what_is_missing_and_opens_no_socket(tmp_path: Path):
    repo = Repo(tmp_path / "repo")
    digest = "sha256:" + "0" * 64
    repo.package("far", "trial,far", fetch=[{"url": "http://127.0.0.1:9/far.bin", "digest": digest, "size": 12}])
    repo.program("app", "trial,app", run_deps={"far": {"tags": "trial,far"}})
    loom = Loom(tmp_path / "home", repo)
    answer = loom("run", "program:app", "--offline", "--json", PYTHONPATH=guarded(tmp_path / "guard"))
    assert answer.code == 3
    error = answer.json["error"]
    assert error["kind"] == "OfflineError"
    assert error["details"]["missing"] == [f"package:far: http://127.0.0.1:9/far.bin ({digest})"]
    assert "--mirror" in error["fix"]


def test_guard_ends_a_process_that_uses_a_socket(tmp_path: Path):
    repo = Repo(tmp_path / "repo")
    repo.program("talks", "trial,talks", command=f"{sys.executable} $<<LOOM_COMPONENT>>$/main.py")
    repo.package("far", "trial,far", fetch=[{"url": "http://127.0.0.1:9/far.bin", "unpinned": "a test"}])
    loom = Loom(tmp_path / "home", repo)
    answer = loom("install", "package:far", PYTHONPATH=guarded(tmp_path / "guard"))
    assert "a socket was used" in answer.err


def test_plan_states_bytes_digest_reason_and_origin(tmp_path: Path):
    repo = Repo(tmp_path / "repo")
    fetch = [{"url": "http://127.0.0.1:9/far.bin", "digest": "sha256:" + "1" * 64, "size": 2048}]
    repo.package("far", "trial,far", fetch=fetch)
    loom = Loom(tmp_path / "home", repo)
    node = loom("plan", "package:far", "--json").ok().node("target")
    assert node["candidate"]["origin"] == "installable"
    assert (node["action"], node["bytes"], node["digest"]) == ("fetch", 2048, "sha256:" + "1" * 64)
    assert node["reason"]
    text = loom("plan", "package:far").ok().out
    assert "2.0 KiB" in text
    assert "sha256:1111" in text


def test_lock_holds_a_later_plan_and_names_the_drift(tmp_path: Path):
    repo = Repo(tmp_path / "repo")
    repo.package("data", "trial,data", files={"a.txt": "one"})
    loom = Loom(tmp_path / "home", repo)
    loom("lock", "package:data", cwd=tmp_path).ok()
    loom("plan", "--locked", cwd=tmp_path).ok()
    repo.package("data", "trial,data", files={"a.txt": "two"})
    answer = loom("plan", "--locked", "--json", cwd=tmp_path)
    assert answer.code == 5
    error = answer.json["error"]
    assert error["kind"] == "LockDriftError"
    assert any("package:data: fetch was" in item for item in error["details"]["differences"])


def test_lock_keeps_an_older_version_where_a_newer_one_appears(tmp_path: Path):
    repo = Repo(tmp_path / "repo")
    versions = [{"version": "1.0"}]
    repo.package("tool", "trial,tool", versions=versions)
    repo.program("app", "trial,app", run_deps={"tool": {"tags": "trial,tool"}})
    loom = Loom(tmp_path / "home", repo)
    loom("lock", "program:app", cwd=tmp_path).ok()
    repo.package("tool-next", "trial,tool", version="2.0")
    assert (
        loom("plan", "program:app", "--locked", "--json", cwd=tmp_path).ok().node("tool")["candidate"]["version"]
        == "1.0"
    )


def test_lock_that_cannot_be_kept_is_drift(tmp_path: Path):
    repo = Repo(tmp_path / "repo")
    repo.package("tool", "trial,tool", version="1.0")
    repo.program("app", "trial,app", run_deps={"tool": {"tags": "trial,tool"}})
    loom = Loom(tmp_path / "home", repo)
    loom("lock", "program:app", cwd=tmp_path).ok()
    repo.package("tool", "trial,tool", version="2.0")
    answer = loom("plan", "program:app", "--locked", cwd=tmp_path)
    assert answer.code == 5
    assert "2.0" in answer.err


def test_lock_with_other_inputs_is_drift(tmp_path: Path):
    loom = Loom(tmp_path / "home")
    loom("lock", TARGET, "--scenario=Offline", cwd=tmp_path).ok()
    assert json.loads((tmp_path / "loom.lock.json").read_text())["inputs"] == {"scenario": "Offline"}
    assert loom("plan", "--locked", cwd=tmp_path).code == 0
    answer = loom("plan", "--locked", "--scenario=Server", cwd=tmp_path)
    assert answer.code == 5
    assert "inputs was scenario=Offline, is scenario=Server" in answer.err


def test_lock_missing_or_broken_file_is_an_input_error(tmp_path: Path):
    loom = Loom(tmp_path / "home")
    answer = loom("plan", TARGET, "--locked", cwd=tmp_path)
    assert answer.code == 2
    assert "loom lock" in answer.err
    (tmp_path / "loom.lock.json").write_text("{]")
    assert loom("plan", TARGET, "--locked", cwd=tmp_path).code == 2


def test_same_lock_and_store_give_identical_plans_in_two_homes(tmp_path: Path):
    one = Loom(tmp_path / "one")
    one("lock", TARGET, cwd=tmp_path).ok()
    one("install", TARGET, "--quiet").ok()
    shutil.copytree(tmp_path / "one", tmp_path / "elsewhere" / "two", symlinks=True)
    two = Loom(tmp_path / "elsewhere" / "two")
    first = one("plan", TARGET, "--locked", "--json", cwd=tmp_path, PYTHONHASHSEED="1").ok()
    second = two("plan", TARGET, "--locked", "--json", cwd=tmp_path, PYTHONHASHSEED="2").ok()
    assert first.out == second.out


def test_install_through_mirror_folder_needs_no_network(tmp_path: Path):
    served = tmp_path / "served"
    served.mkdir()
    (served / "far.bin").write_bytes(b"payload")
    repo = Repo(tmp_path / "repo")
    digest = "sha256:239f59ed55e737c77147cf55ad0c1b030b6d7ee748a7426952f9b852d5a935e5"
    repo.package("far", "trial,far", fetch=[{"url": "http://127.0.0.1:9/far.bin", "digest": digest}], result="far.bin")
    loom = Loom(tmp_path / "home", repo)
    answer = loom("install", "package:far", "--offline", f"--mirror={served}", "--json").ok()
    assert Path(answer.json["nodes"][0]["path"]).read_bytes() == b"payload"


def test_install_digest_mismatch_ends_with_5_and_keeps_nothing(tmp_path: Path):
    served = tmp_path / "served"
    served.mkdir()
    (served / "far.bin").write_bytes(b"other bytes")
    repo = Repo(tmp_path / "repo")
    with FileServer(served) as server:
        url = server.url("far.bin")
        repo.package("far", "trial,far", fetch=[{"url": url, "digest": "sha256:" + "a" * 64}], result="far.bin")
        loom = Loom(tmp_path / "home", repo)
        answer = loom("install", "package:far", "--json")
    assert answer.code == 5
    assert "sha256:" + "a" * 64 in answer.err
    assert not list((loom.home / "store" / "entries").glob("*"))
    assert not list((loom.home / "store" / "downloads").glob("*"))


def test_install_archive_that_leads_outside_ends_with_5(tmp_path: Path):
    import zipfile
    from hashlib import sha256

    served = tmp_path / "served"
    served.mkdir()
    with zipfile.ZipFile(served / "evil.zip", "w") as archive:
        archive.writestr("../outside.txt", "gotcha")
    repo = Repo(tmp_path / "repo")
    digest = f"sha256:{sha256((served / 'evil.zip').read_bytes()).hexdigest()}"
    with FileServer(served) as server:
        repo.package("evil", "trial,evil", fetch=[{"url": server.url("evil.zip"), "digest": digest, "archive": "zip"}])
        loom = Loom(tmp_path / "home", repo)
        answer = loom("install", "package:evil")
    assert answer.code == 5
    assert "outside the destination" in answer.err
    assert not list(loom.home.rglob("outside.txt"))
    assert not list((loom.home / "store" / "entries").glob("*"))
