"""Commands become words without a shell; what only a shell understands is refused, not misunderstood."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchloom.errors import InputError
from benchloom.run.words import split_command


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("python main.py --n=3", ["python", "main.py", "--n=3"]),
        ("  a\t b\n c ", ["a", "b", "c"]),
        ("""a "b c" 'd e' f\\ g""", ["a", "b c", "d e", "f g"]),
        ("a '' \"\"", ["a", "", ""]),
        ("a 'x;y' \"p|q>r\" c\\;d", ["a", "x;y", "p|q>r", "c;d"]),
        ("a '$HOME `x` $(y)' \\$HOME", ["a", "$HOME `x` $(y)", "$HOME"]),
        ("a \"it's\" '\"'", ["a", "it's", '"']),
        ("a --cost=5$ --glob=*.py # no-comment", ["a", "--cost=5$", "--glob=*.py", "#", "no-comment"]),
        ('a "x \\"y\\" z"', ["a", 'x "y" z']),
        ("größe=ü", ["größe=ü"]),
    ],
)
def test_split_command_plain_text_gives_a_shells_words(text: str, expected: list[str]):
    assert split_command(text, {}, "f: run_cmds.x") == expected


def test_split_command_values_stay_inside_their_word():
    values = {"A": "two words", "B": "'\"; rm -rf / #`$HOME`\n\\ $<<A>>$", "EMPTY": ""}
    text = "$<<A>>$ --b=$<<B>>$ '$<<A>>$' \"<$<<A>>$>\" $<<EMPTY>>$ x$<<EMPTY>>$y"
    assert split_command(text, values, "w") == [
        "two words",
        f"--b={values['B']}",
        "two words",
        "<two words>",
        "",
        "xy",
    ]


@given(st.text())
def test_split_command_any_value_arrives_byte_for_byte(value: str):
    assert split_command("run --x=$<<X>>$ '$<<X>>$' end", {"X": value}, "w") == ["run", f"--x={value}", value, "end"]


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("a; b", ";"),
        ("a && b", "&&"),
        ("a&&b", "&&"),
        ("a || b", "||"),
        ("a|b", "|"),
        ("a &", "&"),
        ("a > out", ">"),
        ("a>out", ">"),
        ("a >> out", ">>"),
        ("a 2>err", "2>"),
        ("a 2>&1", "2>&1"),
        ("a < in", "<"),
        ("a `date`", "`"),
        ("a $(date)", "$("),
        ('a "$(date)"', "$("),
        ('a "`date`"', "`"),
        ("a $HOME", "$HOME"),
        ('a "${HOME}/x"', "${HOME}"),
    ],
)
def test_split_command_what_only_a_shell_understands_is_refused_by_name(text: str, named: str):
    with pytest.raises(InputError, match="without a shell") as caught:
        split_command(text, {"HOME": "x"}, "f: run_cmds.x")
    assert repr(named) in caught.value.what
    assert caught.value.where == "f: run_cmds.x"
    assert caught.value.fix


def test_split_command_shell_variable_fix_shows_how_to_write_it():
    with pytest.raises(InputError) as caught:
        split_command('a "${DATA}/x"', {}, "w")
    assert "$<<DATA>>$" in caught.value.fix


def test_split_command_unknown_variable_names_the_nearest():
    with pytest.raises(InputError, match="LOOM_PYTHN, which is not set") as caught:
        split_command("$<<LOOM_PYTHN>>$ x", {"LOOM_PYTHON": "p"}, "w")
    assert "LOOM_PYTHON" in caught.value.fix


@pytest.mark.parametrize("text", ["a 'b", 'a "b', "a \\", "", "  \n"])
def test_split_command_unbalanced_or_empty_is_input_error(text: str):
    with pytest.raises(InputError):
        split_command(text, {}, "w")
