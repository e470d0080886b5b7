"""``loom run``."""

import sys
from typing import Any

import click

from benchloom.app.planning import plan, split_secrets
from benchloom.app.running import RunOptions, run, summary
from benchloom.cli.common import YEAR, BoundedFloat, Session, verb
from benchloom.cli.render import write_json
from benchloom.cli.reports import write_report
from benchloom.cli.request import masked, parse_request, request_options


@verb("run", free=True, example="loom run program:image-classification-onnx --scenario=Offline --count=100")
@request_options
@click.option(
    "--repetitions", type=click.IntRange(min=1), default=1, show_default=True, help="Run the program N times."
)
@click.option(
    "--timeout", type=BoundedFloat(min=0, min_open=True, max=YEAR), help="Seconds after which the program is killed."
)
@click.option("--record_tags", default="", metavar="A,B", help="Tags to find the record by.")
@click.option("--jobs", type=click.IntRange(min=1), default=4, show_default=True, help="Nodes to prepare concurrently.")
@click.option("--verify", is_flag=True, help="Digest all reused files; official rulesets always do.")
@click.option("--dry-run", is_flag=True, help="Show the plan and stop.")
@click.option("--show_output", is_flag=True, help="Show the program's output live on standard error.")
def command(
    session: Session,
    *,
    repetitions: int,
    timeout: float | None,
    record_tags: str,
    jobs: int,
    verify: bool,
    dry_run: bool,
    show_output: bool,
    **asked: Any,
) -> None:
    """Run the program TARGET: resolve, prepare what is missing, run, and write a record.

    Inputs of the program are written --NAME=VALUE or --NAME VALUE; see them with loom show TARGET. A script with
    run_cmds runs in the same way, and its output is shown. A LoadGen result of INVALID is reported, with LoadGen's
    reason, and exits 0: the run itself succeeded. A failing program exits 4; its own status is in the message and in
    the record.
    """
    request, secrets = split_secrets(session.workspace, parse_request(**asked, runnable=True))
    made = plan(session.workspace, request)
    if dry_run:
        write_report(session, "plan", made)
        return
    options = RunOptions(
        repetitions=repetitions,
        timeout=timeout,
        secrets=secrets,
        arguments=masked(sys.argv[1:], secrets),
        tags=tuple(sorted(tag for tag in record_tags.split(",") if tag)),
        jobs=jobs,
        verify=verify,
    )
    is_shown = show_output or made.target.startswith("script:")  # the output of a script is its result
    record, path = run(session.workspace, made, options, _echo if is_shown else None)
    if session.as_json:
        write_json(summary(record, path))
    else:
        write_report(session, "record", (record, path))


def _echo(text: str) -> None:
    click.echo(text, nl=False, err=True)
