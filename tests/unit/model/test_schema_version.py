"""Documents are read by the schema that they say they have."""

import msgspec
import pytest

from benchloom.errors import InputError
from benchloom.model.schema_version import decode_document, refuse_newer_schema


class Thing(msgspec.Struct):
    schema: str
    value: int


def decode(data: bytes) -> Thing:
    return decode_document(data, Thing, "benchloom.thing/2", what="the thing", where="t.json", fix="make it anew")


def test_document_of_its_schema_is_read():
    assert decode(b'{"schema": "benchloom.thing/2", "value": 3}').value == 3


@pytest.mark.parametrize(
    ("data", "what", "fix"),
    [
        (b'{"schema": "benchloom.thing/3"}', "is of schema 'benchloom.thing/3'", "upgrade"),
        (b'{"schema": "benchloom.thing/10", "value": []}', "is of schema 'benchloom.thing/10'", "upgrade"),
        (b'{"schema": "benchloom.thing/1"}', "is of schema 'benchloom.thing/1'", "make it anew"),
        (b'{"schema": "other/3"}', "is of schema 'other/3'", "make it anew"),
        (b'{"schema": "benchloom.thing/2"}', "does not fit its schema", "make it anew"),
        (b'{"value": 3}', "does not fit its schema", "make it anew"),
        (b"\xff", "does not fit its schema", "make it anew"),
    ],
)
def test_another_document_is_refused(data: bytes, what: str, fix: str):
    with pytest.raises(InputError, match="the thing " + what) as caught:
        decode(data)
    assert caught.value.where == "t.json"
    assert fix in caught.value.fix
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("data", [b"", b"{}", b'{"schema": "benchloom.thing/1"}', b'{"schema": "benchloom.thing/2"}'])
def test_what_is_not_newer_may_be_replaced(data: bytes):
    refuse_newer_schema(data, "benchloom.thing/2", what="the thing", where="t.json")


def test_what_is_newer_may_not_be_replaced():
    with pytest.raises(InputError, match="the thing is of schema") as caught:
        refuse_newer_schema(b'{"schema": "benchloom.thing/3"}', "benchloom.thing/2", what="the thing", where="t.json")
    assert "upgrade" in caught.value.fix
