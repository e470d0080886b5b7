"""The comparison of published files as text for people."""

import json
from collections.abc import Collection, Iterator, Sequence

from benchloom.model.component import Component
from benchloom.model.published import FileReport
from benchloom.report.components import origin_of, size_text


def summary_text(components: Sequence[Component], here: Collection[str]) -> str:
    """Return a summary of the downloads; ``here`` are references of models whose file is cached."""
    wanted = {
        item.fetch[0].url: item for item in components if item.ref not in here
    }  # one archive may contain two models
    stated = [
        item.fetch[0].size or (item.published.rounded_size if item.published else None) for item in wanted.values()
    ]
    unknown = sum(size is None for size in stated)
    known = sum(size or 0 for size in stated)
    amounts = [f"{known / 1e6:,.1f} MB"] if known or not unknown else []
    amount = " and ".join([*amounts, *([f"{_counted(unknown, 'file')} of unknown size"] if unknown else [])])
    lines = [
        f"  {item.ref}: {size_text(item.fetch[0], item.published)}, {origin_of(item.fetch[0])}"
        + (" (cached)" if item.ref in here else "")
        for item in components
    ]
    return "\n".join(
        [f"{_counted(len(components), 'model')}, {_counted(len(wanted), 'file')} to download: {amount}", *lines, ""]
    )


def _counted(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def report_text(report: FileReport) -> str:
    """Return the lines on one model."""
    verdict = "differs" if report.differs else "not checked" if report.unchecked else "as stated"
    rows = [
        *(("DIFFERS", text) for text in report.differs),
        *(("not checked", text) for text in report.unchecked),
        *(("agrees", text) for text in report.agrees),
        *(("found", text) for text in report.found),
    ]
    return "\n".join([f"{report.component}: {verdict}", *(f"  {kind:11}  {text}" for kind, text in rows), ""])


def pins_text(reports: Sequence[FileReport]) -> str:
    """Return how many models are as stated, and the lines that pin the found files."""
    count = sum(item.is_as_stated for item in reports)
    lines = [f"{count} of {len(reports)} models match their components"]
    pinned = [item for item in reports if item.pins]
    if pinned:
        lines += ["", "to pin the files, replace 'digest' or 'unpinned' in the first item of 'fetch' by:"]
    return "\n".join([*lines, *(line for item in pinned for line in _pins(item))])


def _pins(report: FileReport) -> Iterator[str]:
    yield report.file
    fields = [f"      {json.dumps(name)}: {json.dumps(value)}" for name, value in report.pins.items()]
    yield ",\n".join(fields)
    if report.is_as_stated:
        yield "    and in 'published':\n      \"seen\": true"
