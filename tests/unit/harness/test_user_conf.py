"""user.conf: what we say of each line is what the real LoadGen does with it."""

from pathlib import Path
from typing import Any

import mlperf_loadgen as lg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchloom.errors import InputError
from benchloom.harness import settings as loadgen
from benchloom.harness.options import parse
from benchloom.harness.user_conf import ANY, KEYS, read_user_conf
from benchloom.rules.scenarios import OPEN_KEYS, SCENARIOS
from support.rulesets import QUICK

NAMES = sorted({name for key in KEYS.values() for name in key.settings.values()})


def made(folder: Path, text: str, scenario: str = "SingleStream", *words: str) -> loadgen.LoadGenSettings:
    path = folder / "user.conf"
    path.write_text(text)
    return loadgen.test_settings(
        parse([f"--scenario={scenario}", f"--user_conf={path}", *words], {}), QUICK, "digits", None
    )


def fresh(scenario: str) -> Any:
    found = lg.TestSettings()
    found.FromConfig("", "digits", scenario, 0)
    return found


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("*.SingleStream.target_latencyy = 7\n", "did you mean 'target_latency'?"),
        ("*.SinglStream.target_latency = 7\n", "did you mean 'SingleStream'?"),
        ("*.SingleStream.target_latency=7\n", "with spaces around '='"),
        ("*.SingleStream.target_latency = 7 # ms\n", "a comment is on its own line"),
        ("*.SingleStream.target_latency = seven\n", "is not a setting that LoadGen reads"),
        ("*.SingleStream.target_latency =\n", "is not a setting that LoadGen reads"),
        ("*.SingleStream.target_latency\u00a0= 7\n", "is not a setting that LoadGen reads"),
        ("*.SingleStream.target_latency = 7\r*.SingleStream.min_duration = 7\n", "is not a setting that LoadGen reads"),
        ("target_latency = 7\n", "is not a setting that LoadGen reads"),
        ("#no blank\n", "is not a setting that LoadGen reads"),
        ("*.SingleStream.qsl_rng_seed = 7\n", "the ruleset sets them"),
        ("*.SingleStream.mode = 2\n", "set by --mode"),
        ("*.SingleStream.min_query_count = 1e3\n", "must be a whole number"),
        ("*.SingleStream.min_query_count = 010\n", "must be a whole number"),
        ("*.SingleStream.min_duration = -5\n", "must be a whole number"),
        (f"*.SingleStream.min_query_count = {'9' * 400}\n", "64-bit number"),
        ("*.SingleStream.target_latency = 1e13\n", "64-bit number"),
        ("*.Offline.target_qps = 1e400\n", "64-bit number"),
        ("*.Server.coalesce_queries = 2\n", "must be 0 or 1"),
        ("*.SingleStream.target_latency = 0\n", "must be above zero"),
        ("*.SingleStream.target_latency = -1\n", "must be above zero"),
        ("*.SingleStream.min_query_count = 0\n", "must be above zero"),
        ("*.SingleStream.target_latency_percentile = 100\n", "must be between 0 and 1"),
        ("*.SingleStream.min_query_count = 99999999999\n", "of memory"),
        ("*.SingleStream.min_duration = 6000000000\n*.SingleStream.target_latency = 100000\n", "the limit is one week"),
    ],
)
def test_line_without_effect_or_bound_is_refused_with_its_place(tmp_path: Path, text: str, told: str):
    with pytest.raises(InputError) as caught:
        made(tmp_path, f"# a comment\n\n{text}")
    assert told in str(caught.value)
    assert str(tmp_path / "user.conf") in caught.value.where
    assert ":3" in caught.value.where


@pytest.mark.parametrize("key", [
    "coalesce_queries", "performance_issue_unique", "performance_issue_same", "sample_concatenate_permutation", "print_timestamps",
])  # fmt: skip
def test_key_that_is_on_or_off_takes_nothing_else(tmp_path: Path, key: str):
    with pytest.raises(InputError, match=f"{key} must be 0 or 1, not 2"):
        made(tmp_path, f"*.Server.{key} = 2\n", "Server")


@pytest.mark.parametrize(
    ("key", "told"),
    [
        ("sample_index_rng_seed", "the ruleset sets them"),
        ("schedule_rng_seed", "the ruleset sets them"),
        ("accuracy_log_rng_seed", "compliance"),
        ("accuracy_log_sampling_target", "compliance"),
        ("accuracy_log_probability", "compliance"),
        ("test05", "compliance"),
        ("use_token_latencies", "tokens"),
        ("ttft_latency", "tokens"),
        ("tpot_latency", "tokens"),
        ("infer_token_latencies", "tokens"),
        ("token_latency_scaling_factor", "tokens"),
    ],
)
def test_key_that_loadgen_knows_and_that_does_nothing_here_is_refused_with_the_reason(
    tmp_path: Path, key: str, told: str
):
    with pytest.raises(InputError, match=told):
        made(tmp_path, f"*.Server.{key} = 1\n", "Server")


def test_keys_of_the_open_division_are_those_that_change_what_is_measured():
    assert (
        set(KEYS) & OPEN_KEYS
        == OPEN_KEYS
        == {
            "target_latency_percentile",
            "max_async_queries",
            "performance_issue_unique",
            "performance_issue_same",
            "performance_issue_same_index",
            "accuracy_sample_count_override",
            "sample_concatenate_permutation",
        }
    )


PLACES = ["*.*", "digits.*", "*.Server", "digits.Server"]


@pytest.mark.parametrize("second", PLACES)
@pytest.mark.parametrize("first", PLACES)
def test_of_two_lines_the_more_specific_one_wins_as_in_loadgen(tmp_path: Path, first: str, second: str):
    """Of equal ones the last: what LoadGen itself made of the file is what we say it applied."""
    found = made(tmp_path, f"{first}.target_qps = 1\n{second}.target_qps = 2\n", "Server")
    [line] = found.applied
    assert found.test.server_target_qps == line.new == line.line
    other = 3 - line.line
    assert found.not_applied == (f"user.conf line {other} is not applied: line {line.line} overrides it",)
    assert line.line == (1 if PLACES.index(first) > PLACES.index(second) else 2)


def test_file_that_cannot_be_read_is_refused_with_the_reason(tmp_path: Path):
    (tmp_path / "user.conf").mkdir()
    with pytest.raises(InputError, match="cannot be read") as caught:
        read_user_conf(tmp_path / "user.conf", "digits", "Server")
    assert caught.value.why == ("Is a directory",)
    (tmp_path / "latin").write_bytes(b"# \xe9\n")
    with pytest.raises(InputError, match="not UTF-8 text"):
        read_user_conf(tmp_path / "latin", "digits", "Server")


def test_byte_order_mark_is_refused(tmp_path: Path):
    with pytest.raises(InputError, match="byte order mark"):
        made(tmp_path, "\ufeff*.SingleStream.target_latency = 7\n")


@pytest.mark.parametrize(("key", "value"), [("target_qps", "0"), ("target_qps", "-3"), ("target_latency", "0")])
def test_server_and_offline_without_a_rate_are_refused(tmp_path: Path, key: str, value: str):
    with pytest.raises(InputError, match="must be above zero"):
        made(tmp_path, f"*.Server.{key} = {value}\n", "Server")


def test_applied_lines_are_recorded_from_old_to_new(tmp_path: Path):
    found = made(tmp_path, "*.SingleStream.min_query_count = 200\r\n# c\ndigits.*.min_duration = 100\n")
    assert [(item.line, item.key, item.setting, item.old, item.new) for item in found.applied] == [
        (1, "*.SingleStream.min_query_count", "min_query_count", 128, 200),
        (3, "digits.*.min_duration", "min_duration_ms", 1500, 100),
    ]
    assert found.test.min_query_count == 200
    assert found.not_applied == ()


def test_lines_for_other_runs_are_named_and_not_refused(tmp_path: Path):
    lines = (
        "resnet50.SingleStream.target_latency = 7",
        "digit.SingleStream.target_latency = 7",
        "*.Server.target_qps = 7",
        "*.*.target_qps = 7",
        "*.SingleStream.min_query_count = 300",
        "digits.SingleStream.min_query_count = 400",
    )
    found = made(tmp_path, "\n".join(lines))
    assert found.test.min_query_count == 400
    told = [text.partition(" is not applied: ")[2] for text in found.not_applied]
    assert told == [
        "it is for model 'resnet50', this run's is 'digits'",
        "it is for model 'digit', this run's is 'digits' (did you mean 'digits'?)",
        "it is for scenario Server",
        "target_qps has no effect in SingleStream",
        "line 6 overrides it",
    ]


def test_empty_file_changes_nothing(tmp_path: Path):
    assert made(tmp_path, "").applied == ()


LINES = st.lists(
    st.tuples(
        st.sampled_from(["*", "digits", "resnet50"]),
        st.sampled_from([ANY, *SCENARIOS]),
        st.sampled_from(sorted(KEYS)),
        st.integers(1, 90),
    ),
    min_size=1,
    max_size=6,
)


@settings(max_examples=200, deadline=None)
@given(lines=LINES, scenario=st.sampled_from(sorted(SCENARIOS)))
def test_what_is_said_to_be_applied_is_what_loadgen_changes(
    tmp_path_factory: pytest.TempPathFactory, lines: list[tuple[str, str, str, int]], scenario: str
):
    path = tmp_path_factory.mktemp("conf") / "user.conf"
    texts = [
        f"{model}.{where}.{key} = {number % 2 if KEYS[key].type == 'flag' else number}"
        for model, where, key, number in lines
    ]
    path.write_text("\n".join(texts) + "\n")
    conf = read_user_conf(path, "digits", scenario)
    after = fresh(scenario)
    assert after.FromConfig(str(path), "digits", scenario, 2) == 0
    wanted = fresh(scenario)
    for key, line in conf.applied.items():
        number = float(line.value) * KEYS[key].scale
        name = KEYS[key].settings[scenario]
        setattr(wanted, name, type(getattr(wanted, name))(number))
    # LoadGen sets the fields of other scenarios, too; those of this one are what is said.
    mine = [name for name in NAMES if any(key.settings.get(scenario) == name for key in KEYS.values())]
    assert {name: getattr(after, name) for name in mine} == pytest.approx(
        {name: getattr(wanted, name) for name in mine}
    )
