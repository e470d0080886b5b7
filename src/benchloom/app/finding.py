"""Find and show: components by kind, name pattern and tags."""

from fnmatch import fnmatchcase

from benchloom.app.workspace import Workspace
from benchloom.base.names import did_you_mean
from benchloom.errors import UnknownNameError
from benchloom.index.index import refuse_unknown_tags
from benchloom.model.base import Value
from benchloom.model.component import KINDS, Component
from benchloom.model.query import parse_query


class Found(Value, frozen=True, kw_only=True):
    """One component as ``loom find`` lists it."""

    ref: str
    uid: str
    repo: str
    path: str
    tags: tuple[str, ...]
    variations: tuple[str, ...] = ()
    summary: str = ""


def find(workspace: Workspace, pattern: str = "", tags: str = "") -> tuple[Found, ...]:
    """Return the components that fit both, sorted by kind and alias.

    ``pattern`` is a kind, an alias or ``kind:alias`` with ``*`` and ``?``. Raises UnknownNameError for a kind or plain
    tag that nothing has, and InputError for a query that cannot be read.
    """
    index = workspace.index
    query = parse_query(tags, where="--tags")
    refuse_unknown_tags(query, index.components, "--tags")
    kind, alias = _parse_pattern(pattern)
    return tuple(
        _found(item)
        for item in index.match(query)
        if fnmatchcase(item.kind, kind) and (fnmatchcase(item.alias, alias) or item.uid == alias)
    )


def _parse_pattern(pattern: str) -> tuple[str, str]:
    head, colon, tail = pattern.partition(":")
    if colon:
        kind, alias = head or "*", tail or "*"
    else:
        kind, alias = (head, "*") if head in KINDS else ("*", head or "*")
    if not any(fnmatchcase(known, kind) for known in KINDS):
        raise UnknownNameError(
            f"there is no kind {kind!r}",
            where="command line",
            fix=did_you_mean(kind, KINDS) or f"kinds: {', '.join(KINDS)}",
        )
    return kind, alias


def _found(item: Component) -> Found:
    return Found(
        ref=item.ref,
        uid=item.uid,
        repo=item.repo,
        path=item.path,
        tags=item.tags,
        variations=tuple(sorted(item.variations)),
        summary=item.summary,
    )
