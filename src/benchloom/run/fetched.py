"""Provide fetched files: downloads and files of the repository, unpacked into one store entry."""

import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchloom.base.file_kinds import no_model
from benchloom.errors import InputError, InstallError, IntegrityError
from benchloom.model.component import Fetch
from benchloom.model.plan import Node
from benchloom.model.provision import Built, Fetched
from benchloom.run.context import ExecutionContext
from benchloom.run.facts import refuse_no_result
from benchloom.store.entries import Store
from benchloom.store.fetch import file_name, place_of

# Facts of an entry: digests of its downloads, and the keys of the entries that it was built from.
_DOWNLOADS, MADE_FROM = "downloads", "made_from"


def lacking(node: Node, files: Sequence[Fetch], context: ExecutionContext) -> list[str]:
    """Return the missing downloads, one line per file."""
    return [
        f"{node.id}: {item.url} ({item.digest or 'unpinned'})"
        for item in (() if node.is_here else files)
        if item.url and not item.url.startswith("file:") and context.fetcher.missing(item)
    ]


def provide(node: Node, provision: Fetched, context: ExecutionContext) -> None:
    """Create the entry of ``node`` unless it exists.

    Raises FetchError, OfflineError, IntegrityError or InstallError.
    """
    drop_replaced(node, provision, context)
    if context.store.find(node.key) is None:
        context.store.build(node.key, node.id, lambda folder: fetch_all(node, provision, context, folder))


def drop_replaced(node: Node, provision: Fetched | Built, context: ExecutionContext) -> None:
    """Remove the entry of ``node`` if the preferred mirror has a different version of its file without a digest.

    Entries built from it are removed as well.
    """
    entry = context.store.find(node.key)
    if entry is None:
        return
    for item in provision.files:
        download = context.fetcher.preferred(item, is_model=_is_model(item, node, provision))
        if download and download.digest not in entry.meta.get(_DOWNLOADS, "").split(","):
            context.talk.note(
                f"{node.id}: {file_name(item)} is replaced by the file from {download.source} with digest {download.digest}"
            )
            _drop(node.key, context.store)
            break


def _drop(key: str, store: Store) -> None:
    store.remove(key)
    for other in [entry.key for entry in store.entries() if key in entry.meta.get(MADE_FROM, "").split(",")]:
        _drop(other, store)


def fetch_all(node: Node, provision: Fetched | Built, context: ExecutionContext, folder: Path) -> Mapping[str, str]:
    """Fetch the files of ``provision`` into ``folder`` and return the store's metadata of ``node``.

    A wrong file is removed from the cache, so that it is downloaded again. Raises FetchError, OfflineError,
    IntegrityError or InstallError.
    """
    try:
        digests = [_fetch_one(item, node, provision, context, folder) for item in provision.files]
        if isinstance(provision, Fetched):
            refuse_no_result(node, provision.result, folder)
        if any(not item.digest and item.archive for item in provision.files):
            _refuse_no_model(node, provision.result, folder)
    except (IntegrityError, InstallError):
        for item in provision.files:
            context.fetcher.forget(item)
        raise
    return {**_entry_meta(node), **({_DOWNLOADS: ",".join(digests)} if digests else {})}


def _fetch_one(item: Fetch, node: Node, provision: Fetched | Built, context: ExecutionContext, folder: Path) -> str:
    """Put one file, or the content of its archive, into ``folder``; return the digest of the download."""
    from benchloom.store.archive import extract  # late: in most runs everything is cached

    download = context.fetcher.obtain(item, context.folder(node), is_model=_is_model(item, node, provision))
    if item.archive:
        place = _inside(folder, item.unpack_to, node)
        extract(download.path, item.archive, place, member=item.member, name=file_name(item))
    else:
        place = _inside(folder, place_of(item), node)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(download.path, place)
    return download.digest


def _is_model(item: Fetch, node: Node, provision: Fetched | Built) -> bool:
    """Tell whether ``item`` is the model file itself, not an archive or an additional file."""
    return node.facts.model is not None and not item.archive and provision.result in {"", place_of(item)}


def _refuse_no_model(node: Node, result: str, folder: Path) -> None:
    """Raise IntegrityError if an archive without a digest contains no model in place of the result."""
    path = folder / result
    if node.facts.model and path.is_file() and (why := no_model(str(path))):
        raise IntegrityError(
            f"{result} of {node.candidate.component} is not a model",
            where=f"{node.file}: fetch",
            why=why,
            fix="name another URL in the component, or a folder that has the file with --mirror",
        )


def _inside(folder: Path, name: str, node: Node) -> Path:
    """Return ``folder/name``. Raises InputError if metadata would lead outside the folder."""
    path = Path(os.path.normpath(folder / name))
    if not path.is_relative_to(folder):
        raise InputError(f"{name!r} leads outside the entry", where=f"{node.file}: fetch", fix="name a path inside it")
    return path


def _entry_meta(node: Node) -> dict[str, str]:
    """The store's metadata of a node, by which later resolutions prefer it."""
    candidate = node.candidate
    return {
        "component": candidate.component,
        "version": candidate.version,
        "variations": ",".join(candidate.variations),
    }
