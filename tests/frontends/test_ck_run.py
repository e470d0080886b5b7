"""The real `ck`, with closed standard input and a home of its own, drives the components of this repository."""

import json
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import combinations
from pathlib import Path

import pytest

from support.ck import PROGRAM, ROOT, Ck, python_with_ck

SHORT = ("--env.LOOM_INPUT_MODE=accuracy", "--env.LOOM_INPUT_COUNT=50")
QUERIES = """
import json, sys
import ck.kernel as ck
found = {}
for kind, query in json.load(sys.stdin):
    answer = ck.access({"action": "search", "module_uoa": kind, "repo_uoa": "benchloom", "tags": query})
    assert answer["return"] == 0, answer
    found[f"{kind} {query}"] = sorted(item["data_uoa"] for item in answer["lst"])
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def ck(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ck]:
    made = Ck(tmp_path_factory.mktemp("ck"), ROOT)
    yield made
    made.tidy()


def test_ck_run_twice_reuses_its_environments_and_agrees_with_loom(ck: Ck):
    first = ck.run(*SHORT)
    known = ck.environments
    second = ck.run(*SHORT)
    assert ck.environments == known
    assert len(known) == 3  # the model, the backend, and what has ck choose without asking
    by_loom = ck.loom("run", PROGRAM, "--mode=accuracy", "--count=50")["results"]
    for name in ("accuracy", "model", "dataset", "backend", "versions"):
        assert first[name] == second[name] == by_loom[name]


def test_ck_run_says_now_and_then_how_far_it_is(ck: Ck):
    duration = ("--env.LOOM_INPUT_MODE=performance", "--env.LOOM_INPUT_DURATION=5")
    done = ck.call("run", PROGRAM, "--quiet", "--generate_rnd_tmp_dir", *duration)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-2000:]
    assert "loom: SingleStream performance: 4 s of at least 5 s\n" in done.stderr + done.stdout


def test_ck_run_takes_a_command_added_tags_and_variables(ck: Ck):
    found = ck.run(*SHORT, "--cmd_key=default", "--dep_add_tags.model=digits", "--env.LOOM_INPUT_SCENARIO=Offline")
    assert (found["model"], found["scenario"]) == ("digits", "Offline")


@pytest.mark.parametrize("word", ["--dep_add_tags.ruleset=v2.0", "--env.LOOM_INPUT_RULESET=mlperf-inference-2.0"])
def test_ck_run_takes_a_ruleset_by_tags_or_by_name(ck: Ck, word: str):
    found = ck.run("--env.LOOM_INPUT_MODE=performance", "--env.LOOM_INPUT_DURATION=0.2", word)
    assert (found["ruleset"], found["performance"]["metric"]) == ("mlperf-inference-2.0", "early_stopping_latency_ss")
    assert found["settings"]["qsl_rng_seed"] == 6655344265603136530


def test_ck_run_detects_objects_and_agrees_with_loom(ck: Ck):
    program = "program:object-detection-onnx"
    found = ck.run(*SHORT, program=program)["accuracy"]
    by_loom = ck.loom("run", program, "--mode=accuracy", "--count=50")["results"]["accuracy"]
    assert found == by_loom
    assert (found["metric"], found["total"]) == ("mAP", 50)


@pytest.mark.parametrize("words", [["--quiet"], []], ids=["quiet", "asked"])
def test_ck_run_of_a_task_takes_a_model_and_a_backend_that_fit(ck: Ck, words: list[str]):
    done = ck.call("run", "program:image-classification", "--generate_rnd_tmp_dir", *SHORT, *words)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-2000:]
    results = json.loads((ck.folders[-1] / "results.json").read_text())
    assert (results["model"], results["backend"], results["accuracy"]["total"]) == ("digits", "onnxruntime", 50)


def test_ck_run_with_tags_that_nothing_has_exits_nonzero(ck: Ck):
    done = ck.call("run", PROGRAM, "--quiet", "--generate_rnd_tmp_dir", "--dep_add_tags.model=no-such-tag")
    assert done.returncode != 0


def test_ck_run_of_a_failing_program_exits_nonzero_and_says_so(ck: Ck, tmp_path: Path):
    conf = tmp_path / "user.conf"
    conf.write_text("*.*.no_such_key = 1\n")
    done = ck.call("run", PROGRAM, "--quiet", "--generate_rnd_tmp_dir", f"--env.LOOM_INPUT_USER_CONF={conf}")
    assert done.returncode == 4
    assert "the program failed" in done.stderr


def test_ck_search_answers_like_loom_find_for_hundreds_of_queries(ck: Ck):
    kinds = ("package", "soft", "dataset", "ruleset", "program")
    components = {kind: ck.loom("find", kind) for kind in kinds}
    asked: set[tuple[str, str]] = set()
    for kind in kinds:
        for item in components[kind]:
            asked |= {(kind, ",".join(pair)) for size in (1, 2) for pair in combinations(item["tags"], size)}
            asked.add((kind, ",".join(item["tags"])))
        known = sorted({tag for item in components[kind] for tag in item["tags"]})
        asked |= {(kind, f"{first},{last}") for first, last in zip(known, reversed(known), strict=True)}
    asked = set(sorted(asked)[:: 1 + len(asked) // 500])  # `ck` reads every entry and its bases anew for each
    assert len(asked) >= 200
    expected = {
        f"{kind} {query}": sorted(
            item["ref"].partition(":")[2] for item in components[kind] if set(query.split(",")) <= set(item["tags"])
        )
        for kind, query in asked
    }
    done = subprocess.run(
        [python_with_ck(), "-c", QUERIES],
        input=json.dumps(sorted(asked)),
        env=ck.environ,
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout.splitlines()[-1]) == expected
    for kind, query in sorted(asked)[:: len(asked) // 8]:
        answer = [item["ref"].partition(":")[2] for item in ck.loom("find", kind, f"--tags={query}")]
        assert sorted(answer) == expected[f"{kind} {query}"]


def test_ck_finds_each_model_by_the_tags_of_the_table(ck: Ck):
    table = (ROOT / "docs/reference/models.md").read_text().splitlines()
    head, *rows = [line.strip("|").split("|") for line in table if line.startswith("| ") and "---" not in line]
    column = [cell.strip() for cell in head].index("CK model tags")
    asked = {row[0].strip().strip("`"): row[column].strip().strip("`") for row in rows}
    assert len(asked) == len(ck.loom("find", "package", "--tags=model"))
    for component, tags in asked.items():
        assert ck.ok("search", "package", f"--tags={tags}").split() == [f"benchloom:{component}"]


def test_ck_install_detect_show_list_and_remove(ck: Ck):
    ck.ok("install", "package", "--tags=model,digits,onnx", "--quiet")
    facts = json.loads(next((ck.home / "tools").glob("model-digits-onnx-*/loom.json")).read_text())
    assert facts["model"]["name"] == "digits"
    assert Path(facts["path"]).is_file()
    ck.ok("detect", "soft", "--tags=lib,python-package,msgspec", "--quiet")
    shown = ck.ok("show", "env", "--tags=lib,python-package,msgspec")
    assert "Python package msgspec" in shown
    uid = next(uid for uid in ck.environments if uid in shown)
    assert "LOOM_LIB_PYTHON_MSGSPEC_FILE" in ck.ok("cat", f"env:{uid}")
    assert str(ROOT / "package/model-digits-onnx") in ck.ok("find", "package:model-digits-onnx")
    assert "model-digits-onnx" in ck.ok("ls", "package")
    ck.ok("rm", f"env:{uid}", "--force")
    assert uid not in ck.environments


def test_ck_benchmark_records_accuracy_speed_and_latencies(ck: Ck):
    ck.ok(
        *("benchmark", PROGRAM, "--quiet", "--repetitions=2", "--skip_freq=yes", "--record", "--record_uoa=digits"),
        *("--record_repo=local", "--tags=parity", "--env.LOOM_INPUT_COUNT=50", "--env.LOOM_INPUT_DURATION=0.5"),
    )
    points = list((ck.home / "CK" / "local" / "experiment").glob("*/ckp-*.0001.json"))
    assert points
    run = json.loads(points[0].read_text())["characteristics_list"][0]["run"]
    assert run["accuracy_top1"] > 0.9
    assert run["performance_samples_per_second"] > 0
    assert run["performance_latency_ns"]["p90"] > 0


def test_two_ck_runs_at_once_both_end_well(ck: Ck):
    words = ("run", PROGRAM, "--quiet", "--generate_rnd_tmp_dir", *SHORT)
    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(lambda _: ck.call(*words), range(2)))
    assert [item.returncode for item in done] == [0, 0], done[0].stdout[-2000:] + done[1].stdout[-2000:]
