"""One LoadGen run over a predictor, from settings to a folder of logs."""

import gc
import math
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import mlperf_loadgen as lg
import numpy as np
from numpy.typing import NDArray

from benchloom.base.progress_file import report_progress
from benchloom.base.units import human_seconds
from benchloom.harness.issue import Issuer, issuer_for
from benchloom.harness.predictor import Predictor

_WORTH_SAYING = 5.0  # seconds
_MUCH_LONGER = 1.2  # times the least duration


def run_loadgen(
    settings: Any,
    predictors: Sequence[Predictor],
    *,
    total: int,
    performance_count: int,
    folder: Path,
    environ: Mapping[str, str],
    seconds: float | None = None,
    audit: Path | None = None,
) -> Issuer:
    """Run LoadGen with ``settings`` over ``total`` samples, served by ``predictors`` concurrently, and return the issuer with its counts.

    ``seconds`` is the expected time, for progress; ``audit`` is a file with LoadGen's settings for a compliance test.
    ``folder`` (created here) receives mlperf_log_summary.txt, mlperf_log_detail.txt and mlperf_log_accuracy.json.
    """
    folder.mkdir(parents=True, exist_ok=True)
    issuer = issuer_for(settings.scenario.name, predictors)
    sut = lg.ConstructSUT(issuer.issue, issuer.flush)

    def load(indexes: Sequence[int]) -> None:  # untimed: paged in, so that no timed inference waits for the disk
        predictors[0].touch(_array(indexes))
        issuer.cpu_seconds -= time.process_time()

    def unload(indexes: Sequence[int]) -> None:
        issuer.cpu_seconds += time.process_time()
        predictors[0].forget(_array(indexes))

    qsl = lg.ConstructQSL(total, performance_count, load, unload)
    try:
        with _shown(environ, settings, issuer, total, seconds), _without_collector():
            issuer.serve_during(
                lambda: lg.StartTestWithLogSettings(sut, qsl, settings, _logs(folder), str(audit or ""))
            )
    finally:
        lg.DestroyQSL(qsl)
        lg.DestroySUT(sut)
    return issuer


def _shown(
    environ: Mapping[str, str], settings: Any, issuer: Issuer, total: int, seconds: float | None
) -> AbstractContextManager[None]:
    """Report the progress of an accuracy run by samples, and of a performance run by its minimum duration."""
    scenario = settings.scenario.name
    if settings.mode == lg.TestMode.AccuracyOnly:
        return report_progress(environ, f"{scenario} accuracy", "samples", total, lambda: issuer.done)
    least, begun = math.ceil(settings.min_duration_ms / 1000), time.monotonic()
    is_longer = seconds is not None and seconds >= max(_WORTH_SAYING, _MUCH_LONGER * least)
    about = f", about {human_seconds(seconds)}" if seconds is not None and is_longer else ""
    return report_progress(environ, f"{scenario} performance{about}", "s", least, lambda: int(time.monotonic() - begun))


@contextmanager
def _without_collector() -> Iterator[None]:
    """Disable Python's cycle collector, which would stop all threads during a query; queries create no cycles."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _logs(folder: Path) -> Any:
    output = lg.LogOutputSettings()
    output.outdir = str(folder)
    output.copy_summary_to_stdout = False
    settings = lg.LogSettings()
    settings.log_output = output
    settings.enable_trace = False
    return settings


def _array(indexes: Sequence[int]) -> NDArray[np.int64]:
    return np.fromiter(indexes, np.int64, len(indexes))
