"""``loom tune``."""

import sys
from pathlib import Path
from typing import Any

import click

from benchloom.app.planning import split_secrets
from benchloom.app.tuning import TuneOptions, tune
from benchloom.cli.common import YEAR, BoundedFloat, Session, verb
from benchloom.cli.reports import report_options, write_report
from benchloom.cli.request import masked, parse_request, request_options
from benchloom.model.tuning import Tuning
from benchloom.model.values import seconds


@verb("tune", free=True, example="loom tune program:image-classification-onnx --scenario=Offline --budget=30s")
@request_options
@click.option(
    "--budget",
    default="5m",
    show_default=True,
    metavar="TIME",
    help="Start no further probe after this total time of probes.",
)
@click.option(
    "--over",
    multiple=True,
    metavar="INPUT=A,B",
    help="Try these values of batch_size, threads or instances. May be repeated.",
)
@click.option(
    "--precision",
    type=BoundedFloat(min=0.1, max=50),
    default=5.0,
    show_default=True,
    metavar="PERCENT",
    help="Accepted gap to Server's highest valid target, relative to it.",
)
@click.option("--fresh", is_flag=True, help="Discard results of earlier searches.")
@click.option("--out", default="", metavar="DIR", help="Where user.conf and loom.lock.json go.")
@click.option(
    "--timeout", type=BoundedFloat(min=0, min_open=True, max=YEAR), help="Seconds after which a probe is killed."
)
@click.option("--jobs", type=click.IntRange(min=1), default=4, show_default=True, help="Nodes to prepare concurrently.")
@report_options("tuning")
def command(
    session: Session,
    *,
    budget: str,
    over: tuple[str, ...],
    precision: float,
    fresh: bool,
    out: str,
    timeout: float | None,
    jobs: int,
    format_: str | None,
    output: Path | None,
    **asked: Any,
) -> int:
    """Search for the best settings of the program TARGET on this machine, and write files with them for loom run.

    Batch size, threads and instances are searched for Offline and Server, threads for SingleStream and MultiStream; for
    Server also the highest target QPS that LoadGen calls VALID, twice. --duration is the minimum time of the longest
    probes in seconds. The same command resumes the search. Exits 1 if nothing was VALID.
    """
    request, secrets = split_secrets(session.workspace, parse_request(**asked, runnable=True))
    options = TuneOptions(
        budget=seconds(budget, "--budget"),
        over=over,
        precision=precision / 100,
        is_fresh=fresh,
        out=out,
        timeout=timeout,
        secrets=secrets,
        words=masked((*_chosen(**asked), *asked["words"]), secrets),
        arguments=masked(sys.argv[1:], secrets),
        jobs=jobs,
    )
    tuning = tune(session.workspace, request, options)
    write_report(session, "tuning", tuning, format_=format_, output=output)
    _say_what_is_left(session, tuning)
    return 0 if tuning.best else 1


def _chosen(*, tags: str, cmd_key: str, dataset_path: str, model_path: str, **_others: Any) -> list[str]:
    """The options that select the target and its data, as words."""
    options = {"tags": tags, "cmd_key": cmd_key, "dataset_path": dataset_path, "model_path": model_path}
    return [f"--{name}={value}" for name, value in options.items() if value]


def _say_what_is_left(session: Session, tuning: Tuning) -> None:
    from benchloom.report.tunings import unsteady  # late: used once, at the end

    if found := unsteady(tuning):
        session.talk.warn(
            f"{found[0]} was VALID in one run and INVALID in another: is the machine busy with other work?"
        )
    if not tuning.complete:
        session.talk.warn("the budget was spent before the search was complete; run the same command to resume")
    if tuning.best is None:
        reasons = dict.fromkeys(reason for probe in tuning.probes for reason in probe.reasons)
        session.talk.warn("\n  why: ".join(["no probe was VALID", *list(reasons)[:4]]))
