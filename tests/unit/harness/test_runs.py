"""Which runs of LoadGen a benchmark consists of, and that each leaves its part of what was measured."""

from pathlib import Path

import mlperf_loadgen as lg
import numpy as np
import pytest

from benchloom.harness import settings as loadgen
from benchloom.harness.options import parse
from benchloom.harness.runs import Measured, RunSpec, SystemUnderTest, execute, specs_of
from support.one_hot import predictor
from support.rulesets import QUICK


@pytest.mark.parametrize(
    ("mode", "wanted"),
    [("performance", ["performance"]), ("accuracy", ["accuracy"]), ("both", ["performance", "accuracy"])],
)
def test_mode_asks_for_runs_with_folders_of_their_own(mode: str, wanted: list[str]):
    found = specs_of(mode, 7, Path("logs"))
    assert [(item.mode, item.folder, item.count) for item in found] == [
        (name, Path("logs", name), 7) for name in wanted
    ]
    assert all(hasattr(lg.TestMode, item.loadgen_mode) and item.audit is None for item in found)


@pytest.fixture(scope="module")
def sut() -> SystemUnderTest:
    made, _ = predictor()
    options = parse(["--scenario=Offline", "--target_qps=5000", "--duration=0.1"], {})
    settings = loadgen.test_settings(options, QUICK, "m", None).test
    made._inputs.labels[:] = np.arange(20) % 10
    return SystemUnderTest(options, QUICK, made._inputs, [made], settings, None, {})


def test_runs_add_to_what_was_measured_before(tmp_path: Path, sut: SystemUnderTest):
    measured = Measured(notes=("before",))
    for spec in specs_of("both", 20, tmp_path):
        measured = execute(spec, sut, measured)
        assert (spec.folder / "mlperf_log_detail.txt").is_file()
    assert measured.performance is not None
    assert measured.performance.sample_count >= 20
    assert measured.accuracy is not None
    assert (measured.accuracy.top1, measured.accuracy.correct) == (1.0, 20)
    assert measured.notes == ("before",)


def test_audit_settings_are_applied_after_all_others(tmp_path: Path, sut: SystemUnderTest):
    (tmp_path / "audit.config").write_text("*.*.mode = 2\n*.*.accuracy_log_rng_seed = 720381539243781796\n")
    spec = RunSpec("performance", "PerformanceOnly", 20, tmp_path / "TEST01", audit=tmp_path / "audit.config")
    execute(spec, sut, Measured())
    text = (spec.folder / "mlperf_log_detail.txt").read_text()
    assert "720381539243781796" in text
