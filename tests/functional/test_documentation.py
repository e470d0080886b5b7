import importlib.util
import re
from pathlib import Path

import pytest

from benchloom.app.schemas import schemas
from benchloom.authoring.documentation import models_page, reference
from benchloom.cli.help import all_verbs, common_options
from benchloom.cli.main import VERBS
from benchloom.index.built_in import built_in_repository
from benchloom.index.index import load
from benchloom.index.repositories import read_repository
from support.repo import Loom, Repo

PAGES = reference(all_verbs(), common_options(), schemas())


@pytest.mark.parametrize("name", PAGES)
def test_reference_page_of_the_checkout_is_what_the_code_says(name: str):
    held = (built_in_repository() / "docs" / "reference" / name).read_text(encoding="utf-8")
    assert held == PAGES[name], "run: loom schema --docs docs/reference"


def test_commands_page_has_every_verb_with_an_example():
    sections = dict(re.findall(r"^## (loom .+)\n((?:(?!^## ).*\n)*)", PAGES["commands.md"], flags=re.MULTILINE))
    written = {name for name in VERBS if importlib.util.find_spec(f"benchloom.cli.verbs.{name}")}
    assert {name.split()[1] for name in sections} == written
    for name, text in sections.items():
        assert "Example:" in text or any(other.startswith(f"{name} ") for other in sections), name


@pytest.mark.parametrize("name", PAGES)
def test_reference_page_links_only_to_its_own_headings(name: str):
    headings = {
        re.sub(r"[^\w -]", "", line.lstrip("# ").lower()).replace(" ", "-")
        for line in PAGES[name].splitlines()
        if line.startswith("#")
    }
    assert set(re.findall(r"\]\(#([^)]+)\)", PAGES[name])) <= headings


def test_reference_tables_have_as_many_cells_as_heads():
    for text in PAGES.values():
        width = 0
        for line in text.splitlines():
            cells = len(re.findall(r"(?<!\\)\|", line)) if line.startswith("|") else 0
            assert not cells or not width or cells == width, line
            width = cells


def test_models_page_states_accuracy_source_and_why_a_file_is_unpinned(tmp_path: Path):
    repo = Repo(tmp_path / "repo")
    tensor = {"name": "input", "shape": ["N", 3, 8, 8], "dtype": "float32", "layout": "NCHW"}
    model = {
        "name": "net",
        "task": "image-classification",
        "format": "onnx",
        "precision": "fp32",
        "inputs": [tensor],
        "outputs": [{"name": "out"}],
        "classes": {"count": 10},
        "reference": {"metric": "top1", "value": 0.765, "source": "a | paper"},
    }
    fetch = [{"url": "https://host/net.onnx", "unpinned": "upstream publishes no digest"}]
    published = {"container": "tar", "rounded_size": 2_300_000, "written_by": "a tool"}
    needs = {"profile": {"tags": "doc-profile"}}
    repo.package("doc-net", "doc-net,model", model=model, fetch=fetch, needs=needs, published=published)
    profile = {
        "name": "doc-steps",
        "steps": [{"op": "decode", "colour": "rgb"}],
        "shape": [3, 8, 8],
        "dtype": "float32",
    }
    repo.package("doc-profile", "doc-profile", profile=profile)
    page = models_page(load([read_repository(repo.root)], None))
    assert page.splitlines()[-1] == (
        "| `package:doc-net` | net | onnx | fp32 | - | `model` | - | doc-steps | `input float32 [N, 3, 8, 8] NCHW` | top1 0.765 "
        "| a \\| paper | unpinned: upstream publishes no digest | scored "
        "| tar archive of torch.save (before torch 0.1.10); written by a tool | about 2.3 MB, host | no | - |"
    )


def test_schema_docs_writes_the_pages(tmp_path: Path):
    loom = Loom(tmp_path / "home")
    loom.here("schema", "--docs", str(tmp_path / "reference")).ok()
    assert {name: (tmp_path / "reference" / name).read_text() for name in PAGES} == PAGES
