"""Names of scenarios and metrics are literals only in ``rules/`` and in the harness's tasks, so that a row is the one place of each."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import benchloom
from benchloom.rules.metrics import METRICS
from benchloom.rules.scenarios import SCENARIOS

SOURCE = Path(benchloom.__file__).parent
HOMES = ("rules", "harness/tasks")
# A scenario stands in the examples of verbs and in what their help says of it: people must see a command as they would type it.
EXAMPLES = ("cli",)
SCENARIO = re.compile(rf"\b(?:{'|'.join(SCENARIOS)})\b")


def literals(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield line and text of the string literals that are no docstrings."""
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef))
        if node.body and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            yield node.lineno, node.value


def found_in(folder: Path) -> list[str]:
    """Return the places below ``folder`` that name a scenario or metric, apart from their homes."""
    places = []
    for path in sorted(folder.rglob("*.py")):
        name = path.relative_to(folder).as_posix()
        if name.startswith(tuple(f"{home}/" for home in HOMES)):
            continue
        for line, text in literals(ast.parse(path.read_text(encoding="utf-8"))):
            if text in METRICS or text in SCENARIOS or (not name.startswith(EXAMPLES) and SCENARIO.search(text)):
                places.append(f"{name}:{line}: {text!r}")
    return places


def test_no_scenario_or_metric_is_a_literal_outside_its_home():
    assert found_in(SOURCE) == []


@pytest.mark.parametrize("text", ["'Server'", "f'{x} of MultiStream'", "'mAP'", "{'top1': 1}", "'samples_per_second'"])
def test_a_literal_is_found(tmp_path: Path, text: str):
    (tmp_path / "made.py").write_text(f'"""Server."""\nx = 1\nfound = {text}\n')
    [place] = found_in(tmp_path)
    assert place.startswith("made.py:3: ")
