"""``loom repo``: added folders and clones, overlays, and repositories that the real `ck` and `cm` read."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.repo import Loom, Repo, uid_of
from support.server import FileServer

GIT = {
    "GIT_AUTHOR_NAME": "a",
    "GIT_AUTHOR_EMAIL": "a@example.org",
    "GIT_COMMITTER_NAME": "a",
    "GIT_COMMITTER_EMAIL": "a@example.org",
    "GIT_CONFIG_GLOBAL": os.devnull,
}


def git(folder: Path, *words: str) -> str:
    done = subprocess.run(
        ["git", *words], cwd=folder, env={**os.environ, **GIT}, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


@pytest.fixture
def loom(tmp_path: Path) -> Loom:
    return Loom(tmp_path / "home")


@pytest.fixture
def origin(tmp_path: Path) -> Repo:
    """A git repository with one package, whose first commit is tagged v1."""
    repo = Repo(tmp_path / "origin", "shared")
    repo.package("thing", "shared,thing", version="1", files={"a.txt": "one"})
    git(repo.root, "init", "-q", "-b", "main")
    commit(repo)
    git(repo.root, "tag", "v1")
    return repo


def commit(repo: Repo) -> str:
    git(repo.root, "add", "-A")
    git(repo.root, "commit", "-q", "-m", "change")
    return git(repo.root, "rev-parse", "HEAD")


@pytest.fixture
def served(origin: Repo, tmp_path: Path) -> Iterator[str]:
    """The URL of ``origin`` on a local HTTP server."""
    git(tmp_path, "clone", "-q", "--bare", str(origin.root), "served.git")
    git(tmp_path / "served.git", "update-server-info")
    with FileServer(tmp_path) as server:
        yield server.url("served.git")


def names(loom: Loom) -> list[str]:
    return [item["alias"] for item in loom.here("repo", "list", "--json").ok().json]


def clones(loom: Loom) -> list[str]:
    folder = loom.home / "repos"
    return sorted(path.name for path in folder.iterdir() if path.name != ".lock") if folder.is_dir() else []


def test_repo_add_folder_is_searched_and_its_uid_kept(loom: Loom, origin: Repo):
    added = loom.here("repo", "add", str(origin.root), "--json").ok().json
    assert (added["alias"], added["uid"], added["origin"]) == ("shared", uid_of("shared"), "folder")
    assert added["components"] == 1
    assert loom.here("find", "--tags=shared,thing", "--json").ok().json[0]["repo"] == "shared"
    assert names(loom) == ["benchloom", "shared"]


def test_repo_add_higher_priority_takes_the_plain_name_and_hides_nothing(loom: Loom, origin: Repo, tmp_path: Path):
    over = Repo(tmp_path / "over", "over")
    over.package("thing", "shared,thing,patched", version="2")
    loom.here("repo", "add", str(origin.root)).ok()
    loom.here("repo", "add", str(over.root), "--priority", "5").ok()
    found = loom.here("find", "--tags=shared,thing", "--json").ok().json
    named = {item["repo"]: item["ref"] for item in found}
    assert named == {"over": "package:thing", "shared": "shared:package:thing"}
    loom.here("repo", "remove", "over").ok()
    assert loom.here("find", "--tags=shared,thing", "--json").ok().json[0]["repo"] == "shared"
    assert (over.root / "package/thing/.cm/meta.json").is_file()


def test_repo_add_taken_name_is_refused_until_another_is_given(loom: Loom, origin: Repo, tmp_path: Path):
    other = Repo(tmp_path / "other", "shared")
    loom.here("repo", "add", str(origin.root)).ok()
    refused = loom.here("repo", "add", str(other.root))
    assert (refused.code, "--name" in refused.err) == (2, True)
    loom.here("repo", "add", str(other.root), "--name", "other").ok()
    assert {"shared", "other"} <= set(names(loom))


def test_repo_add_absent_folder_exits_2(loom: Loom, tmp_path: Path):
    refused = loom.here("repo", "add", str(tmp_path / "absent"))
    assert refused.code == 2
    assert "not a folder" in refused.err


def test_repo_add_name_that_leads_elsewhere_is_refused(loom: Loom, origin: Repo):
    (origin.root / ".ckr.json").write_text(json.dumps({"data_alias": "../outside"}))
    commit(origin)
    assert loom.here("repo", "add", origin.root.as_uri()).code == 2
    assert clones(loom) == []
    assert not (loom.home / "outside").exists()


@pytest.mark.parametrize("scheme", ["file", "http"])
def test_repo_add_url_clones_it_and_remove_deletes_the_clone(loom: Loom, origin: Repo, served: str, scheme: str):
    url = served if scheme == "http" else origin.root.as_uri()
    added = loom.here("repo", "add", url, "--json").ok().json
    assert (added["alias"], added["origin"], added["url"]) == ("shared", "clone", url)
    assert clones(loom) == ["shared"]
    assert loom.here("find", "--tags=shared,thing").code == 0
    loom.here("repo", "remove", "shared").ok()
    assert clones(loom) == []
    assert "shared" not in names(loom)


def test_repo_add_url_without_identity_is_called_as_the_url(loom: Loom, origin: Repo):
    (origin.root / ".ckr.json").unlink()
    commit(origin)
    assert loom.here("repo", "add", origin.root.as_uri(), "--json").ok().json["alias"] == "origin"


def test_repo_add_url_twice_is_refused_and_keeps_the_first(loom: Loom, origin: Repo):
    loom.here("repo", "add", origin.root.as_uri()).ok()
    assert loom.here("repo", "add", origin.root.as_uri()).code == 2
    assert clones(loom) == ["shared"]
    assert loom.here("find", "--tags=shared,thing").code == 0


def test_repo_add_url_that_fails_leaves_nothing_and_hides_the_password(loom: Loom, served: str):
    absent = served.replace("http://", "http://user:secret@").replace("served.git", "absent.git")
    failed = loom.here("repo", "add", absent)
    assert failed.code == 3
    assert "git clone failed" in failed.err
    assert "secret" not in failed.err + failed.out
    assert clones(loom) == []
    assert "absent" not in names(loom)


def test_repo_add_url_never_asks_for_a_password(loom: Loom, tmp_path: Path):
    with FileServer(tmp_path) as server:
        server.fail("private.git/info/refs", 401, times=None)
        answer = loom("repo", "add", server.url("private.git"))
    assert answer.code == 3
    assert clones(loom) == []


def test_repo_add_offline_refuses_the_network_but_not_a_file_url(loom: Loom, origin: Repo):
    refused = loom.here("repo", "add", "https://example.invalid/repo.git", "--offline")
    assert (refused.code, "--offline" in refused.err) == (3, True)
    loom.here("repo", "add", origin.root.as_uri(), "--offline").ok()


def test_repo_add_killed_while_cloning_leaves_nothing_that_counts(loom: Loom, origin: Repo, tmp_path: Path):
    with FileServer(tmp_path) as server:
        server.behave("slow.git/info/refs", delay=5.0)
        environ = {**os.environ, **loom.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        command = [sys.executable, "-m", "benchloom", "repo", "add", server.url("slow.git")]
        child = subprocess.Popen(command, env=environ, stderr=subprocess.DEVNULL, start_new_session=True)
        while not server.requests:
            assert child.poll() is None
            time.sleep(0.02)
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()
    assert len(names(loom)) == 1
    loom.here("repo", "add", origin.root.as_uri()).ok()
    assert clones(loom) == ["shared"]


def test_repo_update_follows_the_branch(loom: Loom, origin: Repo):
    loom.here("repo", "add", origin.root.as_uri()).ok()
    origin.package("second", "shared,second", version="1")
    head = commit(origin)
    done = loom.here("repo", "update", "--json").ok().json
    assert [(item["alias"], item["after"]) for item in done] == [("shared", head)]
    assert loom.here("find", "--tags=shared,second").code == 0


def test_repo_add_checkout_holds_a_tag_through_updates(loom: Loom, origin: Repo):
    origin.package("second", "shared,second", version="1")
    commit(origin)
    loom.here("repo", "add", origin.root.as_uri(), "--checkout", "v1").ok()
    done = loom.here("repo", "update", "shared", "--json").ok().json
    assert done[0]["before"] == done[0]["after"] == git(origin.root, "rev-parse", "v1")
    assert loom.here("find", "package:second").code == 1


def test_repo_add_checkout_of_a_branch_follows_it(loom: Loom, origin: Repo):
    git(origin.root, "checkout", "-q", "-b", "next")
    loom.here("repo", "add", origin.root.as_uri(), "--checkout", "next").ok()
    origin.package("second", "shared,second", version="1")
    head = commit(origin)
    assert loom.here("repo", "update", "--json").ok().json[0]["after"] == head


@pytest.mark.parametrize(("ref", "code"), [("absent", 3), ("--force", 2)])
def test_repo_add_checkout_of_nothing_leaves_nothing(loom: Loom, origin: Repo, ref: str, code: int):
    assert loom.here("repo", "add", origin.root.as_uri(), f"--checkout={ref}").code == code
    assert clones(loom) == []


def test_repo_update_of_a_folder_or_unknown_name_exits_2(loom: Loom, origin: Repo):
    loom.here("repo", "add", str(origin.root)).ok()
    assert loom.here("repo", "update", "shared").code == 2
    assert loom.here("repo", "update").code == 0


def test_repo_update_keeps_edits_that_stand_in_the_way(loom: Loom, origin: Repo):
    loom.here("repo", "add", origin.root.as_uri()).ok()
    edited = loom.home / "repos/shared/package/thing/a.txt"
    edited.write_text("mine")
    (origin.root / "package/thing/a.txt").write_text("theirs")
    commit(origin)
    assert loom.here("repo", "update").code == 3
    assert edited.read_text() == "mine"


def test_repo_remove_built_in_or_unknown_is_refused(loom: Loom):
    assert loom.here("repo", "remove", names(loom)[-1]).code == 2
    assert loom.here("repo", "remove", "absent").code == 2


def test_repo_sync_check_lists_the_drift_writes_nothing_and_exits_1(loom: Loom, origin: Repo):
    before = sorted(origin.root.rglob("*"))
    found = loom.here("repo", "sync", str(origin.root), "--check", "--json")
    assert found.code == 1
    assert "cmr.yaml" in {item["file"] for item in found.json["drift"]}
    assert sorted(origin.root.rglob("*")) == before
    loom.here("repo", "sync", str(origin.root)).ok()
    assert loom.here("repo", "sync", str(origin.root), "--check").code == 0
    assert json.loads((origin.root / ".ckr.json").read_text())["data_uid"] == uid_of("shared")


def test_repo_sync_of_an_added_name_finds_its_folder(loom: Loom, origin: Repo):
    loom.here("repo", "add", str(origin.root)).ok()
    assert loom.here("repo", "sync", "shared", "--json").ok().json["path"] == str(origin.root.resolve())


# -- the real front-ends --------------------------------------------------------------------------------------------


@pytest.fixture
def bare(tmp_path: Path, loom: Loom) -> Path:
    """A repository of bare component folders, synchronised."""
    root = tmp_path / "bare"
    for kind, alias, tags in (("program", "hello", "hello"), ("package", "thing-one", "thing,one"), ("soft", "t", "t")):
        file = root / kind / alias / ".cm" / "meta.json"
        file.parent.mkdir(parents=True)
        file.write_text(json.dumps({"tags": tags.split(",")}))
    (root / "script" / "get-thing").mkdir(parents=True)
    (root / "script" / "get-thing" / "_cm.yaml").write_text(
        "alias: get-thing\nautomation_alias: script\nautomation_uid: 5b4e0237da074764\n"
        "uid: 00000000000000ab\ntags: [get, thing]\n"
    )
    loom.here("repo", "sync", str(root), "--name", "bare").ok()
    return root


def _ask(tmp_path: Path, module: str, *words: str) -> str:
    home = tmp_path / "front-end"
    home.mkdir(exist_ok=True)
    (home / "ck" / "local").mkdir(parents=True, exist_ok=True)
    places = {"CK_REPOS": home / "ck", "CK_LOCAL_REPO": home / "ck/local", "CM_REPOS": home / "cm", "HOME": home}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", module, *words],
        env={**os.environ, **{name: str(path) for name, path in places.items()}},
        cwd=home,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="ck 2.6.4 imports modules that Python 3.12 dropped")
def test_repo_sync_result_is_read_by_the_real_ck(bare: Path, tmp_path: Path):
    pytest.importorskip("ck")
    _ask(tmp_path, "ck", "add", "repo:bare", f"--path={bare}", "--quiet")
    assert _ask(tmp_path, "ck", "ls", "program").split() == ["hello"]
    assert "package:thing-one" in _ask(tmp_path, "ck", "search", "package", "--tags=thing,one")
    assert str(bare / "program/hello") in _ask(tmp_path, "ck", "find", "program:hello")
    assert str(bare / "script/get-thing") in _ask(tmp_path, "ck", "find", "script:get-thing")
    uid = json.loads((bare / "soft/t/.cm/info.json").read_text())["backup_data_uid"]
    assert str(bare / "soft/t") in _ask(tmp_path, "ck", "find", f"soft:{uid}")


def test_repo_sync_result_is_read_by_the_real_cm(bare: Path, tmp_path: Path):
    pytest.importorskip("cmind")
    stand_in = bare / "automation" / "script"  # the automation itself comes from a repository on the network
    stand_in.mkdir(parents=True)
    head = "alias: script\nautomation_alias: automation\nautomation_uid: bbeb15d8f0a944a4\n"
    (stand_in / "_cm.yaml").write_text(head + "uid: 5b4e0237da074764\ntags: [automation]\n")
    code = "from cmind.automation import Automation\nclass CAutomation(Automation):\n    def __init__(self, cmind, file):\n"
    (stand_in / "module.py").write_text(code + "        super().__init__(cmind, __file__)\n")
    _ask(tmp_path, "cmind", "import", "repo", f"--path={bare}", "--quiet")
    uid = json.loads((bare / ".ckr.json").read_text())["data_uid"]
    assert f"bare,{uid} = {bare}" in _ask(tmp_path, "cmind", "find", "repo", "bare")
    assert str(bare / "script/get-thing") in _ask(tmp_path, "cmind", "find", "script", "--tags=get,thing")
    assert str(bare / "script/get-thing") in _ask(tmp_path, "cmind", "find", "script", "get-thing,00000000000000ab")


@pytest.mark.parametrize(
    "source", ["fd::7", "ext::sh -c touch% ran", "ftp://127.0.0.1/x.git", "ftps://h/x", "transport::address"]
)
def test_repo_add_of_other_transports_is_refused_whatever_the_user_allows_git(
    loom: Loom, tmp_path: Path, source: str, monkeypatch: pytest.MonkeyPatch
):
    loom.environ["GIT_ALLOW_PROTOCOL"] = "file:http:https:ssh:git:ext:fd:ftp"
    monkeypatch.chdir(tmp_path)
    done = loom.here("repo", "add", source, "--name=strange")
    assert done.code == 2
    assert "repositories cannot be cloned over" in done.err
    assert "file, http, https, ssh, git" in done.err
    assert not (tmp_path / "ran").exists()
    assert clones(loom) == []


def test_repo_add_lets_no_url_of_the_repository_reach_another_transport(loom: Loom, tmp_path: Path):
    """What git itself rewrites (insteadOf) is held to the same transports."""
    config = tmp_path / "gitconfig"
    config.write_text('[url "ext::touch /nonexistent/ran ;"]\n\tinsteadOf = https://rewritten/\n')
    loom.environ.update(GIT_CONFIG_GLOBAL=str(config), GIT_ALLOW_PROTOCOL="ext")
    done = loom.here("repo", "add", "https://rewritten/x.git")
    assert done.code == 3
    assert "transport 'ext' not allowed" in done.err


def test_repo_add_keeps_credentials_out_of_the_list_and_the_clone_to_its_owner(loom: Loom, served: str):
    secret = served.replace("http://", "http://user:s3cret@")
    added = loom.here("repo", "add", secret, "--name=private", "--json").ok()
    listed = loom.home / "repositories.json"
    assert "s3cret" not in listed.read_text() + added.out + added.err
    assert served in listed.read_text()
    assert listed.stat().st_mode & 0o777 == 0o600
    assert (loom.home / "repos").stat().st_mode & 0o777 == 0o700

    updated = loom.here("repo", "update", "private", "--json").ok()  # git still knows how to get in
    assert "s3cret" not in updated.out + updated.err
