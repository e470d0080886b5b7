import random

import pytest

from benchloom.errors import InputError
from benchloom.model.version import parse_range, version_key

RISING = [
    "0.9",
    "1.0.dev1",
    "1.0a1",
    "1.0b2",
    "1.0rc1",
    "1.0rc2",
    "1.0",
    "1.0-git-abc",
    "1.0.1",
    "1.2",
    "1.9",
    "1.10",
    "2",
    "r5.1",
    "12.4.131",
    "20240131",
    "9" * 5000,
]


def test_version_key_orders_what_people_write():
    assert sorted(random.Random(1).sample(RISING, len(RISING)), key=version_key) == RISING
    assert len({version_key(version) for version in RISING}) == len(RISING)


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("1.2", "1.2.0"),
        ("v1.2", "1.2"),
        ("r5.1", "5.1"),
        ("1.0rc1", "1.0.0rc1"),
        ("1-2", "1.2"),
        ("1.02", "1.2"),
        ("1.0alpha1", "1.0a1"),
        ("1.0beta1", "1.0b1"),
        ("1.0c1", "1.0rc1"),
        ("1.0pre1", "1.0rc1"),
    ],
)
def test_version_key_equal_spellings_are_equal(one: str, two: str):
    assert version_key(one) == version_key(two)


@pytest.mark.parametrize(
    ("text", "admitted", "refused"),
    [
        ("", ["1", "x"], []),
        ("1.2", ["1.2", "1.2.0"], ["1.2.1", "1.1"]),
        (">=1.2,<2", ["1.2", "1.10"], ["2", "2.0rc1", "1.1", "1.2rc1"]),
        ("<2.0rc2", ["2.0rc1", "1", "2.0rc2.dev1"], ["2.0rc2", "2.0"]),
        ("~=1.4.2", ["1.4.2", "1.4.9"], ["1.5", "1.5rc1", "1.4.1"]),
        ("~=1.4", ["1.4", "1.9"], ["2", "1.3"]),
        ("~=1.4rc1", ["1.4rc1", "1.9"], ["2"]),
        ("~=2", ["2", "2.9"], ["3"]),
        (">1.2", ["1.2.1"], ["1.2"]),
        ("<=1.2", ["1.2.0"], ["1.2.3"]),
        ("!=1.2", ["1.3"], ["1.2.0"]),
    ],
)
def test_range_admits(text: str, admitted: list[str], refused: list[str]):
    allowed = parse_range(text)

    assert [version for version in admitted if not allowed.admits(version)] == []
    assert [version for version in refused if allowed.admits(version)] == []


def test_range_does_not_admit_an_unknown_version():
    assert not parse_range(">=0").admits("")
    assert parse_range("").admits("")


def test_range_is_written_with_its_lower_bounds_first():
    assert str(parse_range("<2, 1.5 ,>=1")) == ">=1,==1.5,<2"


def test_broken_by_names_only_the_clauses_that_fail():
    assert parse_range(">=2,<=2.5,!=2.2").broken_by("3") == ("<=2.5",)


@pytest.mark.parametrize("text", ["=>1", ">=", ">=1 2", "*", "==1.*", "latest version", "1" * 200])
def test_parse_range_refuses_anything_else(text: str):
    with pytest.raises(InputError) as caught:
        parse_range(text, where="file: key")
    assert caught.value.where == "file: key"
