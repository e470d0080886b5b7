"""``loom gc``: what records need stays, the rest goes, and a dry run touches nothing."""

import json
from pathlib import Path
from typing import Any

import pytest

from benchloom.store.entries import Store
from support.repo import Loom, Repo


@pytest.fixture
def loom(tmp_path: Path) -> Loom:
    repo = Repo(tmp_path / "repo", "trial")
    repo.package("kept", "trial,kept", files={"a.txt": "one"}, version="1")
    repo.package("idle", "trial,idle", files={"a.txt": "two"}, version="1")
    repo.program("app", "trial,app", run_deps={"thing": {"tags": "trial,kept"}})
    repo.program("other", "trial,other", run_deps={"thing": {"tags": "trial,idle"}})
    return Loom(tmp_path / "home", repo)


@pytest.fixture
def keys(loom: Loom) -> tuple[str, str]:
    """Keys of an entry a record needs, and of one nothing needs."""
    idle = thing_of(loom, "program:other", forget=True)
    return thing_of(loom, "program:app"), idle


def thing_of(loom: Loom, program: str, *, forget: bool = False) -> str:
    """Run a program and return the key of what it needs; ``forget`` removes the record."""
    file = Path(loom.here("run", program, "--json").ok().json["record"])
    nodes = json.loads(file.read_text())["plan"]["nodes"]
    if forget:
        file.unlink()
    return next(node["key"] for node in nodes if node["roles"] == ["thing"])


def gc(loom: Loom, *words: str) -> Any:
    return loom.here("gc", *words, "--json").ok().json


def there(loom: Loom) -> set[str]:
    return set(Store(loom.home / "store").keys())


def test_gc_keeps_what_a_record_needs_and_leaves_runs_alone(loom: Loom, keys: tuple[str, str]):
    kept, idle = keys
    runs = sorted((loom.home / "runs").rglob("*"))
    report = gc(loom)
    assert idle in report["removed"]
    assert kept in report["kept"]
    assert report["bytes"] > 0
    assert there(loom) == set(report["kept"])
    assert sorted((loom.home / "runs").rglob("*")) == runs


@pytest.mark.usefixtures("keys")
def test_gc_dry_run_says_the_same_and_removes_nothing(loom: Loom):
    before = there(loom)
    dry = gc(loom, "--dry-run")
    assert there(loom) == before
    wet = gc(loom)
    assert (dry["removed"], dry["bytes"]) == (wet["removed"], wet["bytes"])


def test_gc_record_deleted_protects_nothing_any_more(loom: Loom, keys: tuple[str, str]):
    for record in (loom.home / "records").glob("*.json"):
        record.unlink()
    assert keys[0] in gc(loom, "--dry-run")["removed"]
    assert keys[0] in gc(loom)["removed"]
    assert list((loom.home / "store/roots").iterdir()) == []


def test_gc_all_empties_the_store_and_a_run_builds_it_again(loom: Loom, keys: tuple[str, str]):
    assert set(keys) <= set(gc(loom, "--all", "--dry-run")["removed"])
    gc(loom, "--all")
    assert there(loom) == set()
    loom.here("run", "program:app").ok()
    assert keys[0] in there(loom)


def test_gc_remove_takes_that_entry_whoever_needs_it(loom: Loom, keys: tuple[str, str]):
    kept, idle = keys
    assert gc(loom, "--remove", kept, "--dry-run")["removed"] == [kept]
    assert kept in there(loom)
    report = gc(loom, "--remove", kept[:16])
    assert report["removed"] == [kept]
    assert there(loom) == set(report["kept"])
    assert idle in there(loom)


def test_gc_keeps_what_was_installed_until_asked(loom: Loom):
    installed = [
        loom.here("install", name, "--json").ok().json["nodes"][0]["key"] for name in ("package:kept", "package:idle")
    ]
    assert set(installed) <= set(gc(loom)["kept"])
    assert gc(loom, "--remove", installed[1])["removed"] == [installed[1]]
    assert gc(loom)["kept"] == [installed[0]]
    assert len(list((loom.home / "store/roots").iterdir())) == 1, "what was removed by name is protected no longer"
    assert gc(loom, "--all")["removed"] == [installed[0]]
    assert list((loom.home / "store/roots").iterdir()) == []


def test_gc_older_than_keeps_what_is_young(loom: Loom, keys: tuple[str, str]):
    assert gc(loom, "--older-than", "1")["removed"] == []
    assert keys[1] in gc(loom, "--older-than", "0")["removed"]


def test_gc_remove_unknown_or_beside_all_exits_2(loom: Loom, keys: tuple[str, str]):
    assert loom.here("gc", "--remove", "absent").code == 2
    assert loom.here("gc", "--all", "--remove", keys[0]).code == 2
    assert set(keys) <= there(loom)


def test_gc_text_sums_up_with_sizes(loom: Loom, keys: tuple[str, str]):
    out = loom.here("gc", "--dry-run").ok().out
    assert keys[1] in out
    assert "would free" in out
    assert "freed" in loom.here("gc").ok().out


def test_gc_removes_stages_of_the_dead_and_quarantined_entries(loom: Loom):
    store = loom.home / "store"
    (store / "stage" / "deadbeef.1.aa" / "content").mkdir(parents=True)
    (store / "quarantine" / "deadbeef.bb").mkdir(parents=True)
    report = gc(loom)
    assert (report["stages"], report["quarantined"]) == (["deadbeef.1.aa"], ["deadbeef.bb"])
    assert list((store / "stage").iterdir()) == list((store / "quarantine").iterdir()) == []
