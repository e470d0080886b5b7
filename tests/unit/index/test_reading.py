import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from benchloom.index.index import Index, load
from benchloom.index.locate import locate
from benchloom.index.repositories import read_repository
from benchloom.model.component import Component
from benchloom.model.finding import Finding
from support.repo import Repo, uid_of


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    return Repo(tmp_path / "repo", "trial")


def _index(*repos: Repo) -> Index:
    return load([read_repository(repo.root) for repo in repos], None)


def _read(repo: Repo, kind: str, meta: Any, name: str = ".cm/meta.json") -> tuple[Component, tuple[Finding, ...]]:
    repo.write(kind, "x", json.dumps(meta, indent=1) if not isinstance(meta, str) else meta, name)
    index = _index(repo)
    return index.get(f"{kind}:x"), index.findings


def test_read_ck_package_with_info(repo: Repo):
    repo.package("x", "b,a", soft_uoa="y", customize={"version": "1.2", "install_env": {"K": True, "N": None}})
    component = _index(repo).get("package:x")

    assert (component.tags, component.family, component.uid) == (("a", "b"), "soft:y", uid_of("package:x"))
    assert [item.version for item in component.versions] == ["1.2"]
    assert component.env == {"K": "yes", "N": ""}
    assert component.file == "package/x/.cm/meta.json"


def test_read_soft_uoa_that_is_a_uid_names_the_family_by_alias(repo: Repo):
    repo.soft("y", "s", backend={"name": "onnxruntime"})
    uid = _index(repo).get("soft:y").uid
    repo.package("x", "p", soft_uoa=uid)
    component = _index(repo).get("package:x")

    assert component.family == "soft:y"
    assert component.backend is not None


def test_read_cm_script_names_roles_and_conditions(repo: Repo):
    text = """\
alias: x
uid: 0123456789abcdef
tags: get,thing
default_env: {A: yes, B: }
deps:
- {tags: "tool", names: [tool, other], version_min: 1.5, skip_if_env: {A: [no]}}
- {tags: [plain]}
variations:
  v: {deps: [{tags: plain2}], env: {C: 1}}
"""
    component, findings = _read(repo, "script", text, "_cm.yaml")

    assert (component.tags, component.env) == (("get", "thing"), {"A": "yes", "B": ""})
    assert [(need.role, need.query.version) for need in component.requires] == [
        ("tool", ">=1.5"),
        ("script:x/deps.1", ""),
    ]
    assert component.variations["v"].requires[0].role == "script:x/variations.v.deps.0"
    assert component.requires[0].where == "script/x/_cm.yaml: deps.0"
    assert findings == ()


@pytest.mark.parametrize("name", ["_cm.yaml", "_cm.json", "meta.yaml", "meta.json"])
def test_read_script_from_each_form_of_file(repo: Repo, name: str):
    component, _ = _read(repo, "script", {"alias": "x", "tags": ["a"]}, name)
    assert component.file == f"script/x/{name}"


def test_read_ck_entry_from_its_old_file(repo: Repo):
    component, _ = _read(repo, "package", {"tags": ["a"]}, ".cm/data.json")
    assert component.tags == ("a",)


@pytest.mark.parametrize(
    ("meta", "key", "line", "fix"),
    [
        ({"tags": ["a"], "run_dep": {}}, "run_dep", 5, "did you mean 'run_deps'?"),
        (
            {"run_deps": {"m": {"tags": "a", "skip-default": "x"}}},
            "run_deps.m.skip-default",
            5,
            "did you mean 'skip_default'?",
        ),
        ({"fetch": [{"url": "u", "digst": "x"}]}, "fetch.0.digst", 5, "did you mean 'digest'?"),
        ({"variations": {"b.#": {"evn": {}}}}, "variations.b.#.evn", 4, "did you mean 'env'?"),
        (
            {"variations": {"b": {"fetch": [{"member_": "x"}]}}},
            "variations.b.fetch.0.member_",
            6,
            "did you mean 'member'?",
        ),
        ({"install": {"pipp": "x"}}, "install.pipp", 3, "did you mean 'pip'?"),
    ],
)
def test_read_unknown_key_is_a_finding_with_line_and_nearest(
    repo: Repo, meta: dict[str, Any], key: str, line: int, fix: str
):
    _, findings = _read(repo, "package", meta)

    assert [(item.rule, item.key, item.line, item.fix) for item in findings] == [("unknown-key", key, line, fix)]
    assert findings[0].file == "package/x/.cm/meta.json"


@pytest.mark.parametrize("number", [1e20, -1e308, "9" * 20, "x", [1], {"a": 1}], ids=str)
@pytest.mark.parametrize(
    ("key", "line", "meta"),
    [
        ("priority", 5, lambda number: {"tags": ["a"], "priority": number}),
        ("deps.b.sort", 8, lambda number: {"tags": ["a"], "deps": {"b": {"tags": "b", "sort": number}}}),
    ],
)
def test_read_number_that_is_not_whole_or_beyond_64_bits_is_a_finding(
    repo: Repo, key: str, line: int, meta: Callable[[Any], Any], number: Any
):
    repo.write("package", "x", json.dumps(meta(number), indent=1))
    index = _index(repo)

    assert index.components == ()  # of which the persisted index could hold no such number
    [found] = index.findings
    assert (found.rule, found.key, found.line) == ("bad-value", key, line)
    assert "is not a whole number" in found.message
    assert str(number)[:1] in found.message


@pytest.mark.parametrize("number", [-5, 0, "nan", "soon", True, [1], 1.5e999], ids=str)
def test_read_timeout_that_is_no_number_above_zero_is_a_finding(repo: Repo, number: Any):
    repo.write("program", "x", json.dumps({"tags": ["a"], "timeout": number}, indent=1))
    index = _index(repo)
    assert index.components == ()
    [found] = index.findings
    assert "number" in found.message
    assert found.rule == ("broken-file" if number == 1.5e999 else "bad-value")
    assert (found.key, found.line) == ("timeout", 5) or number == 1.5e999


@pytest.mark.parametrize(("number", "read"), [(5, 5.0), (1.5, 1.5), ("7", 7.0), (None, None), ("", None)])
def test_read_timeout(repo: Repo, number: Any, read: float | None):
    repo.write("program", "x", json.dumps({"tags": ["a"], "timeout": number}))
    [component] = _index(repo).components
    assert component.program is not None
    assert component.program.timeout == read


@pytest.mark.parametrize(
    ("number", "read"), [(2**64 - 1, 2**64 - 1), (-(2**63), -(2**63)), ("7", 7), (None, 0), ("", 0)]
)
def test_read_whole_number(repo: Repo, number: Any, read: int):
    assert _read(repo, "package", {"tags": ["a"], "priority": number})[0].priority == read


def test_read_comments_are_not_unknown_keys(repo: Repo):
    meta = {"FIXME: later": 1, "_note": 1, "key#": 1, "$schema": "s", "comment": 1}
    assert _read(repo, "package", meta)[1] == ()


def test_read_need_that_is_not_acted_upon_is_a_finding(repo: Repo):
    _, findings = _read(repo, "package", {"deps": {"m": {"tags": "a", "or_tags": "b;c"}}})
    assert [(item.rule, item.key) for item in findings] == [("unheard-key", "deps.m.or_tags")]


@pytest.mark.parametrize(
    ("meta", "key"),
    [
        ({"post_deps": [{"tags": "a"}]}, "post_deps"),
        ({"only_for_host_os_tags": ["windows"]}, "only_for_host_os_tags"),
        ({"variations": {"v": {"adr": {"m": {"tags": "a"}}}}}, "variations.v.adr"),
        ({"run_cmds": {"c": {"ignore_return_code": "yes"}}}, "run_cmds.c.ignore_return_code"),
        (
            {"variations": {"v": {"deps": [{"tags": "a", "update_tags_from_env": ["A"]}]}}},
            "variations.v.deps.0.update_tags_from_env",
        ),
    ],
)
def test_read_key_that_changes_what_is_chosen_and_is_not_acted_upon_is_a_finding(
    repo: Repo, meta: dict[str, Any], key: str
):
    _, findings = _read(repo, "script", meta)
    assert [(item.rule, item.severity, item.key) for item in findings] == [("unheard-key", "warning", key)]
    assert "not supported" in findings[0].message


def test_read_key_that_says_nothing_here_is_none(repo: Repo):
    meta = {"post_deps": [], "suggested_path": "x", "cache": True, "variations": {"v": {"extra_customize": {"a": "b"}}}}
    assert _read(repo, "package", meta)[1] == ()


@pytest.mark.parametrize(
    ("meta", "key", "line"),
    [
        ({"run_deps": {"m": {"tags": "a,-a"}}}, "run_deps.m.tags", 4),
        ({"run_deps": {"m": {"version_from": ["x y"]}}}, "run_deps.m.version_from", 4),
        ({"fetch": [{"size": "many"}]}, "fetch.0.size", 4),
        ({"versions": [{"version": 1.1}]}, "versions.0.version", 4),
        ({"inputs": {"n": {"summary": "s", "type": "number"}}}, "inputs.n.type", 5),
    ],
)
def test_read_bad_value_is_an_error_at_its_line(repo: Repo, meta: dict[str, Any], key: str, line: int):
    repo.write("program", "x", json.dumps(meta, indent=1))
    findings = _index(repo).findings

    assert [(item.rule, item.severity, item.key, item.line) for item in findings] == [("bad-value", "error", key, line)]


def test_read_broken_info_keeps_the_component(repo: Repo):
    folder = repo.package("x", "a")
    (folder / ".cm" / "info.json").write_text("{")
    index = _index(repo)

    assert index.get("package:x").uid == ""
    found = index.findings[0]
    assert (found.rule, found.severity, found.file, found.line) == (
        "broken-file",
        "warning",
        "package/x/.cm/info.json",
        1,
    )


def test_read_uid_number_version_number_and_unknown_default_are_findings(repo: Repo):
    text = "alias: x\nuid: 1234567890123456\ndefault_version: 1.10\ndefault_variations: {g: smal}\nvariations: {small: {}}\n"
    _, findings = _read(repo, "script", text, "_cm.yaml")

    assert {(item.rule, item.line) for item in findings} == {
        ("uid-not-text", 2),
        ("version-not-text", 3),
        ("unknown-variation", 4),
    }


def test_index_first_repository_has_the_plain_name_and_hides_nothing(tmp_path: Path):
    first, second = Repo(tmp_path / "a", "a"), Repo(tmp_path / "b", "b")
    first.package("x", "one")
    second.package("x", "two")
    second.package("y", "two")
    index = _index(first, second)

    assert index.get("package:x").tags == ("one",)
    assert index.get("b:package:x").tags == ("two",)
    assert index.get("b:package:x").ref == "b:package:x"
    assert index.findings == ()
    assert index.get("b:package:y").repo == "b"
    assert index.folder(index.get("package:y")) == tmp_path / "b" / "package" / "y"


def test_index_folder_without_metadata_is_a_finding_only(repo: Repo):
    (repo.root / "package" / "empty").mkdir(parents=True)
    (repo.root / "package" / "file").write_text("not a folder")
    index = _index(repo)

    assert index.components == ()
    assert [item.rule for item in index.findings] == ["no-metadata"]


@pytest.mark.parametrize("has_libyaml", [True, False])
def test_locate_finds_lines_in_json_with_tabs_and_names_with_dots(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, has_libyaml: bool
):
    if not has_libyaml:  # libyaml is less strict about tabs
        monkeypatch.delattr(yaml, "CSafeLoader")
    file = tmp_path / "meta.json"
    file.write_text('\t{\n\t"a.b": {\n\t\t"c": [\n\t\t\t1,\n\t\t\t{"d": 2}\n\t\t]\n\t}\n}\n')

    assert locate(file, ["a", "b"]) == 2
    assert locate(file, ["a", "b", "c", "1", "d"]) == 5
    assert [locate(file, ["a", "b", "c", place]) for place in ("0", "1", "2", "9", "x", "²")] == [4, 5, 3, 3, 3, 3]
    assert locate(file, ["a", "b", "c", "0", "d"]) == 4
    assert locate(file, ["absent"]) == 0
    assert locate(tmp_path / "absent", ["a"]) == 0
