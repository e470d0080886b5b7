"""Options of downloads, and the result of one."""

from dataclasses import dataclass
from pathlib import Path

from benchloom.base import limits


@dataclass(frozen=True)
class FetchOptions:
    """``mirror`` is a folder or base URL that is tried first; ``timeout`` is in seconds without data.

    ``retries`` attempts are made per source, ``backoff`` seconds (then doubled) apart, or as long as a server requests,
    up to ``patience``. An attempt ends if fewer than ``least_bytes`` come in ``window`` seconds, or after ``attempt``
    seconds. ``is_mirror_preferred`` takes the mirror's version even if a file without a digest is cached already.
    """

    offline: bool = False
    mirror: str = ""
    is_mirror_preferred: bool = False
    timeout: float = 30.0
    retries: int = 3
    backoff: float = 0.5
    patience: float = limits.RETRY_AFTER_SECONDS
    least_bytes: int = limits.LEAST_BYTES_PER_WINDOW
    window: float = limits.WINDOW_SECONDS
    attempt: float = limits.ATTEMPT_SECONDS


@dataclass(frozen=True)
class Download:
    """A file that was obtained and checked; ``source`` is its origin, without credentials."""

    path: Path
    digest: str
    size: int
    source: str
    reused: bool
