"""JSON Schemas: one for each type that is published, and one for the metadata file of each kind of component."""

from typing import Any

import msgspec

from benchloom.authoring.component_schemas import component_schemas
from benchloom.authoring.descriptions import Schema, described
from benchloom.authoring.published_types import published_types


def json_schemas() -> dict[str, Schema]:
    """Return every schema by name: first those of the published types, then those of component files."""
    found = {name: _published(name, type_, text) for name, (type_, text) in published_types().items()}
    for name, schema in component_schemas().items():
        found[name] = _headed(name, schema["title"], schema)
    return found


def _published(name: str, type_: Any, title: str) -> Schema:
    schema = msgspec.json.schema(type_)
    definitions = described(schema.get("$defs", {}))
    return _headed(name, title, {**schema, **({"$defs": definitions} if definitions else {})})


def _headed(name: str, title: str, body: Schema) -> Schema:
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": f"{name}.schema.json"}
    plain: Schema = msgspec.json.decode(msgspec.json.encode({**head, **body, "title": title}))
    return plain
