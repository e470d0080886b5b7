"""The words of checks, the codes of rounds and the page about them, against the source."""

import json
import re
import string
from pathlib import Path

import pytest

from benchloom.submission.findings import check_texts
from support.submission import ROOT, rules_of

SOURCE = ROOT / "src" / "benchloom" / "submission"
PAGE = (ROOT / "docs" / "reference" / "checks.md").read_text(encoding="utf-8")
ROUNDS = tuple(
    meta["ruleset"]["round"]
    for path in sorted((ROOT / "ruleset").glob("*/.cm/meta.json"))
    if "submission" in (meta := json.loads(path.read_text()))
)


def used_codes() -> set[str]:
    """Return the codes in the source that notes are written under."""
    text = "".join(path.read_text() for path in SOURCE.glob("*.py"))
    literal = {code for code in re.findall(r'"([a-z0-9]+(?:-[a-z0-9]+)+)"', text) if code in check_texts()}
    of_runs = {
        f"{run}-{rest}" for run in ("performance", "accuracy") for rest in re.findall(r'f"\{run\}-([a-z-]+)"', text)
    }
    seeds = {code for code in ("seeds", "duration") if f'"{code}"' in text}
    return literal | of_runs | seeds


def row(code: str) -> list[str]:
    line = next(line for line in PAGE.splitlines() if line.startswith(f"| `{code}` |"))
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_every_check_has_words_and_is_made():
    assert used_codes() == set(check_texts())


@pytest.mark.parametrize("code", check_texts())
def test_the_page_has_every_check(code: str):
    words = check_texts()[code]
    found = row(code)
    assert found[2] == f"{words.title}: {words.text}".replace("|", "/")
    assert found[1] == words.severity + (f", open {words.open}" if words.open else "")
    heads = next(line for line in PAGE.splitlines() if line.startswith("| Code |")).split("|")[4:-1]
    assert [head.strip() for head in heads] == [f"v{round_}" for round_ in ROUNDS]
    assert found[3:] == [heeded(round_, code) for round_ in ROUNDS]


def heeded(round_: str, code: str) -> str:
    rules = rules_of(round_).submission
    if code in rules.refuses:
        return "refuses*" if code in rules.open_accepts else "refuses"
    return "objects" if code in rules.objects else "-"


def test_words_are_whole():
    for code, words in check_texts().items():
        assert all((words.title, words.reference, words.fix)), code
        assert all(name is None or name.isidentifier() for _, name, _, _ in string.Formatter().parse(words.text)), code


@pytest.mark.parametrize("round_", ROUNDS)
def test_rounds_name_only_checks_that_exist(round_: str):
    rules = rules_of(round_).submission
    assert {*rules.refuses, *rules.objects} <= set(check_texts())
    assert set(rules.open_accepts) <= set(rules.refuses)
    assert not set(rules.refuses) & set(rules.objects)


@pytest.mark.parametrize("round_", ROUNDS)
def test_facts_of_a_round_fit_together(round_: str):
    rules = rules_of(round_)
    known = set(rules.benchmarks)
    named = {*rules.submission.names.values(), *(item.benchmark for item in rules.submission.guesses)}
    assert named <= known
    assert set(rules.submission.figures) <= known
    assert all(metric in rules.submission.accuracy for row_ in rules.benchmarks.values() for metric in row_.targets)
    assert all(re.compile(item.pattern).groups >= 1 for item in rules.submission.accuracy.values())


def test_the_page_is_found_from_the_index():
    assert "checks.md" in Path(ROOT / "docs" / "index.md").read_text()
