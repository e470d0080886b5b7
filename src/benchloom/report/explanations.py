"""Explanations as text for people."""

from collections.abc import Iterator, Sequence

from benchloom.model.component import Requirement
from benchloom.resolve.conflict import asked
from benchloom.resolve.why import Alternative, Explanation, WhyNot

MOST = 3


def explanation_text(explanation: Explanation) -> str:
    """Return a tree of at most a dozen lines: the choice, its reason, its requirers, and the alternatives."""
    lines = [f"{explanation.role}: {explanation.chosen.label}", f"  because      {explanation.reason}"]
    lines += _listed("required by", [_needed(item) for item in explanation.required_by])
    lines += _listed("not chosen", [f"{_label(item)}: {item.reason}" for item in explanation.alternatives])
    lines += _listed("refused", [f"{item.component}: {item.reason}" for item in explanation.refused])
    return "\n".join(lines)


def explanations_rows(explanations: Sequence[Explanation]) -> Iterator[tuple[str, str, str]]:
    """Yield a row per role: role, choice and reason."""
    yield from ((item.role, item.chosen.label, item.reason) for item in explanations)


def why_not_text(answer: WhyNot) -> str:
    """Return the reasons, and the flag that would choose it."""
    if answer.candidate.partition("@")[0] == answer.chosen.component and answer.can_answer and not answer.fix:
        return f"{answer.role}: {answer.candidate} is the chosen one"
    verb = "was not chosen, but could be" if answer.can_answer else "cannot be chosen"
    lines = [f"{answer.role}: {answer.candidate} {verb}", f"  chosen       {answer.chosen.label}"]
    lines += _listed("because", list(answer.reasons), most=6)
    if answer.fix:
        lines.append(f"  choose it    {answer.fix}")
    return "\n".join(lines)


def _needed(item: Requirement) -> str:
    return f"{item.requirer}: {asked(item)}" + (f"  ({item.where})" if item.where else "")


def _label(item: Alternative) -> str:
    words = [item.component, *(f"_{name}" for name in item.variations)]
    return " ".join([*words, f"@{item.version}"] if item.version else words)


def _listed(title: str, lines: Sequence[str], most: int = MOST) -> Iterator[str]:
    """Yield ``lines`` under one title; if there are too many, the last one refers to ``--json``."""
    shown = list(lines[:most])
    if len(lines) > most:
        shown[-1] = f"and {len(lines) - most + 1} more (see --json)"
    for position, line in enumerate(shown):
        yield f"  {title if not position else '':12} {line}"
