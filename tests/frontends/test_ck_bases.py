"""What entries inherit by ``_base_entry`` is what the real `ck` puts together, for every entry of this repository and for hard cases."""

from pathlib import Path
from typing import Any

from benchloom.authoring.identity import apply, changes
from benchloom.index.bases import CK_FILES, MOST_BASES, BadBaseError, Bases, Layer, Root, inherited
from benchloom.index.files import read_file
from support.ck import ROOT, Ck
from support.repo import Repo, uid_of

LOAD = """
import json, sys
import ck.kernel as ck
found = {}
for kind, alias in json.load(sys.stdin):
    answer = ck.access({"action": "load", "module_uoa": kind, "data_uoa": alias})
    found[f"{kind}:{alias}"] = None if answer["return"] else answer["dict"]
print(json.dumps(found))
"""


def entries(root: Path) -> list[tuple[str, str, str]]:
    """Return kind, alias and metadata file of every entry of `ck` in a repository."""
    files = sorted(path for name in CK_FILES for path in root.glob(f"*/*/{name}"))
    return [(path.parts[-4], path.parts[-3], path.relative_to(root).as_posix()) for path in files]


def by_loom(root: Path) -> dict[str, Any]:
    """Return what every entry has with all that it inherits; None for one whose base cannot be had."""
    here = Root("here", str(root))
    found: dict[str, Any] = {}
    for kind, alias, file in entries(root):
        own = Layer(here, kind, file, read_file(root / file))
        try:
            found[f"{kind}:{alias}"] = inherited(own, Bases([here]).of(own))[0]
        except BadBaseError:
            found[f"{kind}:{alias}"] = None
    return found


def by_ck(ck: Ck, root: Path) -> dict[str, Any]:
    """Return what `ck load` gives for every entry; None where it fails."""
    asked = [(kind, alias) for kind, alias, _ in entries(root)]
    found: dict[str, Any] = ck.kernel(LOAD, asked)
    return found


def test_every_entry_here_is_as_ck_loads_it(tmp_path: Path):
    expected = by_ck(Ck(tmp_path, ROOT), ROOT)
    found = by_loom(ROOT)
    assert len(found) > 100
    assert found == expected


def test_hard_cases_are_as_ck_loads_them(tmp_path: Path):
    repo = Repo(tmp_path / "repo", "trial")
    base = {"both": {"a": 1, "b": {"c": [1, 2]}}, "table": {"a": 1}, "list": [1, {"a": 1}], "gone": {"a": 1}, "null": 1}
    repo.entry("package", "base", "a,b", **base, **{"_base_entry#": "a comment"})
    over = {"both": {"b": {"c": [3], "d": {}}}, "table": [1], "list": {"a": 2}, "gone": None, "null": {"a": None}}
    repo.entry("package", "child", "c", _base_entry="base", **over, **{"_base_entry#": "a comment"})
    repo.entry("program", "of-package", "", _base_entry="package:child", both="text")
    repo.entry("program", "empty", "e", _base_entry=" ")
    repo.entry("program", "nothing", "e", _base_entry="no-such-entry")
    repo.entry("program", "one", "e", _base_entry="two")
    repo.entry("program", "two", "e", _base_entry="one")
    for name, bases in (("most", MOST_BASES), ("more", MOST_BASES + 1)):
        for number in range(bases):
            repo.entry(
                "package", f"{name}{number}", f"t{number}", _base_entry=f"{name}{number + 1}", **{f"k{number}": 1}
            )
        repo.entry("package", f"{name}{bases}", "last", last=1)
    apply(repo.root, changes(repo.root))  # the table of kinds
    uid = (repo.root / ".cm" / "alias-a-package").read_text().strip()
    repo.entry("program", "by-uid", "", _base_entry=f"x:{uid}:{uid_of('package:child')}")
    found = by_loom(repo.root)
    assert found == by_ck(Ck(tmp_path / "home", repo.root), repo.root)
    assert {name for name, value in found.items() if value is None} == {
        "package:more0",
        "program:nothing",
        "program:one",
        "program:two",
    }
