"""Where Benchloom stores its files on this machine.

``LOOM_HOME`` wins; else the user's data folder (platformdirs); else, if that cannot be created (no HOME, a
read-only parent), a folder under the system's temporary directory that belongs to this user alone. Only
``Locations.ensure`` and the check of that last folder create anything.
"""

import contextlib
import errno
import os
import stat
from dataclasses import dataclass
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1]
INSTALLED = "repository"  # where a wheel has the components, below the package


def own_components() -> Path | None:
    """Return the component repository that ships with this package: its folder ``repository``, else the checkout; None without any."""
    roots = (PACKAGE / INSTALLED, PACKAGE.parents[1])
    return next((root for root in roots if (root / ".ckr.json").is_file()), None)


@dataclass(frozen=True)
class Locations:
    """The folders of one Benchloom home."""

    home: Path

    @property
    def store(self) -> Path:
        """Content-addressed entries, stages and downloads."""
        return self.home / "store"

    @property
    def index(self) -> Path:
        """Persisted index files, one per set of repositories."""
        return self.home / "index"

    @property
    def repositories(self) -> Path:
        """The list of added repositories (JSON)."""
        return self.home / "repositories.json"

    @property
    def given(self) -> Path:
        """Files that the user supplied to replace downloads of components (JSON)."""
        return self.home / "given.json"

    @property
    def clones(self) -> Path:
        """Repositories added by git URL."""
        return self.home / "repos"

    @property
    def runs(self) -> Path:
        """Run directories, one per run."""
        return self.home / "runs"

    @property
    def measuring(self) -> Path:
        """Locks of the runs that are measuring now."""
        return self.home / "measuring"

    @property
    def records(self) -> Path:
        """Records, one JSON file per run."""
        return self.home / "records"

    @property
    def tunings(self) -> Path:
        """Searches for best settings, one folder each."""
        return self.home / "tunings"

    @property
    def venvs(self) -> Path:
        """Virtual environments, one folder each."""
        return self.home / "venvs"

    @property
    def config(self) -> Path:
        """User settings (TOML)."""
        return self.home / "config.toml"

    def ensure(self) -> "Locations":
        """Create the home folder and return self.

        Raises OSError if even the fallback cannot be written.
        """
        self.home.mkdir(parents=True, exist_ok=True)
        return self


def locate(environ: "os._Environ[str] | dict[str, str]") -> Locations:
    """Return the locations for this environment, picking the first home that can be written.

    Raises PermissionError if only the temporary directory is left and its folder of our name is not this user's alone.
    """
    if chosen := environ.get("LOOM_HOME"):
        return Locations(Path(chosen).expanduser().resolve())
    import platformdirs  # late: not needed for completion and --help

    preferred = Path(platformdirs.user_data_dir("benchloom", appauthor=False))
    if _can_create(preferred):
        return Locations(preferred)
    import tempfile  # late: needed only without a home folder

    uid = os.getuid() if hasattr(os, "getuid") else "user"
    shared = Path(tempfile.gettempdir()) / f"benchloom-{uid}"
    _require_private(shared)
    return Locations(shared)


def _require_private(folder: Path) -> None:
    """Create ``folder`` if it is missing, and reject one that others may write to, since everybody can create files in its parent."""
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    found = os.lstat(folder)
    is_own = not hasattr(os, "getuid") or (found.st_uid == os.getuid() and stat.S_IMODE(found.st_mode) == 0o700)
    if not (stat.S_ISDIR(found.st_mode) and is_own):
        raise PermissionError(
            errno.EPERM, "it is not a folder of this user alone (mode 0700); set LOOM_HOME to one", str(folder)
        )


def _can_create(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return False
    return os.access(folder, os.W_OK)


def existing(text: str) -> str | None:
    """Return the absolute path for ``text`` with links resolved; None if it does not exist."""
    path = Path(text).expanduser().resolve()
    return str(path) if path.exists() else None
