"""Maintain the store: verify re-hashes entries, gc removes what no record or lock needs."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta, timezone

from benchloom.app.venvs import existing
from benchloom.app.workspace import Workspace
from benchloom.base.names import did_you_mean
from benchloom.errors import InputError, UnknownNameError
from benchloom.model.finding import Finding
from benchloom.record import records
from benchloom.store.entries import Store
from benchloom.store.gc import GcReport, collect
from benchloom.store.roots import is_install, is_stale
from benchloom.store.verify import verify as verify_entries


def verify(workspace: Workspace, keys: Sequence[str] = ()) -> tuple[Finding, ...]:
    """Compare entries (all, or those whose keys start as given) with their digests. Raises UnknownNameError."""
    return verify_entries(workspace.store, _full_keys(workspace.store, keys))


def gc(
    workspace: Workspace,
    *,
    everything: bool = False,
    remove: Sequence[str] = (),
    older_than: float | None = None,
    dry_run: bool = False,
) -> GcReport:
    """Remove what no record, installation or environment needs; a root whose record was deleted protects nothing.

    ``everything`` ignores records and installations; ``remove`` removes only those entries, even if they are needed;
    ``older_than`` keeps entries built in the last so many days. Runs and records are never touched. Raises
    UnknownNameError.
    """
    if remove and (everything or older_than is not None):
        raise InputError(
            "--remove cannot be combined with other selections", where="--remove", fix="omit --all and --older-than"
        )
    store = workspace.store
    if remove:
        return _remove(store, _full_keys(store, remove), dry_run=dry_run)
    stale = frozenset(_unneeded_roots(workspace, everything=everything))
    report = collect(store, _young(store, older_than), ignored=stale, dry_run=dry_run)
    if not dry_run:
        for name in stale:
            store.remove_root(name)
    return report


def _remove(store: Store, keys: Sequence[str], *, dry_run: bool) -> GcReport:
    known = store.keys()
    size = sum(entry.size for key in keys if (entry := store.find(key)))
    if not dry_run:
        keys = tuple(key for key in keys if store.remove(key))
    kept = tuple(key for key in known if key not in keys)
    return GcReport(
        removed=tuple(keys), kept=kept, downloads=(), stages=(), quarantined=(), bytes=size, dry_run=dry_run
    )


def _unneeded_roots(workspace: Workspace, *, everything: bool) -> Iterable[str]:
    """Roots to ignore; with ``everything`` also those of records and installations."""
    there = frozenset() if everything else frozenset(workspace.store.keys())
    records_now = {path.stem for path in records.paths(workspace.locations.records)}
    known = set() if everything else records_now
    venvs = {path.name for path in existing(workspace.locations.venvs)}
    return [
        name
        for name, keys in workspace.store.roots().items()
        if (there.isdisjoint(keys) if is_install(name) else is_stale(name, known, venvs))
    ]


def _young(store: Store, days: float | None) -> frozenset[str]:
    if days is None:
        return frozenset()
    limit = datetime.now(timezone.utc) - timedelta(days=days)
    return frozenset(entry.key for entry in store.entries() if datetime.fromisoformat(entry.created) > limit)


def _full_keys(store: Store, given: Sequence[str]) -> tuple[str, ...]:
    """Return the full keys of prefixes, each of which must match exactly one key. Raises UnknownNameError."""
    known = store.keys()
    return tuple(dict.fromkeys(_full_key(known, start) for start in given))


def _full_key(known: Sequence[str], start: str) -> str:
    found = [start] if start in known else [key for key in known if start and key.startswith(start)]
    if len(found) == 1:
        return found[0]
    if found:
        raise UnknownNameError(
            f"{len(found)} store entries start with {start!r}", why=found, fix="write more characters"
        )
    fix = did_you_mean(start, known) or "loom plan shows keys; loom verify lists the entries"
    raise UnknownNameError(f"the store has no entry {start!r}", where="KEY", fix=fix)
