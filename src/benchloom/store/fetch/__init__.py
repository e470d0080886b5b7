"""Downloads: the fetcher, and a transport for each URL scheme."""

from benchloom.store.fetch.fetcher import Fetcher
from benchloom.store.fetch.names import file_name, place_of, redacted
from benchloom.store.fetch.options import Download, FetchOptions
from benchloom.store.fetch.parts import download_lock

__all__ = ["Download", "FetchOptions", "Fetcher", "download_lock", "file_name", "place_of", "redacted"]
