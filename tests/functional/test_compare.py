"""``loom compare``: records side by side."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from benchloom.report.comparisons import ComparedRun, Comparison, comparison_rows
from support.benchmark import home
from support.repo import SOURCE, Loom, Repo

PAGE = SOURCE.parent / "docs" / "how-to" / "compare-runs.md"
RESULTS = """\
import json, sys
value = dict(word[2:].split("=") for word in sys.argv[1:])
speed = float(value["speed"])
performance = {
    "scenario": "Offline", "valid": speed > 1, "samples_per_second": speed,
    "latency_ns": {name: int(1e9 / speed) for name in ("p50", "p90", "p99")},
    "errors": ["no unique samples", "another"] if speed == 900 else [], "warnings": ["slow clock"] if speed == 1 else [],
}
results = {
    "schema": "benchloom.results/1", "task": "image-classification", "model": "trial", "dataset": "dataset:trial",
    "backend": "fake", "scenario": "Offline", "mode": "both", "ruleset": "quick", "submission_valid": False,
    "accuracy": {"metric": "top1", "top1": float(value["top1"]), "reference": 0.75}, "performance": performance,
    "settings": {"threads": int(value["threads"]), "batch_size": 8, "offline_expected_qps": speed},
    "versions": {"fake": "1.2"}, "notes": [], "precision": value["precision"], "peak_memory_bytes": 3 << 20,
}
json.dump(results, open("results.json", "w"))
"""
INPUTS = {name: {"summary": name} for name in ("speed", "top1", "threads", "precision")}


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Loom:
    folder = tmp_path_factory.mktemp("compare")
    repo = Repo(folder / "repo")
    repo.program("compare-app", "compare-app", code=RESULTS, inputs=INPUTS)
    repo.program("compare-fails", "compare-fails", code="raise SystemExit(3)")
    loom = Loom(folder / "home", repo)
    for number, (speed, top1, threads, precision) in enumerate(
        [(200, 0.75, 1, "fp32"), (1, 0.5, 2, "int8"), (900, 0.8, 2, "fp32")]
    ):
        words = (f"--speed={speed}", f"--top1={top1}", f"--threads={threads}", f"--precision={precision}")
        loom("run", "program:compare-app", *words, f"--record_tags=pair{number // 2}").ok()
    assert loom("run", "program:compare-fails").code == 4
    return loom


def runs(ran: Loom, *words: str) -> list[dict[str, Any]]:
    return ran.here("compare", *words, "--json").ok().json["runs"]


def test_compare_has_a_line_per_record_oldest_first(ran: Loom):
    found = runs(ran)
    assert [item.get("precision", "") for item in found] == ["fp32", "int8", "fp32", ""]
    first = found[0]
    assert (first["program"], first["backend"], first["backend_version"]) == ("program:compare-app", "fake", "1.2")
    assert (first["accuracy"], first["reference"], first["difference"]) == (0.75, 0.75, 0)
    assert found[1]["difference"] == pytest.approx(-0.25)
    assert (found[0]["valid"], found[1]["valid"]) == (True, False)
    assert (found[3]["status"], found[3].get("accuracy")) == ("failed", None)


def test_difference_too_small_to_show_has_no_sign_of_its_own():
    run = ComparedRun(id="a", path="a", program="program:a", status="ok", started="", repetitions=1, difference=-1e-9)
    assert "+0.00 points" in comparison_rows(Comparison(runs=(run,)))[1]


@pytest.mark.parametrize(
    ("order", "speeds"),
    [
        ("started", [200, 1, 900, None]),
        ("throughput", [900, 200, 1, None]),
        ("accuracy", [900, 200, 1, None]),
        ("p99", [900, 200, 1, None]),
        ("model", [None, 200, 900, 1]),
    ],
)
def test_compare_orders_and_leaves_for_the_end_what_has_no_figure(ran: Loom, order: str, speeds: list[float | None]):
    assert [item.get("samples_per_second") for item in runs(ran, f"--sort={order}")] == speeds


def test_compare_names_settings_that_differ_but_no_measurement(ran: Loom):
    assert ran.here("compare", "--json").ok().json["differing"] == ["threads"]
    assert ran.here("compare", "last", "--json").ok().json.get("differing", []) == []


def test_compare_chooses_by_name_tags_and_target_each_record_once(ran: Loom):
    first, second, third, failed = (item["id"] for item in runs(ran))
    assert [item["id"] for item in runs(ran, "--tags=pair0")] == [first, second]
    assert [item["id"] for item in runs(ran, "--target=compare-app")] == [first, second, third]
    assert [item["id"] for item in runs(ran, "last", third)] == [third, failed]
    assert [item["id"] for item in runs(ran, first, "--tags=pair0")] == [first, second]


def test_compare_table_has_what_differs_and_a_line_for_what_does_not(ran: Loom):
    lines = ran.here("compare", "--target=compare-app", "--sort=accuracy").ok().out.splitlines()
    heads = re.split(r" {2,}", lines[0])
    assert heads == [
        *("record", "precision", "accuracy", "to reference", "samples/s", "memory", "LoadGen", "settings")
    ]  # Offline has no percentiles
    assert re.search(
        r"  fp32 +80\.00 % +\+5\.00 points +900 +3\.0 MiB +VALID, 2 errors(?:, busy)? +threads=2$", lines[1]
    )
    assert "-25.00 points" in lines[3]
    assert "INVALID, 1 warning" in lines[3]
    assert lines[4] == "all: program compare-app, model trial, backend fake 1.2, scenario Offline, mode both"
    assert lines[5].startswith("host: ")


def test_compare_shows_everything_if_asked(ran: Loom):
    heads = re.split(r" {2,}", ran.here("compare", "--target=compare-app", "--all").ok().out.splitlines()[0])
    assert heads == [
        *("record", "program", "model", "precision", "backend", "scenario", "mode", "host", "accuracy"),
        *("to reference", "samples/s", "p50", "p90", "p99", "memory", "LoadGen", "settings"),
    ]


def test_compare_leaves_seeds_out_unless_asked():
    seeds = ({"qsl_rng_seed": 1, "threads": 2}, {"qsl_rng_seed": 3, "threads": 4})
    runs = [
        ComparedRun(
            id=f"{number}-run",
            path="",
            program="p",
            status="ok",
            started="",
            repetitions=1,
            scenario="Server",
            settings=item,
        )
        for number, item in enumerate(seeds)
    ]
    found = Comparison(runs=tuple(runs), differing=("qsl_rng_seed", "threads"))
    assert comparison_rows(found, short=True) == [("record", "settings"), ("0", "threads=2"), ("1", "threads=4")]
    assert [row[-1] for row in comparison_rows(found, everything=True)[1:]] == [
        "qsl_rng_seed=1 threads=2",
        "qsl_rng_seed=3 threads=4",
    ]


def test_compare_says_what_loadgen_logged_with_the_record(ran: Loom):
    lines = ran.here("compare", "--target=compare-app").ok().out.splitlines()
    found = runs(ran, "--target=compare-app")
    assert lines[6:] == [
        f"{found[1]['id']}: warning: LoadGen, performance run: slow clock",
        f"{found[2]['id']}: error: LoadGen, performance run: no unique samples",
        f"{found[2]['id']}: error: LoadGen, performance run: another",
    ]
    assert [len(item.get("loadgen_errors", ())) for item in found] == [0, 0, 2]


def test_compare_of_other_machines_has_a_column_for_them(ran: Loom, tmp_path: Path):
    (line,) = [item for item in ran.here("record", "ls", "--json").json if item.get("accuracy") == 0.75]
    other = (
        Path(line["path"]).read_text().replace('"cpu_model": "', '"cpu_model": "Another ').replace(line["id"], "0-copy")
    )
    (tmp_path / "copy.json").write_text(other)
    lines = ran.here("compare", line["id"], str(tmp_path / "copy.json")).ok().out.splitlines()
    assert "host" in lines[0].split()
    assert "Another" in lines[2]
    assert len(lines) == 4
    assert "host" not in lines[3]


def test_compare_takes_medians_over_repetitions(ran: Loom, tmp_path: Path):
    record = json.loads(Path(runs(ran)[0]["path"]).read_text())
    figures = {"performance.samples_per_second": 7.0, "performance.latency_ns.p99": 9.0, "accuracy.top1": 0.7}
    low_high = {"min": 1, "mean": 2, "max": 30, "stdev": 1}
    record["statistics"] = {name: {**low_high, "median": value} for name, value in figures.items()}
    (tmp_path / "several.json").write_text(json.dumps(record))
    (found,) = runs(ran, str(tmp_path / "several.json"))
    assert (found["samples_per_second"], found["latency_p99_ns"], found["accuracy"]) == (7, 9, 0.7)
    assert found["difference"] == pytest.approx(-0.05)


def test_compare_of_nothing_exits_1(ran: Loom):
    answer = ran.here("compare", "--tags=never")
    assert (answer.code, answer.out) == (1, "")
    answer = ran.here("compare", "--tags=never", "--json")
    assert (answer.code, answer.json["runs"]) == (1, [])


@pytest.mark.parametrize(("word", "fix"), [("--sort=acuracy", "'accuracy'"), ("nothing-like-it", "loom record ls")])
def test_compare_of_wrong_words_exits_2(ran: Loom, word: str, fix: str):
    answer = ran.here("compare", word)
    assert answer.code == 2
    assert fix in answer.err


def test_compare_json_fits_its_schema(ran: Loom):
    schema = ran.here("schema", "comparison").ok().json
    jsonschema.validate(ran.here("compare", "--json").ok().json, schema)


def test_compare_completes_records_and_orders(ran: Loom):
    first = runs(ran)[0]["id"]
    assert first in completed(ran, "loom compare ", "")
    assert first not in completed(ran, f"loom compare {first} ", "")
    assert set(completed(ran, "loom compare --sort=", "p")) == {
        f"--sort={name}" for name in ("program", "p50", "p90", "p99")
    }


def completed(ran: Loom, line: str, word: str) -> list[str]:
    option = line.rpartition(" ")[2]
    environ = {
        "_LOOM_COMPLETE": "zsh_complete",
        "COMP_WORDS": f"{line}{word}",
        "COMP_CWORD": str(len(line.split()) - bool(option)),
    }
    out = ran(*[], **environ).out.splitlines()
    return out[1::3]


def test_loop_of_the_page_compares_the_forms_of_the_digits(tmp_path: Path):
    """The loop as it stands on the page, over the formats that need no library besides these."""
    (loop,) = re.findall(
        r"^    (for form in [\w ]+; do\n(?:     .*\n)+    done\n    .*)$", PAGE.read_text(), re.MULTILINE
    )
    assert re.search(r"in ([\w ]+);", loop)[1].split() == ["onnx", "pytorch", "tensorflow", "tflite"]
    script = loop.replace("onnx pytorch tensorflow tflite", "onnx").replace("./loom", "loom")
    program = tmp_path / "bin" / "loom"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m benchloom "$@"\n')
    program.chmod(0o755)
    loom = Loom(home())
    environ = {
        **loom.environ,
        "PATH": f"{program.parent}:/usr/bin:/bin",
        "PYTHONPATH": str(SOURCE),
        "HOME": str(tmp_path),
    }
    done = subprocess.run(
        ["sh", "-c", f"set -e\n{script}"], env=environ, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    table = done.stdout[done.stdout.rindex("record ") :]
    assert len(re.findall(r"(?:fp32|int8) +99\.11 % +\+0\.00 points", table)) == 2, table
    assert "backend onnxruntime " in table
    assert {line.split()[1] for line in table.splitlines()[1:3]} == {"fp32", "int8"}
