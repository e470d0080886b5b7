"""The table of metadata keys: one row for each, and everything that derives from it."""

from collections import Counter

import pytest

from benchloom.authoring.component_schemas import component_schemas
from benchloom.index.keys import KEYS, keys_of


def test_no_key_has_two_rows():
    assert [item for item, number in Counter((row.place, row.name) for row in KEYS).items() if number > 1] == []


def test_every_row_says_what_its_key_means():
    assert [row for row in KEYS if not row.summary or row.summary.endswith(".")] == []


@pytest.mark.parametrize(("kind", "tool"), [("package", "ck"), ("script", "cm")])
def test_schema_of_a_component_has_the_keys_of_its_tool_and_ours(kind: str, tool: str):
    properties = component_schemas()[kind]["properties"]
    assert set(properties) == {name for name, row in keys_of("entry").items() if row.tool in {"loom", tool}}
    assert properties["tags"]["description"] == keys_of("entry")["tags"].summary


def test_schema_says_which_keys_are_not_acted_upon():
    schemas = component_schemas()
    variation = schemas["script"]["$defs"]["Variation"]["properties"]
    need = schemas["script"]["$defs"]["Need"]["properties"]
    for properties, place in ((schemas["script"]["properties"], "entry"), (variation, "variation"), (need, "need")):
        lost = {name for name, row in keys_of(place).items() if row.effect == "lost" and name in properties}
        assert lost == {name for name, item in properties.items() if item["description"].endswith("not supported")}
        assert lost
