"""A checked submission for people."""

from collections.abc import Iterator

from benchloom.model.submission import SubmissionCheck
from benchloom.report.formats import Block, Medium
from benchloom.report.formats.submission.tables import tables
from benchloom.report.submissions import finding_blocks, plain, verdict_lines

ENDINGS = (".txt",)


def render(value: SubmissionCheck, medium: Medium) -> Iterator[Block]:
    """Yield the table of results, the findings by check, and both verdicts."""
    shown = plain if medium.is_ascii else str
    yield from tables(value, medium)
    for block in finding_blocks(value, everything=medium.everything):
        yield shown(f"\n{block}")
    yield shown("\n".join(["", *verdict_lines(value)]))
