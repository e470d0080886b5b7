"""``python -m benchloom.harness``: the process of a benchmark program.

It writes ``results.json`` to the working directory, and LoadGen's logs to ``performance/`` and ``accuracy/`` there.
"""

import os
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchloom.base.atomic import write_bytes
from benchloom.errors import carried
from benchloom.harness.options import parse
from benchloom.model.base import to_json
from benchloom.model.record import Accuracy, Results


def main(arguments: Sequence[str], environ: Mapping[str, str]) -> int:
    """Run the benchmark in the working directory and return the exit status."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # LoadGen's loop is native code: only the default action ends it
    try:
        options = parse(arguments, environ)
        from benchloom.harness.benchmark import (
            benchmark,  # late: an invalid option is reported before heavy libraries are imported
        )

        results = benchmark(options, environ, Path.cwd())
        write_bytes(Path("results.json"), to_json(results))
    except Exception as error:  # noqa: BLE001 - a backend may raise anything; the reason is logged, the exit status reports the failure
        return carried.end(error, environ)
    sys.stdout.write(_summary(results))
    return 0


def _summary(results: Results) -> str:
    """The summary for users who run the program without loom."""
    lines = [
        f"{results.model} on {results.dataset} with {results.backend}, {results.scenario}, ruleset {results.ruleset}"
    ]
    if results.accuracy:
        lines.append(_accuracy_line(results.accuracy))
    if results.performance:
        validity = (
            "VALID" if results.performance.valid else f"INVALID: {'; '.join(results.performance.invalid_reasons)}"
        )
        lines.append(f"performance: {results.performance.samples_per_second:.6g} samples/s, LoadGen says {validity}")
    runs = [(name, run) for name, run in (("performance", results.performance), ("accuracy", results.accuracy)) if run]
    errors = [f"error in LoadGen's log of the {name} run: {text}" for name, run in runs for text in run.errors]
    blockers = [f"submission blocker: {item.text}" for item in results.blockers]
    return "".join(f"{line}\n" for line in [*lines, *errors, *blockers, *results.notes])


def _accuracy_line(accuracy: Accuracy) -> str:
    if accuracy.value is None:
        return f"accuracy: none: {accuracy.problem}"
    if accuracy.correct is not None:
        return f"accuracy: {accuracy.correct} of {accuracy.total} correct ({accuracy.metric})"
    return f"accuracy: {accuracy.metric} {accuracy.value:.5f} over {accuracy.total} images"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
