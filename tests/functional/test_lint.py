"""``loom lint``: one finding for each thing that is wrong, none for what is well."""

import json
import tarfile
import zipfile
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from benchloom.authoring.lint_rules.seam import all_rules
from support.repo import Loom, Repo

WELL = {
    "summary": "A trial",
    "licence": "Apache-2.0",
    "maintainers": ["Somebody"],
    "sources": ["here"],
}
TAGS = "trial,thing,first"
STEPS = [
    {"op": "decode", "colour": "rgb"},
    {"op": "resize", "size": [8, 6], "mode": "exact", "interpolation": "area"},
    {"op": "cast", "dtype": "float32"},
    {"op": "transpose", "layout": "NCHW"},
]


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    return Repo(tmp_path / "repo", "trial")


@pytest.fixture
def loom(tmp_path: Path, repo: Repo) -> Loom:
    return Loom(tmp_path / "home", repo)


def said(loom: Loom, *words: str) -> list[tuple[str, str]]:
    answer = loom.here("lint", *words, "--json")
    found = [(item["rule"], item["severity"]) for item in answer.json]
    assert answer.code == int(any(severity == "error" for _, severity in found)), answer.err
    return found


def test_lint_component_that_is_well_says_nothing(loom: Loom, repo: Repo):
    repo.package("thing", TAGS, files={"a.txt": "one"}, version="1", **WELL)
    answer = loom.here("lint", "package:thing").ok()
    assert answer.out == ""
    assert "1 components: 0 errors" in answer.err


@pytest.mark.parametrize(
    ("meta", "expected"),
    [
        ({"summary": ""}, ("component-has-summary", "warning")),
        ({"licence": ""}, ("component-has-licence", "warning")),
        ({"maintainers": []}, ("component-has-maintainers", "warning")),
        ({"sources": []}, ("component-has-sources", "warning")),
        ({"tags": ["one", "two"]}, ("component-has-tags", "warning")),
        ({"tags": ["one", "two", "misc"]}, ("component-has-tags", "warning")),
        ({"tags": ["one", "two", "Three four"]}, ("tags-are-plain", "warning")),
        ({"sumary": "x"}, ("unknown-key", "warning")),
        ({"summary": "FIXME"}, ("filled-in", "info")),
        ({"priority": "high"}, ("bad-value", "error")),
        ({"fetch": [{"url": "https://example.org/x"}]}, ("fetch-has-digest", "error")),
        ({"fetch": [{"url": "https://example.org/x", "digest": f"md5:{'0' * 32}"}]}, ("fetch-has-digest", "warning")),
        ({"fetch": [{"url": "https://example.org/x", "digest": "sha256:12"}]}, ("fetch-has-digest", "error")),
        ({"fetch": [{"unpinned": "why"}]}, ("fetch-is-one-source", "error")),
        ({"fetch": [{"path": "absent.txt"}]}, ("fetch-path-matches", "error")),
        ({"fetch": [{"path": "../../.ckr.json"}]}, ("fetch-path-matches", "error")),
        ({"needs": {"x": {"tags": "trial,absent-tag"}}}, ("unanswerable-need", "error")),
        ({"needs": {"x": {"tags": "absent-tag", "optional": True}}}, ("unanswerable-need", "warning")),
        ({"needs": {"x": {"tags": "trial,_absent"}}}, ("unanswerable-need", "error")),
        ({"variations": {"a": {"base": "absent"}}}, ("variation-exists", "error")),
        ({"variations": {"a": {"group": "g"}}, "default_variations": {"h": "a"}}, ("variation-exists", "error")),
        ({"versions": [{"version": "1"}], "default_version": "2"}, ("default-version-exists", "error")),
        ({"default_for": ["trial,-trial"]}, ("default-for-parses", "error")),
        ({"default_for": ["other-tag"]}, ("default-for-parses", "error")),
        ({"ck_queries": ["trial,-trial"]}, ("ck-query-means-it", "error")),
        ({"ck_queries": ["other-tag"]}, ("ck-query-means-it", "error")),
    ],
)
def test_lint_one_thing_wrong_is_one_finding(loom: Loom, repo: Repo, meta: dict[str, Any], expected: tuple[str, str]):
    tags = ",".join(meta.pop("tags", TAGS.split(",")))
    repo.package("thing", tags, **{**WELL, **meta})
    assert said(loom, "package:thing") == [expected]


@pytest.mark.parametrize(
    ("facts", "tags", "expected"),
    [
        ({"classes": {"count": 2}}, TAGS, []),
        ({}, TAGS, [("model-is-complete", "error")]),
        ({"unpinned": {"classes": "nobody says"}}, TAGS, []),
        ({"classes": {"count": 2}, "weights": "random"}, TAGS, [("model-is-complete", "error")]),
        ({"classes": {"count": 2}, "weights": "random"}, f"{TAGS},random-weights", []),
        (
            {
                "classes": {"count": 2},
                "weights": "random",
                "reference": {"metric": "top1", "value": 0.5, "source": "a guess"},
            },
            f"{TAGS},random-weights",
            [("model-is-complete", "error")],
        ),
    ],
)
def test_lint_model_states_what_it_can_be_used_for(
    loom: Loom, repo: Repo, facts: dict[str, Any], tags: str, expected: list[tuple[str, str]]
):
    tensors = {"inputs": [{"name": "input"}], "outputs": [{"name": "scores"}]}
    kind = {"name": "m", "task": "image-classification", "format": "onnx", "precision": "fp32"}
    repo.package("thing", tags, model={**kind, **tensors, **facts}, **WELL)
    assert said(loom, "package:thing") == expected


@pytest.mark.parametrize(
    ("profile", "expected"),
    [
        ({"shape": [3, 8, 6], "dtype": "float32"}, []),
        ({"shape": [8, 6, 3], "dtype": "float32"}, [("profile-shape-fits", "error")]),
        ({"shape": [3, 8, 6], "dtype": "uint8"}, [("profile-shape-fits", "error")]),
    ],
)
def test_lint_profile_shape_follows_from_its_steps(
    loom: Loom, repo: Repo, profile: dict[str, Any], expected: list[tuple[str, str]]
):
    repo.package("profile", TAGS, profile={"name": "p", "steps": STEPS, **profile}, **WELL)
    assert said(loom, "profile") == expected
    own = {"name": "p", "steps": STEPS, "shape": [3, 8, 6], "dtype": "float32"}
    repo.package("profile", TAGS, profile=own, variations={"other": {"profile": {**own, **profile}}}, **WELL)
    assert said(loom, "profile") == expected


LABELLED = {
    "name": "d",
    "task": "image-classification",
    "layout": "imagenet",
    "images": "images",
    "labels": "val_map.txt",
    "count": 2,
    "classes": 2,
}


@pytest.mark.parametrize(("count", "expected"), [(2, []), (3, [("dataset-count-matches", "error")])])
@pytest.mark.parametrize("archived", ["", "zip", "tar"])
def test_lint_dataset_count_is_that_of_the_labels(
    loom: Loom, repo: Repo, count: int, expected: list[tuple[str, str]], archived: str
):
    fetch = {"path": f"d.{archived}", "archive": archived} if archived else {"path": "val_map.txt"}
    folder = repo.dataset("d", TAGS, dataset={**LABELLED, "count": count}, fetch=[fetch], **WELL)
    (folder / "val_map.txt").write_text("a.jpg 0\nb.jpg 1\n")
    with zipfile.ZipFile(folder / "d.zip", "w") as archive:
        archive.write(folder / "val_map.txt", "val_map.txt")
    with tarfile.open(folder / "d.tar", "w") as archive:
        archive.add(folder / "val_map.txt", "val_map.txt")
    assert said(loom, "dataset:d") == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"images": [{"id": 1, "file_name": "a.jpg", "width": 1, "height": 1}]}', "its labels list 1 samples, not 2"),
        ("{", "boxes.json cannot be read: "),
    ],
    ids=["another count", "no JSON"],
)
def test_lint_dataset_count_is_that_of_the_annotations(loom: Loom, repo: Repo, text: str, expected: str):
    facts = {**LABELLED, "task": "object-detection", "layout": "coco", "labels": "boxes.json"}
    folder = repo.dataset("d", TAGS, dataset=facts, fetch=[{"path": "boxes.json"}], **WELL)
    (folder / "boxes.json").write_text(text)
    [finding] = [item for item in loom.here("lint", "dataset:d", "--json").json if item["severity"] == "error"]
    assert finding["rule"] == "dataset-count-matches"
    assert finding["message"].startswith(expected)


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({"layout": "imagnet"}, ("known-layout", "'imagnet' is not a layout of data sets", "did you mean 'imagenet'?")),
        (
            {"task": "sorting"},
            ("known-task", "'sorting' is not a task", "known: image-classification, object-detection"),
        ),
    ],
)
def test_lint_names_of_tasks_and_layouts_are_those_of_modules(
    loom: Loom, repo: Repo, facts: dict[str, str], expected: tuple[str, str, str]
):
    repo.dataset("d", TAGS, dataset={**LABELLED, **facts}, **WELL)
    [finding] = [item for item in loom.here("lint", "dataset:d", "--json").json if item["severity"] == "error"]
    assert (finding["rule"], finding["message"], finding["fix"]) == expected


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("val_map.txt", None, "larger than 67,108,864 bytes"),
        ("d.zip", b"PK\3\4 and no more", "not a valid zip archive"),
        ("d.tar", b"no tar", "not a valid tar archive"),
    ],
    ids=["endless labels", "damaged zip", "damaged tar"],
)
def test_lint_labels_that_cannot_be_read_are_a_finding(
    loom: Loom, repo: Repo, name: str, content: bytes | None, reason: str
):
    archive = {} if name == "val_map.txt" else {"archive": name[-3:]}
    folder = repo.dataset("d", TAGS, dataset=LABELLED, fetch=[{"path": name, **archive}], **WELL)
    with (folder / name).open("wb") as stream:
        stream.write(content or b"a.jpg 0\n")
        if content is None:
            stream.truncate((64 << 20) + 1)
    answer = loom.here("lint", "dataset:d", "--json")
    (finding,) = [item for item in answer.json if item["severity"] == "error"]
    assert finding["rule"] == "dataset-count-matches"
    assert reason in finding["message"]


def test_lint_shipped_file_with_other_bytes_or_size_is_an_error(loom: Loom, repo: Repo):
    folder = repo.package("thing", TAGS, files={"a.txt": "one"}, **WELL)
    (folder / "a.txt").write_text("two")
    assert said(loom, "thing") == [("fetch-path-matches", "error")]
    digest = f"sha256:{sha256(b'two').hexdigest()}"
    repo.package("thing", TAGS, fetch=[{"path": "a.txt", "digest": digest, "size": 4}], **WELL)
    assert said(loom, "thing") == [("fetch-path-matches", "error")]


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"LOOM_INPUT_MODE": "fast", "OTHER": "1"}, []),
        ({"LOOM_INPUT_MOED": "fast"}, ["LOOM_INPUT_MOED is not an input that it declares"]),
        ({"LOOM_INPUT_MODE": "fats"}, ["'fats' is not a value of --mode"]),
    ],
)
@pytest.mark.parametrize("is_of_command", [True, False])
def test_lint_variables_that_are_inputs_are_checked_as_inputs(
    loom: Loom, repo: Repo, variables: dict[str, str], expected: list[str], is_of_command: bool
):
    run = {"run_time": {"run_cmd_main": "true"}, **({"run_vars": variables} if is_of_command else {})}
    meta = {} if is_of_command else {"run_vars": variables}
    inputs = {"mode": {"summary": "how", "choices": ["fast", "slow"]}}
    repo.program("app", TAGS, run_cmds={"default": run}, inputs=inputs, **meta, **WELL)
    found = [item for item in loom.here("lint", "program:app", "--json").json if item["rule"] == "known-inputs"]
    assert [item["message"] for item in found] == expected


def test_lint_program_without_commands_or_with_results_elsewhere_is_an_error(loom: Loom, repo: Repo):
    repo.program("app", TAGS, run_cmds={}, **WELL)
    assert said(loom, "program:app") == [("program-can-run", "error")]
    repo.program("app", TAGS, results="../results.json", **WELL)
    assert said(loom, "program:app") == [("program-can-run", "error")]


def test_lint_finding_names_file_line_key_and_the_nearest_tag(loom: Loom, repo: Repo):
    repo.package("thing", TAGS, **WELL)
    repo.package("other", TAGS, needs={"x": {"tags": "trial,thin"}}, **WELL)
    answer = loom.here("lint", "package:other")
    lines = (repo.root / "package/other/.cm/meta.json").read_text().splitlines()
    number = next(place for place, line in enumerate(lines, 1) if '"tags": "trial,thin"' in line or '"x"' in line)
    assert answer.code == 1
    assert f"package/other/.cm/meta.json:{number}: error: no component has the tag 'thin'" in answer.out
    assert "needs.x" in answer.out
    assert "'thing'" in answer.out


def test_lint_finding_about_what_is_inherited_names_the_line_of_the_base(loom: Loom, repo: Repo):
    repo.entry("package.template", "base", "", **WELL, needs={"x": {"tags": "trial,thin"}})
    repo.entry("package", "other", TAGS, _base_entry="package.template:base", needs={"y": {"tags": "trial,thick"}})
    lines = (repo.root / "package.template/base/.cm/meta.json").read_text().splitlines()
    number = next(place for place, line in enumerate(lines, 1) if '"x"' in line)
    for words in (["package:other"], [str(repo.root / "package/other")]):
        answer = loom.here("lint", *words)
        assert f"package.template/base/.cm/meta.json:{number}: error: no component has the tag 'thin'" in answer.out
        assert "package/other/.cm/meta.json" in answer.out


def test_lint_base_that_is_missing_is_found_by_name_and_by_folder(loom: Loom, repo: Repo):
    repo.entry("package.template", "base", "", _base_entry="package.template:nothing")
    repo.entry("package", "other", TAGS, _base_entry="package.template:base")
    for words in (["package:other"], [str(repo.root / "package/other")], [str(repo.root)]):
        answer = loom.here("lint", *words)
        assert answer.code == 1
        where = "package.template/base/.cm/meta.json:3: error: there is no entry package.template:nothing"
        assert answer.out.count(where) == 1
    answer = loom.here("plan", "package:other")
    assert answer.code == 2
    assert "package:other cannot be read" in answer.err


def test_lint_component_that_cannot_be_read_is_found_by_name_and_by_folder(loom: Loom, repo: Repo):
    repo.package("well", TAGS, **WELL)
    file = repo.write("package", "broken", "{")
    assert said(loom, "package:broken") == [("broken-file", "error")]
    assert said(loom, "broken") == [("broken-file", "error")]
    assert said(loom, str(file.parent.parent)) == [("broken-file", "error")]
    assert said(loom, "well") == []


def test_lint_two_components_with_one_uid_is_an_error(loom: Loom, repo: Repo):
    for alias in ("one", "two"):
        folder = repo.package(alias, TAGS, **WELL)
        (folder / ".cm/info.json").write_text('{"backup_data_uid": "00000000000000aa"}')
    assert ("duplicate-uid", "error") in said(loom, "trial")


def test_lint_component_without_uid_is_a_warning(loom: Loom, repo: Repo):
    folder = repo.package("thing", TAGS, **WELL)
    (folder / ".cm/info.json").unlink()
    assert said(loom, "thing") == [("has-uid", "warning")]


def test_lint_repository_that_was_not_added_sees_what_it_needs_in_added_ones(loom: Loom, repo: Repo, tmp_path: Path):
    repo.package("thing", TAGS, **WELL)
    other = Repo(tmp_path / "other", "other")
    other.package("mine", "mine,one,two", needs={"x": {"tags": "trial,thing"}}, **WELL)
    loom.here("repo", "sync", str(other.root)).ok()
    assert said(loom, str(other.root)) == []
    (repo.root / "package/thing/.cm/meta.json").write_text("{}")
    assert said(loom, str(other.root)) == [("unanswerable-need", "error")]


def test_lint_fix_puts_the_tables_of_a_repository_right(loom: Loom, repo: Repo):
    repo.package("thing", TAGS, **WELL)
    assert said(loom, "trial") == [("identity-drift", "warning")]
    assert said(loom, "trial", "--fix") == []
    assert (repo.root / "cmr.yaml").is_file()


def test_lint_rule_limits_the_findings(loom: Loom, repo: Repo):
    repo.package("thing", "one", **{**WELL, "licence": "", "summary": ""})
    assert said(loom, "thing", "--rule=component-has-licence") == [("component-has-licence", "warning")]


def test_lint_unknown_rule_or_name_exits_2_with_the_nearest(loom: Loom, repo: Repo):
    repo.package("thing", TAGS, **WELL)
    rule = loom.here("lint", "--rule=has-uit")
    name = loom.here("lint", "package:thin")
    assert (rule.code, "has-uid" in rule.err) == (2, True)
    assert (name.code, "package:thing" in name.err) == (2, True)


def test_lint_list_rules_describes_every_rule(loom: Loom):
    listed = loom.here("lint", "--list-rules", "--json").ok().json
    assert {item["id"] for item in listed} == set(all_rules())
    assert all(item["description"].endswith(".") for item in listed)
    assert [item["id"] for item in listed if item.get("fixable")] == ["identity-drift"]


def test_lint_everything_includes_each_repository(loom: Loom, repo: Repo):
    repo.package("thing", TAGS, **{**WELL, "licence": ""})
    found = json.loads(loom.here("lint", "--json").out)
    assert "package:thing" in {item["subject"] for item in found}
