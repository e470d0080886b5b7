"""How a command line is read: targets by tags, options anywhere, values after a space, words of other tools, and hints."""

import re
from pathlib import Path

import pytest

from support.repo import Loom, Repo

ONNX = "program:image-classification-onnx"
ONE = "--tags=program,image-classification,onnxruntime"


@pytest.fixture(scope="module")
def loom(tmp_path_factory: pytest.TempPathFactory) -> Loom:
    folder = tmp_path_factory.mktemp("grammar")
    repo = Repo(folder / "repo", "grammar")
    inputs = {"scenario": {"summary": "s", "choices": ["Offline", "Server"]}, "deep": {"summary": "d", "type": "bool"}}
    repo.program("grammar-one", "grammar,works,one", inputs=inputs)
    repo.program("grammar-two", "grammar,works,two", inputs=inputs)
    repo.program("grammar-both", "syntax,both")
    repo.script("grammar-both-script", "syntax,both")
    return Loom(folder / "home", repo)


@pytest.mark.parametrize(
    "words",
    [
        ("plan", ONE),
        ("plan", "program", ONE),
        ("plan", ONE, "--scenario=Offline"),
        ("plan", "program", "--scenario", "Offline", ONE),
        ("run", ONE, "--scenario=Offline", "--dry-run"),
        ("run", "program", ONE, "--dry-run"),
        ("lock", ONE, "--scenario=Offline"),
        ("--offline", "plan", ONE),
        ("--json", "plan", ONE),
    ],
)
def test_tags_choose_the_program_with_its_inputs(
    loom: Loom, words: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    made = loom.here(*words, "--json").ok().json

    assert made["target"] == ONNX
    assert made["inputs"].get("scenario") == ("Offline" if "Offline" in str(words) else None)


def test_tags_choose_in_explain_graph_and_show(loom: Loom):
    assert loom.here("explain", ONE, "model").ok().out.startswith("model: package:model-digits-onnx")
    assert loom.here("explain", "program", ONE, "model").ok().out.startswith("model: package:model-digits-onnx")
    assert f"{ONNX}" in loom.here("graph", ONE, "--format=dot").ok().out
    for words in ((ONE,), ("program", ONE), (ONNX, "--tags=onnx")):
        assert loom.here("show", *words, "--json").ok().json["alias"] == "image-classification-onnx"


def test_tags_choose_what_runs_and_what_is_installed(loom: Loom):
    assert loom.here("run", "program", "--tags=grammar,one", "--deep", "--json").ok().json["target"] == (
        "program:grammar-one"
    )
    installed = loom.here("install", "--tags=grammar,two", "--json").ok().json
    assert installed["target"] == "program:grammar-two"


@pytest.mark.parametrize("verb", ["run", "plan", "install", "lock", "tune", "explain", "graph"])
def test_several_answers_are_listed(loom: Loom, verb: str):
    answer = loom.here(verb, "--tags=grammar,works")

    assert answer.code == 2
    assert answer.err == (
        "loom: 2 components match 'grammar,works'\n"
        "  where: --tags\n"
        "  why: program:grammar-one (only it has one)\n"
        "  why: program:grammar-two (only it has two)\n"
        "  fix: add a tag that only one has, or write its name\n"
    )


def test_kind_before_tags_tells_a_program_from_a_script(loom: Loom):
    answer = loom.here("plan", "--tags=syntax,both")

    assert answer.code == 2
    assert "  why: program:grammar-both\n  why: script:grammar-both-script\n" in answer.err
    assert "  fix: add a tag that only one has, or write its name, or its kind before --tags\n" in answer.err
    for kind, name in (("program", "grammar-both"), ("script", "grammar-both-script")):
        assert loom.here("plan", kind, "--tags=syntax,both", "--json").ok().json["target"] == f"{kind}:{name}"


def test_no_answer_names_the_nearest(loom: Loom):
    answer = loom.here("run", "--tags=grammar,one,two")

    assert answer.code == 2
    assert answer.err == (
        "loom: no program matches 'grammar,one,two'\n"
        "  where: --tags\n"
        "  why: program:grammar-one lacks two\n"
        "  why: program:grammar-two lacks one\n"
        "  fix: omit a tag, or see loom find program\n"
    )


@pytest.mark.parametrize("tags", ["", "--tags=grammar,works"])
def test_show_says_what_is_wrong(loom: Loom, tags: str):
    answer = loom.here("show", *filter(None, ["program" if not tags else "", tags]))

    assert answer.code == 2
    assert answer.err.startswith(
        "loom: 2 components match 'grammar,works'\n" if tags else "loom: program is a kind, not a component\n"
    )


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("ONNX", "runtime"), "program:image-classification-onnx"),
        (("program", "onnxruntime"), "program:image-classification-onnx"),
        (("package:*resnet50*", "opset-11"), "package:model-resnet50-onnx-opset11"),
        (("handwritten", "--tags=dataset"), "dataset:digits-val"),
    ],
)
def test_find_searches_names_tags_and_summaries(loom: Loom, words: tuple[str, ...], expected: str):
    assert expected in [item["ref"] for item in loom.here("find", *words, "--json").ok().json]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("onxnruntime",), "nothing found; did you mean 'onnxruntime'?"),
        (("program", "grammer"), "nothing found; did you mean 'grammar'?"),
        (("--tags=grammar,one,two",), "nothing found; nearest: program:grammar-one lacks two"),
        (("package:model-digits-onx",), "nothing found; did you mean 'model-digits-onnx'?"),
        (("zzzzzzzz",), "nothing found"),
        (("zzzzzzzz", "--tags=grammar"), "nothing found"),
        (("--tags=grammar,-works",), "nothing found"),
    ],
)
def test_find_proposes_the_nearest(loom: Loom, words: tuple[str, ...], said: str):
    answer = loom.here("find", *words)

    assert (answer.code, answer.err) == (1, f"loom: {said}\n")


def test_detect_proposes_the_nearest(loom: Loom):
    answer = loom.here("detect", "--tags=lib,python-package,numpy,msgspec")

    assert (answer.code, answer.err) == (1, "loom: nothing found; nearest: soft:lib-python-msgspec lacks numpy\n")


def test_no_records_proposes_the_nearest(loom: Loom):
    loom.here("run", "program:grammar-one", "--record_tags=mine").ok()

    for verb in (("record", "ls"), ("compare",)):
        assert loom.here(*verb, "--target=gramar-one").err == "loom: no records; did you mean 'grammar-one'?\n"
        assert loom.here(*verb, "--tags=mime").err == "loom: no records; did you mean 'mine'?\n"


@pytest.mark.parametrize(
    ("given", "fix"),
    [
        ("--model=resnet50", "to choose by tags: --dep_add_tags.model=resnet50"),
        ("--backend=_cuda", "to choose by tags: --dep_add_tags.backend=_cuda"),
        ("--framework=onnxruntime", "to choose by tags: --dep_add_tags.backend=onnxruntime"),
        ("--backend=pytorch", "that is another program: program:image-classification-pytorch"),
        ("--precision=int8", "to choose by tags: --dep_add_tags.model=int8"),
        ("--dataset=digits", "to choose by tags: --dep_add_tags.dataset=digits"),
        ("--scenaro=Offline", "did you mean '--scenario'?"),
        ("--dep_add_tags=model.digits", "name the role: --dep_add_tags.ROLE=TAGS"),
    ],
)
def test_an_unknown_input_says_what_was_meant(loom: Loom, given: str, fix: str):
    answer = loom.here("run", ONNX, given)

    assert answer.code == 2
    name = given.partition("=")[0]
    assert answer.err == f"loom: {ONNX} has no input {name}\n  where: command line\n  fix: {fix}\n"


def test_an_unknown_input_like_none_lists_all(loom: Loom):
    answer = loom.here("run", ONNX, "--qwzx=1.0")

    assert answer.code == 2
    assert re.search(r"\n  fix: its inputs are .*--mode, .*--scenario,", answer.err)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("--scenario", "'yes' is not a value of --scenario"),
        ("--count", "'yes' is not a whole number of at least 1"),
    ],
)
def test_an_input_without_its_value_says_so(loom: Loom, given: str, said: str):
    answer = loom.here("run", ONNX, given)

    assert answer.code == 2
    assert answer.err.startswith(f"loom: {said}\n  where: {given}\n")
    assert answer.err.endswith(f"  fix: write {given}=VALUE; without a value it means yes\n")


@pytest.mark.parametrize(
    ("words", "fix"),
    [
        (("program", "image-classification-onnx"), "write program:image-classification-onnx"),
        ((ONNX, "scenario=Offline"), "write --scenario=Offline"),
        ((ONNX, "Offline"), "inputs are written --NAME=VALUE"),
    ],
)
def test_two_targets_say_what_was_meant(loom: Loom, words: tuple[str, ...], fix: str):
    answer = loom.here("run", *words)

    assert answer.code == 2
    assert answer.err == (
        f"loom: only one target is accepted, not {' and '.join(words)}\n  where: command line\n  fix: {fix}\n"
    )


def test_a_value_may_follow_a_space(loom: Loom):
    for words in (
        (ONNX, "--scenario", "Offline", "--count", "5"),
        ("--scenario", "Offline", ONNX, "--count=5"),
        ("--dep_add_tags.model", "digits", ONNX, "--count", "5", "--scenario", "Offline", "--allow_missing_images"),
        ("--allow_missing_images", ONNX, "--count", "5", "--scenario", "Offline"),
    ):
        assert (
            loom.here("plan", *words, "--json").ok().json["inputs"].items()
            >= {
                "scenario": "Offline",
                "count": "5",
            }.items()
        )
    answer = loom.here("plan", ONNX, "--scenaro", "Offline")
    assert (
        answer.err == f"loom: {ONNX} has no input --scenaro\n  where: command line\n  fix: did you mean '--scenario'?\n"
    )


@pytest.mark.parametrize("option", ["--debug", "--offline", "--quiet", "-q", "--json", "--mirror=/nowhere"])
def test_common_options_stand_before_the_verb_too(loom: Loom, option: str):
    before = loom.here(option, "repo", "list").ok()
    between = loom.here("repo", option, "list").ok()

    assert before == between == loom.here("repo", "list", option).ok()


def test_a_common_option_may_have_its_value_after_a_space(loom: Loom):
    assert loom.here("--mirror", "/nowhere", "--quiet", "repo", "list") == loom.here("repo", "list")


@pytest.mark.parametrize("words", [("--debug", "fnd"), ("--debug", "find", "--nope"), ("--debug", "--nope")])
def test_debug_in_front_of_wrong_words_is_no_traceback(loom: Loom, words: tuple[str, ...]):
    answer = loom.here(*words)

    assert answer.code == 2
    assert "Traceback" not in answer.err
    assert answer.err.startswith("loom: ")


def test_debug_shows_the_traceback_and_the_message_and_keeps_the_exit_code(loom: Loom):
    answer = loom.here("plan", "program:nope", "--debug")

    assert answer.code == 2
    assert answer.err.startswith("Traceback")
    assert "\nloom: no component is called 'program:nope'\n" in answer.err


@pytest.mark.parametrize("word", ["list", "ls", "search"])
def test_words_of_other_tools_are_understood(loom: Loom, word: str):
    assert loom.here(word, "program").ok() == loom.here("find", "program").ok()


@pytest.mark.parametrize(
    ("words", "same"),
    [
        (("help",), ("--help",)),
        (("help", "run"), ("run", "--help")),
        (("help", "venv", "create"), ("venv", "create", "--help")),
        (("venv", "help"), ("venv", "--help")),
        (("version",), ("--version",)),
        (("--debug", "--version"), ("--version",)),
        (("--debug",), ("--help",)),
        (("repo", "ls"), ("repo", "list")),
        (("venv", "list"), ("venv", "ls")),
    ],
)
def test_help_version_and_synonyms(loom: Loom, words: tuple[str, ...], same: tuple[str, ...]):
    assert loom.here(*words) == loom.here(*same)
