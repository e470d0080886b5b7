"""Find: components by kind, name pattern and tags."""

from collections.abc import Callable, Sequence
from fnmatch import fnmatchcase

from benchloom.app.targets import nearest
from benchloom.app.workspace import Workspace
from benchloom.base.names import did_you_mean
from benchloom.errors import UnknownNameError
from benchloom.index.index import refuse_unknown_tags
from benchloom.model.base import SchemaTable, Value
from benchloom.model.component import KINDS, Component
from benchloom.model.query import parse_query


class Found(Value, frozen=True, kw_only=True):
    """One component as ``loom find`` lists it.

    Attributes:
        ref: ``kind:alias``.
        uid: its uid.
        repo: alias of its repository.
        path: its folder, relative to the root of the repository.
        tags: its tags, sorted.
        variations: names of its variations.
        summary: one line for people.
    """

    ref: str
    uid: str
    repo: str
    path: str
    tags: tuple[str, ...]
    variations: tuple[str, ...] = ()
    summary: str = ""


SCHEMAS: SchemaTable = {"found": (tuple[Found, ...], "loom find --json")}


def find(workspace: Workspace, words: Sequence[str] = (), tags: str = "") -> tuple[Found, ...]:
    """Return the components that match all ``words`` and ``tags``, sorted by kind and alias.

    A word is a kind, ``kind:alias`` or an alias with ``*`` and ``?``; any other is searched in aliases, uids, tags and
    summaries, ignoring case. Raises UnknownNameError for an unknown kind or plain tag, and InputError for an invalid
    query.
    """
    index = workspace.index
    query = parse_query(tags, where="--tags")
    refuse_unknown_tags(query, index.components, "--tags")
    fits = [_matcher(word) for word in words if word]
    return tuple(_found(item) for item in index.match(query) if all(fit(item) for fit in fits))


def nearest_to(workspace: Workspace, words: Sequence[str], tags: str) -> str:
    """Return the nearest match for a search without results: a known word or a component; '' if there is none."""
    kinds = {item for item in words if item in KINDS}
    components = [item for item in workspace.index.components if not kinds or item.kind in kinds]
    known = {name for item in components for name in (item.alias, *item.tags)}
    for word in (item for item in words if item and item not in kinds):
        pattern = word.rpartition(":")[2]
        if hint := did_you_mean(pattern, known - {pattern}):
            return hint
    found = nearest(parse_query(tags), components, most=1)
    return f"nearest: {found[0]}" if found else ""


def _matcher(word: str) -> Callable[[Component], bool]:
    head, colon, tail = word.partition(":")
    if not colon and head in KINDS:
        return lambda item: item.kind == head
    if not colon and not set("*?") & set(word):
        return lambda item: _says(item, word.lower())
    kind, alias = (head or "*", tail or "*") if colon else ("*", word)
    if not any(fnmatchcase(known, kind) for known in KINDS):
        raise UnknownNameError(
            f"there is no kind {kind!r}",
            where="command line",
            fix=did_you_mean(kind, KINDS) or f"kinds: {', '.join(KINDS)}",
        )
    return lambda item: fnmatchcase(item.kind, kind) and (fnmatchcase(item.alias, alias) or item.uid == alias)


def _says(item: Component, word: str) -> bool:
    return item.uid == word or any(word in text.lower() for text in (item.alias, item.summary, *item.tags))


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
