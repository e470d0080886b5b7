"""The registry of report formats, and tables in each of their formats."""

import re
from pathlib import Path

import pytest

from benchloom.model.measurement import BenchRun, alone, at_most
from benchloom.report import formats
from benchloom.report.formats import Exact, Medium, Table, format_of_ending, formats_of, render
from benchloom.report.formats import tables as table_formats

KINDS = sorted(
    path.parent.name for path in Path(formats.__path__[0]).glob("*/__init__.py") if path.parent.name != "tables"
)
RUN = BenchRun(is_quick=True, measurements=(alone("engine", "a|b", "ms", [1.0], at_most(2)),), failed=("disk",))


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_json_and_says_the_format_of_each_ending(kind: str):
    names = formats_of(kind)
    assert "json" in names
    assert "tables" not in names
    assert format_of_ending(kind, ".JSON") == "json"
    assert format_of_ending(kind, ".no") == ""
    endings = {name: formats._endings(kind, name) for name in names if name != "json"}
    assert all(endings.values())
    assert all(format_of_ending(kind, item) == name for name, items in endings.items() for item in items)


def test_kinds_have_the_formats_whose_modules_are_there():
    assert formats_of("graph") == ("dot", "json", "mermaid", "svg")
    assert formats_of("record") == ("json", "text")
    assert formats_of("benchmarks") == ("csv", "json", "markdown", "text")


def test_text_of_benchmarks_is_a_table_for_each_area_and_lines():
    table, *lines = render("benchmarks", "text", RUN, Medium())
    assert isinstance(table, Table)
    assert (table.title, table.rows[1][0]) == ("engine", "a|b")
    assert lines == ["1 of 1 targets are met", "failed: disk"]


def test_tables_as_csv_and_markdown():
    [csv] = render("benchmarks", "csv", RUN, Medium())
    assert csv == Exact(
        text="area,name,unit,ours,baseline,its value,figure,spread,target,\nengine,a|b,ms,1,,,1.000 ms,0.000,<= 2,met"
    )
    [markdown] = render("benchmarks", "markdown", RUN, Medium())
    assert isinstance(markdown, Exact)
    assert markdown.text.splitlines()[2].startswith("| engine | a\\|b | ms |")


def test_several_tables_stand_apart_and_have_titles():
    tables = [Table(rows=(("a", "b"), ("1", "2,3"))), Table(rows=(("c",), ("4",)), title="more")]
    csv = [block.text for block in formats._module("tables", "csv").render(tables, Medium())]
    assert csv == ['a,b\n1,"2,3"', "\nc\n4"]
    markdown = [block.text for block in formats._module("tables", "markdown").render(tables, Medium())]
    assert markdown[1].splitlines() == ["", "**more**", "", "| c |", "| --- |", "| 4 |"]


def test_one_more_format_is_one_more_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "tables").mkdir()
    (tmp_path / "tables" / "count.py").write_text(
        "ENDINGS = ('.n',)\ndef render(tables, medium):\n    yield str(sum(len(item.rows) for item in tables))\n"
    )
    monkeypatch.setattr(formats, "__path__", [*formats.__path__, str(tmp_path)])
    monkeypatch.setattr(table_formats, "__path__", [*table_formats.__path__, str(tmp_path / "tables")])
    assert {kind for kind in KINDS if "count" in formats_of(kind)} >= {"plan", "comparison", "tuning", "benchmarks"}
    assert format_of_ending("benchmarks", ".n") == "count"
    assert list(render("benchmarks", "count", RUN, Medium())) == ["2"]


def test_a_module_in_the_folder_is_a_format_as_the_documentation_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    page = Path(__file__).parents[3] / "docs" / "how-to" / "add-a-report-format.md"
    [source] = re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    (tmp_path / "tables").mkdir()
    (tmp_path / "tables" / "tsv.py").write_text(source, encoding="utf-8")
    monkeypatch.setattr(formats, "__path__", [*formats.__path__, str(tmp_path)])
    monkeypatch.setattr(table_formats, "__path__", [*table_formats.__path__, str(tmp_path / "tables")])
    assert {"tsv", "csv"} <= set(formats_of("benchmarks"))
    assert format_of_ending("benchmarks", ".tsv") == "tsv"
    of_commas, of_tabs = ([*render("benchmarks", name, RUN, Medium())] for name in ("csv", "tsv"))
    assert [block.text.replace("\t", ",") for block in of_tabs] == [block.text for block in of_commas]
