"""``loom tune``: the search for the best settings, over a program of known speed and over the real benchmark."""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import filelock
import jsonschema
import pytest

from benchloom.errors import InputError
from benchloom.model.values import seconds as seconds_of
from support.benchmark import TARGET, home
from support.repo import SOURCE, Answer, Loom, Repo

PAGE = SOURCE.parent / "docs" / "how-to" / "find-the-best-settings.md"
# Its throughput is known: best with batches of 16 and as many instances as threads are left for. Server holds 80 % of it.
CODE = """\
import json, sys, time
value = {"batch_size": "1", "threads": "1", "instances": "1", "duration": "1", "target_qps": "0", "trouble": ""}
value.update(word[2:].split("=", 1) for word in sys.argv[1:])
batch, threads, instances = (int(value[name]) for name in ("batch_size", "threads", "instances"))
if value["trouble"] == "fails" or value["trouble"] == "fails-at-32" and batch == 32:
    sys.exit("out of memory")
time.sleep(float(value["duration"]) if value["trouble"] == "slow" else 0)
speed = 1000.0 * instances * threads ** 0.5 * (1 - abs(batch - 16) / 100)
scenario, target = value["scenario"], float(value["target_qps"])
valid = value["trouble"] != "invalid" and (scenario != "Server" or target <= 0.8 * speed)
latency = {name: int(1e9 / speed) for name in ("p90", "p99")}
performance = {"scenario": scenario, "valid": valid, "samples_per_second": speed, "latency_ns": latency,
               "invalid_reasons": [] if valid else ["the trial says so"]}
results = {"schema": "benchloom.results/1", "accuracy": None, "performance": performance, "submission_valid": False,
           "settings": {"server_target_qps": target, "server_target_latency_ns": 10000000}, "versions": {}, "notes": []}
names = ("task", "model", "dataset", "backend", "mode", "ruleset")
if value["trouble"] == "silent":
    results["performance"] = None
json.dump({**results, **dict.fromkeys(names, "trial"), "scenario": scenario}, open("results.json", "w"))
"""
WHOLE = {"type": "int", "minimum": 1}
INPUTS: dict[str, dict[str, Any]] = {
    "scenario": {"choices": ["SingleStream", "MultiStream", "Server", "Offline"], "default": "Offline"},
    "batch_size": WHOLE,
    "threads": WHOLE,
    "instances": WHOLE,
    "target_qps": {"type": "float"},
    "duration": {"type": "float"},
    "trouble": {},
}
NARROW = ("--over", "batch_size=8,16,32", "--over", "threads=1", "--over", "instances=1,2")


def inputs(*names: str) -> dict[str, Any]:
    return {name: {"summary": name, **INPUTS[name]} for name in names or INPUTS}


@pytest.fixture(scope="module")
def repo(tmp_path_factory: pytest.TempPathFactory) -> Repo:
    repo = Repo(tmp_path_factory.mktemp("tune") / "repo")
    repo.program("tuned", "tuned", code=CODE, inputs=inputs())
    repo.program("threaded", "threaded", code=CODE, inputs=inputs("scenario", "threads"))
    repo.program("no-inputs", "no-inputs", code=CODE)
    return repo


@pytest.fixture
def loom(tmp_path: Path, repo: Repo) -> Loom:
    return Loom(tmp_path / "home", repo)


def tune(loom: Loom, *words: str, target: str = "program:tuned") -> dict[str, Any]:
    found: dict[str, Any] = loom.here("tune", target, "--json", "-q", *words).ok().json
    return found


def records(loom: Loom) -> list[dict[str, Any]]:
    return [json.loads(path.read_bytes()) for path in sorted((loom.home / "records").glob("*.json"))]


def carried_out(loom: Loom, command: str) -> dict[str, Any]:
    """Run a command that tune printed, and return the record it left."""
    words = shlex.split(command)
    assert words[0] == "loom"
    answer = loom.here(*words[1:], "--json", "-q").ok()
    found: dict[str, Any] = json.loads(Path(answer.json["record"]).read_bytes())
    return found


def test_offline_finds_the_best_settings_by_short_and_then_longer_runs(loom: Loom):
    found = tune(loom, *NARROW)
    assert found["best"]["settings"] == {"batch_size": 16, "threads": 1, "instances": 2}
    assert found["best"]["figure"] == pytest.approx(2000)
    assert (found["complete"], found["confirmed"], found["unit"], found["better"]) == (True, True, "samples/s", "more")
    assert [probe["duration"] for probe in found["probes"]] == [0.5] * 6 + [2.0] * 4
    assert {tuple(record["tags"]) for record in records(loom)} == {("tune",)}
    assert [probe["record"] for probe in found["probes"]] == sorted(str(p) for p in (loom.home / "records").iterdir())


def test_few_settings_are_measured_at_full_length_at_once(loom: Loom):
    found = tune(loom, "--over", "batch_size=8,16", "--threads=1", "--instances=1", "--duration=3")
    assert [probe["duration"] for probe in found["probes"]] == [3.0, 3.0]
    assert found["probes"][0]["settings"] == {"batch_size": 16, "threads": 1, "instances": 1}


@pytest.mark.parametrize("scenario", ["SingleStream", "MultiStream"])
def test_streams_search_threads_for_the_least_latency(loom: Loom, scenario: str):
    found = tune(loom, f"--scenario={scenario}", "--over", "threads=1,2,4")
    assert found["best"]["settings"] == {"threads": 4}
    assert (found["unit"], found["better"], len(found["probes"])) == ("ns", "less", 3)
    conf = Path(found["user_conf"]).read_text()
    latency = float(re.findall(rf"^\*\.{scenario}\.target_latency = (\S+)$", conf, re.MULTILINE)[0])
    assert latency == pytest.approx(0.7 * found["best"]["figure"] / 1e6, rel=1e-4)


def test_server_finds_the_highest_valid_target_and_runs_it_twice(loom: Loom):
    found = tune(loom, "--scenario=Server", *NARROW)
    best = found["best"]["settings"]
    assert {**best, "target_qps": 0} == {"batch_size": 16, "threads": 1, "instances": 2, "target_qps": 0}
    assert 1600 / 1.05 <= best["target_qps"] <= 1600
    probes = [(probe["settings"], probe["valid"]) for probe in found["probes"] if probe["scenario"] == "Server"]
    assert probes.count((best, True)) == 2
    assert found["confirmed"]
    assert found["latency_bound_ns"] == 10_000_000
    assert f"*.Server.target_qps = {best['target_qps']:g}\n" in Path(found["user_conf"]).read_text()
    # The worse way to share the cores was tried once, above what the better one had reached, and left.
    assert sum(probe["settings"]["instances"] == 1 for probe in found["probes"] if probe["scenario"] == "Server") == 1


def test_server_comes_as_near_as_asked_from_what_is_there(loom: Loom):
    words = ("--scenario=Server", "--batch_size=16", "--threads=1", "--instances=1")
    coarse = tune(loom, *words, "--precision=30")
    fine = tune(loom, *words, "--precision=1")
    assert fine["probes"][: len(coarse["probes"])] == coarse["probes"]
    assert 800 / 1.01 <= fine["best"]["figure"] <= 800
    assert coarse["best"]["figure"] <= fine["best"]["figure"]


def test_search_without_length_measures_each_setting_once(loom: Loom):
    found = tune(loom, "--over", "threads=1,2,3,4,5,6", target="program:threaded")
    assert found["best"]["settings"] == {"threads": 6}
    assert len(found["probes"]) == 6
    assert not any("duration" in probe for probe in found["probes"])
    assert len(found["commands"]) == 2
    assert "user_conf" not in found["commands"][1]


def test_lock_and_command_run_with_the_best_settings(loom: Loom, tmp_path: Path):
    found = tune(loom, "--scenario=Server", "--duration=3", "--trouble=none", f"--out={tmp_path / 'out'}", *NARROW)
    assert found["lock"] == str(tmp_path / "out" / "loom.lock.json")
    best = {name: f"{value:g}" for name, value in found["best"]["settings"].items()}
    inputs = {**best, "scenario": "Server", "trouble": "none"}
    for command in found["commands"]:
        record = carried_out(loom, command)
        assert record["plan"]["inputs"] == inputs
        assert record["tags"] == []
    lock = json.loads(Path(found["lock"]).read_bytes())
    assert lock["inputs"] == inputs
    drifted = loom.here("run", "program:tuned", f"--lock={found['lock']}", "--threads=9")
    assert drifted.code == 5
    assert "inputs" in drifted.err


def test_search_under_a_lock_keeps_to_it(loom: Loom, tmp_path: Path):
    lock = tmp_path / "held.lock.json"
    loom.here("lock", "program:tuned", "--trouble=none", f"--output={lock}").ok()
    found = loom.here("tune", f"--lock={lock}", "--json", "--over", "batch_size=8,16", "--over", "threads=1").ok().json
    assert found["best"]["settings"]["batch_size"] == 16
    assert found["inputs"] == {"trouble": "none"}


def test_same_command_repeats_no_probe_and_another_grid_only_what_is_new(loom: Loom):
    first = tune(loom, "--over", "batch_size=8,16", "--over", "threads=1", "--over", "instances=1")
    assert tune(loom, "--over", "batch_size=8,16", "--over", "threads=1", "--over", "instances=1") == first
    assert len(records(loom)) == 2
    wider = tune(loom, "--over", "batch_size=8,16,32", "--over", "threads=1", "--over", "instances=1")
    assert wider["probes"][1:] == first["probes"] or wider["probes"][:2] == first["probes"]
    assert len(records(loom)) == 3
    fresh = tune(loom, "--over", "batch_size=8,16", "--over", "threads=1", "--over", "instances=1", "--fresh")
    assert len(fresh["probes"]) == 2
    assert len(records(loom)) == 5


def test_other_fixed_inputs_are_another_search(loom: Loom):
    words = ("--over", "batch_size=16", "--over", "threads=1", "--over", "instances=1")
    keys = {tune(loom, *words, *more)["key"] for more in ((), ("--trouble=x",), ("--duration=1",), ("--env.A=1",))}
    assert len(keys) == 4
    assert len(records(loom)) == 4


def test_budget_ends_the_search_early_and_the_same_command_goes_on(loom: Loom):
    words = ("tune", "program:tuned", "--trouble=slow", "--duration=0.2", "--budget=0.1s", "--json")
    grid = ("--over", "batch_size=8,16", "--over", "threads=1", "--over", "instances=1")
    first = loom.here(*words, *grid).ok()
    assert (len(first.json["probes"]), first.json["complete"]) == (1, False)
    assert first.json["best"] == first.json["probes"][0]
    assert "run the same command to resume" in first.err
    second = loom.here(*words, *grid).ok()
    assert (len(second.json["probes"]), second.json["complete"]) == (2, True)
    assert second.json["probes"][0] == first.json["probes"][0]
    assert len(records(loom)) == 2


def test_budget_that_ends_before_any_target_was_tried_is_a_negative_answer(loom: Loom):
    answer = loom.here("tune", "program:tuned", "--scenario=Server", "--trouble=slow", "--budget=0.1s", *NARROW)
    assert answer.code == 1
    assert "Offline" in answer.out
    assert "run the same command to resume" in answer.err


def test_interrupted_search_keeps_what_it_measured_and_goes_on(loom: Loom):
    words = ["tune", "program:tuned", "--trouble=slow", "--duration=2", "--over", "batch_size=8,16,32"]
    words += ["--over", "threads=1", "--over", "instances=1", "--json"]
    environ = {**os.environ, **loom.environ, "PYTHONPATH": os.pathsep.join([str(SOURCE), *sys.path])}
    with subprocess.Popen(
        [sys.executable, "-m", "benchloom", *words],
        env=environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # A shell's background job ignores SIGINT, and so would this child.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # noqa: PLW1509 - no threads here
    ) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if "probe 1:" in line:
                break
        time.sleep(0.2)  # into the next probe
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "run the same command to resume" in err
    before = records(loom)
    kept = json.loads(next((loom.home / "tunings").glob("*/tuning.json")).read_bytes())
    assert len(kept["probes"]) == sum(record["status"] == "ok" for record in before) >= 1
    found = loom.here(*words).ok().json
    assert (found["complete"], len(found["probes"])) == (True, 3)
    assert found["probes"][: len(kept["probes"])] == kept["probes"]
    assert sum(record["status"] == "ok" for record in records(loom)) == 3


def test_two_searches_of_the_same_do_not_run_at_once(loom: Loom):
    words = ("--over", "batch_size=8", "--over", "threads=1", "--over", "instances=1")
    tune(loom, *words)
    with filelock.FileLock(next((loom.home / "tunings").iterdir()) / "lock"):
        answer = loom("tune", "program:tuned", *words)
    assert answer.code == 2
    assert "already running" in answer.err


@pytest.mark.parametrize(
    ("file", "text", "error", "fix"),
    [
        ("journal.jsonl", "{}\n", "the journal does not fit its schema", "--fresh"),
        ("journal.jsonl", '{"schema": "benchloom.journal/2"}\n', "the journal is of schema", "upgrade"),
        ("tuning.json", '{"schema": "benchloom.tuning/2", "new": 1}', "the tuning is of schema", "upgrade"),
    ],
)
def test_kept_search_that_cannot_be_read_is_refused_until_a_fresh_one(
    loom: Loom, file: str, text: str, error: str, fix: str
):
    words = ("--over", "batch_size=8", "--over", "threads=1", "--over", "instances=1")
    tune(loom, *words)
    [path] = (loom.home / "tunings").glob(f"*/{file}")
    path.write_text(text)
    answer = loom.here("tune", "program:tuned", *words)
    assert answer.code == 2
    assert f"loom: {error}" in answer.err
    assert str(path) in answer.err
    assert fix in answer.err
    assert path.read_text() == text
    assert len(loom.here("tune", "program:tuned", "--json", "--fresh", *words).ok().json["probes"]) == 1


def test_nothing_valid_is_a_negative_answer_with_loadgens_reasons(loom: Loom):
    answer = loom.here("tune", "program:tuned", "--trouble=invalid", *NARROW)
    assert answer.code == 1
    assert "INVALID" in answer.out
    assert "best" not in answer.out
    assert "no probe was VALID" in answer.err
    assert "the trial says so" in answer.err
    found = loom.here("tune", "program:tuned", "--trouble=invalid", "--json", *NARROW)
    assert (found.code, found.json["best"], found.json["lock"]) == (1, None, "")
    assert not list((loom.home / "tunings").glob("*/user.conf"))


def test_failing_program_ends_the_search_with_its_own_words(loom: Loom):
    answer = loom.here("tune", "program:tuned", "--trouble=fails", *NARROW)
    assert answer.code == 4
    assert "out of memory" in answer.err
    assert len(records(loom)) == 3


def test_program_that_measures_nothing_is_an_error(loom: Loom):
    answer = loom.here("tune", "program:tuned", "--trouble=silent", "--threads=1", "--instances=1", "--batch_size=1")
    assert answer.code == 4
    assert "no performance" in answer.err


def test_settings_that_fail_are_told_and_passed_over(loom: Loom):
    words = ("tune", "program:tuned", "--trouble=fails-at-32", "--over", "batch_size=16,32", "--threads=1")
    answer = loom.here(*words, "--instances=1").ok()
    assert re.search(r"^32 .* failed .* ended with exit code 1", answer.out, re.MULTILINE)
    assert "best: batch 16" in answer.out
    loom.here(*words, "--instances=1").ok()
    assert len(records(loom)) == 3  # what failed may be mended by now


@pytest.mark.parametrize("text", ["5", "m", "five minutes", "0s", "-1s", "1d"])
def test_budget_that_is_no_time_is_refused_with_an_example(loom: Loom, text: str):
    answer = loom.here("tune", "program:tuned", f"--budget={text}")
    assert answer.code == 2
    assert f"loom: {text!r} is not a time such as 90s, 5m or 1h\n  where: --budget\n" in answer.err


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90), ("5m", 300), ("1.5h", 5400)])
def test_budget_is_read(text: str, seconds: float):
    assert seconds_of(text, "--budget") == seconds
    with pytest.raises(InputError):
        seconds_of(f"x{text}", "--budget")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("program:no-inputs",), "it has no input --scenario"),
        (("program:threaded", "--scenario=Server"), "it has no input --target_qps"),
        (("program:tuned", "--scenario=Server", "--target_qps=5"), "leave it out"),
        (("program:tuned", "--batch_size=4", "--over", "batch_size=1,2"), "both set and searched"),
        (("program:tuned", "--over", "batch=1"), "batch_size"),
        (("program:tuned", "--over", "batch_size=one"), "--over batch_size=1,2,4"),
        (("program:tuned", "--over", "batch_size=0"), "--over batch_size=1,2,4"),
        (("program:tuned", "--precision=0"), "--precision"),
        (("program:tuned", "--buget=5m"), "--budget"),
        (("program:tuned", "--thread=1"), "--threads"),
        (("program:nobody",), "nobody"),
        ((), "no target was given"),
        (("package:model-digits-onnx",), "is not a program"),
    ],
    ids=lambda item: " ".join(item) if isinstance(item, tuple) else "",
)
def test_wrong_words_are_told_before_anything_runs(loom: Loom, words: tuple[str, ...], said: str):
    answer = loom.here("tune", *words)
    assert answer.code == 2
    assert said in answer.err
    assert not records(loom)


def test_output_is_a_table_a_plot_and_what_to_do(loom: Loom):
    words = ("tune", "program:tuned", "--over", "batch_size=8,16,32", "--over", "threads=1", "--over", "instances=1,2")
    answer = loom.here(*words).ok()
    lines = answer.out.splitlines()
    assert lines[0].split()[:4] == ["batch", "threads", "instances", "scenario"]
    assert lines[1].split()[:3] == ["16", "1", "2"]
    assert "(samples/s) ^" in answer.out
    assert "  o threads 1, instances 2" in answer.out
    assert "best: batch 16, threads 1, instances 2: 2,000 samples/s" in answer.out
    assert "loom: settings to try for Offline: 6\n" in answer.err
    assert "loom: probe 10: batch " in answer.err
    assert not loom.here(*words, "-q").ok().err


def test_output_is_ascii_where_the_terminal_cannot_take_more(loom: Loom):
    words = ("tune", "program:tuned", "--scenario=SingleStream", "--over", "threads=1,2")
    answer = loom(*words, PYTHONIOENCODING="ascii", PYTHONPATH=os.pathsep.join(sys.path)).ok()
    assert answer.out.isascii()
    assert "p90 832 us" in answer.out
    assert re.search(r"\| +o", answer.out)


def test_json_fits_its_schema(loom: Loom):
    schema = loom.here("schema", "tuning").ok().json
    jsonschema.validate(tune(loom, "--scenario=Server", *NARROW), schema)
    jsonschema.validate(json.loads(next((loom.home / "tunings").glob("*/tuning.json")).read_bytes()), schema)


# The real benchmark, over the embedded digits.
@pytest.fixture(scope="module")
def real() -> Loom:
    return Loom(home())


def measured(loom: Loom, *words: str) -> Answer:
    return loom("tune", TARGET, "--json", "-q", "--count=32", "--fresh", *words, PYTHONPATH=os.pathsep.join(sys.path))


def test_digits_offline_runs_again_from_lock_and_user_conf(real: Loom, tmp_path: Path):
    words = ("--scenario=Offline", "--duration=0.2", "--over", "batch_size=1,8", "--threads=1", f"--out={tmp_path}")
    found = measured(real, *words, "--mode=performance").ok().json
    best = found["best"]["settings"]
    locked, plain = (carried_out(real, command) for command in found["commands"])
    for record in (locked, plain):
        settings = record["results"]["settings"]
        assert {name: settings[name] for name in best} == best
        assert (settings["samples"], record["results"]["mode"]) == (32, "performance")
    assert plain["results"]["settings"]["offline_expected_qps"] == pytest.approx(
        1.3 * found["best"]["figure"], rel=1e-4
    )
    assert [item["setting"] for item in plain["results"]["user_conf"]] == ["offline_expected_qps"]


def test_digits_single_stream_tunes_threads(real: Loom, tmp_path: Path):
    words = ("--scenario=SingleStream", "--duration=0.2", "--over", "threads=1", f"--out={tmp_path}")
    found = measured(real, *words, "--mode=performance").ok().json
    probe = found["best"]
    assert probe["settings"] == {"threads": 1}
    record = json.loads(Path(probe["record"]).read_bytes())
    assert probe["figure"] == record["results"]["performance"]["latency_ns"]["p90"]
    conf = carried_out(real, found["commands"][1])["results"]["settings"]["single_stream_expected_latency_ns"]
    assert conf == pytest.approx(0.7 * probe["figure"], rel=1e-3)


def test_digits_server_finds_a_valid_target(real: Loom, tmp_path: Path):
    words = (
        "--scenario=Server",
        "--duration=0.2",
        "--batch_size=8",
        "--threads=1",
        "--precision=50",
        "--max_latency_ms=50",
    )
    found = measured(real, *words, "--mode=performance", f"--out={tmp_path}").ok().json
    target = found["best"]["settings"]["target_qps"]
    server = [probe for probe in found["probes"] if probe["scenario"] == "Server"]
    assert sum(probe["settings"] == found["best"]["settings"] and probe["valid"] for probe in server) == 2
    assert found["best"]["latency_p99_ns"] < found["latency_bound_ns"] == 50_000_000
    record = carried_out(real, found["commands"][1])
    assert record["results"]["settings"]["server_target_qps"] == pytest.approx(target)


def test_digits_server_refuses_a_user_conf_with_a_target_of_its_own(real: Loom, tmp_path: Path):
    conf = tmp_path / "own.conf"
    conf.write_text("*.Server.target_qps = 100\n*.Server.min_query_count = 10\n")
    words = ("--scenario=Server", "--duration=0.1", "--batch_size=8", "--threads=1", f"--user_conf={conf}")
    answer = measured(real, *words)
    assert answer.code == 2
    assert "100 queries/s" in answer.err


def test_page_names_only_flags_that_exist(loom: Loom):
    commands = re.findall(r"^ +\./loom (tune program:image-classification-onnx .*)$", PAGE.read_text(), re.MULTILINE)
    assert len(commands) > 3
    for command in commands:
        # A wrong value is told after every name was understood, and before anything runs.
        answer = loom.here(*shlex.split(command), "--count=0")
        assert (answer.code, "is not a whole number of at least 1" in answer.err) == (2, True), answer.err
