"""An environment from wheels that are entries of the store: their files linked into it, scripts and RECORD written."""

import contextlib
import errno
import io
import os
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from email.parser import HeaderParser
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

from installer import install
from installer.destinations import SchemeDictionaryDestination
from installer.records import Hash, RecordEntry
from installer.sources import WheelSource
from installer.utils import Scheme, get_launcher_kind

from benchloom.base.group import GRACE_SECONDS, start_group, wait_for_group
from benchloom.base.talk import Talk
from benchloom.errors import InstallError
from benchloom.store.entries import Entry, Store
from benchloom.store.environments.seam import Commands
from benchloom.store.environments.wheels import dist_info, record_digest
from benchloom.store.python_env import environment_python

if TYPE_CHECKING:
    from installer.sources import WheelContentElement

_CLONE = 0x40049409  # FICLONE of Linux: both files share their blocks until one of them is written to
_ABOUT_THE_FILE = frozenset({errno.ENOENT, errno.EEXIST, errno.ENOSPC, errno.EDQUOT, errno.EIO})
# Without scripts to activate it: they would name the folder, which is about to be renamed.
_VENV = """
import sys, venv
class Builder(venv.EnvBuilder):
    def setup_scripts(self, context):
        pass
Builder(symlinks=sys.platform != "win32").create(sys.argv[1])
"""


@contextlib.contextmanager
def started_venv(interpreter: Path, folder: Path, env: Mapping[str, str], commands: Commands) -> Iterator[None]:
    """Make an empty environment of ``interpreter`` in ``folder`` beside the block; it is whole when the block ends well.

    Raises InstallError.
    """
    with commands.log.open("ab") as sink:
        child = start_group([str(interpreter), "-IB", "-c", _VENV, str(folder)], env=env, stdout=sink)
    try:
        yield
    finally:
        wait_for_group(child, None, GRACE_SECONDS)
    if child.returncode:
        said = commands.log.read_text(errors="replace").splitlines()[-3:]
        raise InstallError(f"{interpreter} could not make an environment", where=str(commands.log), why=said)
    config = folder / "pyvenv.cfg"
    lines = config.read_text(encoding="utf-8").splitlines(keepends=True)
    config.write_text("".join(line for line in lines if not line.startswith("command")), encoding="utf-8")


class Linker:
    """Gives files second names by the best way there is: a clone, a hard link or a copy, found out with the first file."""

    def __init__(self) -> None:
        self._ways = [_clone, _hard_link, _copy]

    @property
    def is_sharing(self) -> bool:
        """Tell whether both names are of the very same file."""
        return self._ways[0] is _hard_link

    def link(self, source: Path, target: Path) -> None:
        """Let ``target``, which is not there yet, be ``source``. Raises OSError."""
        while True:
            try:
                return self._ways[0](source, target)
            except OSError as error:
                if error.errno in _ABOUT_THE_FILE or len(self._ways) == 1:
                    raise
                target.unlink(missing_ok=True)
                del self._ways[0]


def _clone(source: Path, target: Path) -> None:
    if sys.platform != "linux":
        raise OSError(errno.EOPNOTSUPP, "there is no such call")
    import fcntl  # there is none on Windows

    with source.open("rb") as old, target.open("xb") as new:
        fcntl.ioctl(new.fileno(), _CLONE, old.fileno())
    shutil.copymode(source, target)


def _hard_link(source: Path, target: Path) -> None:
    os.link(source, target)


def _copy(source: Path, target: Path) -> None:
    shutil.copyfile(source, target)
    shutil.copymode(source, target)


class _Unopened(io.BytesIO):
    """A file of a wheel, for a destination that links to it; it is read only by one that must change it."""

    def __init__(self, path: Path, digest: str, size: int) -> None:
        super().__init__()
        self.path, self.digest, self.size = path, digest, size


class UnpackedWheel(WheelSource):
    """A wheel that is an entry of the store."""

    def __init__(self, store: Store, entry: Entry) -> None:
        self.content, self.entry = store.content(entry.key), entry
        self.info = dist_info(self.content)
        name, _, version = self.info.name.removesuffix(".dist-info").rpartition("-")
        super().__init__(name, version)

    @property
    def dist_info_dir(self) -> str:
        """Return the name of the folder of metadata, which may be written otherwise than the file's name."""
        return self.info.name

    @property
    def dist_info_filenames(self) -> list[str]:
        """Return the names in the folder of metadata."""
        return [name.partition("/")[2] for name in self.entry.files if name.startswith(f"{self.info.name}/")]

    def read_dist_info(self, filename: str) -> str:
        """Return the text of a file of metadata."""
        return (self.info / filename).read_text(encoding="utf-8")

    def get_contents(self) -> "Iterator[WheelContentElement]":
        """Yield each file with its line for RECORD. Byte code is left out: it may be of other sources."""
        for name, digest in self.entry.files.items():
            path = self.content / name
            if "__pycache__" in name.split("/"):
                continue
            status = path.lstat()
            stream = cast("BinaryIO", _Unopened(path, digest, status.st_size))
            yield (name, record_digest(digest), str(status.st_size)), stream, bool(status.st_mode & 0o111)

    @property
    def distribution_name(self) -> str:
        """Return the name as the distribution itself writes it."""
        return HeaderParser().parsestr(self.read_dist_info("METADATA"))["Name"]

    @property
    def requires(self) -> list[str]:
        """Return what the distribution requires (PEP 508), whatever its extras want besides."""
        found = HeaderParser().parsestr(self.read_dist_info("METADATA")).get_all("Requires-Dist") or []
        return [item for item in found if "extra" not in item.partition(";")[2]]


class LinkedEnvironment(SchemeDictionaryDestination):
    """An environment in ``folder``, to be renamed to ``final``, into which files are linked.

    ``digests`` are those of what was linked, by path relative to ``folder``.
    """

    def __init__(self, folder: Path, final: Path) -> None:
        [site] = [path for path in folder.glob("[lL]ib/**/site-packages") if path.is_dir()]
        python = environment_python(final)
        scripts = folder / python.parent.name
        places = {"purelib": site, "platlib": site, "scripts": scripts, "headers": folder / "include", "data": folder}
        super().__init__(
            {name: str(path) for name, path in places.items()},
            str(python),
            get_launcher_kind(),
            overwrite_existing=True,
        )
        self.folder = folder
        self.linker = Linker()
        self.digests: dict[str, str] = {}
        self._there: set[str] = set()

    def add(self, wheel: UnpackedWheel) -> None:
        """Install one wheel. Raises OSError, InstallError for one that is not as wheels are."""
        try:
            install(wheel, self, additional_metadata={"INSTALLER": b"benchloom\n"})
        except (ValueError, AssertionError, KeyError) as error:
            raise InstallError(
                f"{wheel.entry.label} cannot be installed", where=str(wheel.content), why=[str(error)]
            ) from error

    def write_file(
        self, scheme: Scheme, path: str | os.PathLike[str], stream: BinaryIO, is_executable: bool
    ) -> RecordEntry:
        """Link a file, or write it if it is a script that names its interpreter."""
        if not isinstance(stream, _Unopened):
            return super().write_file(scheme, path, stream, is_executable)
        if scheme == "scripts" and _names_interpreter(stream.path):
            with stream.path.open("rb") as opened:
                return super().write_file(scheme, path, cast("BinaryIO", opened), is_executable)
        target = self._place(scheme, os.fspath(path))
        self.linker.link(stream.path, target)
        self.digests[target.relative_to(self.folder).as_posix()] = stream.digest
        return RecordEntry(os.fspath(path), Hash.parse(record_digest(stream.digest)), stream.size)

    def write_to_fs(self, scheme: Scheme, path: str, stream: BinaryIO, is_executable: bool) -> RecordEntry:
        """Write a file of the environment's own."""
        target = self._place(scheme, path)
        self.digests.pop(target.relative_to(self.folder).as_posix(), None)
        return super().write_to_fs(scheme, path, stream, is_executable)

    def _place(self, scheme: Scheme, path: str) -> Path:
        """Return where a file goes. One of that name is removed: written over, it would change in other places, too."""
        target = self._path_with_destdir(scheme, path)
        if str(target.parent) not in self._there:
            target.parent.mkdir(parents=True, exist_ok=True)
            self._there.add(str(target.parent))
        target.unlink(missing_ok=True)
        return target


def _names_interpreter(path: Path) -> bool:
    with path.open("rb") as stream:
        return stream.read(8) == b"#!python"


def link_all(wheels: Sequence[UnpackedWheel], folder: Path, final: Path, talk: Talk) -> LinkedEnvironment:
    """Install ``wheels`` into the empty environment ``folder``, which is to work as ``final``. Raises as ``add`` does."""
    made = LinkedEnvironment(folder, final)
    with talk.progress("linking Python packages", len(wheels), "packages") as bar:
        for wheel in wheels:
            made.add(wheel)
            bar.advance(1)
    return made
