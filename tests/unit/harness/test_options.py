import pytest

from benchloom.app.workspace import built_in_repository
from benchloom.errors import InputError
from benchloom.harness.options import declared, parse, usable_cores
from benchloom.index.index import load
from benchloom.index.repositories import read_repository
from benchloom.rules.scenarios import SCENARIOS


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
        ("--scenario=Ofline", "--scenario", "'Ofline' is not a value of --scenario"),
        ("--count=0", "--count", "'0' is not a whole number of at least 1"),
        ("--count=1.5", "--count", "'1.5' is not a whole number of at least 1"),
        ("--batch_size=many", "--batch_size", "'many' is not a whole number of at least 1"),
        ("--target_qps=nan", "--target_qps", "'nan' is not a finite number"),
        ("--target_qps=0", "--target_qps", "'0' is not a number above 0"),
        ("--user_conf=/no/such/file", "--user_conf", "/no/such/file does not exist"),
        ("--user_conf=/", "--user_conf", "/ is not a file"),
    ],
)
def test_wrong_values_name_their_flag(word: str, where: str, said: str):
    with pytest.raises(InputError, match=said) as caught:
        parse([word], {})
    assert caught.value.where == where


def test_a_wrong_value_names_the_nearest_choice():
    with pytest.raises(InputError) as caught:
        parse(["--scenario=Ofline"], {})
    assert caught.value.fix == "did you mean 'Offline'?"


def test_every_program_of_the_harness_has_the_options_as_inputs_in_the_words_of_their_one_declaration():
    index = load([read_repository(built_in_repository())], None)
    programs = [item.program for item in index.components if item.program and "loadgen" in item.tags]
    assert len(programs) >= 9
    for program in programs:
        inputs = {item.name: item for item in program.inputs if not item.selects}
        assert inputs.pop("labels_path").type == "path"  # its summary is the task's
        assert inputs == {name: item for name, item in declared().items() if name != "labels_path"}


def test_declared_choices_are_what_the_harness_has():
    assert declared()["scenario"].choices == tuple(SCENARIOS)


def test_help_is_made_of_the_declaration(capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit):
        parse(["--help"], {})
    said = " ".join(capsys.readouterr().out.split())
    for name, option in declared().items():
        assert f"--{name}" in said
        assert option.summary.split(":")[0] in said
