"""What an entry inherits by ``_base_entry``: how it is put together, where it is looked for, and where faults are reported."""

import json
from pathlib import Path

import pytest

from benchloom.index.bases import MOST_BASES
from benchloom.index.index import Index, load
from benchloom.index.repositories import read_repository
from benchloom.model.finding import Finding
from benchloom.model.query import parse_query
from support.repo import Repo, uid_of


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    return Repo(tmp_path / "repo", "trial")


def index_of(*repos: Repo, cache: Path | None = None) -> Index:
    return load([read_repository(repo.root) for repo in repos], cache)


def only(findings: tuple[Finding, ...], rule: str) -> Finding:
    [found] = [item for item in findings if item.rule == rule]
    return found


def test_tables_are_merged_and_lists_and_values_replaced(repo: Repo):
    repo.program(
        "base", "a,b", run_deps={"x": {"tags": "q,r", "sort": 3}, "y": {"tags": "s"}}, timeout=5, results="r.json"
    )
    repo.entry("program", "child", "c", _base_entry="program:base", run_deps={"x": {"tags": "z"}}, timeout=None)
    child = index_of(repo).get("program:child")
    assert child.tags == ("c",)
    assert child.program is not None
    assert (child.program.results, child.program.timeout) == ("r.json", None)
    assert [(need.role, need.query.tags, need.sort) for need in child.requires] == [("x", ("z",), 3), ("y", ("s",), 0)]
    assert (child.alias, child.uid) == ("child", uid_of("program:child"))


def test_inherited_tags_are_found(repo: Repo):
    repo.entry("program.template", "base", "a,b", run_cmds={"default": {}})
    repo.write("program", "child", json.dumps({"_base_entry": "program.template:base"}))
    index = index_of(repo)
    assert [item.ref for item in index.match(parse_query("a,b", where=""))] == ["program:child"]


@pytest.mark.parametrize(
    "named",
    [
        "base",
        "package:base",
        " package:base ",
        "no-such-repository:package:base",  # as by the kernel, which ignores it
        uid_of("package:base"),
        f"package:{uid_of('package:base')}",
        f"{uid_of('package')}:base",
    ],
)
def test_a_base_is_named_by_alias_or_uid(repo: Repo, named: str):
    repo.package("base", "a", licence="MIT")
    (repo.root / ".cm").mkdir()
    (repo.root / ".cm" / f"alias-u-{uid_of('package')}").write_text("package\r\n")
    repo.entry("package", "child", "b", _base_entry=named)
    assert index_of(repo).get("package:child").licence == "MIT"


def test_what_it_inherits_may_come_from_an_entry_of_another_kind_and_from_data_json(repo: Repo):
    repo.write("package.template", "base", json.dumps({"licence": "MIT", "_base_entry": "older"}))
    repo.write("package.template", "older", json.dumps({"summary": "S"}), ".cm/data.json")
    repo.entry("package", "child", "b", _base_entry="package.template:base")
    child = index_of(repo).get("package:child")
    assert (child.licence, child.summary) == ("MIT", "S")
    assert [base.file for base in child.bases] == [
        "package.template/base/.cm/meta.json",
        "package.template/older/.cm/data.json",
    ]


def chain(repo: Repo, bases: int) -> None:
    for number in range(bases):
        repo.entry("package", f"e{number}", f"t{number}", _base_entry=f"e{number + 1}")
    repo.entry("package", f"e{bases}", "last", licence="MIT")


def test_as_many_bases_after_one_another_as_ck_follows(repo: Repo):
    chain(repo, MOST_BASES)
    assert index_of(repo).get("package:e0").licence == "MIT"


def test_one_base_more_is_a_finding_where_it_is_named(repo: Repo):
    chain(repo, MOST_BASES + 1)
    index = index_of(repo)
    found = only(index.findings, "bad-base")
    assert (found.subject, found.file, found.line, found.key) == (
        "package:e0",
        f"package/e{MOST_BASES}/.cm/meta.json",
        5,
        "_base_entry",
    )
    assert index.get("package:e1").licence == "MIT"


@pytest.mark.parametrize(
    ("named", "told"),
    [
        ("package:child", "inherits from itself"),
        ("nothing", "there is no entry package:nothing"),
        ("module:nothing", "there is no entry module:nothing"),
        ("../package:base", "does not name an entry"),
        ("package:../package/base", "does not name an entry"),
        ("broken", "cannot be read"),
        ("list", "is not a table"),
        (["base"], "must be a string"),
    ],
)
def test_a_base_that_cannot_be_had_is_a_finding_of_this_entry_alone(repo: Repo, named: object, told: str):
    repo.package("base", "a")
    repo.write("package", "broken", "{")
    repo.write("package", "list", "[]")
    repo.entry("package", "child", "b", _base_entry=named)
    index = index_of(repo)
    found = only(index.findings, "bad-base")
    assert told in found.message
    assert (found.severity, found.subject, found.file, found.line) == (
        "error",
        "package:child",
        "package/child/.cm/meta.json",
        5,
    )
    assert [item.ref for item in index.components] == ["package:base"]


def test_a_circle_is_reported_at_each_of_its_entries(repo: Repo):
    repo.entry("package", "one", "a", _base_entry="two")
    repo.entry("package", "two", "b", _base_entry="one")
    index = index_of(repo)
    assert [(item.rule, item.subject) for item in index.findings] == [
        ("bad-base", "package:two"),  # at the entry that leads back
        ("bad-base", "package:one"),
    ]
    assert index.components == ()


def test_the_entry_s_own_repository_comes_first_then_the_others_in_order(tmp_path: Path):
    first, second, third = (Repo(tmp_path / name, name) for name in ("first", "second", "third"))
    for repo in (first, second):
        repo.package("base", "a", licence=repo.alias)
    for repo in (second, third):
        repo.entry("package", f"child-{repo.alias}", "b", _base_entry="base")
    index = index_of(first, second, third)
    assert index.get("package:child-second").licence == "second"
    child = index.get("package:child-third")
    assert (child.licence, child.bases[0].shown) == ("first", "first:package/base/.cm/meta.json")
    assert child.where("licence") == "first:package/base/.cm/meta.json: licence"
    assert child.where("tags") == "package/child-third/.cm/meta.json: tags"


def test_a_repository_that_is_not_there_gives_no_base(tmp_path: Path):
    here, elsewhere = (Repo(tmp_path / name, name) for name in ("here", "elsewhere"))
    elsewhere.package("base", "a", licence="MIT")
    here.entry("package", "child", "b", _base_entry="elsewhere:package:base")
    assert "there is no entry" in only(index_of(here).findings, "bad-base").message


def test_findings_name_the_file_and_line_that_has_the_key(repo: Repo):
    repo.entry("program.template", "base", "a", run_deps={"x": {"tags": "q", "srot": 1}}, colour="red")
    for name in ("one", "two"):
        repo.entry("program", name, "b", _base_entry="program.template:base", run_deps={"x": {"name": "X", "tsag": ""}})
    found = [item for item in index_of(repo).findings if item.rule == "unknown-key"]
    assert [(item.subject, item.file, item.line, item.key) for item in found] == [
        ("program.template:base", "program.template/base/.cm/meta.json", 8, "run_deps.x.srot"),
        ("program.template:base", "program.template/base/.cm/meta.json", 11, "colour"),
        ("program:one", "program/one/.cm/meta.json", 9, "run_deps.x.tsag"),
        ("program:two", "program/two/.cm/meta.json", 9, "run_deps.x.tsag"),
    ]


def test_a_wrong_value_in_a_base_is_an_error_of_each_entry_at_the_base_s_line(repo: Repo):
    repo.entry("package.template", "base", "a", fetch=[{"url": 5}])
    repo.entry("package", "child", "b", _base_entry="package.template:base")
    found = only(index_of(repo).findings, "bad-value")
    assert (found.subject, found.file, found.line) == ("package:child", "package.template/base/.cm/meta.json", 7)


def test_a_need_names_the_file_that_states_its_tags(repo: Repo):
    repo.program("base", "a", run_deps={"x": {"tags": "q"}, "y": {"tags": "r"}})
    repo.entry("program", "child", "b", _base_entry="base", run_deps={"x": {"tags": "z"}, "y": {"sort": 1}})
    assert [need.where for need in index_of(repo).get("program:child").requires] == [
        "program/child/.cm/meta.json: run_deps.x",
        "program/base/.cm/meta.json: run_deps.y",
    ]


def test_the_digest_covers_what_is_inherited(repo: Repo):
    repo.package("base", "a", licence="MIT")
    repo.entry("package", "child", "b", _base_entry="base")

    def digest() -> str:
        index = index_of(repo)
        return index.files_digest(index.get("package:child"))

    before = digest()
    (repo.root / "package/base/data").write_text("files are not inherited")
    assert digest() == before
    repo.package("base", "a", licence="BSD")
    assert digest() != before
