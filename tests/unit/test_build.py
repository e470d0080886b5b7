"""What makes the two files of a release the same bytes each time."""

import io
import tarfile
from importlib.machinery import SourceFileLoader
from types import ModuleType

import yaml

import benchloom
from benchloom.app.workspace import built_in_repository
from benchloom.base import toml


def recipe() -> ModuleType:
    module = ModuleType("build_recipe")
    SourceFileLoader(module.__name__, str(built_in_repository() / ".ci" / "build")).exec_module(module)
    return module


def packed(names: str, time: int, mode: int, owner: str) -> bytes:
    result = io.BytesIO()
    with tarfile.open(fileobj=result, mode="w:gz") as archive:
        for name in names:
            member = tarfile.TarInfo(name)
            member.size, member.mtime, member.mode, member.uname = len(name), time, mode, owner
            archive.addfile(member, io.BytesIO(name.encode()))
    return result.getvalue()


def test_a_source_archive_has_the_same_bytes_whatever_times_modes_owners_and_order_its_files_had():
    repacked = recipe().repacked
    one = repacked(packed("ab", 1, 0o664, "me"), 1_700_000_000)
    assert one == repacked(packed("ba", 2, 0o600, "you"), 1_700_000_000)
    assert one != repacked(packed("ab", 1, 0o775, "me"), 1_700_000_000)
    with tarfile.open(fileobj=io.BytesIO(one)) as archive:
        found = [(item.name, item.mtime, item.mode, archive.extractfile(item).read()) for item in archive]
    assert found == [("a", 1_700_000_000, 0o644, b"a"), ("b", 1_700_000_000, 0o644, b"b")]


def test_the_version_is_the_same_wherever_it_stands():
    root = built_in_repository()
    project = toml.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    cited = yaml.safe_load((root / "CITATION.cff").read_text(encoding="utf-8"))
    assert project["version"] == benchloom.__version__ == cited["version"]
    assert project["license"] == cited["license"]


def test_ci_runs_every_python_that_the_project_supports():
    root = built_in_repository()
    project = toml.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    stated = [item.rpartition(" ")[2] for item in project["classifiers"] if ":: Python :: 3." in item]
    workflow = yaml.safe_load((root / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8"))
    assert workflow["jobs"]["run"]["strategy"]["matrix"]["python"] == stated
