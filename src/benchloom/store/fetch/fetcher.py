"""Downloads: check the cache, stream to a ``.part``, resume, try every source, check size and digest, cache by digest."""

import contextlib
import os
import threading
import urllib.parse
from collections.abc import Iterator, Mapping
from pathlib import Path

from benchloom.base.digest import of_bytes
from benchloom.base.file_kinds import seen
from benchloom.base.talk import Silent, Talk
from benchloom.errors import FetchError, InputError, IntegrityError, LoomError, OfflineError
from benchloom.model.component import Fetch
from benchloom.store.entries import disk_full_reported
from benchloom.store.fetch.checks import check, digest_of
from benchloom.store.fetch.errors import SourceError, UnsupportedSourceError, WrongBytesError
from benchloom.store.fetch.names import file_name, mirror_places, redacted
from benchloom.store.fetch.options import Download, FetchOptions
from benchloom.store.fetch.parts import download_lock, forget, part_of, publish
from benchloom.store.fetch.transports import Transport, is_local, is_remote, transport_of, transports


class Fetcher:
    """Obtains files into ``<root>/downloads``, one download per file across processes."""

    def __init__(self, root: Path, options: FetchOptions | None = None, talk: Talk | None = None) -> None:
        self.root = root
        self.folder = root / "downloads"
        self.options = options or FetchOptions()
        self.stop = threading.Event()  # set by an interrupt: downloads in other threads end and can be resumed
        self.talk: Talk = talk or Silent()
        self._opened: dict[type[Transport], Transport] = {}
        self._asked: set[str] = set()  # blobs that were requested from the preferred mirror

    def blob(self, fetch: Fetch) -> Path:
        """Where the file is cached: by its digest, or by its URL if no digest is known."""
        if fetch.digest:
            return self.folder / fetch.digest.replace(":", "-")
        return self.folder / f"unpinned-{of_bytes(fetch.url.encode()).partition(':')[2][:32]}"

    def prepare(self, scheme: str) -> None:
        """Import and read what downloads of ``scheme`` need, before the first one.

        Raises OSError or ValueError.
        """
        self._transport(f"{scheme}:").prepare()

    def missing(self, fetch: Fetch) -> bool:
        """Tell whether obtaining ``fetch`` would need the network.

        Opens no socket.
        """
        if fetch.path or is_local(fetch.url) or self.blob(fetch).is_file():
            return False
        return not any(path.is_file() for path in self._mirror_files(fetch))

    def obtain(self, fetch: Fetch, component_folder: Path, *, is_model: bool = False) -> Download:
        """Return the file, from the component's folder, an earlier download, the mirror or its URLs, in that order.

        Without a digest, implausible files are rejected: an archive must be readable to its end, and a file with
        ``is_model`` must look like a model. Raises IntegrityError (sources delivered only files that do not match),
        OfflineError, FetchError (every source failed, each reason given), InstallError (the disk is full) or InputError
        (no transport supports the scheme of any source).
        """
        if fetch.path:
            return self._local(fetch, component_folder)
        with self._one_download(fetch) as blob:
            return (
                self._from_preferred_mirror(fetch, blob, is_model=is_model)
                or self._kept(fetch, blob, is_model=is_model)
                or self._from_sources(fetch, blob, is_model=is_model)
            )

    def preferred(self, fetch: Fetch, *, is_model: bool = False) -> Download | None:
        """Return the preferred mirror's version of a file without a digest; None if there is none."""
        if fetch.path or fetch.digest or not (self.options.mirror and self.options.is_mirror_preferred):
            return None
        with self._one_download(fetch) as blob:
            return self._from_preferred_mirror(fetch, blob, is_model=is_model)

    def forget(self, fetch: Fetch) -> None:
        """Remove a cached file without a digest that turned out to be the wrong one."""
        if fetch.url and not fetch.digest:
            with self._one_download(fetch) as blob:
                blob.unlink(missing_ok=True)

    @contextlib.contextmanager
    def _one_download(self, fetch: Fetch) -> Iterator[Path]:
        blob = self.blob(fetch)
        with disk_full_reported(self.root, file_name(fetch)), self._lock(fetch, blob):
            self.folder.mkdir(parents=True, exist_ok=True)
            try:
                yield blob
            except OSError:  # the disk is full or failing: remove the partial file
                forget(part_of(blob))
                raise

    @contextlib.contextmanager
    def _lock(self, fetch: Fetch, blob: Path) -> Iterator[None]:
        from filelock import Timeout  # late, as below

        lock = download_lock(self.root, blob.name)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            self.talk.note(f"waiting for another process that is downloading {file_name(fetch)}")
            lock.acquire()
        try:
            yield
        finally:
            lock.release()

    def _kept(self, fetch: Fetch, blob: Path, *, is_model: bool) -> Download | None:
        """Return an earlier download (or a file that the user placed there) if it is still valid."""
        if not blob.is_file():
            return None
        try:
            digest = check(blob, fetch, str(blob), is_model=is_model)
        except IntegrityError as error:
            self.talk.warn(f"{blob} is invalid and will be downloaded again: {error.what}")
            blob.unlink()
            return None
        return Download(blob, digest, blob.stat().st_size, str(blob), reused=True)

    def _local(self, fetch: Fetch, folder: Path) -> Download:
        path = (folder / fetch.path).resolve()
        if not path.is_relative_to(folder.resolve()):
            raise InputError(f"{fetch.path} leads outside the component", where=str(folder))
        if not path.is_file():
            raise FetchError(f"{fetch.path} is not in the component's folder", where=str(folder))
        digest = digest_of(path, fetch, str(path))
        return Download(path, digest, path.stat().st_size, str(path), reused=True)

    def _from_preferred_mirror(self, fetch: Fetch, blob: Path, *, is_model: bool) -> Download | None:
        """Return the mirror's file if no digest is stated and the mirror is preferred; it is requested once."""
        if fetch.digest or not self.options.is_mirror_preferred or blob.name in self._asked:
            return None
        self._asked.add(blob.name)
        for source in self._mirror_sources(fetch):
            try:
                return self._from_source(source, fetch, blob, is_model=is_model)
            except WrongBytesError as error:
                self.talk.warn(f"{redacted(source)}: {error}")
            except SourceError:  # the mirror does not have the file
                continue
        return None

    def _from_sources(self, fetch: Fetch, blob: Path, *, is_model: bool) -> Download:
        failed: dict[str, Exception] = {}
        for source in self._sources(fetch):
            try:
                return self._from_source(source, fetch, blob, is_model=is_model)
            except (WrongBytesError, SourceError) as error:
                failed[source] = error
        raise self._failure(fetch, blob, failed)

    def _failure(self, fetch: Fetch, blob: Path, failed: Mapping[str, Exception]) -> LoomError:
        name, where = file_name(fetch), redacted(fetch.url)
        reasons = [f"{redacted(source)}: {error}" for source, error in failed.items()]
        if failed and all(isinstance(error, UnsupportedSourceError) for error in failed.values()):
            fix = "correct the URL in the component"
            return InputError(f"{name} has no usable URL", where=where, why=reasons, fix=fix)
        if any(isinstance(error, WrongBytesError) for error in failed.values()):
            what = "the file that the component states" if fetch.digest or fetch.size is not None else "such a file"
            fix = (
                "if upstream re-released the file, review it and update the digest in the component"
                if fetch.digest
                else "name another URL in the component, or a folder that has the file with --mirror"
            )
            return IntegrityError(f"{name}: no source delivered {what}", where=where, why=reasons, fix=fix)
        if self.options.offline:
            fix = f"place the file at {blob}, give a --mirror folder, or run without --offline"
            return OfflineError(
                f"{name} ({fetch.digest or 'unpinned'}) is missing and --offline forbids fetching it",
                where=where,
                why=reasons,
                fix=fix,
            )
        return FetchError(
            f"{name} could not be fetched",
            where=where,
            why=reasons,
            fix=f"try again later, or place the file at {blob}",
        )

    def _sources(self, fetch: Fetch) -> Iterator[str]:
        yield from self._mirror_sources(fetch)
        for url in (fetch.url, *fetch.mirrors):
            if is_local(url) or not self.options.offline:
                yield url

    def _mirror_sources(self, fetch: Fetch) -> Iterator[str]:
        yield from (path.as_uri() for path in self._mirror_files(fetch) if path.is_file())
        if is_remote(self.options.mirror) and not self.options.offline:
            yield from (
                f"{self.options.mirror.rstrip('/')}/{urllib.parse.quote(place)}" for place in mirror_places(fetch)
            )

    def _mirror_files(self, fetch: Fetch) -> list[Path]:
        mirror = self.options.mirror
        if not mirror or is_remote(mirror):
            return []
        root = Path(mirror).expanduser().resolve()
        places = (Path(os.path.normpath(root / place)) for place in mirror_places(fetch))
        return [path for path in places if path.is_relative_to(root)]

    def _transport(self, source: str) -> Transport:
        found = transport_of(source)
        if found is None:
            raise UnsupportedSourceError(f"its scheme is not one of {', '.join(transports())}")
        return self._opened.get(found) or self._opened.setdefault(found, found(self.options, self.stop, self.talk))

    def _from_source(self, source: str, fetch: Fetch, blob: Path, *, is_model: bool, again: bool = True) -> Download:
        part = part_of(blob)
        is_resumed = self._transport(source).download(source, fetch, part)
        try:
            digest = check(part, fetch, source, is_model=is_model)
        except IntegrityError as error:
            what = "; ".join([error.what, *(error.why or seen(str(part)))])
            forget(part)
            if is_resumed and again:  # the resumed part may be damaged, not the source
                return self._from_source(source, fetch, blob, is_model=is_model, again=False)
            raise WrongBytesError(what) from error
        size = part.stat().st_size
        publish(part, blob, is_durable=not fetch.digest)
        if not fetch.digest:
            self.talk.note(
                f"{file_name(fetch)} is not pinned; its digest is {digest}: add it to the component to pin the file"
            )
        return Download(blob, digest, size, redacted(source), reused=False)
