"""Rulesets: the rounds' numbers are those that their rules derive or state, and quick's pass LoadGen's early stopping."""

import math
from pathlib import Path
from statistics import NormalDist

import pytest

from benchloom.errors import InputError
from benchloom.index.bases import Bases, Root
from benchloom.index.read import read_entry
from benchloom.model.ruleset import Ruleset, Seeds, SuiteScenarios
from benchloom.rules.figures import FIGURES
from benchloom.rules.rulesets import (
    DEFAULT_QSL_SIZE,
    benchmark_of,
    bound_ms,
    least_queries,
    qsl_size,
    scenario_rules,
    target_of,
)
from benchloom.rules.scenarios import SCENARIOS
from support.rulesets import QUICK, ROOT, V1_0, ruleset

NAMES = sorted(path.name for path in (ROOT / "ruleset").iterdir() if not path.name.startswith("."))
ROUNDS = [name for name in NAMES if name.startswith("mlperf-inference-")]
P90, P99 = "result_90.00_percentile_latency_ns", "result_99.00_percentile_per_query_latency_ns"
SS, MS = "early_stopping_latency_ss", "early_stopping_latency_ms"
SCHEDULED, COMPLETED = "result_scheduled_samples_per_sec", "result_completed_samples_per_sec"
# qsl, sample index and schedule: mlperf.conf and the checkers of the rounds.
SEEDS = {
    "0.5": (3133965575612453542, 665484352860916858, 3622009729038561421),
    "0.7": (12786827339337101903, 12640797754436136668, 3135815929913719677),
    "1.0": (7322528924094909334, 1570999273408051088, 3507442325620259414),
    "1.1": (1624344308455410291, 517984244576520566, 10051496985653635065),
    "2.0": (6655344265603136530, 15863379492028895792, 12662793979680847247),
    "2.1": (14284205019438841327, 4163916728725999944, 299063814864929621),
    "3.0": (10003631887983097364, 17183018601990103738, 12134888396634371638),
    "3.1": (148687905518835231, 520418551913322573, 811580660758947900),
    "4.0": (13281865557512327830, 198141574272810017, 7575108116881280410),
    "4.1": (3066443479025735752, 10688027786191513374, 14962580496156340209),
    "5.0": (6023615788873153749, 15036839855038426416, 9933818062894767841),
    "5.1": (1780908523862526354, 14771362308971278857, 18209322760996052031),
    "6.0": (2465351861681999779, 14276810075590677512, 3936089224930324775),
}
# The official figures of SingleStream, MultiStream and Server, by the first round that has them.
OFFICIAL = {
    "0.5": (P90, "effective_samples_per_query", SCHEDULED),
    "2.0": (SS, MS, SCHEDULED),
    "4.1": (SS, MS, COMPLETED),
}
# Least duration in seconds and least counts of SingleStream, MultiStream, Server and Offline; None: LoadGen's own.
LENGTHS = {
    "0.5": (60, (1024, 270_336, 270_336, 1)),
    "0.7": (60, (1024, 270_336, 270_336, 24_576)),
    "1.0": (600, (1024, 270_336, 270_336, 24_576)),
    "3.1": (600, (None, 662, None, 24_576)),
}


def key(round_name: str) -> tuple[int, ...]:
    return tuple(int(part) for part in round_name.split("."))


def of_round(table: dict[str, tuple[object, ...]], round_name: str) -> tuple[object, ...]:
    """Return the entry of the last round of ``table`` that is not after this one."""
    return table[max((item for item in table if key(item) <= key(round_name)), key=key)]


def queries(percentile: float) -> int:
    """Return the queries of MLPerf's rules: 99 % confidence, a margin of a twentieth of the tail, rounded up to a multiple of 2^13."""
    margin = (1 - percentile) / 20
    exact = NormalDist().inv_cdf(0.995) ** 2 * percentile * (1 - percentile) / margin**2
    return math.ceil(exact / 2**13) * 2**13


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_round_lasts_ten_minutes_and_as_many_queries_as_its_percentile_needs(scenario: str):
    rules = V1_0.scenarios[scenario]
    assert rules.min_duration == 600
    wanted = {"SingleStream": 1024, "Offline": queries(0.9)}  # the first by its own rule
    assert rules.min_queries == wanted.get(scenario, queries(0.99))


def test_round_states_seeds_bounds_and_sample_counts_by_benchmark():
    assert V1_0.seeds == Seeds(
        qsl=7322528924094909334, sample_index=1570999273408051088, schedule=3507442325620259414
    )  # mlperf.conf at v1.0.1
    bounds = {name: bound_ms(V1_0, "Server", name) for name in ("resnet50", "ssd-resnet34", "mobilenet")}
    assert bounds == {"resnet50": 15, "ssd-resnet34": 100, "mobilenet": 10}
    sizes = {name: qsl_size(V1_0, name) for name in ("resnet50", "mobilenet", "ssd-mobilenet", "ssd-resnet34")}
    assert sizes == {"resnet50": 1024, "mobilenet": 1024, "ssd-mobilenet": 256, "ssd-resnet34": 64}
    assert V1_0.scenarios["MultiStream"].unmeasurable


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_quick_takes_seconds_and_enough_queries_for_early_stopping(scenario: str):
    rules = QUICK.scenarios[scenario]
    assert 1 <= rules.min_duration < 2
    tail = math.ceil(
        math.log(0.01) / math.log(0.99)
    )  # no query too slow among these shows the 99th percentile with 99 %
    least = {"SingleStream": 64, "MultiStream": tail, "Server": tail, "Offline": 1}
    assert rules.min_queries is not None
    assert least[scenario] <= rules.min_queries < 1000
    assert not QUICK.is_official
    assert QUICK.seeds is None


def test_every_ruleset_states_every_scenario_and_only_quick_is_unofficial():
    for name in NAMES:
        assert set(ruleset(name).scenarios) == set(SCENARIOS), name
        assert all(FIGURES[item.figure].scenario.name == key for key, item in ruleset(name).scenarios.items()), name
    assert [name for name in NAMES if not ruleset(name).is_official] == ["quick"]


@pytest.mark.parametrize("name", ROUNDS)
def test_figures_seeds_and_lengths_follow_the_round(name: str):
    found = ruleset(name)
    assert found.round == name.removeprefix("mlperf-inference-")
    if found.round in SEEDS:
        assert found.seeds == Seeds(**dict(zip(("qsl", "sample_index", "schedule"), SEEDS[found.round], strict=True)))
    figures = tuple(found.scenarios[item].figure for item in ("SingleStream", "MultiStream", "Server"))
    assert figures == of_round(OFFICIAL, found.round)
    assert found.scenarios["Offline"].figure == "result_samples_per_second"
    seconds, counts = of_round(LENGTHS, found.round)
    assert {item.min_duration for item in found.scenarios.values()} == {seconds}
    resnet = tuple(
        least_queries(found, item, "resnet50") for item in ("SingleStream", "MultiStream", "Server", "Offline")
    )
    assert resnet == counts
    assert found.early_stopping is (key(found.round) >= (2, 0))
    assert bool(found.scenarios["MultiStream"].unmeasurable) is (key(found.round) < (2, 0))


@pytest.mark.parametrize("name", ROUNDS)
def test_resnet_is_in_every_round_with_one_target(name: str):
    found = ruleset(name)
    assert target_of(found, "resnet50", "top1") == 0.756954
    assert bound_ms(found, "Server", "resnet50") == 15
    assert qsl_size(found, "resnet50") == 1024


@pytest.mark.parametrize(
    ("name", "model", "metric", "target", "size"),
    [
        ("0.5", "mobilenet", "top1", 0.702464, 1024),
        ("1.1", "ssd-mobilenet", "mAP", 0.2178, 256),
        ("2.0", "ssd-resnet34", "mAP", 0.198, 64),
        ("2.1", "retinanet", "mAP", 0.371745, 64),
        ("1.0", "3d-unet", "DICE", 0.84447, 16),
        ("2.0", "3d-unet", "DICE", 0.854677, 42),
        ("5.1", "3d-unet", "DICE", 0.853083, 43),
        ("4.0", "stable-diffusion-xl", "FID_SCORE", 23.010858, 5000),
        ("6.0", "yolo", "mAP", 0.5073, 64),
        ("6.0", "wan-2.2-t2v-a14b", "vbench_score", 69.7752, 50),
    ],
)
def test_targets_and_sizes_of_other_benchmarks(name: str, model: str, metric: str, target: float, size: int):
    found = ruleset(f"mlperf-inference-{name}")
    assert target_of(found, model, metric) == target
    assert qsl_size(found, model) == size


@pytest.mark.parametrize(("name", "gone"), [("2.1", "ssd-mobilenet"), ("2.0", "retinanet"), ("0.7", "mobilenet")])
def test_model_of_no_benchmark_has_no_target_and_mlperfs_usual_numbers(name: str, gone: str):
    found = ruleset(f"mlperf-inference-{name}")
    assert benchmark_of(found, gone) is None
    assert target_of(found, gone, "mAP") is None
    assert (qsl_size(found, gone), bound_ms(found, "Server", gone)) == (DEFAULT_QSL_SIZE, 10)


def test_suites_say_which_scenarios_are_required():
    assert V1_0.suites["edge"]["resnet"] == SuiteScenarios(
        required=("SingleStream", "Offline"), optional=("MultiStream",)
    )
    newest = ruleset("mlperf-inference-6.0")
    assert newest.suites["edge"]["resnet"].required == ("SingleStream", "MultiStream", "Offline")
    assert "resnet" not in newest.suites["datacenter"]
    assert newest.benchmarks["resnet"].dataset_size == 50_000
    assert newest.benchmarks["resnet"].compliance == ("TEST01", "TEST04")
    assert least_queries(newest, "Offline", "yolo") == 1525


@pytest.mark.parametrize("name", ROUNDS)
def test_every_fact_of_a_round_has_a_source_or_a_reason_why_it_is_unknown(name: str):
    found = ruleset(name)
    told = found.sources.keys() | found.unknown.keys()
    facts = {"seeds", "figure", "min_duration", "min_queries", "targets", "qsl_size", "latency_bounds_ms", "suites"}
    assert facts | {"dataset_size", "compliance"} <= told
    assert all(item.dataset_size for item in found.benchmarks.values()) is ("dataset_size" in found.sources)


def test_scenario_that_a_ruleset_does_not_have_is_refused_with_those_it_has():
    only = Ruleset(name="acme", scenarios={"Offline": QUICK.scenarios["Offline"]})
    with pytest.raises(InputError, match="the ruleset acme has no scenario Server") as caught:
        scenario_rules(only, "Server")
    assert caught.value.fix == "it has Offline"
    assert bound_ms(only, "Offline", "resnet50") is None


def test_name_is_the_folders_whatever_the_metadata_say(tmp_path: Path):

    folder = tmp_path / "ruleset" / "acme" / ".cm"
    folder.mkdir(parents=True)
    (folder / "meta.json").write_text('{"tags": ["ruleset"], "ruleset": {"name": "other", "scenarios": {}}}')
    root = Root("t", str(tmp_path))
    found = read_entry("ruleset", folder.parent, root, Bases([root])).component
    assert found is not None
    assert found.ruleset is not None
    assert found.ruleset.name == "acme"
