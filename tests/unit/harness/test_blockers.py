"""What blocks a submission: settings and lines of user.conf that only the open division allows, errors in LoadGen's logs, the accuracy."""

from pathlib import Path

import msgspec
import pytest

from benchloom.harness.options import parse
from benchloom.harness.settings import shown
from benchloom.harness.settings import test_settings as settings_for
from benchloom.harness.user_conf import KEYS
from benchloom.model.record import Accuracy, Performance
from benchloom.model.ruleset import Ruleset
from benchloom.rules import checks
from benchloom.rules.scenarios import OPEN_KEYS
from support.results import RESULTS
from support.rulesets import QUICK, V1_0

TOTAL = 50_000
GOOD = Accuracy(metric="top1", top1=0.76, total=TOTAL, target=0.757)
VALID = Performance(scenario="Server", valid=True, samples_per_second=1.0, latency_ns={}, value=1.0)


def blockers(
    folder: Path,
    *words: str,
    conf: str = "",
    scenario: str = "Server",
    ruleset: Ruleset = V1_0,
    performance: Performance | None = VALID,
    accuracy: Accuracy | None = GOOD,
    name: str = "resnet50",
    complete: int | None = TOTAL,
    missing: tuple[str, ...] = (),
) -> tuple[str, ...]:
    """Return the blockers of ResNet-50 on all of ImageNet, as nobody but the arguments changes it."""
    (folder / "user.conf").write_text(conf)
    options = parse([f"--scenario={scenario}", f"--user_conf={folder / 'user.conf'}", *words], {})
    made = settings_for(options, ruleset, name, None)
    results = msgspec.structs.replace(
        RESULTS,
        model=name,
        scenario=scenario,
        mode=options.mode,
        ruleset=ruleset.name,
        performance=performance and msgspec.structs.replace(performance, scenario=scenario),
        accuracy=accuracy,
        settings={"samples": TOTAL, **shown(made.test, scenario)},
        user_conf=made.applied,
        missing_images=len(missing),
        dataset_size=complete,
    )
    return tuple(item.text for item in checks.blockers(ruleset, results))


@pytest.mark.parametrize(
    ("scenario", "conf"),
    [
        ("Server", ""),
        ("Server", "*.Server.target_qps = 100\n*.Server.target_latency = 14\nresnet50.Server.min_duration = 700000\n"),
        ("Server", "*.Server.coalesce_queries = 0\n*.Server.performance_sample_count_override = 2048\n"),
        ("Server", "*.Server.target_latency_percentile = 99\n*.Server.performance_issue_same = 0\n"),  # as they are
        ("SingleStream", "*.SingleStream.target_latency = 20\n*.SingleStream.min_query_count = 2048\n"),
        ("Offline", "*.Offline.target_qps = 50\n"),
    ],
)
def test_what_a_submitter_may_set_blocks_nothing(tmp_path: Path, scenario: str, conf: str):
    assert blockers(tmp_path, conf=conf, scenario=scenario) == ()


@pytest.mark.parametrize("key", [key for key, item in KEYS.items() if key in OPEN_KEYS and "Server" in item.settings])
def test_key_of_the_open_division_blocks_with_line_and_values(tmp_path: Path, key: str):
    value = "97" if key == "target_latency_percentile" else "1"
    [found] = blockers(tmp_path, conf=f"# a comment\n*.Server.{key} = {value}\n")
    assert found.startswith(f"user.conf line 2 sets {KEYS[key].settings['Server']} to ")
    assert found.endswith("such a result is of the open division")


def test_bound_above_the_rounds_blocks_wherever_it_comes_from(tmp_path: Path):
    told = "Server's latency bound is 20 ms, the round's 15 ms (--max_latency_ms, --user_conf)"
    assert blockers(tmp_path, "--max_latency_ms=20") == (told,)
    assert blockers(tmp_path, conf="*.Server.target_latency = 20\n") == (told,)
    assert blockers(tmp_path, "--max_latency_ms=20", conf="*.Server.target_latency = 15\n") == ()


def test_fewer_samples_to_draw_from_than_the_round_asks_for_block(tmp_path: Path):
    [found] = blockers(tmp_path, conf="resnet50.Server.performance_sample_count_override = 500\n")
    assert found == "performance runs draw from 500 samples, the round's minimum is 1024 (--user_conf)"


def test_errors_of_either_run_block(tmp_path: Path):
    performance = Performance(
        scenario="Server", valid=True, samples_per_second=1.0, latency_ns={}, value=1.0, errors=("one",)
    )
    accuracy = Accuracy(metric="top1", top1=0.76, target=0.757, errors=("two",), warnings=("three",))
    assert blockers(tmp_path, performance=performance, accuracy=accuracy) == (
        "LoadGen logged an error in the performance run: one",
        "LoadGen logged an error in the accuracy run: two",
    )


@pytest.mark.parametrize(
    ("accuracy", "told"),
    [
        (
            Accuracy(metric="top1", top1=0.7569, target=0.757),
            "accuracy 75.690 % is below the round's target of 75.700 %",
        ),
        (Accuracy(metric="mAP", mean_average_precision=None, target=0.2), "the accuracy run has no accuracy"),
        (Accuracy(metric="top1", top1=0.9), "no accuracy target is known for this model in the round"),
    ],
)
def test_accuracy_that_does_not_reach_the_target_blocks(tmp_path: Path, accuracy: Accuracy, told: str):
    assert blockers(tmp_path, accuracy=accuracy) == (told,)


@pytest.mark.parametrize("mode", ["performance", "accuracy"])
def test_half_a_submission_blocks(tmp_path: Path, mode: str):
    """What a submission consists of are both runs, whatever the one that there is says."""
    told = f"a submission needs both a performance and an accuracy run; this was {mode}"
    performance, accuracy = (VALID, None) if mode == "performance" else (None, GOOD)
    assert blockers(tmp_path, f"--mode={mode}", performance=performance, accuracy=accuracy) == (told,)


def test_accuracy_that_just_reaches_the_target_blocks_nothing(tmp_path: Path):
    assert blockers(tmp_path, accuracy=Accuracy(metric="top1", top1=0.757, target=0.757)) == ()


def test_invalid_run_blocks(tmp_path: Path):
    performance = Performance(scenario="Server", valid=False, samples_per_second=1.0, latency_ns={}, value=1.0)
    assert blockers(tmp_path, performance=performance) == ("LoadGen says that the performance run is INVALID",)


@pytest.mark.parametrize(
    ("complete", "whole"), [(50_001, "50001"), (500, "500"), (None, "an unknown number"), (0, "an unknown number")]
)
def test_part_of_the_data_set_blocks(tmp_path: Path, complete: int | None, whole: str):
    told = f"{TOTAL} samples were used, the whole data set has {whole}"
    assert blockers(tmp_path, complete=complete) == (told,)


def test_skipped_images_block(tmp_path: Path):
    told = "2 images are missing and were skipped (--allow_missing_images)"
    assert blockers(tmp_path, missing=("a", "b")) == (told,)


def test_model_that_the_round_does_not_know_blocks(tmp_path: Path):
    assert blockers(tmp_path, name="digits") == ("digits is not a benchmark of mlperf-inference-1.0",)


def test_scenario_that_is_not_the_rounds_any_more_blocks(tmp_path: Path):
    assert blockers(tmp_path, scenario="MultiStream") == (V1_0.scenarios["MultiStream"].unmeasurable,)


@pytest.mark.parametrize(
    ("conf", "found"),
    [
        ("*.Server.min_duration = 599999\n", "599.999 s and 270336 queries"),
        ("*.Server.min_query_count = 270335\n", "600 s and 270335 queries"),
    ],
)
def test_shorter_run_than_the_rounds_blocks(tmp_path: Path, conf: str, found: str):
    told = f"{found} are less than the round's 600 s and 270336 (--duration, --user_conf)"
    assert blockers(tmp_path, conf=conf) == (told,)


def test_latency_bound_is_servers_alone(tmp_path: Path):
    assert blockers(tmp_path, "--max_latency_ms=20", scenario="Offline") == ()


@pytest.mark.parametrize(("drawn", "count"), [("0", 0), ("1023", 1), ("1024", 0), ("1", 1)])
def test_number_of_samples_to_draw_from_blocks_below_the_rounds(tmp_path: Path, drawn: str, count: int):
    conf = f"*.Server.performance_sample_count_override = {drawn}\n"
    assert len(blockers(tmp_path, conf=conf)) == count


def test_blockers_come_worst_first(tmp_path: Path):
    performance = Performance(
        scenario="Server", valid=False, samples_per_second=1.0, latency_ns={}, value=1.0, errors=("one",)
    )
    found = blockers(
        tmp_path,
        "--max_latency_ms=20",
        conf="*.Server.max_async_queries = 1\n",
        performance=performance,
        accuracy=Accuracy(metric="top1", top1=0.7, target=0.757),
        missing=("a",),
    )
    words = ("INVALID", "error", "accuracy 70.000 %", "missing", "latency bound", "open division")
    assert [word in item for word, item in zip(words, found, strict=True)] == [True] * len(words)


def test_ruleset_that_is_not_official_has_no_blockers(tmp_path: Path):
    assert blockers(tmp_path, conf="*.Server.performance_issue_same = 1\n", ruleset=QUICK) == ()
