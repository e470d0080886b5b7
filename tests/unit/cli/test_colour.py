"""When there is colour, and what has it."""

import io

import pytest

from benchloom.cli.colour import has_colour, painted, painted_message


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("variables", "at_terminal", "elsewhere"),
    [
        ({}, True, False),
        ({"NO_COLOR": "1"}, False, False),
        ({"NO_COLOR": ""}, True, False),
        ({"FORCE_COLOR": "1"}, True, True),
        ({"FORCE_COLOR": "0"}, True, False),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, False, False),
        ({"TERM": "dumb"}, False, False),
        ({"TERM": "dumb", "FORCE_COLOR": "1"}, True, True),
    ],
)
def test_colour_is_for_terminals(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], at_terminal: bool, elsewhere: bool
):
    for name in ("NO_COLOR", "FORCE_COLOR", "TERM"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    assert (has_colour(Terminal()), has_colour(io.StringIO())) == (at_terminal, elsewhere)


GREEN, RED, YELLOW, END = "\x1b[32m", "\x1b[31m", "\x1b[33m", "\x1b[0m"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("  LoadGen  VALID", f"  LoadGen  {GREEN}\x1b[1mVALID{END}"),
        ("  LoadGen  INVALID", f"  LoadGen  {RED}\x1b[1mINVALID{END}"),
        ("ok    python  Python 3.11", f"{GREEN}ok{END}    python  Python 3.11"),
        ("error  disk  full", f"{RED}error{END}  disk  full"),
        ("a/meta.json:3: error: bad [x]", f"a/meta.json:3: {RED}error{END}: bad [x]"),
        ("a/meta.json:3: warning: odd [x]", f"a/meta.json:3: {YELLOW}warning{END}: odd [x]"),
        ("  warning  LoadGen, performance run: slow", f"{YELLOW}  warning{END}  LoadGen, performance run: slow"),
        ("an error and a warning in a sentence, VALIDATED", "an error and a warning in a sentence, VALIDATED"),
    ],
)
def test_verdicts_and_severities_have_colours(text: str, shown: str):
    assert painted(text) == shown


@pytest.mark.parametrize(
    ("text", "is_error", "shown"),
    [
        ("loom: no such thing", True, f"{RED}\x1b[1mloom:{END} no such thing"),
        ("loom: warning: odd", False, f"{YELLOW}\x1b[1mloom: warning:{END} odd"),
        ("loom: building a thing", False, "loom: building a thing"),
        ("loom: a", True, f"{RED}\x1b[1mloom:{END} a"),
    ],
)
def test_errors_begin_in_red_and_warnings_in_yellow(text: str, is_error: bool, shown: str):
    assert painted_message(text, is_error=is_error) == shown
