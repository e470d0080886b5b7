"""Conditions by their words: what each accepts of a variable."""

import pytest

from benchloom.model.component import Condition
from benchloom.resolve.conditions import applies, holds
from support.components import need

VALUES = (None, "", "no", "Off", "FALSE", "0", "<<<Y>>>", "yes", "1", "cpu", "CPU")
UNSET = VALUES[:7]


def accepted(word: str, convention: str = "cm", *, any_form: bool = False) -> set[str | None]:
    """Return the values of a variable for which a condition that names ``word`` holds."""
    condition = Condition(convention=convention, alternatives=({"X": (word,)},), any=any_form)  # type: ignore[arg-type]
    return {value for value in VALUES if holds(condition, {} if value is None else {"X": value})}


@pytest.mark.parametrize("word", ["yes", "on", "true", "1", "True", "ON"])
def test_word_for_true_accepts_whatever_is_set(word: str):
    assert accepted(word) == set(VALUES) - set(UNSET)
    assert accepted(word, any_form=True) == set(VALUES) - set(UNSET)


@pytest.mark.parametrize("word", ["no", "off", "false", "0", "False", "NO"])
def test_word_for_false_accepts_whatever_is_not_set(word: str):
    assert accepted(word) == set(UNSET)
    assert accepted(word, any_form=True) == set(UNSET) - {None}  # of any variables, one that is not there never counts


def test_other_word_accepts_itself_in_any_case():
    assert accepted("Cpu") == {"cpu", "CPU"}
    assert accepted("") == {None, ""}
    assert accepted("<<<y>>>") == {"<<<Y>>>"}


@pytest.mark.parametrize("word", [*filter(None, VALUES)])
def test_word_of_ck_accepts_itself_alone(word: str):
    assert accepted(word, "ck") == {word}


def test_empty_word_of_ck_accepts_what_is_not_there():
    assert accepted("", "ck") == {None, ""}


def test_requirement_applies_if_all_of_its_conditions_hold():
    conditions = [Condition(convention="ck", alternatives=({key: ("1",)},)) for key in "XY"]
    wanted = need("r", "r", conditions=tuple(conditions))
    assert applies(wanted, {"X": "1", "Y": "1"})
    assert not applies(wanted, {"X": "1"})
    assert applies(need("r", "r"), {})
