"""What a component says of itself."""

import re
from collections.abc import Iterator
from pathlib import Path

import msgspec

from benchloom.authoring.lint_rules.seam import LintSubject, rule
from benchloom.base import bounded, limits
from benchloom.model.finding import Finding

PLACEHOLDER = "FIXME"
UNFINISHED = "unfinished"
_FILLER = frozenset({"component", "example", "misc", "other", "stuff", "tag", "tags", "test", "todo", "various"})
_TAG = re.compile(r"[a-z0-9][a-z0-9._+-]*")


@rule("has-uid")
def _has_uid(subject: LintSubject) -> Iterator[Finding]:
    """A component has a uid."""
    if not subject.component.uid:
        yield subject.finding("warning", "it has no uid", fix=f"loom repo sync {subject.repository.path}")


@rule("component-has-summary")
def _has_summary(subject: LintSubject) -> Iterator[Finding]:
    """A component has a summary of one line."""
    summary = subject.component.summary
    if not summary:
        yield subject.finding("warning", "it has no summary", fix="describe it in one line")
    elif "\n" in summary.strip():
        yield subject.finding("warning", "its summary has several lines", ("summary",))


@rule("component-has-licence")
def _has_licence(subject: LintSubject) -> Iterator[Finding]:
    """A component states the licence of its content."""
    if not subject.component.licence:
        yield subject.finding("warning", "it has no licence", fix="write its SPDX identifier under 'licence'")


@rule("component-has-maintainers")
def _has_maintainers(subject: LintSubject) -> Iterator[Finding]:
    """A component names its maintainers."""
    if not subject.component.maintainers:
        yield subject.finding("warning", "it has no maintainers", fix="name at least one under 'maintainers'")


@rule("component-has-sources")
def _has_sources(subject: LintSubject) -> Iterator[Finding]:
    """A component states the sources of its facts."""
    if not subject.component.sources:
        yield subject.finding("warning", "it has no sources", fix="give the pages its facts come from under 'sources'")


@rule("component-has-tags")
def _has_tags(subject: LintSubject) -> Iterator[Finding]:
    """A component has at least three tags, none of them filler."""
    tags = subject.component.tags
    if len(tags) < 3:
        yield subject.finding("warning", f"it has {len(tags)} tags, at least three are required", ("tags",))
    for tag in tags:
        if tag in _FILLER:
            yield subject.finding("warning", f"the tag {tag!r} is meaningless", ("tags",), "choose a descriptive one")


@rule("tags-are-plain")
def _tags_are_plain(subject: LintSubject) -> Iterator[Finding]:
    """Tags are lower-case words of letters, digits and . _ + -, so that a query can name them."""
    for tag in subject.component.tags:
        if not _TAG.fullmatch(tag):
            yield subject.finding("warning", f"the tag {tag!r} is not plain", ("tags",), "use a-z, 0-9 and . _ + -")


@rule("filled-in")
def _is_filled_in(subject: LintSubject) -> Iterator[Finding]:
    """No placeholder of the skeleton is left."""
    file = Path(subject.repository.path) / subject.component.file
    text = bounded.read_bytes(file, limits.METADATA_BYTES).decode(errors="replace")
    for number, line in enumerate(text.splitlines(), start=1):
        if PLACEHOLDER in line:
            yield msgspec.structs.replace(subject.finding("info", "a placeholder has not been filled in"), line=number)
    if UNFINISHED in subject.component.tags:
        yield subject.finding("info", f"the tag {UNFINISHED!r} waits for a better one", ("tags",))
