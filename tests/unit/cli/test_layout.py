"""Text that fits a terminal: no line wider, no word broken, columns under each other."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchloom.cli.layout import fitted, table_lines, wrapped

ROWS = [("record", "backend", "p50", "settings"), ("first", "onnxruntime 1.2", "253 µs", "threads=2 batch_size=32")]


def test_table_that_fits_has_aligned_columns():
    assert table_lines([("a", "b"), ("long", "c")], 80) == ["a     b", "long  c"]
    assert table_lines([("a", "b" * 200)], None) == ["a  " + "b" * 200]


def test_table_wraps_the_column_that_lacks_the_most():
    assert table_lines(ROWS, 50) == [
        "record  backend       p50     settings",
        "first   onnxruntime   253 µs  threads=2",
        "        1.2                   batch_size=32",
    ]


def test_table_with_heads_is_turned_if_words_do_not_fit_side_by_side():
    assert table_lines(ROWS, 36, has_heads=True) == [
        "record    first",
        "backend   onnxruntime 1.2",
        "p50       253 µs",
        "settings  threads=2 batch_size=32",
    ]


def test_row_that_fits_nowhere_is_a_block():
    rows = [("package:a-name-that-is-rather-long", "another-name-of-the-same-length", "ok", "/one/two")]
    assert table_lines(rows, 40) == [
        "package:a-name-that-is-rather-long",
        "    another-name-of-the-same-length  ok",
        "    /one/two",
    ]


def test_block_of_a_table_with_heads_says_what_each_cell_is():
    rows = [("record", "first", "second"), ("a" * 30, "b" * 25, "c" * 25), ("d" * 30, "e" * 25, "f" * 25)]
    assert table_lines(rows, 40, has_heads=True)[:3] == [
        f"record {'a' * 30}",
        f"    first {'b' * 25}",
        f"    second {'c' * 25}",
    ]


@pytest.mark.parametrize(
    ("line", "lines"),
    [
        (
            "  host  a machine of a certain length, with cores",
            ["  host  a machine of a certain", "        length, with cores"],
        ),
        ("a message that goes on for more than it has", ["a message that goes on for", "    more than it has"]),
        ("  run  /folder/of/all/runs/2026-a-run-x1", ["  run  /folder/of/all/runs/", "       2026-a-run-x1"]),
        ("  file  x.onnx  sha256:0123456789012345678", ["  file  x.onnx", "      sha256:0123456789012345678"]),
    ],
)
def test_line_goes_on_below_its_last_column(line: str, lines: list[str]):
    assert fitted(line, 32).split("\n") == lines


def test_figure_stays_with_its_unit():
    assert wrapped("p50 253 µs p90 12 % of 3 samples", 9) == ["p50", "253 µs", "p90 12 %", "of", "3 samples"]


WORD = st.text(string.ascii_letters + string.digits + "/,-=", min_size=1, max_size=30)
LINE = st.lists(WORD, min_size=1, max_size=20).map(" ".join)


@given(st.lists(LINE, min_size=1, max_size=5).map("\n".join), st.integers(30, 120))
def test_nothing_is_wider_or_lost(text: str, width: int):
    made = fitted(text, width)

    assert all(len(line) <= width for line in made.split("\n"))
    assert "".join(made.split()) == "".join(text.split())


@given(st.lists(st.tuples(WORD, LINE, WORD, LINE), min_size=1, max_size=6), st.integers(34, 120), st.booleans())
def test_no_table_is_wider(rows: list[tuple[str, ...]], width: int, has_heads: bool):
    assert all(len(line) <= max(width, 0) for line in table_lines(rows, width, has_heads=has_heads))
