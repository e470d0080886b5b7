from pathlib import Path

import pytest

from support.repo import Loom, Repo


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    repo = Repo(tmp_path / "repo", "why")
    versions = [{"version": version} for version in ("1.9", "2.1", "3.0")]
    repo.package("why-tool", "why,tool", versions=versions, files={"tool": "x"}, soft_uoa="why-tools")
    repo.package("why-spare", "why,tool,spare", version="2.2", files={"t": "y"}, soft_uoa="why-tools", priority=-1)
    repo.package("why-plain", "why,tool", files={"t": "z"}, soft_uoa="why-tools", priority=-2)
    repo.package("why-other", "why,other", files={"t": "z"})
    needs = {"tool": {"tags": "why,tool", "version_from": [2]}, "step": {"tags": "why,step"}}
    repo.program("why-app", "why,app", run_deps=needs)
    repo.script("why-step", "why,step", deps=[{"tags": "why,tool", "names": ["tool"], "version_max": "2.5"}])
    return repo


@pytest.fixture
def loom(tmp_path: Path, repo: Repo) -> Loom:
    return Loom(tmp_path / "home", repo)


def test_explain_role_shows_choice_requirers_and_everything_else(loom: Loom):
    answer = loom.here("explain", "program:why-app", "tool").ok()

    assert answer.out == (
        "tool: package:why-tool @2.1 (installable)\n"
        "  because      higher priority; preferred over package:why-spare\n"
        "  required by  program:why-app: tool,why,@>=2  (program/why-app/.cm/meta.json: run_deps.tool)\n"
        "               script:why-step: tool,why,@<=2.5  (script/why-step/_cm.yaml: deps.0)\n"
        "  not chosen   package:why-spare @2.2: package:why-tool is preferred: higher priority\n"
        "  refused      package:why-plain: its version is unknown, so it may not satisfy >=2,<=2.5\n"
        "               package:why-tool: version 1.9 does not satisfy >=2\n"
        "               package:why-tool: version 3.0 does not satisfy <=2.5\n"
    )


def test_explain_component_is_the_same_as_its_role(loom: Loom):
    by_role = loom.here("explain", "program:why-app", "tool").ok().out

    assert loom.here("explain", "program:why-app", "package:why-tool").ok().out == by_role
    assert loom.here("explain", "program:why-app", "why-tool").ok().out == by_role


def test_explain_without_a_role_gives_a_line_for_each(loom: Loom):
    lines = loom.here("explain", "program:why-app").ok().out.splitlines()

    assert [line.split()[0] for line in lines] == ["step", "tool", "target"]


def test_explain_by_tags_takes_the_role_first(loom: Loom):
    answer = loom.here("explain", "--tags=why,step", "tool").ok()
    assert answer.out.startswith("tool: package:why-tool @2.1")


def test_explain_has_at_most_a_dozen_lines(repo: Repo, loom: Loom):
    for number in range(20):
        repo.package(f"why-more-{number}", "why,tool", version="2.0", files={"t": str(number)}, soft_uoa="why-tools")
        repo.package(f"why-old-{number}", "why,tool", version="1.0", files={"t": str(number)}, soft_uoa="why-tools")

    lines = loom.here("explain", "program:why-app", "tool").ok().out.splitlines()
    assert len(lines) <= 12
    assert any(line.endswith("more (see --json)") for line in lines)
    assert len(loom.here("explain", "program:why-app", "tool", "--json").ok().json[0]["alternatives"]) == 21


def test_explain_json_is_typed_and_agrees_with_the_plan(loom: Loom):
    (found,) = loom.here("explain", "program:why-app", "tool", "--json").ok().json
    node = loom.here("plan", "program:why-app", "--json").ok().node("tool")

    assert found["chosen"] == node["candidate"]
    assert found["reason"] == node["reason"]
    assert found["required_by"] == node["required_by"]
    assert {"component": "package:why-tool", "reason": "version 1.9 does not satisfy >=2", "version": "1.9"} in found[
        "refused"
    ]


def test_explain_unknown_role_names_the_nearest(loom: Loom):
    answer = loom.here("explain", "program:why-app", "tol")

    assert answer.code == 2
    assert "the plan has no role or component 'tol'" in answer.err
    assert "did you mean 'tool'? (its roles are step, target, tool)" in answer.err


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("why-tool@1.9", "version 1.9 does not satisfy >=2"),
        ("package:why-tool@3.0", "version 3.0 does not satisfy <=2.5"),
        ("why-tool@7", "it has no version 7"),
        ("why-plain", "its version is unknown, so it may not satisfy >=2,<=2.5"),
        (
            "why-other",
            "it lacks tool; program:why-app needs tool,why,@>=2 (program/why-app/.cm/meta.json: run_deps.tool)",
        ),
        ("program:why-app", "a program never fills a requirement"),
    ],
)
def test_explain_not_what_cannot_be_chosen_says_why_and_exits_1(loom: Loom, name: str, reason: str):
    answer = loom.here("explain", "program:why-app", "tool", "--not", name)
    as_json = loom.here("explain", "program:why-app", "tool", "--not", name, "--json")

    assert (answer.code, as_json.code) == (1, 1)
    assert "cannot be chosen\n" in answer.out
    assert f" {reason}\n" in answer.out
    assert (as_json.json["can_answer"], as_json.json["reasons"][0]) == (False, reason)


def test_explain_not_what_could_be_chosen_gives_a_flag_that_does(loom: Loom):
    answer = loom.here("explain", "program:why-app", "tool", "--not", "why-spare").ok()

    assert answer.out == (
        "tool: package:why-spare was not chosen, but could be\n"
        "  chosen       package:why-tool @2.1 (installable)\n"
        "  because      package:why-tool is preferred: higher priority\n"
        "  choose it    --dep_add_tags.tool=spare\n"
    )
    node = loom.here("plan", "program:why-app", "--dep_add_tags.tool=spare", "--json").ok().node("tool")
    assert node["candidate"]["component"] == "package:why-spare"


def test_explain_not_another_version_gives_a_flag_that_does(loom: Loom, repo: Repo):
    repo.program("why-app", "why,app", run_deps={"tool": {"tags": "why,tool"}})
    flag = loom.here("explain", "program:why-app", "tool", "--not", "why-tool@2.1", "--json").ok().json["fix"]

    assert flag == "--dep_add_tags.tool=@==2.1"
    node = loom.here("plan", "program:why-app", flag, "--json").ok().node("tool")
    assert node["candidate"]["version"] == "2.1"


def test_explain_not_what_would_break_the_rest_says_what(repo: Repo, loom: Loom):
    versions = [{"version": "2.1"}, {"version": "3.0"}]
    repo.package("why-tool", "why,tool", versions=versions, files={"tool": "x"}, soft_uoa="why-tools")
    needs = {"tool": {"tags": "why,tool"}, "same": {"tags": "why,tool", "version_to": [2, 5]}}
    repo.program("why-app", "why,app", run_deps=needs)

    answer = loom.here("explain", "program:why-app", "tool", "--not", "why-tool@3.0")
    assert answer.code == 1
    assert "with it, soft:why-tools can be in a plan only once, but same and tool need different ones" in answer.out


def test_explain_not_what_was_chosen_says_so(loom: Loom):
    answer = loom.here("explain", "program:why-app", "tool", "--not", "why-tool").ok()
    assert answer.out == "tool: package:why-tool is the chosen one\n"


@pytest.mark.parametrize("words", [["--not", "why-tool"], ["tool", "--not", "nothing-of-the-name"], ["tool", "more"]])
def test_explain_asked_wrongly_is_an_input_error_with_a_fix(loom: Loom, words: list[str]):
    answer = loom.here("explain", "program:why-app", *words)

    assert answer.code == 2
    assert "fix: " in answer.err or "only one target is accepted" in answer.err


def test_explain_impossible_plan_explains_the_conflict(repo: Repo, loom: Loom):
    repo.program("why-app", "why,app", run_deps={"tool": {"tags": "why,tool", "version_from": [9]}})

    answer = loom.here("explain", "program:why-app", "tool")
    assert answer.code == 3
    assert "no version of tool is >=9" in answer.err or "can be tool" in answer.err


def test_model_that_a_backend_cannot_take_says_why_and_which_program_can(loom: Loom):
    answer = loom.here("plan", "program:image-classification-tflite", "--dep_add_tags.model=resnet50,opset-11")
    assert answer.code == 3
    assert "package:model-resnet50-onnx-opset11 lacks tflite (its format is onnx)" in answer.err
    head, _, named = answer.err.rstrip().rpartition("fix: choose a program that accepts it: ")
    assert head
    programs, family = set(named.split(", ")), "program:image-classification"
    assert {family, f"{family}-onnx"} <= programs
    assert not {f"{family}-{name}" for name in ("pytorch", "tensorflow", "tflite")} & programs
