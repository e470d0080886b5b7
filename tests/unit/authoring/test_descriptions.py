"""Where the descriptions of fields come from."""

import pytest

from benchloom.authoring.descriptions import described

DOC = """First sentence. Second one.

    More of it.

    Attributes:
        p99_ns: a name with digits in it.
        kept: one that goes on
            note: in a second line that looks like a name.
    """
FIELDS = {"p99_ns": {"type": "integer"}, "kept": {"type": "string"}, "note": {"type": "string"}}


def test_a_field_has_what_the_docstring_of_its_type_says():
    found = described({"Type": {"description": DOC, "properties": FIELDS}})["Type"]
    assert found["description"] == "First sentence. Second one. More of it."
    assert found["properties"]["p99_ns"]["description"] == "a name with digits in it."
    assert (
        found["properties"]["kept"]["description"] == "one that goes on note: in a second line that looks like a name."
    )
    assert "description" not in found["properties"]["note"]


def test_a_field_without_one_has_the_first_sentence_of_its_type():
    reference = {"$ref": "#/$defs/Type"}
    properties = {"one": reference, "maybe": {"anyOf": [{"type": "null"}, reference]}, "many": {"type": "array"}}
    found = described({"Type": {"description": DOC, "properties": FIELDS}, "Holder": {"properties": properties}})[
        "Holder"
    ]["properties"]
    assert [item.get("description") for item in found.values()] == ["First sentence", "First sentence", None]


def test_a_field_of_metadata_has_what_the_table_of_keys_says():
    found = described({"Component": {"description": "It.", "properties": {"licence": {"type": "string"}}}})
    assert found["Component"]["properties"]["licence"]["description"] == "SPDX expression of its content"


def test_a_description_that_is_there_stays():
    meta = {"type": "string", "description": "from msgspec.Meta"}
    assert described({"Type": {"properties": {"kept": meta}}})["Type"]["properties"]["kept"] == meta


def test_a_docstring_that_describes_what_is_no_field_is_refused():
    with pytest.raises(ValueError, match="gone"):
        described(
            {
                "Type": {
                    "description": "It.\n\n    Attributes:\n        gone: a field that was renamed.",
                    "properties": FIELDS,
                }
            }
        )
