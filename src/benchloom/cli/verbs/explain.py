"""``loom explain``."""

from typing import Any

import click

from benchloom.app.explaining import explain, explain_why_not
from benchloom.cli.common import Session, verb
from benchloom.cli.render import write, write_columns, write_json
from benchloom.cli.request import parse_request, request_options
from benchloom.errors import EXIT_NEGATIVE, EXIT_OK, InputError
from benchloom.model.component import KINDS
from benchloom.report.explanations import explanation_text, explanations_rows, why_not_text


@verb(
    "explain",
    free=True,
    example="loom explain program:image-classification-onnx model --not package:model-digits-onnx-int8",
)
@request_options
@click.option("--not", "other", default="", metavar="NAME[@VERSION]", help="Explain why this component was not chosen.")
def command(session: Session, words: tuple[str, ...], other: str, **asked: Any) -> int:
    """Explain why the plan of TARGET fills a ROLE as it does (a role or a component; default: all).

    With --not: why another component does not fill it, or the flag that would choose it. Exits 1 if no flag would.
    """
    words, subject = _split_subject(words, has_target=not asked["tags"])
    request = parse_request(words=words, **asked)
    if other:
        if not subject:
            raise InputError(
                "--not needs a role", where="command line", fix="write loom explain TARGET ROLE --not NAME"
            )
        answer = explain_why_not(session.workspace, request, subject, other)
        if session.as_json:
            write_json(answer)
        else:
            write(why_not_text(answer))
        return EXIT_OK if answer.can_answer else EXIT_NEGATIVE
    found = explain(session.workspace, request, subject)
    if session.as_json:
        write_json(found)
    elif subject:
        write(explanation_text(found[0]))
    else:
        write_columns(explanations_rows(found))
    return EXIT_OK


def _split_subject(words: tuple[str, ...], *, has_target: bool) -> tuple[tuple[str, ...], str]:
    """Extract the role from the words: the second plain one, or the first if ``--tags`` selects the target and it is not a kind."""
    plain = [word for word in words if not word.startswith(("-", "@"))]
    place = 1 if has_target or (plain[:1] and plain[0] in KINDS) else 0
    if len(plain) <= place:
        return words, ""
    subject = plain[place]
    position = [index for index, word in enumerate(words) if word == subject][-1]
    return (*words[:position], *words[position + 1 :]), subject
