"""The benchmark as CK's pages have it: names, commands and variables, with the real `ck` and closed standard input."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.ck import PROGRAM, ROOT, Ck, python_with_ck
from support.repo import Loom, Repo

BENCH = "program:mlperf-inference-bench-image-classification-onnx"
PLAIN = "program:image-classification-onnx-py"
DIGITS = ("--dep_add_tags.model=digits,fp32", "--generate_rnd_tmp_dir", "--quiet")
FEW = "--env.EXTRA_OPS=--count 20 --time 0.2 --qps 400 --max-latency 0.1"
CALL = """
import json, sys
import ck.kernel as ck
done = ck.access({"action": "run", "module_uoa": "program", **json.loads(sys.argv[1])})
print("RETURN", done["return"])
"""


@pytest.fixture(scope="module")
def ck(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ck]:
    made = Ck(tmp_path_factory.mktemp("pages") / "home", ROOT)
    yield made
    made.tidy()


@pytest.mark.parametrize(
    ("key", "scenario", "blocks"),
    [
        ("accuracy-offline", "Offline", {"accuracy"}),
        ("accuracy-multistream", "MultiStream", {"accuracy"}),
        ("performance-server", "Server", {"performance"}),
        ("performance-singlestream", "SingleStream", {"performance"}),
    ],
)
def test_a_command_key_chooses_mode_and_scenario(ck: Ck, key: str, scenario: str, blocks: set[str]):
    results = ck.run(f"--cmd_key={key}", FEW, "--dep_add_tags.model=digits,fp32", program=f"{BENCH}-cpu")
    assert results["scenario"] == scenario
    assert {block for block in ("accuracy", "performance") if results[block]} == blocks


@pytest.mark.parametrize("program", [f"{BENCH}-cpu", PROGRAM])
def test_without_a_key_nothing_is_asked_and_both_modes_run(ck: Ck, program: str):
    printed = ck.ok("run", program, FEW, "--dep_add_tags.model=digits,fp32", "--generate_rnd_tmp_dir")
    assert "accuracy: 19 of 20 correct" in printed
    assert "performance: " in printed


def test_a_recorded_benchmark_holds_the_numbers_and_can_be_replayed(ck: Ck):
    words = ("--repetitions=1", "--skip_print_timers", "--skip_print_stats", "--skip_freq=yes", FEW, *DIGITS)
    record = ("--record", "--record_repo=local", "--record_uoa=pages", "--print_files=mlperf_log_summary.txt")
    printed = ck.ok("benchmark", f"{BENCH}-cpu", "--cmd_key=performance-offline", *words, *record)
    assert re.search(r"^Samples per second: ", printed, re.MULTILINE)
    (point,) = Path(ck.ok("find", "experiment:pages").strip()).glob("*.0001.json")
    text = point.read_text()
    assert '"cmd_key": "performance-offline"' in text
    assert '"performance_samples_per_second": ' in text
    assert "Executing code" in ck.ok("replay", "experiment:pages", "--quiet")


def test_ck_benchmark_never_takes_the_first_key_of_the_alphabet_by_itself(ck: Ck):
    done = ck.call("benchmark", f"{BENCH}-cpu", "--repetitions=1", "--skip_freq=yes", FEW, *DIGITS)
    assert done.returncode == 2
    assert "--cmd_key= of accuracy-multistream, " in done.stderr
    assert "Executing code ...\n" not in done.stdout


@pytest.mark.skipif(shutil.which("nvidia-smi") is not None, reason="this machine has what is to be missing")
def test_without_a_gpu_the_entry_for_one_says_so_and_runs_nothing(ck: Ck):
    done = ck.call("run", f"{BENCH}-gpu", "--cmd_key=accuracy-offline", FEW, *DIGITS)
    assert done.returncode != 0
    assert "soft:device-cuda: it was not found on this machine" in done.stderr
    assert "Executing code ...\n" not in done.stdout


def test_an_entry_for_cpus_takes_no_environment_with_a_build_for_gpus(ck: Ck):
    accuracy = (f"{BENCH}-cpu", "--cmd_key=accuracy-offline", FEW, *DIGITS)
    ck.ok("run", *accuracy)
    for uid in ck.ok("search", "env", "--tags=backend,onnxruntime").split():
        file = Path(ck.ok("find", uid).strip()) / ".cm/meta.json"
        meta = json.loads(file.read_text())
        file.write_text(json.dumps({**meta, "tags": [*meta["tags"], "cuda", "_cuda"]}))
    assert 'no registered CK environment was found for "Backend"' in ck.ok("run", *accuracy)


def test_a_variation_that_was_installed_is_a_tag_of_its_environment(ck: Ck, tmp_path: Path):
    repo = Repo(tmp_path / "repo", "varied")
    repo.package(
        "thing",
        "varied,thing",
        files={"a.txt": "a"},
        _base_entry="package.template:benchloom",
        soft_uoa="dataset.labels",
        suggested_path="thing",
        result="a.txt",
        variations={"fast": {}},
    )
    Loom(tmp_path / "sync").here("repo", "sync", str(repo.root)).ok()
    ck.ok("add", "repo:varied", f"--path={repo.root}", "--quiet")
    ck.ok("install", "package", "--tags=varied,thing,fast", "--quiet")
    assert len(ck.ok("search", "env", "--tags=varied,thing,_fast").split()) == 1


def test_variables_of_programs_of_ck_are_followed(ck: Ck):
    file = shutil.copy(ROOT / "package/model-digits-onnx/digits.onnx", ck.home / "mine.onnx")
    loadgen = {"MODE": "AccuracyOnly", "SCENARIO": "Offline", "DATASET_SIZE": "30"}
    words = [f"--env.CK_LOADGEN_{name}={value}" for name, value in loadgen.items()]
    printed = ck.ok("run", PLAIN, *words, f"--env.ML_MODEL_FILEPATH_EXTERNAL={file}", *DIGITS)
    assert f"Model: digits, fp32, onnx ({file})" in printed
    assert re.search(r"with onnxruntime, Offline, .*\naccuracy: 29 of 30 correct", printed)
    batches = ("--env.CK_BATCH_COUNT=10", "--env.CK_BATCH_SIZE=2", "--env.LOOM_INPUT_MODE=accuracy")
    results = ck.run("--dep_add_tags.model=digits,fp32", *batches, program=PLAIN)
    assert results["accuracy"]["total"] == 20


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--env.EXTRA_OPS=--scenario Server",), "the input scenario has two values"),
        (("--env.CK_LOADGEN_BUFFER_SIZE=1024",), "does not read CK_LOADGEN_BUFFER_SIZE"),
        (("--env.ML_MODEL_FILEPATH_EXTERNAL=/nowhere/x.onnx",), "/nowhere/x.onnx does not exist"),
        (("--dep_add_tags.backend=cuda",), "cuda"),
    ],
)
def test_what_contradicts_the_command_is_refused_by_name(ck: Ck, words: tuple[str, ...], said: str):
    done = ck.call("run", f"{BENCH}-cpu", "--cmd_key=accuracy-offline", *words, *DIGITS)
    assert done.returncode != 0
    assert said in done.stderr
    assert "Executing code ...\n" not in done.stdout


def test_python_that_calls_ck_sees_a_failed_run(ck: Ck):
    ck.folders.append(ROOT / "program/image-classification-onnx/tmp-called")
    bad = ck.home / "user.conf"
    bad.write_text("*.SingleStream.mode = 7x\n")
    for env, code in (({"LOOM_INPUT_MODE": "accuracy"}, "0"), ({"LOOM_INPUT_USER_CONF": str(bad)}, "11")):
        asked = {
            "data_uoa": "image-classification-onnx",
            "dep_add_tags": {"model": "digits,fp32"},
            "env": {"LOOM_INPUT_COUNT": "20", **env},
            "quiet": "yes",
            "tmp_dir": "tmp-called",
        }
        done = subprocess.run(
            [python_with_ck(), "-c", CALL, json.dumps(asked)],
            env=ck.environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=True,
        )
        assert f"RETURN {code}\n" in done.stdout, done.stdout[-2000:] + done.stderr[-2000:]
