"""The real `ck`, with closed standard input and a home of its own, drives the components of this repository."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = "program:image-classification-onnx"
SHORT = ("--env.LOOM_INPUT_MODE=accuracy", "--env.LOOM_INPUT_COUNT=50")
CLI = "from ck.kernel import cli; cli()"
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

pytestmark = pytest.mark.skipif(
    sys.version_info >= (3, 12) or subprocess.run([sys.executable, "-c", "import ck"], check=False).returncode != 0,
    reason="ck 2.6.4 needs Python 3.11 or older, and has to be installed",
)


@dataclass(frozen=True)
class Ck:
    """`ck` in a home of its own."""

    home: Path

    @property
    def environ(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("LOOM_", "CK_", "PYTHON"))}
        return {
            **kept,
            "HOME": str(self.home),
            "CK_REPOS": str(self.home / "CK"),
            "CK_LOCAL_REPO": str(self.home / "CK" / "local"),
            "CK_TOOLS": str(self.home / "tools"),
            "LOOM_HOME": str(self.home / "loom"),
            "CK_PYTHON": sys.executable,
        }

    def call(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", CLI, *words],
            env=self.environ,
            cwd=self.home,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )

    def ok(self, *words: str) -> str:
        done = self.call(*words)
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-2000:]
        return done.stdout

    def environments(self) -> set[str]:
        return {path.name for path in (self.home / "CK" / "local" / "env").glob("[0-9a-f]" * 16)}


@pytest.fixture(scope="module")
def ck(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ck]:
    made = Ck(tmp_path_factory.mktemp("ck"))
    (made.home / "CK" / "local").mkdir(parents=True)
    (made.home / "tools").mkdir()
    made.ok("add", "repo:benchloom", f"--path={ROOT}", "--quiet")
    yield made
    made.call("clean", PROGRAM, "--quiet")


def run_folder(ck: Ck, *words: str) -> Path:
    """Run the program in a folder of its own below its component, and return that folder."""
    out = ck.ok("run", PROGRAM, "--quiet", "--generate_rnd_tmp_dir", *SHORT, *words)
    line = next(line for line in out.splitlines() if line.startswith("Current directory: "))
    return Path(line.partition(": ")[2])


def results(folder: Path) -> Any:
    return json.loads((folder / "results.json").read_text())


def loom(ck: Ck, *words: str) -> Any:
    done = subprocess.run(
        [sys.executable, "-m", "benchloom", *words, "--json", "--quiet"],
        env={**ck.environ, "PYTHONPATH": str(ROOT / "src")},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in {0, 1}, done.stderr
    return json.loads(done.stdout)


def test_ck_run_twice_reuses_its_environments_and_agrees_with_loom(ck: Ck):
    first = results(run_folder(ck))
    known = ck.environments()
    second = results(run_folder(ck))
    assert ck.environments() == known
    assert len(known) == 2
    by_loom = loom(ck, "run", PROGRAM, "--mode=accuracy", "--count=50")["results"]
    for name in ("accuracy", "model", "dataset", "backend", "versions"):
        assert first[name] == second[name] == by_loom[name]


def test_ck_run_takes_a_command_added_tags_and_variables(ck: Ck):
    folder = run_folder(ck, "--cmd_key=default", "--dep_add_tags.model=digits", "--env.LOOM_INPUT_SCENARIO=Offline")
    found = results(folder)
    assert (found["model"], found["scenario"]) == ("digits", "Offline")


def test_ck_run_with_tags_that_nothing_has_exits_nonzero(ck: Ck):
    done = ck.call("run", PROGRAM, "--quiet", "--generate_rnd_tmp_dir", "--dep_add_tags.model=no-such-tag")
    assert done.returncode != 0


def test_ck_run_of_a_failing_program_exits_nonzero_and_says_so(ck: Ck):
    done = ck.call("run", PROGRAM, "--quiet", "--generate_rnd_tmp_dir", "--env.LOOM_INPUT_MODE=nonsense")
    assert done.returncode != 0
    assert "the program failed" in done.stderr


def test_ck_search_answers_like_loom_find_for_hundreds_of_queries(ck: Ck):
    kinds = ("package", "soft", "dataset", "program")
    components = {kind: loom(ck, "find", kind) for kind in kinds}
    asked: set[tuple[str, str]] = set()
    for kind in kinds:
        for item in components[kind]:
            asked |= {(kind, ",".join(pair)) for size in (1, 2) for pair in combinations(item["tags"], size)}
            asked.add((kind, ",".join(item["tags"])))
        known = sorted({tag for item in components[kind] for tag in item["tags"]})
        asked |= {(kind, f"{first},{last}") for first, last in zip(known, reversed(known), strict=True)}
    assert len(asked) >= 200
    expected = {
        f"{kind} {query}": sorted(
            item["ref"].partition(":")[2] for item in components[kind] if set(query.split(",")) <= set(item["tags"])
        )
        for kind, query in asked
    }
    done = subprocess.run(
        [sys.executable, "-c", QUERIES],
        input=json.dumps(sorted(asked)),
        env=ck.environ,
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout.splitlines()[-1]) == expected
    for kind, query in sorted(asked)[:: len(asked) // 8]:
        answer = [item["ref"].partition(":")[2] for item in loom(ck, "find", kind, f"--tags={query}")]
        assert sorted(answer) == expected[f"{kind} {query}"]


def test_ck_install_detect_show_list_and_remove(ck: Ck):
    ck.ok("install", "package", "--tags=model,digits,onnx", "--quiet")
    facts = json.loads(next((ck.home / "tools").glob("model-digits-onnx-*/loom.json")).read_text())
    assert facts["model"]["name"] == "digits"
    assert Path(facts["path"]).is_file()
    ck.ok("detect", "soft", "--tags=lib,python-package,numpy", "--quiet")
    shown = ck.ok("show", "env", "--tags=lib,python-package,numpy")
    assert "Python package numpy" in shown
    uid = next(uid for uid in ck.environments() if uid in shown)
    assert "LOOM_LIB_PYTHON_NUMPY_FILE" in ck.ok("cat", f"env:{uid}")
    assert str(ROOT / "package/model-digits-onnx") in ck.ok("find", "package:model-digits-onnx")
    assert "model-digits-onnx" in ck.ok("ls", "package")
    ck.ok("rm", f"env:{uid}", "--force")
    assert uid not in ck.environments()


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
