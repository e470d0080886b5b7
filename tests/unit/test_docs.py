"""The pages of docs/ and the root: every link leads somewhere, and what they say of the source's layout is so."""

import re
from collections.abc import Iterator
from fnmatch import fnmatch
from functools import cache
from pathlib import Path

import pytest
import yaml

from benchloom.base import toml
from benchloom.index.built_in import built_in_repository

ROOT = built_in_repository()
DOCS = ROOT / "docs"
PAGES = [*sorted(ROOT.glob("*.md")), *sorted(DOCS.rglob("*.md"))]
ARCHITECTURE = DOCS / "concepts" / "architecture.md"
_CODE = re.compile(r"^([ ]*)```.*?^\1```$|(`+).+?\2", re.DOTALL | re.MULTILINE)


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


@cache
def prose(page: Path) -> str:
    """The page without its blocks and spans of code."""
    return _CODE.sub("", page.read_text(encoding="utf-8"))


@cache
def anchors(page: Path) -> frozenset[str]:
    """The anchors of the headings: the site makes one hyphen of several blanks, a page of the root keeps all."""
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    heads = [re.sub(r"[^\w\s-]", "", head).strip().lower() for head in re.findall(r"^#+ (.+)$", text, re.MULTILINE)]
    blank = r"[-\s]+" if page.is_relative_to(DOCS) else r"\s"
    return frozenset(re.sub(blank, "-", head) for head in heads)


def broken_links(page: Path) -> Iterator[str]:
    for link in re.findall(r"\]\(([^)\s]+)\)", prose(page)):
        if re.match(r"[a-z]+:", link):
            continue
        place, _, anchor = link.partition("#")
        target = (page.parent / place).resolve() if place else page
        if not target.exists():
            yield f"{link}: there is no such file"
        elif page.is_relative_to(DOCS) and not (target.is_relative_to(DOCS) and target.is_file()):
            yield f"{link}: the website has only pages of docs/"
        elif anchor and anchor not in anchors(target):
            yield f"{link}: there is no such heading"


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_link_leads_to_a_file_and_a_heading(page: Path):
    assert list(broken_links(page)) == []


def test_broken_links_are_found(tmp_path: Path):
    page = tmp_path / "page.md"
    page.write_text("# A `b`, c\n[x](no.md) [y](#no) [z](#a-b-c) `[w](no.md)`\n\n```\n[u](no.md)\n```\n")
    assert list(broken_links(page)) == ["no.md: there is no such file", "#no: there is no such heading"]


@pytest.mark.parametrize("page", [page for page in PAGES if page.is_relative_to(DOCS)], ids=name_of)
def test_the_website_shows_lists_as_lists(page: Path):
    text = re.sub(r"^([ ]*)```.*?^\1```$", r"\1block", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    assert re.findall(r"\n\n(?: {1,3}| {5,7})\S.*", text) == [], "what belongs to an item has to be indented by four"
    assert re.findall(r"\n\n(?: {4}\S.*\n)+(?:- |\d+\. ).*", text) == [], (
        "an item after such a paragraph needs an empty line"
    )


def test_every_page_is_in_the_menu_of_the_website():
    menu = yaml.safe_load((DOCS / ".nav.yml").read_text(encoding="utf-8"))["nav"]
    patterns = [item for entry in menu for item in ([entry] if isinstance(entry, str) else next(iter(entry.values())))]
    names = [page.relative_to(DOCS).as_posix() for page in DOCS.rglob("*.md")]
    assert [name for name in names if not any(fnmatch(name, pattern) for pattern in patterns)] == []


def test_architecture_has_a_row_for_each_room_in_the_order_of_the_layers():
    text = ARCHITECTURE.read_text(encoding="utf-8").partition("\n## Rooms\n")[2].partition("\n## ")[0]
    rows = [tuple(re.findall(r"`(\w+)`", row.split("|")[1])) for row in text.splitlines() if row.startswith(("| `",))]
    contracts = toml.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]["contracts"]
    layers = [set(re.findall(r"benchloom\.(\w+)", layer)) for layer in contracts[0]["layers"]]
    assert [set(row) for row in rows] == [*layers, {"bootstrap"}, {"harness"}]
    folders = {path.parent.name for path in (ROOT / "src" / "benchloom").glob("*/__init__.py")}
    assert {room for row in rows for room in row} == folders


@pytest.mark.parametrize("page", [*sorted(DOCS.glob("how-to/add-a-*.md")), ARCHITECTURE], ids=name_of)
def test_files_of_the_source_that_a_page_names_exist(page: Path):
    source = ROOT / "src" / "benchloom"
    named = set(re.findall(r"`([a-z_/]+\.py|src/[a-z_/.]+)`", page.read_text(encoding="utf-8")))
    places = (ROOT, source, *(path for path in source.iterdir() if path.is_dir()))
    assert [name for name in named if not any((place / name).exists() for place in places)] == []
