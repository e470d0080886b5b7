"""Checks of results against a ruleset: what passes is listed too, and each blocker has a code and where its rule was read."""

from typing import Any

import msgspec
import pytest

from benchloom.model.record import Accuracy, AppliedSetting, Blocker, Performance, Results
from benchloom.model.ruleset import Ruleset
from benchloom.rules.checks import Check, blockers, check
from support.results import RESULTS
from support.rulesets import QUICK, ruleset

NEW = ruleset("mlperf-inference-5.1")
SEEDS = {
    "qsl_rng_seed": 1780908523862526354,
    "sample_index_rng_seed": 14771362308971278857,
    "schedule_rng_seed": 18209322760996052031,
}
SETTINGS: dict[str, Any] = {"samples": 50_000, "min_duration_ms": 600_000, "min_query_count": 24_576, **SEEDS}
GOOD = msgspec.structs.replace(
    RESULTS,
    model="resnet50",
    scenario="Offline",
    ruleset=NEW.name,
    dataset_size=50_000,
    accuracy=Accuracy(metric="top1", top1=0.7646, target=0.756954),
    performance=Performance(scenario="Offline", valid=True, samples_per_second=9.0, latency_ns={}, value=9.0),
    settings=SETTINGS,
)


def changed(results: Results = GOOD, **fields: Any) -> Results:
    return msgspec.structs.replace(results, **fields)


def codes(results: Results, demanded: Ruleset = NEW) -> list[str]:
    return [item.code for item in blockers(demanded, results)]


def test_a_result_as_the_round_demands_it_passes_every_check_by_name():
    found = check(NEW, GOOD)
    assert {item.severity for item in found} == {"pass"}
    assert [item.rule for item in found] == [
        "performance-valid",
        "performance-errors",
        "official-figure",
        "accuracy-errors",
        "accuracy-target",
        "scenario",
        "benchmark",
        "missing-images",
        "whole-data-set",
        "data-set",
        "mode",
        "length",
        "sample-count",
        "seeds",
    ]
    assert all(item.text and item.path for item in found)


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"mode": "performance"}, "mode"),
        ({"missing_images": 1}, "missing-images"),
        ({"dataset_size": 500, "settings": {**SETTINGS, "samples": 500}}, "data-set"),
        ({"settings": {**SETTINGS, "samples": 49_999}}, "whole-data-set"),
        ({"settings": {**SETTINGS, "schedule_rng_seed": 1}}, "seeds"),
        ({"settings": {**SETTINGS, "min_query_count": 24_575}}, "length"),
        ({"settings": {**SETTINGS, "min_duration_ms": 599_999}}, "length"),
        ({"accuracy": Accuracy(metric="top1", top1=0.7569, target=0.756954)}, "accuracy-target"),
        ({"accuracy": Accuracy(metric="top1", top1=0.7646, target=0.756954, errors=("e",))}, "accuracy-errors"),
    ],
)
def test_what_the_round_does_not_allow_is_the_one_blocker(fields: dict[str, Any], code: str):
    assert codes(changed(**fields)) == [code]


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"valid": False}, "performance-valid"),
        ({"errors": ("e",)}, "performance-errors"),
        ({"value": None}, "official-figure"),
    ],
)
def test_performance_that_does_not_count_blocks(fields: dict[str, Any], code: str):
    assert GOOD.performance is not None
    assert codes(changed(performance=msgspec.structs.replace(GOOD.performance, **fields))) == [code]


def test_blocker_says_where_the_rule_was_read():
    [found] = blockers(NEW, changed(settings={**SETTINGS, "schedule_rng_seed": 1}))
    assert found == Blocker(
        code="seeds",
        text="LoadGen's schedule_rng_seed differ from those of the round",
        reference="mlcommons/inference, tag v5.1.1, tools/submission/submission_checker.py",
    )


def test_early_stopping_allows_fewer_queries_but_not_fewer_samples_of_the_one_query():
    few = {**SETTINGS, "min_query_count": 100}
    server = {**few, "server_target_latency_ns": 15_000_000}
    found = changed(scenario="Server", settings=server)
    assert codes(found, ruleset("mlperf-inference-2.0")) == ["seeds"]
    assert "length" in codes(found, ruleset("mlperf-inference-1.1"))
    assert "length" in codes(changed(settings=few), ruleset("mlperf-inference-2.0"))


@pytest.mark.parametrize(("milliseconds", "expected"), [(15, []), (15.1, ["latency-bound"]), (10, [])])
def test_latency_bound_is_the_benchmarks(milliseconds: float, expected: list[str]):
    settings = {**SETTINGS, "server_target_latency_ns": milliseconds * 1e6}
    assert codes(changed(scenario="Server", settings=settings)) == expected


def test_line_of_user_conf_blocks_only_if_it_changes_what_the_round_fixes():
    line = AppliedSetting(line=3, key="*.*.performance_issue_same", setting="performance_issue_same", old=0, new=1)
    assert codes(changed(user_conf=(line,))) == ["open-division"]
    assert codes(changed(user_conf=(msgspec.structs.replace(line, new=0),))) == []
    drawn = "performance_sample_count_override"
    fewer = AppliedSetting(line=3, key=f"*.*.{drawn}", setting=drawn, old=0, new=1023)
    assert codes(changed(user_conf=(fewer,))) == ["sample-count"]


def test_nobody_submits_under_quick_so_nothing_blocks_although_checks_are_made():
    found = changed(model="digits", settings={"samples": 450})
    assert blockers(QUICK, found) == ()
    assert Check(
        rule="benchmark", severity="blocker", text="digits is not a benchmark of quick", path="model"
    ) in check(QUICK, found)


def test_a_company_that_calls_its_ruleset_official_gets_blockers_of_its_own_targets():
    own = msgspec.convert(
        {
            "name": "acme",
            "is_official": True,
            "scenarios": {"Offline": {"figure": "result_samples_per_second", "min_duration": 1}},
            "benchmarks": {"digits": {"models": ["digits"]}},
        },
        Ruleset,
    )
    found = changed(model="digits", accuracy=Accuracy(metric="mAP", mean_average_precision=0.4, target=0.5))
    [only] = blockers(own, found)
    assert only == Blocker(code="accuracy-target", text="accuracy 40.000 % is below the round's target of 50.000 %")


def test_accuracy_in_another_unit_than_a_fraction_is_printed_as_it_is():
    accuracy = Accuracy(metric="FID_SCORE", top1=22.5, target=23.010858)
    [found] = blockers(NEW, changed(accuracy=accuracy))
    assert found.text == "accuracy 22.5 is below the round's target of 23.0109"
