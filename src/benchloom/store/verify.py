"""Re-hashing of entries: what is missing, changed or extra, and what never was the model that its name says."""

from collections.abc import Iterable

from benchloom.model.file_kinds import no_model
from benchloom.model.finding import Finding
from benchloom.store.entries import Entry, Store, scan

_MODELS = (".onnx", ".pb", ".tflite", ".pt", ".pth")


def verify(store: Store, keys: Iterable[str] = ()) -> tuple[Finding, ...]:
    """Compare entries (all, or those named) with their entry.json; one finding per difference, or one ``pass``."""
    return tuple(finding for key in (tuple(keys) or store.keys()) for finding in _check(store, key))


def _check(store: Store, key: str) -> list[Finding]:
    entry = store.find(key)
    if entry is None:
        return [_missing(key)]
    try:
        files, links, _ = scan(store.content(key))
    except OSError as error:
        if store.find(key) is None:  # removed while it was being read
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
    fix = f"loom gc --remove {entry.key}, then run the target again"
    for name in sorted(expected.keys() | actual.keys()):
        if name not in actual:
            yield _finding("store-file-missing", entry.key, f"{entry.label}: {name} is missing", fix, name)
        elif name not in expected:
            yield _finding("store-file-extra", entry.key, f"{entry.label}: {name} does not belong there", fix, name)
        elif expected[name] != actual[name]:
            message = f"{entry.label}: {name} changed (expected {expected[name]}, found {actual[name]})"
            yield _finding("store-file-changed", entry.key, message, fix, name)


def _no_models(store: Store, entry: Entry, files: Iterable[str]) -> Iterable[Finding]:
    """Yield models that the store took, as earlier releases did, though their bytes are of something else."""
    for name in sorted(files):
        if name.endswith(_MODELS) and (why := no_model(str(store.content(entry.key) / name))):
            fix = f"loom gc --remove {entry.key}, then run the target with --mirror=DIR, where DIR has the right file"
            yield _finding("store-file-no-model", entry.key, f"{entry.label}: {name} is no model: {why[0]}", fix, name)


def _finding(rule: str, key: str, message: str, fix: str, file: str = "") -> Finding:
    return Finding(rule=rule, severity="error", subject=key, message=message, file=file, fix=fix)
