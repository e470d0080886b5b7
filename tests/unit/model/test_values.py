"""Text as typed values: what is read, what is refused, and in which words."""

from collections.abc import Callable
from typing import Any

import pytest

from benchloom.errors import InputError
from benchloom.model.values import ABOVE_ZERO, FROM_ONE, Bounds, choice, number, seconds, truth, whole, wholes


@pytest.mark.parametrize(
    ("text", "found"),
    [("1", 1), ("007", 7), ("+3", 3), ("-3", -3), (str(2**64 - 1), 2**64 - 1), (str(-(2**63)), -(2**63))],
)
def test_whole_number_is_read(text: str, found: int):
    assert whole(text, "w") == found


@pytest.mark.parametrize(("text", "found"), [("1", 1.0), (".5", 0.5), ("2.", 2.0), ("1e-3", 0.001), ("-4E2", -400.0)])
def test_number_is_read(text: str, found: float):
    assert number(text, "w") == found


@pytest.mark.parametrize("text", ["", " 1", "1 ", "1_000", "0x10", "\uff11", "\u00b2", "1,5", "one", "1e", ".", "--1"])
@pytest.mark.parametrize(("read", "kind"), [(whole, "a whole number"), (number, "a number")])
def test_what_python_would_read_otherwise_is_refused(read: Callable[[str, str], Any], kind: str, text: str):
    with pytest.raises(InputError) as caught:
        read(text, "--n")
    assert (caught.value.what, caught.value.where) == (f"{text!r} is not {kind}", "--n")


@pytest.mark.parametrize(
    ("read", "text", "what"),
    [
        (lambda text: whole(text, "w", FROM_ONE), "0", "'0' is not a whole number of at least 1"),
        (lambda text: whole(text, "w", FROM_ONE), "x", "'x' is not a whole number of at least 1"),
        (lambda text: whole(text, "w", FROM_ONE), "1.5", "'1.5' is not a whole number of at least 1"),
        (lambda text: whole(text, "w"), str(2**64), f"'{2**64}' is not a whole number within 64 bits"),
        (lambda text: number(text, "w", ABOVE_ZERO), "0", "'0' is not a number above 0"),
        (lambda text: number(text, "w", ABOVE_ZERO), "x", "'x' is not a number above 0"),
        (lambda text: number(text, "w", ABOVE_ZERO), "nan", "'nan' is not a finite number"),
        (lambda text: number(text, "w"), "1e999", "'1e999' is not a finite number"),
        (lambda text: number(text, "w", Bounds(1, 1)), "1", "'1' is not a number of at least 1 and above 1"),
        (lambda text: wholes(text, "w", FROM_ONE), "1,x", "'x' is not a whole number of at least 1"),
        (lambda text: wholes(text, "w", FROM_ONE), "", "'' is not a whole number of at least 1"),
        (lambda text: truth(text, "w"), "maybe", "'maybe' is not yes or no"),
        (lambda text: seconds(text, "w"), "1d", "'1d' is not a time such as 90s, 5m or 1h"),
        (lambda text: seconds(text, "w"), "9" * 400 + "s", f"'{'9' * 80}"),
    ],
)
def test_value_that_is_refused_is_named_with_what_is_expected(read: Callable[[str], Any], text: str, what: str):
    with pytest.raises(InputError) as caught:
        read(text)
    assert caught.value.what.startswith(what)
    assert caught.value.where == "w"


def test_secret_is_not_shown():
    for read in (whole, number, truth):
        with pytest.raises(InputError, match=r"^the value given is not ") as caught:
            read("hush", "--n", shown="the value given")
        assert "hush" not in str(caught.value)
    with pytest.raises(InputError, match="the value given is not a value of --n") as chosen:
        choice("hush", ("rush", "husk"), "--n", "--n", shown="the value given")
    assert (chosen.value.fix, "hush" in str(chosen.value)) == ("", False)


def test_list_has_each_number_once_in_order():
    assert wholes("4, 1,4,2", "w") == (4, 1, 2)


@pytest.mark.parametrize(("text", "found"), [("YES", True), ("on", True), ("1", True), ("No", False), ("0", False)])
def test_truth_is_read_in_the_words_of_settings_and_inputs(text: str, found: bool):
    assert truth(text, "w") is found


def test_choice_is_returned_in_its_own_spelling():
    assert choice("offline", ("Offline", "Server"), "--scenario", "w") == "Offline"
    with pytest.raises(InputError, match="'ofline' is not a value of --scenario") as caught:
        choice("ofline", ("Offline", "Server"), "--scenario", "w")
    assert list(caught.value.why) == ["it takes Offline, Server"]
    assert caught.value.fix == "did you mean 'Offline'?"
