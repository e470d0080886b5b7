from pathlib import Path

import pytest

from support.repo import Loom, Repo

CODE = "import sys\nsys.exit(int('--fail=yes' in sys.argv))\n"


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Loom:
    folder = tmp_path_factory.mktemp("records")
    repo = Repo(folder / "repo")
    for name in ("record-one", "record-two"):
        repo.program(name, name, code=CODE, inputs={"fail": {"summary": "end with 1"}})
    loom = Loom(folder / "home", repo)
    loom("run", "program:record-one", "--record_tags=nightly").ok()
    assert loom("run", "program:record-two", "--fail=yes").code == 4
    return loom


def test_record_ls_lists_runs_oldest_first_with_their_status(ran: Loom):
    first, second = ran.here("record", "ls", "--json").ok().json
    assert (first["target"], first["status"]) == ("program:record-one", "ok")
    assert (second["target"], second["status"]) == ("program:record-two", "failed")
    out = ran.here("record", "ls").ok().out.splitlines()
    assert [line.split()[0] for line in out] == [first["id"], second["id"]]


def test_record_ls_can_be_narrowed_by_target_and_tags(ran: Loom):
    by_tag = ran.here("record", "ls", "--tags=nightly", "--json").ok().json
    by_target = ran.here("record", "ls", "--target=record-one", "--json").ok().json
    assert by_tag == by_target
    assert by_tag[0]["target"] == "program:record-one"


def test_record_ls_of_nothing_exits_1(ran: Loom):
    answer = ran.here("record", "ls", "--tags=never")
    assert (answer.code, answer.out) == (1, "")
    assert ran.here("record", "ls", "--tags=never", "--json").json == []


def test_record_show_is_the_last_one_by_default(ran: Loom):
    out = ran.here("record", "show").ok().out
    assert out.startswith("program:record-two (default)\n")
    assert "repetition 1: failed, exit code 1" in out
    assert out == ran.here("record", "show", "last").out


def test_record_show_as_json_is_the_file(ran: Loom):
    line = ran.here("record", "ls", "--json").json[0]
    assert ran.here("record", "show", line["id"], "--json").ok().out == Path(line["path"]).read_text()


def test_record_show_by_path_works_outside_the_home(ran: Loom, tmp_path: Path):
    path = tmp_path / "copied.json"
    path.write_bytes(Path(ran.here("record", "ls", "--json").json[0]["path"]).read_bytes())
    assert str(path) in ran.here("record", "show", str(path)).ok().out


def test_record_ls_with_a_damaged_file_warns_and_goes_on(ran: Loom):
    damaged = ran.home / "records" / "00-damaged.json"
    damaged.write_text("{")
    try:
        answer = ran.here("record", "ls", "--json").ok()
        assert len(answer.json) == 2
        assert str(damaged) in answer.err
    finally:
        ran.here("record", "rm", "00-damaged").ok()
    assert not damaged.exists()


def test_record_without_end_is_refused(ran: Loom, tmp_path: Path):
    with (tmp_path / "swollen.json").open("wb") as stream:
        stream.truncate(1 << 33)
    answer = ran("record", "show", str(tmp_path / "swollen.json"))
    assert answer.code == 2
    assert "larger than 67,108,864 bytes" in answer.err


def test_record_rm_removes_the_record_and_keeps_the_run(ran: Loom):
    ran("run", "program:record-one", "--record_tags=gone").ok()
    line = ran.here("record", "ls", "--tags=gone", "--json").json[0]
    gone = ran.here("record", "rm", line["id"], "--json").ok().json
    assert gone == {"id": line["id"], "path": line["path"], "directory": line["directory"]}
    assert not Path(line["path"]).exists()
    assert Path(line["directory"]).is_dir()
    assert ran.here("record", "ls", "--tags=gone").code == 1


@pytest.mark.parametrize("name", ["last", "", "nothing-like-it", "../records"])
def test_record_rm_of_what_is_no_id_is_refused(ran: Loom, name: str):
    assert ran.here("record", "rm", name).code == 2
    assert len(ran.here("record", "ls", "--json").json) == 2
