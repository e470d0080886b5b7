"""What cannot be run is refused while it is planned, before anything is installed."""

import pytest

from support.benchmark import TARGET
from support.repo import Loom

CASES = [
    (["--instances=2"], "a second instance would have nothing to do"),
    (["--dep_add_tags.model=resnet50,random-weights", "--mode=both"], "are random, so it has no accuracy"),
    (["--dep_add_tags.model=resnet50,random-weights", "--mode=accuracy"], "are random, so it has no accuracy"),
]


@pytest.mark.parametrize("verb", ["plan", "lock", "run --dry-run", "run"])
@pytest.mark.parametrize(("words", "told"), CASES)
def test_impossible_run_is_refused_by_every_verb(
    tmp_path_factory: pytest.TempPathFactory, verb: str, words: list[str], told: str
):
    home = tmp_path_factory.mktemp("home")
    first, *more = verb.split()
    answer = Loom(home).here(first, TARGET, *more, *words)
    assert answer.code == 2
    assert told in answer.err
    assert not (home / "runs").exists() or not any((home / "runs").iterdir())


def test_number_that_is_not_finite_is_refused(tmp_path_factory: pytest.TempPathFactory):
    for value in ("nan", "inf", "1e999"):
        answer = Loom(tmp_path_factory.mktemp("home")).here("plan", TARGET, f"--duration={value}")
        assert answer.code == 2
        assert "is not a finite number" in answer.err
