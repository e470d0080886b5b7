"""Check that entries are unchanged since they were sealed, and that files named as models are models."""

import os
from collections.abc import Iterable
from pathlib import Path

from benchloom.base.digest import of_file
from benchloom.base.file_kinds import no_model
from benchloom.errors import IntegrityError
from benchloom.model.finding import Finding
from benchloom.store.entries import Store
from benchloom.store.entry import Entry
from benchloom.store.sealing import Stamp, scan, stamp_of

NO_MODEL = "store-file-no-model"
_MODELS = (".onnx", ".pb", ".tflite", ".pt", ".pth")


def verify(store: Store, keys: Iterable[str] = ()) -> tuple[Finding, ...]:
    """Compare entries (all, or those named) with their entry.json; one finding per difference, or one ``pass``."""
    return tuple(finding for key in (tuple(keys) or store.keys()) for finding in _check(store, key))


def refuse_damaged(store: Store, key: str, *, fully: bool) -> None:
    """Raise IntegrityError if an entry changed since it was sealed, naming the first file that is missing or changed.

    A file with its original size and time counts as unchanged, any other is digested, since a copied store has other
    times. ``fully`` digests every file, and refuses extra files. A missing entry is ignored.
    """
    entry = store.find(key)
    if entry is None:
        return
    if fully:
        # A file that never was a model is not damaged: the backend that opens it reports what it is.
        found = [item for item in _check(store, key) if item.severity != "pass" and item.rule != NO_MODEL]
        if found:
            file = store.content(key) / found[0].file
            raise _damaged(entry, file, [item.message.removeprefix(f"{entry.label}: ") for item in found[:4]])
        return
    seal, content = store.seal(key), str(store.content(key))
    stamps = {name: _stamp(entry, name, os.path.join(content, name), seal.get(name)) for name in entry.files}
    for name, target in entry.links.items():
        path = store.content(key) / name
        if not path.is_symlink() or os.readlink(path) != target:
            raise _damaged(entry, path, [f"the link to {target} is missing or changed"])
    if stamps != seal:
        store.set_seal(key, stamps)


def _stamp(entry: Entry, name: str, path: str, sealed: Stamp | None) -> Stamp:
    """Return the stamp of a file that is unchanged."""
    try:
        stamp = stamp_of(path)
        found = entry.files[name] if stamp == sealed else of_file(Path(path))
    except OSError as error:
        raise _damaged(entry, Path(path), [str(error.strerror)]) from error
    if found != entry.files[name]:
        raise _damaged(entry, Path(path), [f"it changed (expected {entry.files[name]}, found {found})"])
    return stamp


def _damaged(entry: Entry, file: Path, why: list[str]) -> IntegrityError:
    return IntegrityError(
        f"the store's {entry.label} is damaged",
        where=str(file),
        why=why,
        fix=f"{_fix(entry.key)}: it will then be rebuilt",
        details={"key": entry.key},
    )


def _fix(key: str) -> str:
    return f"loom gc --remove {key}, then run the target again"


def _check(store: Store, key: str) -> list[Finding]:
    entry = store.find(key)
    if entry is None:
        return [_missing(key)]
    try:
        files, links = scan(store.content(key))
    except OSError as error:
        if store.find(key) is None:  # removed while being read
            return [_missing(key)]
        fix = "check the disk and its permissions"
        return [_finding("store-file-unreadable", key, f"{entry.label}: {error.strerror}", fix, str(error.filename))]
    found = [
        *_differences(entry, entry.files, files),
        *_differences(entry, entry.links, links),
        *_no_models(store, entry, files),
    ]
    if not found:
        message = f"{entry.label}: {len(files)} files match their digests"
        return [Finding(rule="store-entry", severity="pass", subject=key, message=message)]
    return found


def _missing(key: str) -> Finding:
    return _finding("store-entry-missing", key, f"there is no readable entry {key}", "run the target again to build it")


def _differences(entry: Entry, expected: dict[str, str], actual: dict[str, str]) -> Iterable[Finding]:
    fix = _fix(entry.key)
    for name in sorted(expected.keys() | actual.keys()):
        if name not in actual:
            yield _finding("store-file-missing", entry.key, f"{entry.label}: {name} is missing", fix, name)
        elif name not in expected:
            yield _finding("store-file-extra", entry.key, f"{entry.label}: {name} does not belong there", fix, name)
        elif expected[name] != actual[name]:
            message = f"{entry.label}: {name} changed (expected {expected[name]}, found {actual[name]})"
            yield _finding("store-file-changed", entry.key, message, fix, name)


def _no_models(store: Store, entry: Entry, files: Iterable[str]) -> Iterable[Finding]:
    """Yield stored files that earlier releases accepted as models although they are not."""
    for name in sorted(files):
        if name.endswith(_MODELS) and (why := no_model(str(store.content(entry.key) / name))):
            fix = f"loom gc --remove {entry.key}, then run the target with --mirror=DIR, where DIR has the right file"
            yield _finding(NO_MODEL, entry.key, f"{entry.label}: {name} is not a model: {why[0]}", fix, name)


def _finding(rule: str, key: str, message: str, fix: str, file: str = "") -> Finding:
    return Finding(rule=rule, severity="error", subject=key, message=message, file=file, fix=fix)
