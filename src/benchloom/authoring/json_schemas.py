"""JSON Schemas from types, with field descriptions from docstrings, and one schema per kind of component file."""

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from benchloom.authoring.component_schemas import component_schemas

Schema = dict[str, Any]


def json_schemas(types: Mapping[str, tuple[Any, str]]) -> dict[str, Schema]:
    """Return a schema for each of ``types`` (by name a type and where it is found), and for each kind of component file."""
    found = {name: _published(name, type_, text) for name, (type_, text) in types.items()}
    for name, schema in component_schemas().items():
        found[name] = _headed(name, schema["title"], schema)
    return found


def _published(name: str, type_: Any, title: str) -> Schema:
    return _headed(name, title, described(msgspec.json.schema(type_)))


def _headed(name: str, title: str, body: Schema) -> Schema:
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": f"{name}.schema.json"}
    plain: Schema = msgspec.json.decode(msgspec.json.encode({**head, **body, "title": title}))
    return plain


def described(schema: Schema) -> Schema:
    """Move the field descriptions of a docstring (its section Attributes) to the fields."""
    definitions = {key: _described(item) for key, item in schema.get("$defs", {}).items()}
    return {**schema, **({"$defs": definitions} if definitions else {})}


def _described(definition: Schema) -> Schema:
    text, _, attributes = definition.get("description", "").partition("Attributes:")
    notes = dict(_attribute(item) for item in re.split(r"\n +(?=[a-z_]+: )", f"\n {attributes}") if ":" in item)
    properties = {
        name: {**item, **({"description": notes[name]} if name in notes else {})}
        for name, item in definition.get("properties", {}).items()
    }
    description = {"description": _one_line(text)} if text else {}
    return {**definition, **description, **({"properties": properties} if properties else {})}


def _attribute(text: str) -> tuple[str, str]:
    name, _, note = text.partition(":")
    return name.strip(), _one_line(note)


def _one_line(text: str) -> str:
    return " ".join(text.split())
