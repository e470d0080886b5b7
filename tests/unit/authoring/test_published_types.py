"""Which types are published, and that none is forgotten."""

from pathlib import Path

import pytest

import benchloom
from benchloom.authoring.published_types import block_types, published_types
from benchloom.index.keys import keys_of
from benchloom.model.base import Document


def test_types_are_found_in_several_rooms_by_the_tables_beside_them():
    rooms = {
        type_.__module__.split(".")[1] for type_, _ in published_types().values() if hasattr(type_, "__struct_fields__")
    }
    assert {"app", "authoring", "model", "report", "resolve", "store"} <= rooms
    assert list(published_types()) == sorted(published_types())


def test_every_document_that_names_its_schema_is_published_under_that_name():
    published = {id(type_): name for name, (type_, _) in published_types().items()}
    documents = [
        item for item in Document.__subclasses__() if "schema" in item.__struct_fields__ and item.__name__[0] != "_"
    ]
    assert {published.get(id(item)) for item in documents} >= {
        "plan",
        "lock",
        "record",
        "results",
        "tuning",
        "venv",
        "graph",
    }
    assert [item for item in documents if id(item) not in published] == []


def test_blocks_are_keys_of_metadata_files():
    assert set(block_types()) - {"input"} <= set(keys_of("entry"))
    assert {"fetch", "stand_in", "check"} <= set(block_types())


def test_two_types_of_one_name_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    published_types.cache_clear()
    twin = tmp_path / "twin.py"
    twin.write_text('from benchloom.model.base import SchemaTable\n\nSCHEMAS: SchemaTable = {"plan": (int, "")}\n')
    (tmp_path / "other.py").write_bytes(twin.read_bytes())
    monkeypatch.setattr(benchloom, "__path__", [str(tmp_path)])
    monkeypatch.syspath_prepend(tmp_path.parent)
    with pytest.raises(ValueError, match="plan"):
        published_types()
