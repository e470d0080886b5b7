"""The page on environment variables against the source: neither may know a variable that the other does not."""

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path

from benchloom.app.settings import SUMMARIES
from benchloom.index.built_in import built_in_repository
from benchloom.run import process

ROOT = built_in_repository()
PAGE = (ROOT / "docs" / "reference" / "environment.md").read_text(encoding="utf-8")
SETTINGS = {f"LOOM_{name.upper()}" for name in SUMMARIES}
# What libraries read: no line of ours has it.
OF_LIBRARIES = {"NO_COLOR", "FORCE_COLOR", "COLUMNS"}
# Capitals joined by "_" in the source that are no variables of an environment.
OTHER_WORDS = {
    "BATCH_SIZE",
    "CV_IO_MAX_IMAGE_PIXELS",
    "PICKLED_CLASSES",
    "PRETTY_NAME",
    "SC_CLK_TCK",
    "SC_PAGE_SIZE",
    "SC_PHYS_PAGES",
}


def on_page() -> set[str]:
    spans = re.findall(r"`(_?[A-Za-z][A-Za-z_]*)(?:\*|<[A-Z]+>)?`", PAGE)
    return {name for name in spans if name.isupper() or name.endswith("_proxy")} - {"LOOM"}


def sources() -> Iterator[Path]:
    yield from (ROOT / "loom", ROOT / ".ci" / "run", ROOT / "tests" / "conftest.py")
    for pattern in ("src/benchloom/**/*.py", "script/*/*.py", "script/*/*.sh", "tests/support/**/*.py"):
        yield from ROOT.glob(pattern)


def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def prefixes_of_ck() -> set[str]:
    metas = (json.loads(text_of(path)) for path in ROOT.glob("soft/*/.cm/meta.json"))
    return {meta["customize"]["env_prefix"] for meta in metas if "env_prefix" in meta.get("customize", {})}


def loom_variables() -> set[str]:
    found = {name for path in sources() for name in re.findall(r"\b_?LOOM_[A-Z][A-Z0-9_]*", text_of(path))}
    of_ck = tuple(prefixes_of_ck())
    return {name for name in {*found, *SETTINGS} if not name.startswith(of_ck)}


def other_variables() -> set[str]:
    found = set()
    for path in ROOT.glob("src/**/*.py"):
        if path.parent.name == "backends" and "os.environ" not in text_of(path):
            continue  # capitals in a backend are options of its library
        for node in ast.walk(ast.parse(text_of(path))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found |= set(re.findall(r"^[A-Z]+(?:_[A-Z]+)+_?$|^[A-Z]+_$", node.value))
    return {name for name in found if not name.startswith("LOOM_")} - OTHER_WORDS


def test_every_loom_variable_of_the_source_is_on_the_page():
    assert loom_variables() - on_page() == set(), "add them to docs/reference/environment.md"


def test_every_other_variable_of_the_source_is_on_the_page():
    covered = {name for name in on_page() if name.endswith("_")}
    missing = {name for name in other_variables() - on_page() if not name.startswith(tuple(covered))}
    assert missing == set(), "add them to docs/reference/environment.md, or to OTHER_WORDS if they are no variables"


def test_every_variable_that_a_child_keeps_is_on_the_page():
    assert {*process._PASSED, *process._PASSED_PREFIXES} - on_page() == set()


def test_the_page_names_no_variable_that_the_source_does_not_know():
    files = [*sources(), *ROOT.glob("soft/*/.cm/meta.json")]
    words = {word for path in files for word in re.findall(r"\w+", text_of(path))} | OF_LIBRARIES | SETTINGS
    beginnings = tuple(name for name in on_page() if name.endswith("_"))
    assert {name for name in on_page() if name not in beginnings} - words == set()
    assert {name for name in beginnings if not any(word.startswith(name) for word in words)} == set()
