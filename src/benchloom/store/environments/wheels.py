"""Wheels as entries of the store: fetched, checked against digest and RECORD, unpacked, sealed, found again by digest."""

import base64
import contextlib
import csv
import os
import tempfile
import urllib.parse
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchloom.base.digest import of_bytes, of_file
from benchloom.base.pip_config import connects_otherwise
from benchloom.base.talk import Talk
from benchloom.errors import FetchError, InstallError, IntegrityError
from benchloom.model.component import Fetch
from benchloom.store.entries import WHEEL_KEY, Store
from benchloom.store.entry import Entry
from benchloom.store.environments.seam import Pinned, Solver, SolverError
from benchloom.store.environments.solve_pip import Pip
from benchloom.store.fetch import Fetcher, file_name
from benchloom.store.sealing import BuildOutput
from benchloom.store.verify import refuse_damaged

_AT_ONCE = min(4, os.cpu_count() or 1)  # unpacking is CPU-bound; more at once would only compete


class Builder:
    """How wheels are built from source archives: by ``solver`` for ``python``.

    Without ``is_isolated``, that interpreter has the build dependencies installed, which ``among`` names.
    """

    def __init__(self, solver: Solver, python: Path, tag: str, *, is_isolated: bool = True, among: str = "") -> None:
        self.solver, self.python, self.is_isolated = solver, python, is_isolated
        self.marks = f"{tag} {among}"

    def key(self, pinned: Pinned) -> str:
        """Return the key of a distribution's entry.

        A wheel built from a source archive has one key per Python.
        """
        if pinned.is_wheel:
            return f"{WHEEL_KEY}{pinned.digest.partition(':')[2]}"
        return f"{WHEEL_KEY}{of_bytes(f'{pinned.digest} {self.marks}'.encode()).partition(':')[2]}"

    def build(self, archive: Path, out: Path) -> Path:
        """Build one wheel into the folder ``out`` and return it.

        Raises SolverError.
        """
        self.solver.build(archive, out, self.python, is_isolated=self.is_isolated)
        wheels = sorted(out.glob("*.whl"))
        if len(wheels) != 1:
            raise SolverError([f"{archive.name} gave {len(wheels)} wheels"])
        return wheels[0]


class Wheels:
    """The wheels of a store; several are obtained concurrently."""

    def __init__(self, store: Store, fetcher: Fetcher, pip: Pip, talk: Talk) -> None:
        self.store, self.fetcher, self.pip, self.talk = store, fetcher, pip, talk

    def obtain(self, pinned: Sequence[Pinned], builder: Builder) -> list[Entry]:
        """Return an entry for each distribution, in their order; finished ones stay in the store if another fails.

        Raises what fetching raises, IntegrityError for a wheel that does not match its index or RECORD, SolverError.
        """
        missing = self._missing(pinned, builder)
        with tempfile.TemporaryDirectory() as folder:
            here = self._by_pip(missing, Path(folder), builder) if self._must_ask_pip(missing) else {}
            try:
                self._make_all(missing, builder, here)
            except FetchError as error:
                if here or not any(map(_is_remote, missing)):
                    raise
                self.talk.note(f"{error.what}, falling back to pip")  # pip may have credentials
                missing = self._missing(missing, builder)
                self._make_all(missing, builder, self._by_pip(missing, Path(folder), builder))
        return [self._make(item, builder, {}) for item in pinned]

    def is_empty(self) -> bool:
        """Tell whether the store has no wheels yet, so that some will have to be downloaded."""
        return not any(key.startswith(WHEEL_KEY) for key in self.store.keys())  # noqa: SIM118 - a store is not a dict

    def sound(self, key: str) -> Entry | None:
        """Return the entry of a wheel; one with modified files is removed, so that it is fetched again."""
        try:
            refuse_damaged(self.store, key, fully=False)
        except IntegrityError as error:
            self.talk.warn(f"{error.what}: {'; '.join(error.why[:1])}; fetching it again")
            self.store.remove(key)
        return self.store.find(key)

    def _missing(self, pinned: Sequence[Pinned], builder: Builder) -> list[Pinned]:
        return [item for item in pinned if self.sound(builder.key(item)) is None]

    def _make_all(self, missing: Sequence[Pinned], builder: Builder, here: Mapping[str, Path]) -> None:
        """Fetch wheels, several at once, then build those that have only a source archive."""
        largest_first = sorted((item for item in missing if item.is_wheel), key=_size, reverse=True)
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            futures = [pool.submit(self._make, item, builder, here) for item in largest_first]
            try:
                for future in futures:
                    future.result()
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise
        for item in (item for item in missing if not item.is_wheel):
            self._make(item, builder, here)

    def _make(self, pinned: Pinned, builder: Builder, here: Mapping[str, Path]) -> Entry:
        key = builder.key(pinned)
        if found := self.store.find(key):
            return found
        label = f"{pinned.name} {pinned.version}"
        fetch = Fetch(url=pinned.url, digest=pinned.digest, size=pinned.size)

        def fill(folder: Path) -> BuildOutput:
            archive = here.get(pinned.digest) or self._file(pinned, fetch)
            if pinned.is_wheel:
                return unpack(archive, file_name(fetch), folder, pinned.digest)
            building = self.talk.progress(f"building {label} from its source archive", None, "")
            with tempfile.TemporaryDirectory() as out, building:
                named = Path(out, "source", file_name(fetch))  # installers rely on the file name
                named.parent.mkdir()
                named.symlink_to(archive)
                built = builder.build(named, Path(out))
                return unpack(built, built.name, folder, pinned.digest)

        entry = self.store.build(key, label, fill)
        self.fetcher.blob(fetch).unlink(missing_ok=True)  # its unpacked content is kept, so the archive is not needed
        return entry

    def _file(self, pinned: Pinned, fetch: Fetch) -> Path:
        if not pinned.url:
            raise SolverError(
                [f"{pinned.name} {pinned.version} was damaged in the store and has been removed: run again"]
            )
        if pinned.url.startswith("file:"):
            path = _local(pinned)
            _refuse_other_bytes(path, pinned)
            return path
        return self.fetcher.obtain(fetch, Path()).path

    def _must_ask_pip(self, missing: Iterable[Pinned]) -> bool:
        """Tell whether access to an index needs pip's own configuration."""
        return any(map(_is_remote, missing)) and connects_otherwise(self.pip.source.environ)

    def _by_pip(self, missing: Sequence[Pinned], out: Path, builder: Builder) -> dict[str, Path]:
        remote = [item for item in missing if _is_remote(item)]
        names = ", ".join(item.name for item in remote)
        with self.talk.progress(f"downloading {names} with pip, as its configuration requires", None, ""):
            self.pip.download(remote, out, str(builder.python))
        return {of_file(path): path for path in out.iterdir()}


def _size(pinned: Pinned) -> int:
    """Return the size of a file, or 0 if unknown before the download."""
    if pinned.size is None and pinned.url.startswith("file:"):
        with contextlib.suppress(OSError):
            return _local(pinned).stat().st_size
    return pinned.size or 0


def _local(pinned: Pinned) -> Path:
    return Path(urllib.parse.unquote(urllib.parse.urlsplit(pinned.url).path))


def _is_remote(pinned: Pinned) -> bool:
    return pinned.url.startswith(("http:", "https:"))


def _refuse_other_bytes(path: Path, pinned: Pinned) -> None:
    try:
        found = of_file(path)
    except OSError as error:
        raise FetchError(f"{path.name} cannot be read", where=str(path), why=[str(error.strerror)]) from error
    if found != pinned.digest:
        why = [f"expected {pinned.digest}, found {found}"]
        raise IntegrityError(f"{path.name} does not match the digest in its index", where=str(path), why=why)


def unpack(wheel: Path, name: str, folder: Path, digest: str) -> BuildOutput:
    """Unpack the wheel called ``name`` into ``folder``, and check every file with its RECORD.

    ``digest`` is that of the file in the index: the wheel, or its source archive. Raises IntegrityError for a wheel
    that is malicious, corrupt or does not match its RECORD.
    """
    from benchloom.store.archive import extract_digested  # late: in most runs everything is cached

    digests = extract_digested(wheel, "zip", folder)
    recorded = _recorded(folder, wheel)
    wrong = sorted(_differences(recorded, digests, folder))
    if wrong:
        fix = "do not use this file; report it to its publisher"
        raise IntegrityError(f"{name} does not match its RECORD", where=str(wheel), why=wrong[:6], fix=fix)
    return BuildOutput(meta={"wheel": name, "digest": digest}, digests=digests)


def dist_info(folder: Path) -> Path:
    """Return the metadata folder in an unpacked wheel.

    Raises InstallError unless there is exactly one.
    """
    found = sorted(folder.glob("*.dist-info"))
    if len(found) != 1:
        raise InstallError(f"a wheel has {len(found)} folders .dist-info", where=str(folder), fix="use another version")
    return found[0]


def _recorded(folder: Path, wheel: Path) -> dict[str, str]:
    """Return the digest (``sha256=...`` in URL-safe base64) of each file as stated in RECORD."""
    try:
        with (dist_info(folder) / "RECORD").open(encoding="utf-8", newline="") as stream:
            return {row[0]: row[1] for row in csv.reader(stream) if len(row) == 3}
    except (OSError, ValueError, csv.Error) as error:
        raise IntegrityError(f"{wheel.name} has no readable RECORD", where=str(wheel), why=[str(error)]) from error


def _differences(recorded: Mapping[str, str], digests: Mapping[str, str], folder: Path) -> Iterator[str]:
    """Yield files that are missing or differ.

    A file that RECORD omits is covered by the digest of the whole wheel.
    """
    for name, stated in recorded.items():
        found = digests.get(name)
        if found is None:
            yield f"{name} is missing"
        elif stated and stated != record_digest(found) and not _is_other_algorithm(stated, folder / name):
            yield f"{name} differs"


def _is_other_algorithm(stated: str, file: Path) -> bool:
    """Tell whether a file matches a digest of another algorithm that wheels may use."""
    algorithm = stated.partition("=")[0]
    return algorithm in {"sha384", "sha512"} and record_digest(of_file(file, algorithm)) == stated


def record_digest(digest: str) -> str:
    """Return a digest (``sha256:`` and hexadecimal) as RECORD writes it: ``sha256=`` and URL-safe base64 without padding."""
    algorithm, _, value = digest.partition(":")
    return f"{algorithm}={base64.urlsafe_b64encode(bytes.fromhex(value)).rstrip(b'=').decode()}"
