"""The files that CK and CM read, as they follow from the folders."""

import importlib.util
import json
import shutil
from pathlib import Path

import pytest
import yaml

from benchloom.authoring.identity import KIND_UIDS, apply, changes
from benchloom.errors import InputError
from support.repo import Repo, uid_of


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    root = tmp_path / "bare"
    for kind, alias in (("program", "app"), ("package", "model-a")):
        file = root / kind / alias / ".cm" / "meta.json"
        file.parent.mkdir(parents=True)
        file.write_text('{"tags": ["one"]}')
    return root


def _sync(root: Path, name: str = "") -> list[tuple[str, str]]:
    found = changes(root, name)
    apply(root, found)
    return [(item.drift.action, item.drift.file) for item in found]


def _files(root: Path) -> dict[str, bytes]:
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


def test_changes_bare_folders_writes_every_file_ck_and_cm_need(bare: Path):
    _sync(bare, "mine")
    identity = json.loads((bare / ".ckr.json").read_text())
    info = json.loads((bare / "program/app/.cm/info.json").read_text())
    uid = info["backup_data_uid"]
    assert identity["data_alias"] == identity["data_uoa"] == "mine"
    assert yaml.safe_load((bare / "cmr.yaml").read_text()) == {
        "alias": "mine",
        "uid": identity["data_uid"],
        "git": True,
    }
    assert (bare / ".cm/alias-a-program").read_text() == f"{KIND_UIDS['program']}\n"
    assert (bare / f".cm/alias-u-{KIND_UIDS['program']}").read_text() == "program\n"
    assert (bare / "program/.cm/alias-a-app").read_text() == f"{uid}\n"
    assert (bare / f"program/.cm/alias-u-{uid}").read_text() == "app\n"
    assert info["backup_module_uid"] == KIND_UIDS["program"]
    assert (bare / "program/app/.cm/desc.json").read_text() == "{}\n"


def test_changes_second_time_finds_nothing_and_keeps_bytes(bare: Path):
    _sync(bare)
    before = _files(bare)
    assert _sync(bare) == []
    assert _files(bare) == before


def test_changes_same_repository_uid_mints_the_same_uids_anywhere(bare: Path, tmp_path: Path):
    (bare / ".ckr.json").write_text('{"data_alias": "mine", "data_uid": "0123456789abcdef"}')
    shutil.copytree(bare, tmp_path / "copy")
    _sync(bare)
    _sync(tmp_path / "copy")
    assert _files(bare) == _files(tmp_path / "copy")


def test_changes_existing_identity_keeps_its_uid_and_other_facts(bare: Path):
    old = {"data_alias": "theirs", "data_uid": "00000000000000aa", "data_uoa": "theirs", "dict": {"desc": "kept"}}
    (bare / ".ckr.json").write_text(json.dumps(old))
    (bare / "cmr.yaml").write_text("alias: other\nuid: '00000000000000bb'\nversion: '2'\n")
    _sync(bare, "ignored")
    kept = json.loads((bare / ".ckr.json").read_text())
    cm = yaml.safe_load((bare / "cmr.yaml").read_text())
    assert {key: kept[key] for key in old} == old
    assert cm == {"alias": "theirs", "uid": "00000000000000aa", "git": True, "version": "2"}


def test_changes_cm_entries_in_a_subfolder_are_left_to_a_person(bare: Path):
    (bare / "cmr.yaml").write_text("alias: mine\nuid: '00000000000000bb'\nprefix: repo\n")
    assert ("mend", "cmr.yaml") in _sync(bare)
    assert "prefix: repo" in (bare / "cmr.yaml").read_text()


def test_changes_uid_of_an_entry_is_kept_from_info_or_alias_file(bare: Path):
    (bare / "program/app/.cm/info.json").write_text('{"backup_data_uid": "00000000000000a1", "data_name": "App"}')
    (bare / "package/.cm").mkdir()
    (bare / "package/.cm/alias-a-model-a").write_text("00000000000000a2\r\n")
    _sync(bare)
    info = json.loads((bare / "program/app/.cm/info.json").read_text())
    assert (info["backup_data_uid"], info["data_name"]) == ("00000000000000a1", "App")
    assert (bare / "package/.cm/alias-a-model-a").read_text() == "00000000000000a2\n"
    assert json.loads((bare / "package/model-a/.cm/info.json").read_text())["backup_data_uid"] == "00000000000000a2"


def test_changes_entry_removed_or_renamed_drops_its_alias_files(bare: Path):
    _sync(bare)
    uid = (bare / "program/.cm/alias-a-app").read_text().strip()
    shutil.rmtree(bare / "package/model-a")
    (bare / "program/app").rename(bare / "program/renamed")
    _sync(bare)
    assert sorted(path.name for path in (bare / "program/.cm").iterdir()) == ["alias-a-renamed", f"alias-u-{uid}"]
    assert list((bare / "package/.cm").iterdir()) == []
    assert not (bare / ".cm/alias-a-package").exists()


def test_changes_new_entry_under_a_renamed_ones_old_name_gets_its_own_uid(bare: Path):
    _sync(bare)
    shutil.copytree(bare / "program/app", bare / "program/aaa")
    shutil.rmtree(bare / "program/app/.cm")
    (bare / "program/app/.cm").mkdir()
    (bare / "program/app/.cm/meta.json").write_text("{}")
    for path in (bare / "program/.cm").iterdir():
        path.unlink()
    _sync(bare)
    uids = {(bare / f"program/.cm/alias-a-{name}").read_text() for name in ("aaa", "app")}
    assert len(uids) == 2


def test_changes_copied_entry_with_the_same_uid_is_for_a_person_to_mend(bare: Path):
    _sync(bare)
    shutil.copytree(bare / "program/app", bare / "program/copy")
    found = [item for item in changes(bare) if item.drift.action == "mend"]
    assert [item.drift.file for item in found] == ["program/copy/.cm/meta.json"]
    assert "also that of app" in found[0].drift.reason


def test_changes_script_keeps_the_uid_of_its_cm_file_and_gets_ck_aliases(tmp_path: Path):
    repo = Repo(tmp_path / "repo")
    repo.script("get-thing", "trial,get")
    _sync(repo.root)
    uid = uid_of("script:get-thing")
    assert (repo.root / "script/.cm/alias-a-get-thing").read_text() == f"{uid}\n"
    assert (repo.root / ".cm/alias-a-script").read_text() == f"{KIND_UIDS['script']}\n"
    assert not (repo.root / "script/get-thing/.cm").exists()


@pytest.mark.parametrize("uid", ["1234567890123456", "", "XYZ"])
def test_changes_script_without_a_proper_uid_is_for_a_person_and_keeps_its_aliases(tmp_path: Path, uid: str):
    repo = Repo(tmp_path / "repo")
    folder = repo.script("get-thing", "trial,get")
    _sync(repo.root)
    (folder / "_cm.yaml").write_text(f"alias: get-thing\nuid: {uid}\n")
    assert _sync(repo.root) == [("mend", "script/get-thing/_cm.yaml")]
    assert (repo.root / "script/.cm/alias-a-get-thing").is_file()


def test_changes_broken_info_is_for_a_person_and_leaves_other_entries_alone(bare: Path):
    _sync(bare)
    (bare / "program/app/.cm/info.json").write_text("{")
    (bare / "package/.cm/alias-a-model-a").unlink()
    assert _sync(bare) == [("write", "package/.cm/alias-a-model-a"), ("mend", "program/app/.cm/info.json")]
    assert (bare / "program/app/.cm/info.json").read_text() == "{"


def test_changes_own_module_gives_the_uid_of_its_kind(bare: Path):
    for kind, alias in (("module", "venv.template"), ("module", "my.kind"), ("my.kind", "first")):
        file = bare / kind / alias / ".cm" / "meta.json"
        file.parent.mkdir(parents=True)
        file.write_text("{}")
    _sync(bare)
    template = json.loads((bare / "module/venv.template/.cm/info.json").read_text())
    own = json.loads((bare / "module/my.kind/.cm/info.json").read_text())
    assert template["backup_data_uid"] == KIND_UIDS["venv.template"]
    assert (bare / ".cm/alias-a-my.kind").read_text().strip() == own["backup_data_uid"]
    assert _sync(bare) == []


def test_changes_kind_nobody_here_knows_keeps_its_tables(bare: Path):
    (bare / "experiment/.cm").mkdir(parents=True)
    (bare / "experiment/.cm/alias-a-mine").write_text("00000000000000ee\n")
    _sync(bare)
    assert (bare / "experiment/.cm/alias-a-mine").is_file()


def test_changes_unreadable_identity_says_which_file(bare: Path):
    (bare / ".ckr.json").write_text("{")
    with pytest.raises(InputError) as caught:
        changes(bare)
    assert caught.value.where.endswith(".ckr.json")


def test_kind_uids_are_those_of_the_installed_ck():
    spec = importlib.util.find_spec("ck")
    if spec is None or spec.origin is None:
        pytest.skip("ck is not installed")
    shipped = Path(spec.origin).parent / "repo" / "module" / ".cm"
    known = {kind: uid for kind, uid in KIND_UIDS.items() if kind not in {"ruleset", "venv.template"}}
    assert {kind: (shipped / f"alias-a-{kind}").read_text().strip() for kind in known} == known
