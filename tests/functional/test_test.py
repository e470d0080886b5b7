"""``loom test``: what it says beforehand, and what it leaves."""

from pathlib import Path

from support.repo import Loom

WELL = "def test_well(tmp_path):\n    (tmp_path / 'left').write_text('over')\n"


def run(tmp_path: Path, code: str) -> tuple[int, str, list[Path]]:
    """Run the tests in ``code`` and return the exit code, what was said, and what is left among temporary files."""
    (tmp_path / "test_trial.py").write_text(code)
    places = tmp_path / "temporary"
    places.mkdir()
    answer = Loom(tmp_path / "home")(
        "test",
        "--only=tests",
        "--",
        "-q",
        "-p",
        "no:cacheprovider",
        str(tmp_path / "test_trial.py"),
        TMPDIR=str(places),
    )
    return answer.code, answer.err, [path for path in places.iterdir() if path.name.startswith("loom-test-")]


def test_temporary_files_of_tests_that_pass_are_removed(tmp_path: Path):
    code, said, left = run(tmp_path, WELL)
    assert (code, left) == (0, [])
    assert said == "loom: test: tests\n"


def test_temporary_files_of_tests_that_fail_stay_where_the_message_says(tmp_path: Path):
    code, said, left = run(tmp_path, WELL + "    assert False\n")
    assert code == 1
    assert f"loom: test: temporary files of failed tests are in {left[0]}; remove it with: rm -rf {left[0]}\n" in said
    assert {path.read_text() for path in left[0].rglob("left")} == {"over"}
