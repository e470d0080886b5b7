import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from benchloom.app.schemas import schema_files, schemas
from benchloom.authoring.component_schemas import component_schemas
from benchloom.authoring.published_types import published_types
from benchloom.index.built_in import built_in_repository
from benchloom.index.keys import keys_of
from benchloom.index.read import metadata_files
from support.repo import Loom, Repo

CHECKOUT = built_in_repository()
KINDS = tuple(component_schemas())
METADATA = [
    pytest.param(kind, files[0], id=f"{kind}:{folder.name}")
    for kind in KINDS
    for folder in sorted((CHECKOUT / kind).glob("*/"))
    for files in [metadata_files(kind, folder)]
    if files
]


def check(data: Any, name: str) -> None:
    jsonschema.Draft202012Validator(schemas()[name]).validate(data)


@pytest.mark.parametrize("name", [*published_types(), *KINDS])
def test_schema_is_itself_valid_and_every_reference_leads_somewhere(name: str):
    schema = schemas()[name]
    jsonschema.Draft202012Validator.check_schema(schema)
    text = json.dumps(schema)
    assert all(f'"#/$defs/{key}"' in text or key in schema["$defs"] for key in schema.get("$defs", {}))
    references = {part.split('"')[0] for part in text.split('"#/$defs/')[1:]}
    assert references <= set(schema.get("$defs", {}))


def test_schemas_of_the_checkout_are_those_of_the_types():
    held = {path.name: path.read_bytes() for path in (CHECKOUT / "schemas").glob("*.json")}
    assert held == schema_files(), "run: loom schema --write schemas"


@pytest.mark.parametrize(("kind", "file"), METADATA)
def test_component_of_the_checkout_fits_its_schema(kind: str, file: Path):
    text = file.read_text(encoding="utf-8")
    check(json.loads(text) if file.suffix == ".json" else yaml.safe_load(text), kind)


def test_component_schema_refuses_a_mistyped_field_and_allows_comments():
    meta = {"tags": ["a"], "fetch": [{"path": "x", "digest": "sha256:ab", "_comment": "why"}], "other_tool": 1}
    check(meta, "package")
    meta["fetch"][0]["digset"] = "sha256:cd"
    with pytest.raises(jsonschema.ValidationError, match="digset"):
        check(meta, "package")


def test_component_schema_refuses_a_value_of_another_type():
    with pytest.raises(jsonschema.ValidationError):
        check({"tags": "a,b"}, "soft")
    with pytest.raises(jsonschema.ValidationError):
        check({"tags": [], "inputs": {"n": {"summary": "s", "type": "number"}}}, "program")


def test_schema_says_what_fields_mean():
    node = schemas()["plan"]["$defs"]["Node"]
    assert node["properties"]["reason"]["description"].startswith("one sentence")
    assert "Attributes:" not in node["description"]


def properties(schema: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Yield every property of a schema, however deep, with the path to it."""
    if isinstance(schema, dict):
        for key, item in schema.items():
            if key == "properties":
                yield from ((f"{path}.{name}", of) for name, of in item.items())
                yield from (found for name, of in item.items() for found in properties(of, f"{path}.{name}"))
            else:
                yield from properties(item, f"{path}.{key}")
    elif isinstance(schema, list):
        yield from (found for index, item in enumerate(schema) for found in properties(item, f"{path}.{index}"))


@pytest.mark.parametrize("name", [*published_types(), *KINDS])
def test_every_property_of_every_schema_has_a_description(name: str):
    found = list(properties(schemas()[name], name))
    assert [path for path, item in found if not item.get("description", "").strip()] == []
    assert found or name == "venv-activation"  # which is plain text


def test_a_description_stands_once():
    """The table of metadata keys, a docstring and msgspec.Meta: none of them says what another one says."""
    model = schemas()["component"]["$defs"]
    assert model["Component"]["properties"]["licence"]["description"] == keys_of("entry")["licence"].summary
    assert model["Variation"]["properties"]["pip"]["description"].startswith("another distribution")
    assert schemas()["lock"]["$defs"]["Lock"]["properties"]["schema"]["description"] == "name and number of its schema"


def test_schema_of_a_document_refuses_a_name_that_no_document_has():
    lock = {"schema": "benchloom.lock/1", "target": "t", "command": "", "inputs": {}, "env": {}, "nodes": []}
    check(lock, "lock")
    with pytest.raises(jsonschema.ValidationError, match="benchloom"):
        check({**lock, "schema": "lock 1"}, "lock")


@pytest.fixture(scope="module")
def loom(tmp_path_factory: pytest.TempPathFactory) -> Loom:
    folder = tmp_path_factory.mktemp("schema")
    repo = Repo(folder / "repo")
    repo.package("schema-data", "schema-data", version="1.2", files={"data.txt": "one"})
    repo.program("schema-app", "schema-trial", run_deps={"data": {"tags": "schema-data"}})
    made = Loom(folder / "home", repo)
    made("run", "program:schema-app").ok()
    return made


@pytest.mark.parametrize(
    ("words", "name"),
    [
        ("plan program:schema-app", "plan"),
        ("run program:schema-app", "run"),
        ("install package:schema-data", "installation"),
        ("graph program:schema-app", "graph"),
        ("find --tags=schema-data", "found"),
        ("show program:schema-app", "component"),
        ("record ls", "record-list"),
        ("record show last", "record"),
        ("config", "configuration"),
        ("config jobs", "setting"),
        ("schema", "schema-list"),
        ("repo list", "repository-list"),
        ("gc --dry-run", "gc"),
        ("explain program:schema-app", "explanation"),
        ("explain program:schema-app data", "explanation"),
        ("lint package:schema-data", "findings"),
        ("lint --list-rules", "lint-rules"),
        ("verify", "findings"),
        ("detect --tags=lib,python-package,msgspec", "detected"),
        ("completion bash", "completion"),
    ],
)
def test_json_output_fits_its_published_schema(loom: Loom, words: str, name: str):
    check(loom.here(*words.split(), "--json").json, name)


def test_json_of_an_error_fits_its_published_schema(loom: Loom):
    for words in ("show nobody", "plan --tags=nobody", "graph --bogus", "schema nothing"):
        answer = loom.here(*words.split(), "--json")
        assert answer.code != 0
        check(answer.json, "error")


def test_schema_without_a_name_lists_all(loom: Loom):
    listed = loom.here("schema", "--json").ok().json
    assert [item["name"] for item in listed] == list(schemas())
    assert "loom plan --json" in loom.here("schema").ok().out


def test_schema_by_name_prints_it(loom: Loom):
    assert loom.here("schema", "plan").ok().json == schemas()["plan"]


def test_schema_of_an_unknown_name_gives_the_nearest(loom: Loom):
    answer = loom.here("schema", "plam")
    assert answer.code == 2
    assert "did you mean 'plan'?" in answer.err


def test_schema_write_fills_a_folder_and_removes_what_is_no_more(loom: Loom, tmp_path: Path):
    (tmp_path / "old.schema.json").write_text("{}")
    (tmp_path / "keep.txt").write_text("")
    loom.here("schema", "--write", str(tmp_path)).ok()
    assert {path.name for path in tmp_path.iterdir()} == {*schema_files(), "keep.txt"}
    assert json.loads((tmp_path / "plan.schema.json").read_text()) == schemas()["plan"]


def test_schema_write_with_a_name_is_an_input_error(loom: Loom, tmp_path: Path):
    assert loom.here("schema", "plan", "--write", str(tmp_path)).code == 2
