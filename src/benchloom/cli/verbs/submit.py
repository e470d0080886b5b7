"""``loom submit``: check."""

from pathlib import Path

import click

from benchloom.app.submitting import check_tree
from benchloom.cli.common import Session, verb
from benchloom.cli.groups import HelpfulGroup
from benchloom.cli.reports import report_options, write_report

command = HelpfulGroup(
    "submit",
    short_help="Check a submission to MLPerf Inference.",
    help="A submission is a tree of files: division/submitter/{results,systems,measurements,compliance,code}.",
    context_settings={"help_option_names": ["-h", "--help"]},
)


@verb("check", example="loom submit check ~/my-submission --round=5.1")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option(
    "--round",
    "round_",
    default="",
    metavar="ROUND",
    help="The round, such as 5.1. Without it: the one whose seeds LoadGen drew with.",
)
@click.option("--all", "everything", is_flag=True, help="List every place of a finding, not the first three.")
@report_options("submission")
def check(
    session: Session, folder: Path, *, round_: str, everything: bool, format_: str | None, output: Path | None
) -> int:
    """Check the submission in DIR, the folder that holds closed/, open/ or network/.

    Each result has two verdicts. "official" is what the round's own submission checker says: whether it publishes the
    result, and with which figure and accuracy. "strict" is valid if no check found an error, among them those that the
    official checker does not make: a summary that contradicts the detail log, an accuracy.txt that contradicts itself, a
    log of another scenario or mode.

    A finding has a code, the rule and what to do next; docs/reference/checks.md explains all of them. Nothing is written.
    Exits 1 if the submission is not acceptable under the strict verdict.
    """
    with session.talk.progress("checking the submission", None, ""):
        found = check_tree(session.workspace, folder, round_)
    write_report(session, "submission", found, format_=format_, output=output, everything=everything)
    return 0 if found.strict else 1


command.add_command(check)
