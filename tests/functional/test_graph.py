import json
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from support.repo import Loom, Repo


@pytest.fixture
def loom(tmp_path: Path) -> Loom:
    repo = Repo(tmp_path / "repo")
    repo.package("graph-data", "graph-trial-data", version="1.2", files={"data.txt": "one"})
    repo.program("graph-app", "graph-trial-app", run_deps={"data": {"tags": "graph-trial-data"}})
    return Loom(tmp_path / "home", repo)


@pytest.mark.parametrize(
    ("format_", "start"), [("svg", "<svg "), ("dot", "digraph plan {"), ("mermaid", "flowchart LR"), ("json", "{")]
)
def test_graph_in_each_format_shows_the_plan(loom: Loom, format_: str, start: str):
    answer = loom.here("graph", "program:graph-app", f"--format={format_}").ok()
    assert answer.out.startswith(start)
    assert "package:graph-data" in answer.out


def test_graph_without_a_format_is_svg(loom: Loom):
    root = ET.fromstring(loom.here("graph", "program:graph-app").ok().out)
    assert root.tag.endswith("svg")


def test_graph_as_json_links_by_role(loom: Loom):
    graph = loom.here("graph", "program:graph-app", "--json").ok().json
    assert graph["schema"] == "benchloom.graph/1"
    assert {"source": "program:graph-app", "target": "package:graph-data", "roles": ["data"]} in graph["links"]
    assert graph == loom.here("graph", "program:graph-app", "--format=json").ok().json


@pytest.mark.parametrize(("name", "start"), [("plan.dot", "digraph"), ("plan.mmd", "flowchart"), ("plan.svg", "<svg")])
def test_graph_to_a_file_takes_the_format_from_its_ending(loom: Loom, tmp_path: Path, name: str, start: str):
    file = tmp_path / "out" / name
    answer = loom.here("graph", "program:graph-app", f"--output={file}").ok()
    assert answer.out == ""
    assert str(file) in answer.err
    assert file.read_text().startswith(start)


def test_graph_to_a_file_as_json_is_the_same_value(loom: Loom, tmp_path: Path):
    file = tmp_path / "plan.json"
    loom.here("graph", "program:graph-app", f"--output={file}").ok()
    assert json.loads(file.read_text()) == loom.here("graph", "program:graph-app", "--json").json


def test_graph_to_a_place_that_cannot_be_written_is_an_input_error(loom: Loom, tmp_path: Path):
    (tmp_path / "file").write_text("")
    answer = loom.here("graph", "program:graph-app", f"--output={tmp_path / 'file' / 'plan.svg'}")
    assert answer.code == 2
    assert "cannot be written" in answer.err


def test_graph_of_a_name_nobody_has_gives_the_nearest(loom: Loom):
    answer = loom("graph", "program:graph-ap")
    assert (answer.code, answer.out) == (2, "")
    assert "did you mean 'program:graph-app'?" in answer.err
