"""Checked submissions in words: rows of results, findings by check, verdicts."""

from collections.abc import Iterator, Sequence

from benchloom.model.submission import CheckedResult, Reaction, SubmissionCheck, SubmissionFinding

_REACTIONS: dict[Reaction, str] = {
    "refuses": "the official checker refuses it, too",
    "objects": "the official checker exits with an error, too",
    "accepts": "the official checker lets it pass",
}
_ORDER = ("error", "warning", "note")
_SHOWN = 3  # places of one check that are printed


def result_rows(value: SubmissionCheck) -> tuple[tuple[str, ...], ...]:
    """Return a head and a row for each result."""
    head = ("division", "submitter", "system", "model", "scenario", "result", "accuracy", "official", "strict")
    return (head, *(_row(item) for item in value.results))


def _row(item: CheckedResult) -> tuple[str, ...]:
    scenario = item.scenario + (f" from {item.log_scenario}" if item.inferred else "")
    figure = "-" if item.value is None else f"{item.value:,.6g} {item.unit}"
    accuracy = ", ".join(f"{name} {text}" for name, text in item.accuracy.items()) or "-"
    verdicts = ("valid" if item.official else "INVALID", "valid" if item.strict else "INVALID")
    return (item.division, item.submitter, item.system, item.model, scenario, figure, accuracy, *verdicts)


def plain(text: str) -> str:
    """Return ``text`` with what a terminal of ASCII cannot show replaced."""
    return text.encode("ascii", "replace").decode()


def every_finding(value: SubmissionCheck) -> tuple[SubmissionFinding, ...]:
    """Return all findings, what is worst first."""
    found = [*value.findings, *(item for result in value.results for item in result.findings)]
    return tuple(sorted(found, key=lambda item: (_ORDER.index(item.severity), item.code, item.path)))


def finding_blocks(value: SubmissionCheck, *, everything: bool = False) -> Iterator[str]:
    """Yield a block for each check that found something: its places, the rule and what to do."""
    by_check: dict[tuple[str, str, Reaction], list[SubmissionFinding]] = {}
    for item in every_finding(value):
        by_check.setdefault((item.severity, item.code, item.official), []).append(item)
    for items in by_check.values():
        yield _block(items, len(items) if everything else _SHOWN)


def _block(items: Sequence[SubmissionFinding], most: int) -> str:
    first = items[0]
    times = f", {len(items)} times" if len(items) > 1 else ""
    lines = [f"{first.severity}: {first.title} [{first.code}]{times}; {_REACTIONS[first.official]}"]
    lines += [f"  {item.path}: {item.text}" for item in items[:most]]
    if len(items) > most:
        lines.append(f"  and {len(items) - most} more (--json lists them)")
    return "\n".join([*lines, f"  rule: {first.reference}", f"  fix: {first.fix}"])


def verdict_lines(value: SubmissionCheck) -> tuple[str, ...]:
    """Return what passed, and both verdicts."""
    count, official = len(value.results), sum(item.official for item in value.results)
    strict = sum(item.strict for item in value.results)
    passed = {code for item in value.results for code in item.passed} | set(value.passed)
    failed = {item.code for item in every_finding(value)}
    return (
        f"passed everywhere: {', '.join(sorted(passed - failed)) or 'nothing'}",
        f"official: {official} of {count} results valid, submission {_verdict(value.official)} (as {value.checker} would say)",
        f"strict: {strict} of {count} results valid, submission {_verdict(value.strict)}",
    )


def _verdict(is_accepted: bool) -> str:
    return "acceptable" if is_accepted else "NOT acceptable"
