"""Requirements as CK and CM write them: every key that is acted upon, in both forms."""

from typing import Any

import pytest

from benchloom.errors import InputError
from benchloom.index.needs import read_requirements
from benchloom.model.component import Condition, Requirement


def read(dep: dict[str, Any]) -> Requirement:
    [found] = read_requirements({"r": dep}, "deps", "package:x", lambda _: "f")
    return found


@pytest.mark.parametrize(
    ("dep", "query"),
    [
        ({"tags": "b, a,,"}, "a,b"),
        ({"tags": ["b", " a ", "", "_v"]}, "a,b,_v"),
        ({"tags": "a", "no_tags": "b,c"}, "a,-b,-c"),
        ({"tags": "a", "no_tags": "_v, b"}, "a,-b,-_v"),
        ({"tags": "a", "no_tags": ""}, "a"),
        ({"tags": "a", "version": "1.2"}, "a,@==1.2"),
        ({"tags": "a", "version": ">=1.2,<2"}, "a,@>=1.2,<2"),
        ({"tags": "a", "version_from": [1, 2], "version_to": [3, 0, 1]}, "a,@>=1.2,<=3.0.1"),
        ({"tags": "a", "version_min": "1.5", "version_max": "2"}, "a,@>=1.5,<=2"),
        ({"tags": "a,@<3", "version_from": []}, "a,@<3"),
    ],
)
def test_query_is_made_of_tags_and_versions(dep: dict[str, Any], query: str):
    assert str(read(dep).query) == query


@pytest.mark.parametrize(("value", "is_optional"), [(True, True), ("yes", True), ("no", False), (False, False)])
def test_need_is_optional_if_it_says_so(value: Any, is_optional: bool):
    assert read({"tags": "a", "optional": value}).optional is is_optional
    assert not read({"tags": "a"}).optional


def test_order_and_environment_are_read():
    found = read({"tags": "a", "sort": "20", "env": {"A": True, "B": None, "C": 1}})
    assert (found.sort, found.env) == (20, {"A": "yes", "B": "", "C": "1"})
    assert (read({"tags": "a"}).sort, read({"tags": "a", "env": None}).env) == (0, {})
    assert (found.role, found.requirer, found.where) == ("r", "package:x", "f: deps.r")


@pytest.mark.parametrize(
    ("key", "is_any", "negate"),
    [
        ("enable_if_env", False, False),
        ("disable_if_env", False, True),
        ("skip_if_env", False, True),
        ("enable_if_any_env", True, False),
        ("skip_if_any_env", True, True),
    ],
)
def test_condition_is_cms_as_a_table_and_cks_as_a_list(key: str, is_any: bool, negate: bool):
    table = {"A": ["x", True], "B": None}
    read_table = {"A": ("x", "yes"), "B": ("",)}
    assert read({"tags": "a", key: table}).conditions == (
        Condition(convention="cm", alternatives=(read_table,), any=is_any, negate=negate),
    )
    assert read({"tags": "a", key: [table, {"C": "y"}]}).conditions == (
        Condition(convention="ck", alternatives=(read_table, {"C": ("y",)}), any=is_any, negate=negate),
    )


@pytest.mark.parametrize(
    ("block", "where"),
    [
        ("a", "f: deps"),
        ({"r": "a"}, "f: deps.r"),
        ([{"tags": "a"}, "b"], "f: deps.1"),
        ({"r": {"tags": "a b"}}, "f: deps.r.tags"),
        ({"r": {"tags": "a", "version_max": "x y"}}, "f: deps.r.version_max"),
        ({"r": {"tags": "a", "enable_if_env": [{}, "A"]}}, "f: deps.r.enable_if_env"),
        ({"r": {"tags": "a", "skip_if_env": "A"}}, "f: deps.r.skip_if_env"),
    ],
)
def test_what_is_no_requirement_is_refused_with_its_key(block: Any, where: str):
    with pytest.raises(InputError) as caught:
        read_requirements(block, "deps", "package:x", lambda _: "f")
    assert caught.value.where == where


def test_unnamed_ones_of_a_list_get_roles_of_their_own():
    block = [{"tags": "a"}, {"tags": "b", "names": "n"}, {"tags": "c", "names": ["m", "o"]}]
    roles = [item.role for item in read_requirements(block, "deps", "package:x", lambda _: "f")]
    assert roles == ["package:x/deps.0", "n", "m"]
