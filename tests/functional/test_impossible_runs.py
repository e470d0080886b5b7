"""What cannot be run is refused while it is planned, before anything is installed."""

import pytest

from benchloom.errors import InputError
from benchloom.harness.options import parse
from support.benchmark import TARGET
from support.repo import Loom

CASES = [
    (["--instances=2"], "a second instance would be idle"),
    (["--dep_add_tags.model=resnet50,random-weights", "--mode=both"], "are random, so it has no accuracy"),
    (["--dep_add_tags.model=resnet50,random-weights", "--mode=accuracy"], "are random, so it has no accuracy"),
    (["--env.LOOM_INPUT_INSTANCES=2"], "a second instance would be idle"),
    (["--duration=0"], "'0' is not a number above 0"),
    (["--target_qps=0", "--scenario=Server"], "'0' is not a number above 0"),
    (["--duration=0.0001"], "LoadGen counts whole milliseconds, in which 0.0001 is 0"),
    (["--target_latency_ms=1e-7"], "LoadGen counts whole nanoseconds, in which 1e-7 is 0"),
    (["--max_latency_ms=1e-7", "--scenario=Server"], "LoadGen counts whole nanoseconds, in which 1e-7 is 0"),
    (["--duration=604801"], "the performance run would take about 7 days"),
    (["--count=451"], "--count requests 451 samples, digits-val has 450"),
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


def test_plan_and_harness_refuse_numbers_with_the_same_words(tmp_path_factory: pytest.TempPathFactory):
    """One function reads them for both."""
    for word in ("--duration=0", "--duration=0.0001", "--duration=604801", "--max_latency_ms=1e-7", "--instances=2"):
        answer = Loom(tmp_path_factory.mktemp("home")).here("plan", TARGET, word)
        with pytest.raises(InputError) as caught:
            parse([word], {})
        assert answer.code == 2
        assert f"loom: {caught.value.what}\n" in answer.err
        assert f"where: {caught.value.where}\n" in answer.err


def test_user_conf_may_shorten_a_run_that_would_take_too_long(tmp_path_factory: pytest.TempPathFactory):
    folder = tmp_path_factory.mktemp("conf")
    (folder / "user.conf").write_text("*.SingleStream.min_duration = 1000\n")
    words = ["--duration=604801", f"--user_conf={folder / 'user.conf'}"]
    Loom(folder / "home").here("plan", TARGET, *words).ok()
    assert parse(words, {}).duration == 604801
