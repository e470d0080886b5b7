"""Files that say their schema: one that a newer version wrote, or that cannot be read, is one clear error with what to do."""

import json
from pathlib import Path

import pytest

from benchloom.model.environment import VENV_LOCK_SCHEMA, VENV_SCHEMA
from benchloom.model.lock import LOCK_SCHEMA
from benchloom.model.record import RECORD_SCHEMA
from support.repo import Loom, Repo

LOCK = "loom.lock.json"
FILES = {
    "record": (RECORD_SCHEMA, "records/r.json", "record show r", "the record", "loom schema record"),
    "lock": (LOCK_SCHEMA, LOCK, f"plan --lock={LOCK}", "the lock", "make a new one: loom lock TARGET"),
    "venv lock": (
        VENV_LOCK_SCHEMA,
        LOCK,
        f"venv create x --lock={LOCK}",
        "the lock",
        "make a new one: loom venv lock NAME",
    ),
    "venv": (
        VENV_SCHEMA,
        "venvs/x/loom-venv.json",
        "venv show x",
        "the description of a virtual environment",
        "loom venv create x --force",
    ),
}


@pytest.fixture(scope="module")
def loom(tmp_path_factory: pytest.TempPathFactory) -> Loom:
    folder = tmp_path_factory.mktemp("newer")
    return Loom(folder / "home", Repo(folder / "repo"))


def newer(schema: str) -> str:
    name, _, number = schema.rpartition("/")
    return f"{name}/{int(number) + 1}"


@pytest.mark.parametrize("kind", FILES)
def test_file_of_a_newer_schema_is_refused_with_what_to_do(loom: Loom, kind: str):
    schema, name, words, what, _ = FILES[kind]
    path = put(loom, name, json.dumps({"schema": newer(schema), "whatever": "a newer one holds"}))
    answer = loom.here(*words.replace(LOCK, str(path)).split())
    assert answer.code == 2
    assert f"{what} is of schema '{newer(schema)}', which is not known" in answer.err
    assert "this version of Benchloom reads" in answer.err
    assert "upgrade" in answer.err
    assert str(path) in answer.err


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"schema": %s}'])
@pytest.mark.parametrize("kind", FILES)
def test_file_that_cannot_be_read_is_refused_with_what_to_do(loom: Loom, kind: str, text: str):
    schema, name, words, what, fix = FILES[kind]
    path = put(loom, name, text % json.dumps(schema) if "%" in text else text)
    answer = loom.here(*words.replace(LOCK, str(path)).split())
    assert answer.code == 2
    assert f"loom: {what} does not fit its schema" in answer.err
    assert fix in answer.err
    assert str(path) in answer.err


def put(loom: Loom, name: str, text: str) -> Path:
    path = loom.home / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path
