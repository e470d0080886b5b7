import json
from pathlib import Path

import msgspec
import pytest

from benchloom.errors import InputError, UnknownNameError
from benchloom.model.plan import PLAN_SCHEMA, Plan, Platform
from benchloom.model.record import RECORD_SCHEMA, Host, Record
from benchloom.record import records

PLATFORM = Platform(os="linux", arch="x86_64", python="3.11")
PLAN = Plan(schema=PLAN_SCHEMA, target="program:app", command="", inputs={}, env={}, platform=PLATFORM, nodes=())
HOST = Host(os="", kernel="", arch="", cpu_model="", cores=1, memory_bytes=None, python="")


def record(name: str):
    return Record(
        schema=RECORD_SCHEMA,
        id=name,
        target="program:app",
        command=(),
        arguments=(),
        status="ok",
        started="",
        ended="",
        directory="",
        plan=PLAN,
        plan_digest="",
        lock_digest="",
        host=HOST,
        repetitions=(),
        results=None,
        statistics={},
        inputs={},
        outputs={},
        tags=("nightly",),
    )


@pytest.fixture
def folder(tmp_path: Path):
    for name in ("20260101T000000Z-app-aa", "20260102T000000Z-app-bb", "20260102T000000Z-app-bc"):
        records.save(record(name), tmp_path)
    return tmp_path


def test_save_then_load_gives_the_same_record(tmp_path: Path):
    path = records.save(record("one"), tmp_path)
    assert records.load(path) == record("one")
    assert path == tmp_path / "one.json"


def test_load_of_another_shape_names_file_and_key(folder: Path):
    path = folder / "20260101T000000Z-app-aa.json"
    data = json.loads(path.read_text())
    data["host"]["cores"] = "many"
    path.write_text(json.dumps(data))
    with pytest.raises(InputError) as caught:
        records.load(path)
    assert caught.value.where == str(path)
    assert "$.host.cores" in caught.value.why[0]


def test_load_of_a_missing_file_says_so(tmp_path: Path):
    with pytest.raises(InputError, match="cannot be read"):
        records.load(tmp_path / "none.json")


def test_find_by_last_id_start_and_path_agree(folder: Path):
    last = folder / "20260102T000000Z-app-bc.json"
    assert records.find("last", folder) == last
    assert records.find(last.stem, folder) == last
    assert records.find(str(last), folder) == last
    assert records.find("20260101", folder).stem == "20260101T000000Z-app-aa"


def test_find_of_an_ambiguous_start_names_the_records(folder: Path):
    with pytest.raises(UnknownNameError) as caught:
        records.find("20260102", folder)
    assert len(caught.value.why) == 2


def test_find_of_an_unknown_name_gives_the_nearest(folder: Path):
    with pytest.raises(UnknownNameError) as caught:
        records.find("20260101T000000Z-app-ax", folder)
    assert caught.value.fix == "did you mean '20260101T000000Z-app-aa'?"


def test_find_of_last_without_records_is_an_error(tmp_path: Path):
    with pytest.raises(UnknownNameError):
        records.find("last", tmp_path / "nothing")


def test_paths_are_ordered_by_time(folder: Path):
    assert [path.stem[:8] for path in records.paths(folder)] == ["20260101", "20260102", "20260102"]


def test_record_schema_keeps_every_field(tmp_path: Path):
    path = records.save(record("one"), tmp_path)
    assert set(json.loads(path.read_text())) == set(Record.__struct_fields__)
    assert msgspec.json.decode(path.read_bytes(), type=Record).tags == ("nightly",)
