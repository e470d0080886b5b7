"""The harness's flags; each may also be set as ``LOOM_INPUT_<NAME>``; flags take precedence."""

import argparse
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import msgspec

from benchloom.base import bounded, limits
from benchloom.base.paths import PACKAGE, own_components
from benchloom.errors import InputError, InstallError
from benchloom.model.component import Input
from benchloom.model.inputs import check_value
from benchloom.model.quantities import read_quantities
from benchloom.rules.possible import refuse_impossible
from benchloom.rules.scenarios import DEFAULT_SCENARIO

DECLARATION = "program.template/loadgen/.cm/meta.json"


@dataclass(frozen=True)
class Options:
    """The options of a run; None means that the ruleset or a measurement decides."""

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
    """Number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@cache
def declared() -> dict[str, Input]:
    """Return the options by name, as ``program.template:loadgen`` declares them as inputs of all programs that run the harness.

    Raises InstallError if Benchloom is installed without its components.
    """
    root = own_components()
    if root is None:
        raise InstallError("Benchloom is installed without its components", where=str(PACKAGE))
    inputs = json.loads(bounded.read_text(root / DECLARATION, limits.METADATA_BYTES))["inputs"]
    found = {name: msgspec.convert({"name": name, **item}, Input, strict=False) for name, item in inputs.items()}
    return {name: item for name, item in found.items() if not item.selects}  # chosen by the facts of a role instead


def parse(arguments: Sequence[str], environ: Mapping[str, str]) -> Options:
    """Return the options.

    Raises InputError with the nearest known value; ``--help`` and unknown flags raise SystemExit.
    """
    given = vars(_parser().parse_args(list(arguments)))

    def text(name: str) -> str:
        option = declared()[name]
        value = given[name] or environ.get(f"LOOM_INPUT_{name.upper()}", "") or option.default
        return check_value(option, value) if value else ""

    conf, labels = text("user_conf"), text("labels_path")
    if conf and not Path(conf).is_file():
        raise InputError(f"{conf} is not a file", where="--user_conf")
    text("allow_missing_images")  # only checked here: it is read when samples are prepared
    scenario, mode = text("scenario"), text("mode")
    numbers = read_quantities(text, is_configured=bool(conf))
    instances = numbers.instances or 1
    refuse_impossible(None, scenario=scenario, mode=mode, instances=instances)
    return Options(
        scenario=scenario,
        mode=mode,
        count=numbers.count,
        batch_size=numbers.batch_size,
        threads=numbers.threads or max(1, usable_cores() // instances),
        instances=instances,
        user_conf=Path(conf) if conf else None,
        target_qps=numbers.target_qps,
        target_latency_ms=numbers.target_latency_ms,
        max_latency_ms=numbers.max_latency_ms,
        duration=numbers.duration,
        trust=text("trust") == "yes",
        labels_path=Path(labels) if labels else None,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchloom.harness",
        description="Drive MLPerf LoadGen over the model, backend and samples named by LOOM_MODEL, LOOM_BACKEND and LOOM_SAMPLES, under the ruleset of LOOM_RULESET.",
        epilog=f"example: --scenario={DEFAULT_SCENARIO.name} --mode=both --count=100",
    )
    for name, option in declared().items():
        words = [option.summary, *([f"one of {', '.join(option.choices)}"] if option.choices else [])]
        words += [f"default {option.default}"] if option.default else []
        nargs, const = ("?", "yes") if option.is_switch else (None, None)
        parser.add_argument(f"--{name}", default="", nargs=nargs, const=const, help="; ".join(words).replace("%", "%%"))
    return parser
