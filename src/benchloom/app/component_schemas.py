"""Schemas for editors: the metadata files of components, with CK's and CM's own keys beside the typed blocks.

Known keys are those the reader knows, so that the two cannot differ; a key without a type here takes anything. Keys of
other tools are allowed at the top. In the typed blocks only their fields and comments are.
"""

from inspect import cleandoc
from typing import Any

import msgspec

from benchloom.index.keys import CK_KEYS, CM_KEYS, COMMON_KEYS
from benchloom.index.needs import DEP_KEYS
from benchloom.model.component import Check, Detect, Fetch, Input, Install, Version
from benchloom.model.facts import Backend, Dataset, Model, Profile
from benchloom.model.published import PublishedFile, StandIn
from benchloom.model.ruleset import Ruleset

Schema = dict[str, Any]

_TEXT: Schema = {"type": "string"}
_TEXTS: Schema = {"type": "array", "items": _TEXT}
_YES: Schema = {"enum": ["yes", "no"]}
_SCALAR: Schema = {"type": ["string", "number", "boolean"]}
_TABLE: Schema = {"type": "object"}
_ENV: Schema = {"type": "object", "additionalProperties": _SCALAR}
_COMMENTS: Schema = {"^(_|\\$|comment|FIXME)": {}}
_TITLES = {
    "program": "program/<alias>/.cm/meta.json",
    "package": "package/<alias>/.cm/meta.json",
    "soft": "soft/<alias>/.cm/meta.json",
    "dataset": "dataset/<alias>/.cm/meta.json",
    "ruleset": "ruleset/<alias>/.cm/meta.json",
    "script": "script/<alias>/_cm.yaml",
}
_BLOCKS: dict[str, Any] = {
    "fetch": tuple[Fetch, ...],
    "install": Install,
    "detect": Detect,
    "model": Model,
    "dataset": Dataset,
    "profile": Profile,
    "backend": Backend,
    "ruleset": Ruleset,
    "published": PublishedFile,
    "stand_in": StandIn,
    "check": Check,
}
_UID: Schema = {"type": "string", "pattern": "^[0-9a-f]{16}$"}


def _described(schema: Schema, text: str) -> Schema:
    return {**schema, "description": text}


_NEED: Schema = {
    "type": "object",
    "properties": {
        **{key: {} for key in sorted(DEP_KEYS)},
        "tags": _described(_TEXT, "a query: tag,tag,-tag,_variation,@version"),
        "names": {"anyOf": [_TEXT, _TEXTS]},
        "version": _described(_SCALAR, "a version, or a range such as >=1.2,<2"),
        "version_min": _SCALAR,
        "version_max": _SCALAR,
        "version_from": {"type": "array"},
        "version_to": {"type": "array"},
        "optional": {"enum": ["yes", "no", True, False]},
        "continue_on_error": _described(
            {"enum": ["yes", "no", True, False]},
            "in a venv.template: leave it out, with a note, if it cannot be fetched",
        ),
        "local": _YES,
        "sort": {"type": "integer"},
        "env": _ENV,
    },
}
_NEEDS: Schema = {
    "description": "what it needs, by role, each stated by tags",
    "anyOf": [
        {"type": "object", "additionalProperties": {"$ref": "#/$defs/Need"}},
        {"type": "array", "items": {"$ref": "#/$defs/Need"}},
    ],
}
_COMMAND: Schema = {
    "type": "object",
    "properties": {"run_time": {"type": "object", "properties": {"run_cmd_main": _TEXT}}, "run_vars": _ENV},
}
_VARIATION: Schema = {
    "type": ["object", "null"],
    "properties": {
        "group": _described(_TEXT, "one variation of a group is chosen"),
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
}
_TYPED: dict[str, Schema] = {
    "$schema": _TEXT,
    "tags": _described(_TEXTS, "what it can be found by"),
    "summary": _described(_TEXT, "one line for people"),
    "licence": _described(_TEXT, "SPDX expression of what it brings"),
    "maintainers": _TEXTS,
    "sources": _described(_TEXTS, "where its facts were read"),
    "priority": _described({"type": "integer"}, "the higher of two equally good answers wins"),
    "default_for": _described(_TEXTS, "queries it wins over equally good answers"),
    "uid": _UID,
    "alias": _TEXT,
    "automation_uid": {"type": "string", "description": "uid of CM's automation"},
    "automation_alias": _TEXT,
    "category": _TEXT,
    "env": _ENV,
    "default_env": _ENV,
    "run_vars": _ENV,
    "customize": _TABLE,
    "soft_uoa": _described(_TEXT, "alias of the soft component it registers"),
    "soft_name": _TEXT,
    "package_name": _TEXT,
    "process_script": _TEXT,
    "end_full_path_universal": _TEXT,
    "result": _described(_TEXT, "file or folder, below its contents, that is its result"),
    "results": _described(_TEXT, "file the program leaves; default results.json"),
    "timeout": _described({"type": "number", "exclusiveMinimum": 0}, "seconds after which the program is killed"),
    "default_version": _SCALAR,
    "default_variations": _TABLE,
    "run_cmds": {"type": "object", "additionalProperties": _COMMAND},
    "variations": {"type": "object", "additionalProperties": {"$ref": "#/$defs/Variation"}},
    "inputs": {"type": "object", "additionalProperties": {"$ref": "#/$defs/Input"}},
    "versions": {"anyOf": [{"type": "array", "items": {"$ref": "#/$defs/Version"}}, _TABLE]},
    **{key: {"$ref": "#/$defs/Needs"} for key in ("needs", "deps", "run_deps", "prehook_deps", "compile_deps")},
    **{key: {"$ref": f"#/$defs/{key}"} for key in _BLOCKS},
    **dict.fromkeys(("program", "no_compile", "no_target_file", "process_in_tmp", "auto_detect"), _YES),
}


def component_schemas() -> dict[str, Schema]:
    """Return a schema for the metadata file of each kind of component."""
    definitions = _definitions()
    return {kind: _component(kind, title, definitions) for kind, title in _TITLES.items()}


def _component(kind: str, title: str, definitions: Schema) -> Schema:
    keys = COMMON_KEYS | (CM_KEYS if kind == "script" else CK_KEYS)
    return {
        "title": title,
        "description": f"Metadata of a component of kind {kind}. Other tools' keys may stand beside these.",
        "type": "object",
        "required": ["tags", *(["alias", "uid"] if kind == "script" else [])],
        "properties": {key: _TYPED.get(key, {}) for key in sorted(keys | {"$schema"})},
        "$defs": definitions,
    }


def _definitions() -> Schema:
    (*blocks, version, given), found = msgspec.json.schema_components(
        [*_BLOCKS.values(), Version, Input], ref_template="#/$defs/{name}"
    )
    closed = {name: _closed(item) for name, item in found.items()}
    closed["Input"] = _without_name(closed["Input"])
    del version, given  # both are among the definitions
    typed = dict(zip(_BLOCKS, blocks, strict=True))
    return {**closed, **typed, "Need": _NEED, "Needs": _NEEDS, "Variation": _VARIATION}


def _closed(definition: Schema) -> Schema:
    """A block in which only its fields and comments may stand: a typing mistake shows in the editor."""
    if definition.get("type") != "object":
        return definition
    text = {"description": cleandoc(definition["description"])}  # Python 3.13 takes the indentation off by itself
    return {**definition, **text, "additionalProperties": False, "patternProperties": _COMMENTS}


def _without_name(schema: Schema) -> Schema:
    """An input's name is the key it stands under."""
    required = [key for key in schema["required"] if key != "name"]
    return {**schema, "required": required}
