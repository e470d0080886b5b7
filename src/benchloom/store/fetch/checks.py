"""Checks of downloaded files: size and digest if stated, else plausibility."""

from pathlib import Path

from benchloom.base import limits
from benchloom.base.digest import of_file
from benchloom.base.file_kinds import no_content, no_model, seen
from benchloom.errors import IntegrityError
from benchloom.model.component import Fetch
from benchloom.store.fetch.errors import WrongBytesError
from benchloom.store.fetch.names import file_name, redacted


def refuse_size(size: int | None, fetch: Fetch) -> None:
    """Raise WrongBytesError if a file has, or will have, a size other than stated, or exceeds the limit."""
    if size is not None and fetch.size is None and size > limits.DOWNLOAD_BYTES:
        raise WrongBytesError(f"{file_name(fetch)} has {size} bytes or more, the limit is {limits.DOWNLOAD_BYTES}")
    if size is not None and fetch.size is not None and size != fetch.size:
        raise WrongBytesError(f"{file_name(fetch)} has {size} bytes or more, the component states {fetch.size}")


def check(path: Path, fetch: Fetch, source: str, *, is_model: bool) -> str:
    """Return the digest of a file.

    Raises IntegrityError if it does not match the stated size and digest, or cannot be the requested file.
    """
    if not fetch.digest and (why := _implausible(path, fetch, is_model=is_model)):
        raise IntegrityError(f"{file_name(fetch)} is not the requested file", where=redacted(source), why=why)
    return digest_of(path, fetch, source)


def _implausible(path: Path, fetch: Fetch, *, is_model: bool) -> list[str]:
    """Return why a file without a stated digest cannot be the requested one."""
    if fetch.archive:
        from benchloom.store import archive  # late: in most runs everything is cached

        try:
            archive.check(path, fetch.archive)
        except IntegrityError as error:
            return [*seen(str(path)), f"it is not a valid {fetch.archive} archive", *error.why]
        return []
    return no_model(str(path)) if is_model else no_content(str(path), file_name(fetch))


def digest_of(path: Path, fetch: Fetch, source: str) -> str:
    """Return the digest of a file.

    Raises IntegrityError if size or digest are not those stated.
    """
    size = path.stat().st_size
    if fetch.size is not None and size != fetch.size:
        raise IntegrityError(
            f"{file_name(fetch)} has {size} bytes, the component states {fetch.size}", where=redacted(source)
        )
    digest = of_file(path, fetch.digest.partition(":")[0] if fetch.digest else "sha256")
    if fetch.digest and digest != fetch.digest:
        raise IntegrityError(
            f"{file_name(fetch)} is {digest}, the component states {fetch.digest}", where=redacted(source)
        )
    return digest
