"""What schemas say of fields: each text stands once, in the docstring of its type or in the table of metadata keys."""

import re
from typing import Any

from benchloom.index.keys import Place, keys_of

Schema = dict[str, Any]

# Types whose fields are metadata keys: what the table of keys says of these need not stand in their docstrings.
_PLACES: dict[str, Place] = {"Component": "entry", "Program": "entry", "Variation": "variation"}


def described(definitions: dict[str, Schema]) -> dict[str, Schema]:
    """Return definitions by name of the type, in which every field has what is said of it, and no type repeats that.

    Said of a field is what the section Attributes of its type's docstring says, else what the table of keys says of the key of that
    name, else what the type of the field says of itself. A description that a field has already (msgspec.Meta) stays.
    """
    return {name: _described(name, item, definitions) for name, item in definitions.items()}


def _described(name: str, definition: Schema, definitions: dict[str, Schema]) -> Schema:
    properties = definition.get("properties", {})
    text, _, attributes = definition.get("description", "").partition("Attributes:")
    notes = _notes(attributes)
    if strange := notes.keys() - properties.keys():
        raise ValueError(f"the docstring of {name} describes {sorted(strange)}, which it does not have")
    keys = keys_of(_PLACES[name]) if name in _PLACES else {}
    found = {}
    for field, item in properties.items():
        said = notes.get(field) or (keys[field].summary if field in keys else "") or _of_type(item, definitions)
        found[field] = {**({"description": said} if said else {}), **item}
    description = {"description": _one_line(text)} if text else {}
    return {**definition, **description, **({"properties": found} if found else {})}


def _notes(attributes: str) -> dict[str, str]:
    """Return the text of each field: a line indented as the first one begins it, deeper ones go on with it."""
    lines = attributes.strip("\n").splitlines()
    indent = len(lines[0]) - len(lines[0].lstrip()) if lines else 0
    notes: dict[str, str] = {}
    name = ""
    for line in lines:
        if match := re.match(rf" {{{indent}}}([a-z0-9_]+): (.*)", line):
            name, notes[match[1]] = match[1], match[2]
        elif line.strip():
            notes[name] += f" {line}"
    return {name: _one_line(text) for name, text in notes.items()}


def _of_type(item: Schema, definitions: dict[str, Schema]) -> str:
    """Return the first sentence about the one type that a field is of, or is of if it is not null; '' if it is of several."""
    if len(item.get("enum", ())) == 1:
        return "the type of this value, among those that may stand here"
    types = [each for each in item.get("anyOf", [item]) if each.get("type") != "null"]
    name = types[0].get("$ref", "").rpartition("/")[2] if len(types) == 1 else ""
    text = _one_line(definitions[name].get("description", "").partition("Attributes:")[0]) if name else ""
    return re.split(r"(?<=[.:]) ", text)[0].rstrip(".:")


def _one_line(text: str) -> str:
    return " ".join(text.split())
