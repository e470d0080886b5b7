"""The harness's flags; each may also come as ``LOOM_INPUT_<NAME>``, and a flag wins."""

import argparse
import math
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchloom.base.names import did_you_mean
from benchloom.errors import InputError
from benchloom.rules.possible import refuse_impossible
from benchloom.rules.scenarios import DEFAULT_SCENARIO, SCENARIOS, Scenario

MODES = ("performance", "accuracy", "both")
YES_NO = ("yes", "no")


@dataclass(frozen=True)
class Options:
    """What a run was asked to do; None means: the ruleset or a measurement decides."""

    scenario: str
    mode: str
    count: int | None
    batch_size: int | None
    threads: int
    instances: int
    user_conf: Path | None
    target_qps: float | None
    target_latency_ms: float | None
    max_latency_ms: float | None
    duration: float | None
    trust: bool = False
    labels_path: Path | None = None


def usable_cores() -> int:
    """Cores this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def parse(arguments: Sequence[str], environ: Mapping[str, str]) -> Options:
    """Return the options. Raises InputError with the nearest known value; ``--help`` and unknown flags leave by SystemExit."""
    values = vars(_parser().parse_args(list(arguments)))

    def text(name: str, default: str = "") -> str:
        return values[name] or environ.get(f"LOOM_INPUT_{name.upper()}", "") or default

    conf = text("user_conf")
    if conf and not Path(conf).is_file():
        raise InputError(f"{conf} is not a file", where="--user_conf")
    labels = text("labels_path")
    _one_of("allow_missing_images", text("allow_missing_images", YES_NO[1]), YES_NO)  # read when samples are prepared
    scenario = _one_of("scenario", text("scenario", DEFAULT_SCENARIO.name), tuple(SCENARIOS))
    instances = _whole("instances", text("instances")) or 1
    mode = _one_of("mode", text("mode", "both"), MODES)
    refuse_impossible(None, scenario=scenario, mode=mode, instances=instances)
    return Options(
        scenario=scenario,
        mode=mode,
        count=_whole("count", text("count")),
        batch_size=_whole("batch_size", text("batch_size")),
        threads=_whole("threads", text("threads")) or max(1, usable_cores() // instances),
        instances=instances,
        user_conf=Path(conf).resolve() if conf else None,
        target_qps=_positive("target_qps", text("target_qps")),
        target_latency_ms=_positive("target_latency_ms", text("target_latency_ms")),
        max_latency_ms=_positive("max_latency_ms", text("max_latency_ms")),
        duration=_positive("duration", text("duration")),
        trust=_one_of("trust", text("trust", YES_NO[1]), YES_NO) == YES_NO[0],
        labels_path=Path(labels).resolve() if labels else None,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchloom.harness",
        description="Drive MLPerf LoadGen over the model, backend and samples named by LOOM_MODEL, LOOM_BACKEND and LOOM_SAMPLES, as LOOM_RULESET demands.",
        epilog=f"example: --scenario={DEFAULT_SCENARIO.name} --mode=both --count=100",
    )
    helps = {
        "scenario": f"one of {', '.join(SCENARIOS)} (default {DEFAULT_SCENARIO.name})",
        "mode": f"one of {', '.join(MODES)} (default both)",
        "count": "use only the first COUNT samples",
        "labels_path": "the label file or annotations that the samples were prepared with",
        "batch_size": f"samples per inference{_of(lambda row: row.uses_batch)}",
        "threads": "threads of each instance of the backend (default: usable cores by instances)",
        "instances": "instances of the backend that serve batches side by side (default 1)",
        "user_conf": "LoadGen user.conf, applied last",
        "target_qps": f"expected queries per second{_of(lambda row: row.expects_rate)}",
        "target_latency_ms": f"expected latency in ms{_of(lambda row: not row.expects_rate)}",
        "max_latency_ms": f"latency bound in ms{_of(lambda row: bool(row.bound))}",
        "duration": "least seconds of a quick performance run",
    }
    for name, words in helps.items():
        parser.add_argument(f"--{name}", default="", help=words)
    trust = "open a pickled module (PyTorch) whose file no digest vouches for"
    missing = "images that the labels name and that are not there were skipped when the samples were prepared"
    for name, words in {"trust": trust, "allow_missing_images": missing}.items():
        parser.add_argument(f"--{name}", default="", nargs="?", const=YES_NO[0], help=words)
    return parser


def _of(applies: Callable[[Scenario], bool]) -> str:
    """Return in brackets the scenarios in which an option means something."""
    return f" ({', '.join(name for name, row in SCENARIOS.items() if applies(row))})"


def _one_of(name: str, value: str, known: Sequence[str]) -> str:
    found = {item.lower(): item for item in known}.get(value.lower())
    if found is None:
        raise InputError(
            f"{value!r} is not a {name}",
            where=f"--{name}",
            fix=did_you_mean(value, known) or f"known: {', '.join(known)}",
        )
    return found


def _positive(name: str, value: str) -> float | None:
    if not value:
        return None
    try:
        number = float(value)
    except ValueError:
        number = 0.0
    if not (number > 0 and math.isfinite(number)):
        raise InputError(f"{value!r} is not a number above zero", where=f"--{name}")
    return number


def _whole(name: str, value: str) -> int | None:
    number = _positive(name, value)
    if number is not None and number != int(number):
        raise InputError(f"{value!r} is not a whole number", where=f"--{name}")
    return None if number is None else int(number)
