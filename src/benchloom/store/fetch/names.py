"""Names of downloads: file names, URLs without credentials, paths in a mirror."""

import os
import urllib.parse
from pathlib import Path

from benchloom.model.component import Fetch


def file_name(fetch: Fetch) -> str:
    """Return the name of a downloaded file: as stated, else the last part of its URL or path, percent-decoded."""
    return Path(fetch.filename or urllib.parse.unquote(split_url(fetch.url).path) or fetch.path).name or "download"


def place_of(fetch: Fetch) -> str:
    """Return the path of the file of ``fetch`` if it is not unpacked, relative to the entry; not checked for ``..``."""
    return os.path.normpath(os.path.join(fetch.unpack_to, fetch.filename or file_name(fetch)))


def split_url(url: str) -> urllib.parse.SplitResult:
    """Return the parts of ``url``; empty ones if it is invalid."""
    try:
        return urllib.parse.urlsplit(url)
    except ValueError:
        return urllib.parse.SplitResult("", "", "", "", "")


def redacted(url: str) -> str:
    """Return ``url`` without credentials: no user information, query or fragment."""
    parts = split_url(url)
    host = parts.netloc.rpartition("@")[2]
    return urllib.parse.urlunsplit((parts.scheme, host, parts.path, "..." if parts.query else "", ""))


def mirror_places(fetch: Fetch) -> list[str]:
    """Return the paths that a mirror may have for a file, most reliable first: by digest, by original URL, by name.

    The first two keep files of equal names apart; the second is the layout of ``wget --force-directories``.
    """
    name = file_name(fetch)
    by_digest = [f"{fetch.digest.replace(':', '/')}/{name}"] if fetch.digest else []
    address = split_url(fetch.url)
    by_address = [f"{address.hostname}{urllib.parse.unquote(address.path)}"] if address.hostname else []
    return [*by_digest, *by_address, name]
