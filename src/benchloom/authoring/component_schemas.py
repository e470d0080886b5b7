"""Schemas for editors: the metadata files of components, with CK's and CM's keys and the typed blocks.

Keys and what they mean are those of the reader's table (index/keys.py), so that they cannot differ; a key without a
type accepts any value. Keys of other tools are allowed at the top level. Typed blocks allow only their fields and
comments.
"""

from collections.abc import Collection, Mapping

import msgspec

from benchloom.authoring.benchmark_entries import TARGETS
from benchloom.authoring.descriptions import Schema, described
from benchloom.authoring.published_types import block_types
from benchloom.index.keys import Key, Place, Tool, keys_of
from benchloom.model.component import Input, Version

_TEXT: Schema = {"type": "string"}
_TEXTS: Schema = {"type": "array", "items": _TEXT}
_YES: Schema = {"enum": ["yes", "no"]}
_SCALAR: Schema = {"type": ["string", "number", "boolean"]}
_TABLE: Schema = {"type": "object"}
_ENV: Schema = {"type": "object", "additionalProperties": _SCALAR}
_COMMENTS: Schema = {"^(_|\\$|comment|FIXME)": {}}
COMPONENT_FILES = {
    "program": "program/<alias>/.cm/meta.json",
    "package": "package/<alias>/.cm/meta.json",
    "soft": "soft/<alias>/.cm/meta.json",
    "dataset": "dataset/<alias>/.cm/meta.json",
    "ruleset": "ruleset/<alias>/.cm/meta.json",
    "script": "script/<alias>/_cm.yaml",
}
_UID: Schema = {"type": "string", "pattern": "^[0-9a-f]{16}$"}


def _properties(place: Place, types: Mapping[str, Schema], tools: Collection[Tool] = ("loom", "ck", "cm")) -> Schema:
    """Return the keys of ``tools`` at ``place``, with their summaries and types."""
    rows = [row for row in keys_of(place).values() if row.tool in tools]
    return {row.name: {**types.get(row.name, {}), "description": _text(row)} for row in sorted(rows)}


def _text(row: Key) -> str:
    return f"{row.summary}; not supported" if row.effect == "lost" else row.summary


_REQUIRED: Schema = {"anyOf": [{"required": ["tags"]}, {"required": ["_base_entry"]}]}
_REQUIRED_OF_CM: Schema = {"required": ["tags", "alias", "uid"]}


_NEED: Schema = {
    "type": "object",
    "properties": _properties(
        "need",
        {
            "tags": _TEXT,
            "names": {"anyOf": [_TEXT, _TEXTS]},
            "version": _SCALAR,
            "version_min": _SCALAR,
            "version_max": _SCALAR,
            "version_from": {"type": "array"},
            "version_to": {"type": "array"},
            "optional": {"enum": ["yes", "no", True, False]},
            "continue_on_error": {"enum": ["yes", "no", True, False]},
            "local": _YES,
            "sort": {"type": "integer"},
            "env": _ENV,
        },
    ),
}
_NEEDS: Schema = {
    "description": "requirements by role, each stated by tags",
    "anyOf": [
        {"type": "object", "additionalProperties": {"$ref": "#/$defs/Need"}},
        {"type": "array", "items": {"$ref": "#/$defs/Need"}},
    ],
}
_COMMAND: Schema = {
    "type": "object",
    "properties": _properties(
        "command",
        {
            "run_time": {"type": "object", "properties": {"run_cmd_main": {**_TEXT, "description": "the command"}}},
            "run_vars": _ENV,
            "summary": _TEXT,
        },
    ),
}
_VARIATION: Schema = {
    "type": ["object", "null"],
    "properties": _properties(
        "variation",
        {
            "summary": _TEXT,
            "group": _TEXT,
            "default": {"type": "boolean"},
            "on_by_default": _YES,
            "env": _ENV,
            "extra_env": _ENV,
            "extra_tags": _TEXTS,
            "base": {"anyOf": [_TEXT, _TEXTS]},
            "alias": _TEXT,
            "version": _SCALAR,
            "default_variations": _TABLE,
            "fetch": {"$ref": "#/$defs/fetch"},
            "needs": {"$ref": "#/$defs/Needs"},
            "deps": {"$ref": "#/$defs/Needs"},
        },
    ),
}
_TYPED: dict[str, Schema] = {
    "$schema": _TEXT,
    "_base_entry": _TEXT,
    "tags": _TEXTS,
    "summary": _TEXT,
    "licence": _TEXT,
    "maintainers": _TEXTS,
    "sources": _TEXTS,
    "priority": {"type": "integer"},
    "default_for": _TEXTS,
    "ck_queries": _TEXTS,
    "uid": _UID,
    "alias": _TEXT,
    "automation_uid": _TEXT,
    "automation_alias": _TEXT,
    "category": _TEXT,
    "env": _ENV,
    "default_env": _ENV,
    "run_vars": _ENV,
    "customize": _TABLE,
    "soft_uoa": _TEXT,
    "soft_name": _TEXT,
    "package": _TABLE,
    "bench": {"type": "array", "items": {"enum": list(TARGETS)}},
    "package_name": _TEXT,
    "process_script": _TEXT,
    "end_full_path_universal": _TEXT,
    "result": _TEXT,
    "results": _TEXT,
    "timeout": {"type": "number", "exclusiveMinimum": 0},
    "default_version": _SCALAR,
    "default_variations": _TABLE,
    "run_cmds": {"type": "object", "additionalProperties": _COMMAND},
    "variations": {"type": "object", "additionalProperties": {"$ref": "#/$defs/Variation"}},
    "inputs": {"type": "object", "additionalProperties": {"$ref": "#/$defs/Input"}},
    "versions": {"anyOf": [{"type": "array", "items": {"$ref": "#/$defs/Version"}}, _TABLE]},
    **{key: {"$ref": "#/$defs/Needs"} for key in ("needs", "deps", "run_deps", "prehook_deps", "compile_deps")},
    **dict.fromkeys(("program", "no_compile", "no_target_file", "process_in_tmp", "auto_detect"), _YES),
}


def component_schemas() -> dict[str, Schema]:
    """Return a schema for the metadata file of each kind of component."""
    blocks, definitions = _definitions()
    types = {**_TYPED, **{name: {"$ref": f"#/$defs/{name}"} for name in blocks}}
    closed = {**definitions, **blocks}
    return {kind: _component(kind, title, types, closed) for kind, title in COMPONENT_FILES.items()}


def _component(kind: str, title: str, types: Mapping[str, Schema], definitions: Schema) -> Schema:
    return {
        "title": title,
        "description": f"Metadata of a component of kind {kind}. Keys of other tools are allowed as well.",
        "type": "object",
        **(_REQUIRED_OF_CM if kind == "script" else _REQUIRED),
        "properties": _properties("entry", types, ("loom", "cm" if kind == "script" else "ck")),
        "$defs": definitions,
    }


def _definitions() -> tuple[dict[str, Schema], Schema]:
    """Return the blocks by name, and what they and the rest of a metadata file refer to."""
    types = block_types()
    del types["input"]  # one item of a block, and among the definitions
    found, definitions = msgspec.json.schema_components(
        [*types.values(), Version, Input], ref_template="#/$defs/{name}"
    )
    closed = {name: _closed(item) for name, item in described(definitions).items()}
    closed["Input"] = _without_name(closed["Input"])
    others = {"Need": _NEED, "Needs": _NEEDS, "Variation": _VARIATION}
    return dict(zip(types, found, strict=False)), {**closed, **others}


def _closed(definition: Schema) -> Schema:
    """A block that allows only its fields and comments, so that editors report typing mistakes."""
    if definition.get("type") != "object":
        return definition
    return {**definition, "additionalProperties": False, "patternProperties": _COMMENTS}


def _without_name(schema: Schema) -> Schema:
    """The name of an input is its key."""
    required = [key for key in schema["required"] if key != "name"]
    return {**schema, "required": required}
