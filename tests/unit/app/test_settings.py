"""Settings: a variable that tells a program of a role is no setting, although it has the name of one."""

from pathlib import Path

import pytest

from benchloom.app.settings import configuration, set_setting
from benchloom.errors import InputError


def ruleset(home: Path, **environ: str) -> tuple[object, str]:
    [found] = [item for item in configuration({"LOOM_HOME": str(home), **environ}).settings if item.name == "ruleset"]
    return found.value, found.origin


def test_variable_of_a_setting_that_holds_a_file_of_facts_is_passed_over(tmp_path: Path):
    facts = tmp_path / "facts" / "ruleset.json"
    assert ruleset(tmp_path, LOOM_RULESET=str(facts)) == ("quick", "default")
    assert ruleset(tmp_path, LOOM_RULESET="mlperf-inference-5.1") == ("mlperf-inference-5.1", "environment")


def test_value_that_no_repository_has_is_refused_and_nothing_is_written(tmp_path: Path):
    with pytest.raises(InputError, match="'acne' is not a value of ruleset") as caught:
        set_setting({"LOOM_HOME": str(tmp_path)}, "ruleset", "acne", ("quick", "acme"))
    assert caught.value.fix == "did you mean 'acme'?"
    assert ruleset(tmp_path) == ("quick", "default")
