"""Submissions: check one under the rules of its round."""

from pathlib import Path

from benchloom.app.workspace import Workspace
from benchloom.base.names import did_you_mean
from benchloom.errors import InputError, UnknownNameError
from benchloom.model.component import RULESET, Component
from benchloom.model.submission import SubmissionCheck
from benchloom.submission.checking import check_submission
from benchloom.submission.context import Rules
from benchloom.submission.rounds import round_of


def check_tree(workspace: Workspace, folder: Path, round_: str = "") -> SubmissionCheck:
    """Check the submission in ``folder``; without ``round_`` its round is that of its logs' seeds.

    Raises InputError if there is no such folder or its round is not known, UnknownNameError for an unknown round.
    """
    if not folder.is_dir():
        raise InputError(
            "there is no such folder", where=str(folder), fix="name the folder that holds closed/ or open/"
        )
    known = _rounds(workspace)
    found = _named(round_, known) if round_ else _seeded(folder, known)
    assert found.ruleset is not None
    assert found.submission is not None
    return check_submission(folder, Rules(found.ruleset, found.submission), found.ref)


def _rounds(workspace: Workspace) -> dict[str, Component]:
    """The rulesets that say how to submit, by round."""
    every = (item for item in workspace.index.components if item.kind == RULESET)
    return {item.ruleset.round: item for item in every if item.ruleset and item.submission}


def _named(name: str, known: dict[str, Component]) -> Component:
    by_name = {
        **known,
        **{f"v{key}": item for key, item in known.items()},
        **{item.alias: item for item in known.values()},
    }
    if name not in by_name:
        fix = did_you_mean(name, by_name) or f"choose {', '.join(known)}"
        raise UnknownNameError(f"no ruleset says how to submit to round {name}", where="--round", fix=fix)
    return by_name[name]


def _seeded(folder: Path, known: dict[str, Component]) -> Component:
    by_seed: dict[int, str] = {}
    for key, item in known.items():
        if item.ruleset and item.ruleset.seeds:
            by_seed.setdefault(item.ruleset.seeds.qsl, key)
    found = round_of(folder, by_seed)
    if not found:
        raise InputError(
            "the round cannot be inferred from LoadGen's seeds",
            where=str(folder),
            why=["no performance log has the seeds of a round whose rules are known"],
            fix=f"name it: --round={' or --round='.join(known)}",
        )
    return known[found]
