"""The engine of experiments, and the journal by which one is resumed."""

from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest

from benchloom.errors import ExecutionError, InputError
from benchloom.experiments.engine import drive, lacking
from benchloom.experiments.journal import Journal
from benchloom.model.experiment import RunSpec, Trial


def spec(number: int, repetition: int = 1) -> RunSpec:
    return RunSpec(target="program:p", inputs={"number": str(number)}, repetition=repetition)


class Doubling:
    """Asks for 1, 2 and 4, each stage when the one before is there; its verdict is their sum."""

    stages = ((1,), (2, 4))

    def ask(self, trials: Sequence[Trial]) -> Sequence[RunSpec]:
        for stage in self.stages:
            if left := lacking([spec(number) for number in stage], trials):
                return left
        return []

    def verdict(self, trials: Sequence[Trial]) -> int:
        return sum(int(trial.spec.inputs["number"]) for trial in trials)


class Runs:
    """Makes the runs, those of ``failing`` badly, and remembers them."""

    def __init__(self, *failing: int) -> None:
        self.failing, self.made = failing, list[int]()

    def __call__(self, wanted: RunSpec) -> Trial:
        number = int(wanted.inputs["number"])
        self.made.append(number)
        is_failing = number in self.failing
        return Trial(spec=wanted, status="failed" if is_failing else "ok", seconds=1.0, reasons=("no",) * is_failing)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "search" / "journal.jsonl"


def journal(path: Path, *, is_fresh: bool = False) -> Journal:
    return Journal(path, is_fresh=is_fresh)


def test_runs_are_made_stage_by_stage_until_the_judge_asks_for_none(path: Path):
    runs, held = Runs(), journal(path)
    assert drive(Doubling(), runs, held)
    assert runs.made == [1, 2, 4]
    assert Doubling().verdict(held.trials) == 7


def test_spent_budget_ends_it_and_the_journal_resumes_it(path: Path):
    first, second = Runs(), Runs()
    assert not drive(Doubling(), first, journal(path), budget=2)
    held = journal(path)
    assert drive(Doubling(), second, held, budget=2)
    assert (first.made, second.made) == ([1, 2], [4])
    assert [trial.spec for trial in held.trials] == [spec(1), spec(2), spec(4)]


def test_each_run_is_in_the_journal_before_it_is_reported(path: Path):
    seen = []
    drive(Doubling(), Runs(), journal(path), report=lambda _: seen.append(len(journal(path).trials)))
    assert seen == [1, 2, 3]


def test_what_a_run_raises_leaves_the_runs_before_in_the_journal(path: Path):
    def interrupted(wanted: RunSpec) -> Trial:
        if wanted == spec(4):
            raise KeyboardInterrupt
        return Runs()(wanted)

    with pytest.raises(KeyboardInterrupt):
        drive(Doubling(), interrupted, journal(path))
    assert [trial.spec for trial in journal(path).trials] == [spec(1), spec(2)]


def test_failed_run_is_made_once_and_again_by_the_next_session(path: Path):
    first, second = Runs(2), Runs()
    assert drive(Doubling(), first, journal(path))
    assert drive(Doubling(), second, journal(path))
    assert (first.made, second.made) == ([1, 2, 4], [2])


def test_nothing_but_failures_is_an_error_with_the_last_reason(path: Path):
    runs = Runs(1, 2, 4)
    with pytest.raises(ExecutionError, match=r"every run of program:p failed \(3") as caught:
        drive(Doubling(), runs, journal(path))
    assert list(caught.value.why) == ["no"]
    assert runs.made == [1, 2, 4]


def test_few_failures_are_an_error_too_if_that_was_all(path: Path):
    class One(Doubling):
        stages = ((1,),)

    with pytest.raises(ExecutionError, match=r"\(1 of them\)"):
        drive(One(), Runs(1), journal(path))


def test_repetitions_of_one_run_are_several_specs():
    trial = Trial(spec=spec(1), status="ok")
    assert lacking([spec(1), spec(1, 2)], [trial]) == [spec(1, 2)]


def test_mode_and_ruleset_are_inputs_of_the_program_where_they_are_given():
    plain = RunSpec(target="program:p", inputs={"mode": "both", "count": "1"})
    assert plain.program_inputs() == {"mode": "both", "count": "1"}
    audited = msgspec.structs.replace(plain, mode="performance", ruleset="quick")
    assert audited.program_inputs() == {"mode": "performance", "count": "1", "ruleset": "quick"}


def test_line_that_was_cut_short_is_dropped_and_the_next_one_whole(path: Path):
    drive(Doubling(), Runs(), journal(path), budget=2)
    path.write_bytes(path.read_bytes()[:-20])
    held = journal(path)
    assert [trial.spec for trial in held.trials] == [spec(1)]
    held.append(Trial(spec=spec(2), status="ok"))
    assert [trial.spec for trial in journal(path).trials] == [spec(1), spec(2)]


@pytest.mark.parametrize(
    ("data", "what", "fix"),
    [
        (b"{}\n", "the journal does not fit its schema", "--fresh"),
        (b"", "the journal does not fit its schema", "--fresh"),
        (b"\x00\n\n", "the journal does not fit its schema", "--fresh"),
        (b"[1]\n", "the journal does not fit its schema", "--fresh"),
        (b'{"schema":"benchloom.journal/1"}\n{"a":1}\n', "the journal does not fit its schema", "--fresh"),
        (b'{"schema":"other/1"}\n', "the journal is of schema 'other/1'", "--fresh"),
        (b'{"schema":"benchloom.journal/9","new":1}\n', "the journal is of schema 'benchloom.journal/9'", "upgrade"),
    ],
)
def test_file_that_is_no_journal_is_refused_and_kept_as_it_is(path: Path, data: bytes, what: str, fix: str):
    path.parent.mkdir()
    path.write_bytes(data)
    with pytest.raises(InputError, match=what) as caught:
        journal(path)
    assert str(path) in caught.value.where
    assert fix in caught.value.fix
    assert path.read_bytes() == data
    assert journal(path, is_fresh=True).trials == []
    assert journal(path).trials == []


def test_line_of_a_journal_that_is_no_trial_is_named(path: Path):
    drive(Doubling(), Runs(), journal(path))
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:2], b"{}\n", *lines[2:]]))
    with pytest.raises(InputError) as caught:
        journal(path)
    assert caught.value.where == f"{path}: line 3"


def test_journal_that_cannot_be_opened_is_refused(path: Path):
    path.mkdir(parents=True)
    with pytest.raises(InputError, match="cannot be read"):
        journal(path)


def test_fresh_journal_forgets_all(path: Path):
    drive(Doubling(), Runs(), journal(path))
    assert journal(path, is_fresh=True).trials == []
    assert journal(path).trials == []
