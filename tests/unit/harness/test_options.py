import pytest

from benchloom.errors import InputError
from benchloom.harness.options import parse, usable_cores


def test_defaults():
    options = parse([], {})
    assert (options.scenario, options.mode) == ("SingleStream", "both")
    assert options.threads == usable_cores()
    assert options.count is None


def test_flag_wins_over_variable():
    environ = {"LOOM_INPUT_SCENARIO": "Server", "LOOM_INPUT_COUNT": "7"}
    options = parse(["--scenario=Offline"], environ)
    assert (options.scenario, options.count) == ("Offline", 7)


@pytest.mark.parametrize(
    ("words", "environ"), [(["--trust"], {}), (["--trust=yes"], {}), ([], {"LOOM_INPUT_TRUST": "yes"})]
)
def test_trust_is_given_as_a_flag_or_a_variable(words: list[str], environ: dict[str, str]):
    assert parse(words, environ).trust
    assert not parse(["--trust=no"], environ).trust
    assert not parse([], {}).trust


def test_case_of_names_does_not_matter():
    assert parse(["--scenario=singlestream", "--mode=ACCURACY"], {}).mode == "accuracy"


@pytest.mark.parametrize(
    ("word", "where", "said"),
    [
        ("--scenario=Ofline", "--scenario", "'Ofline' is not a scenario"),
        ("--count=0", "--count", "not a number above zero"),
        ("--count=1.5", "--count", "not a whole number"),
        ("--batch_size=many", "--batch_size", "not a number above zero"),
        ("--target_qps=nan", "--target_qps", "not a number above zero"),
        ("--user_conf=/no/such/file", "--user_conf", "is not a file"),
    ],
)
def test_wrong_values_name_their_flag(word: str, where: str, said: str):
    with pytest.raises(InputError, match=said) as caught:
        parse([word], {})
    assert caught.value.where == where
