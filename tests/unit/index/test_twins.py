"""The package of a Python library is written from its soft entry."""

import json
from pathlib import Path
from typing import Any

from benchloom.authoring.identity import apply, changes
from benchloom.index.index import load
from benchloom.index.repositories import read_repository
from support.repo import SOURCE, Repo

SOFT: dict[str, Any] = {
    "summary": "A library",
    "licence": "MIT",
    "detect": {"python": {"distribution": "thing-cpu", "module": "thing"}},
    "backend": {"name": "thing"},
    "package": {"versions": [{"version": "1.2"}], "install": {"unstated": ["other>=1"]}},
}
FILE = "package/lib-python-thing/.cm/meta.json"


def synced(repo: Repo) -> list[tuple[str, str]]:
    found = changes(repo.root)
    apply(repo.root, found)
    return [(item.drift.file, item.drift.action) for item in found]


def test_one_sync_writes_the_package_and_its_tables_and_a_second_changes_nothing(tmp_path: Path):
    repo = Repo(tmp_path / "repo", "trial")
    repo.soft("lib-python-thing", "lib,thing", **SOFT)
    written = dict(synced(repo))
    assert {FILE, "package/lib-python-thing/.cm/info.json", "package/.cm/alias-a-lib-python-thing"} <= set(written)
    assert synced(repo) == []
    index = load([read_repository(repo.root), read_repository(SOURCE.parent)], None)
    package = index.get("trial:package:lib-python-thing")
    assert (package.tags, package.summary, package.licence) == (("lib", "thing"), "A library", "MIT")
    assert package.install is not None
    assert (package.install.pip, package.install.unstated) == ("thing-cpu", ("other>=1",))
    assert [item.version for item in package.versions] == ["1.2"]
    assert (package.family, package.backend) == ("soft:lib-python-thing", index.get("soft:lib-python-thing").backend)
    assert json.loads((repo.root / FILE).read_text())["suggested_path"] == "lib-python-thing"


def test_an_edited_package_is_drift(tmp_path: Path):
    repo = Repo(tmp_path / "repo", "trial")
    repo.soft("lib-python-thing", "lib,thing", **SOFT)
    synced(repo)
    before = (repo.root / FILE).read_text()
    (repo.root / FILE).write_text(before.replace("1.2", "1.3"))
    assert synced(repo) == [(FILE, "write")]
    assert (repo.root / FILE).read_text() == before


def test_a_package_whose_soft_entry_no_longer_states_it_is_for_a_person_to_remove(tmp_path: Path):
    repo = Repo(tmp_path / "repo", "trial")
    repo.soft("lib-python-thing", "lib,thing", **SOFT)
    synced(repo)
    repo.soft("lib-python-thing", "lib,thing", **{**SOFT, "package": None})
    assert dict(synced(repo))[FILE] == "mend"
    assert (repo.root / FILE).is_file()


def test_a_package_written_by_hand_stays(tmp_path: Path):
    repo = Repo(tmp_path / "repo", "trial")
    repo.soft("lib-python-thing", "lib,thing", **{**SOFT, "package": None})
    repo.package("lib-python-thing", "lib,thing")
    assert FILE not in dict(synced(repo))
