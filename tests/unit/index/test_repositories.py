"""The list of repositories and its order."""

import threading
from pathlib import Path

import pytest

from benchloom.base.paths import Locations
from benchloom.errors import InputError, UnknownNameError
from benchloom.index.repositories import (
    Repository,
    add_repository,
    list_repositories,
    read_repository,
    remove_repository,
    stored_repositories,
    trust_repository,
)


@pytest.fixture
def locations(tmp_path: Path) -> Locations:
    return Locations(tmp_path / "home")


def _repository(tmp_path: Path, alias: str, priority: int = 0) -> Repository:
    folder = tmp_path / alias
    folder.mkdir()
    return Repository(alias=alias, path=str(folder), priority=priority)


def test_read_repository_with_identity_keeps_its_alias_and_uid(tmp_path: Path):
    (tmp_path / ".ckr.json").write_text('{"data_alias": "theirs", "data_uid": "00000000000000aa"}')
    found = read_repository(tmp_path)
    assert (found.alias, found.uid, found.path) == ("theirs", "00000000000000aa", str(tmp_path.resolve()))


def test_read_repository_without_identity_is_called_as_its_folder(tmp_path: Path):
    assert read_repository(tmp_path).alias == tmp_path.name


@pytest.mark.parametrize("text", ["{", "[]", '"text"'])
def test_read_repository_with_a_broken_identity_names_the_file(tmp_path: Path, text: str):
    (tmp_path / ".ckr.json").write_text(text)
    with pytest.raises(InputError) as caught:
        read_repository(tmp_path)
    assert caught.value.where.endswith(".ckr.json")


def test_read_repository_without_a_folder_says_so(tmp_path: Path):
    with pytest.raises(InputError, match="not a folder"):
        read_repository(tmp_path / "absent")


def test_list_repositories_higher_priority_comes_first_then_the_built_in_one_then_order_of_addition(
    tmp_path: Path, locations: Locations
):
    for item in (_repository(tmp_path, "b"), _repository(tmp_path, "a"), _repository(tmp_path, "top", priority=5)):
        add_repository(locations, item)
    (tmp_path / "built-in").mkdir()
    (tmp_path / "more").mkdir()
    found = list_repositories(locations, tmp_path / "built-in", [tmp_path / "more"])
    assert [item.alias for item in found] == ["top", "built-in", "b", "a", "more"]
    assert [item.alias for item in found if item.built_in] == ["built-in"]


def test_add_repository_same_folder_again_replaces_it(tmp_path: Path, locations: Locations):
    item = _repository(tmp_path, "a")
    add_repository(locations, item)
    add_repository(locations, Repository(alias="a", path=item.path, priority=3))
    assert [(found.alias, found.priority) for found in stored_repositories(locations)] == [("a", 3)]


def test_add_repository_same_alias_elsewhere_is_refused(tmp_path: Path, locations: Locations):
    add_repository(locations, _repository(tmp_path, "a"))
    with pytest.raises(InputError, match="exists already"):
        add_repository(locations, Repository(alias="a", path=str(tmp_path)))


def test_add_repository_from_many_threads_loses_none(tmp_path: Path, locations: Locations):
    items = [_repository(tmp_path, f"r{number}") for number in range(12)]
    threads = [threading.Thread(target=add_repository, args=(locations, item)) for item in items]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {item.alias for item in stored_repositories(locations)} == {item.alias for item in items}


def test_remove_repository_unknown_name_hints_at_the_nearest(tmp_path: Path, locations: Locations):
    add_repository(locations, _repository(tmp_path, "components"))
    with pytest.raises(UnknownNameError) as caught:
        remove_repository(locations, "component")
    assert "components" in caught.value.fix

    with pytest.raises(UnknownNameError) as caught:
        remove_repository(locations, "xyz")
    assert caught.value.fix == "see loom repo list"


def test_remove_repository_forgets_that_one_and_keeps_its_files(tmp_path: Path, locations: Locations):
    items = [_repository(tmp_path, name) for name in ("a", "b", "c")]
    for item in items:
        add_repository(locations, item)
    assert remove_repository(locations, "b") == items[1]
    assert stored_repositories(locations) == (items[0], items[2])
    assert Path(items[1].path).is_dir()


def test_trust_repository_is_of_one_repository_and_can_be_taken_back(tmp_path: Path, locations: Locations):
    for name in ("a", "b"):
        add_repository(locations, _repository(tmp_path, name))
    assert trust_repository(locations, "a", trusted=True).trusted
    assert [item.trusted for item in stored_repositories(locations)] == [True, False]
    assert not trust_repository(locations, "a", trusted=False).trusted
    with pytest.raises(UnknownNameError):
        trust_repository(locations, "c", trusted=True)


def test_list_repositories_names_each_folder_once(tmp_path: Path, locations: Locations):
    item = _repository(tmp_path, "a", priority=3)
    add_repository(locations, item)
    (tmp_path / "built-in").mkdir()
    (tmp_path / "more").mkdir()
    more = [tmp_path / "built-in", Path(item.path), tmp_path / "more", tmp_path / "more"]
    found = list_repositories(locations, tmp_path / "built-in", more)
    assert [item.alias for item in found] == ["a", "built-in", "more"]
    assert found[0] == item


def test_list_of_repositories_is_readable_by_its_owner_alone(tmp_path: Path, locations: Locations):
    add_repository(locations, _repository(tmp_path, "a"))
    assert locations.repositories.stat().st_mode & 0o777 == 0o600


def test_read_repository_of_older_identity_is_called_by_its_uoa(tmp_path: Path):
    (tmp_path / ".ckr.json").write_text('{"data_uoa": "old"}')
    found = read_repository(tmp_path)
    assert (found.alias, found.uid, found.priority) == ("old", "", 0)


def test_stored_repositories_unreadable_list_names_the_file(locations: Locations):
    locations.ensure()
    locations.repositories.write_text("{")
    with pytest.raises(InputError) as caught:
        stored_repositories(locations)
    assert caught.value.where == str(locations.repositories)
