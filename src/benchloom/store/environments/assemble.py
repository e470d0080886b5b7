"""Assemble an environment from wheels in the store: link their files, write scripts and RECORD."""

import contextlib
import errno
import io
import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from email.parser import HeaderParser
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

from installer import install
from installer.destinations import SchemeDictionaryDestination
from installer.records import Hash, RecordEntry
from installer.sources import WheelSource
from installer.utils import Scheme, get_launcher_kind

from benchloom.base.talk import Talk
from benchloom.errors import InstallError
from benchloom.store.entries import Store
from benchloom.store.entry import Entry
from benchloom.store.environments.wheels import dist_info, record_digest
from benchloom.store.python_env import environment_python

if TYPE_CHECKING:
    from installer.sources import WheelContentElement

_CLONE = 0x40049409  # FICLONE of Linux: both files share their blocks until one of them is written to
_ABOUT_THE_FILE = frozenset({errno.ENOENT, errno.EEXIST, errno.ENOSPC, errno.EDQUOT, errno.EIO})


class Linker:
    """Links files by the best method available: a clone, a hard link or a copy, determined with the first file."""

    def __init__(self) -> None:
        self._ways = [_clone, _hard_link, _copy]

    @property
    def is_sharing(self) -> bool:
        """Tell whether both names refer to the same file."""
        return self._ways[0] is _hard_link

    def link(self, source: str, target: str) -> None:
        """Create ``target`` as a link to or copy of ``source``.

        Raises OSError.
        """
        while True:
            try:
                return self._ways[0](source, target)
            except OSError as error:
                if error.errno in _ABOUT_THE_FILE or len(self._ways) == 1:
                    raise
                _remove(target)
                del self._ways[0]


def _clone(source: str, target: str) -> None:
    if sys.platform != "linux":
        raise OSError(errno.EOPNOTSUPP, "clones are not supported")
    import fcntl  # not available on Windows

    with open(source, "rb") as old, open(target, "xb") as new:
        fcntl.ioctl(new.fileno(), _CLONE, old.fileno())
    shutil.copymode(source, target)


def _hard_link(source: str, target: str) -> None:
    os.link(source, target)


def _copy(source: str, target: str) -> None:
    shutil.copyfile(source, target)
    shutil.copymode(source, target)


def _remove(path: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)


class _UnopenedFile(io.BytesIO):
    """A file of a wheel that is linked without being opened; it is read only if it has to be changed."""

    def __init__(self, path: str, digest: str, size: int) -> None:
        super().__init__()
        self.path, self.digest, self.size, self.recorded = path, digest, size, record_digest(digest)


class UnpackedWheel(WheelSource):
    """A wheel that is unpacked in the store."""

    def __init__(self, store: Store, entry: Entry) -> None:
        self.content, self.entry = store.content(entry.key), entry
        self.sizes = {name: size for name, (size, _) in store.seal(entry.key).items()}
        self.info = dist_info(self.content)
        name, _, version = self.info.name.removesuffix(".dist-info").rpartition("-")
        super().__init__(name, version)

    @property
    def dist_info_dir(self) -> str:
        """Return the name of the folder of metadata, which may be spelled differently from the wheel's file name."""
        return self.info.name

    @property
    def dist_info_filenames(self) -> list[str]:
        """Return the names in the folder of metadata."""
        return [name.partition("/")[2] for name in self.entry.files if name.startswith(f"{self.info.name}/")]

    def read_dist_info(self, filename: str) -> str:
        """Return the text of a file of metadata."""
        return (self.info / filename).read_text(encoding="utf-8")

    def get_contents(self) -> "Iterator[WheelContentElement]":
        """Yield each file with its line for RECORD.

        Bytecode is left out: it may not match the sources.
        """
        content = str(self.content)
        for name, digest in self.entry.files.items():
            if "__pycache__" not in name.split("/"):
                path = f"{content}/{name}"
                size = self.sizes[name] if name in self.sizes else os.path.getsize(path)
                stream = _UnopenedFile(path, digest, size)
                yield (name, stream.recorded, str(size)), cast("BinaryIO", stream), False

    @property
    def distribution_name(self) -> str:
        """Return the name as the distribution itself writes it."""
        return HeaderParser().parsestr(self.read_dist_info("METADATA"))["Name"]

    @property
    def requires(self) -> list[str]:
        """Return the requirements of the distribution (PEP 508), without those of its extras."""
        found = HeaderParser().parsestr(self.read_dist_info("METADATA")).get_all("Requires-Dist") or []
        return [item for item in found if "extra" not in item.partition(";")[2]]


class LinkedEnvironment(SchemeDictionaryDestination):
    """An environment in ``folder``, to be renamed to ``final``, into which files are linked.

    ``digests`` are those of the linked files, by path relative to ``folder``.
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
        self.root = f"{folder}{os.sep}"
        self.linker = Linker()
        self.digests: dict[str, str] = {}
        self._folders: dict[tuple[str, str], str] = {}

    def add(self, wheel: UnpackedWheel) -> None:
        """Install one wheel.

        Raises OSError, or InstallError if the wheel is invalid.
        """
        try:
            install(wheel, self, additional_metadata={"INSTALLER": b"benchloom\n"})
        except (ValueError, AssertionError, KeyError) as error:
            raise InstallError(
                f"{wheel.entry.label} cannot be installed", where=str(wheel.content), why=[str(error)]
            ) from error

    def write_file(
        self, scheme: Scheme, path: str | os.PathLike[str], stream: BinaryIO, is_executable: bool
    ) -> RecordEntry:
        """Link a file, or write it if it is a script with the path of its interpreter."""
        if not isinstance(stream, _UnopenedFile):
            return super().write_file(scheme, path, stream, is_executable)
        if scheme == "scripts" and _names_interpreter(stream.path):
            with open(stream.path, "rb") as opened:
                return super().write_file(scheme, path, opened, is_executable=True)
        target = self._place(scheme, os.fspath(path))
        try:
            self.linker.link(stream.path, target)
        except FileExistsError:  # as with pip, if two distributions have a file of the same name, the later one wins
            _remove(target)
            self.linker.link(stream.path, target)
        self.digests[self._name(target)] = stream.digest
        return RecordEntry(os.fspath(path), Hash.parse(stream.recorded), stream.size)

    def write_to_fs(self, scheme: Scheme, path: str, stream: BinaryIO, is_executable: bool) -> RecordEntry:
        """Write a file of the environment itself, replacing an existing one, which may be shared with the store."""
        target = self._place(scheme, path)
        _remove(target)
        self.digests.pop(self._name(target), None)
        return super().write_to_fs(scheme, path, stream, is_executable)

    def _name(self, target: str) -> str:
        return target.removeprefix(self.root).replace(os.sep, "/")

    def _place(self, scheme: Scheme, path: str) -> str:
        """Return the destination of a file, after creating its folder.

        Raises ValueError if it leads outside.
        """
        below, _, name = path.rpartition("/")
        folder = self._folders.get((scheme, below))
        if folder is None:
            folder = os.path.normpath(os.path.join(self.scheme_dict[scheme], below))
            if not f"{folder}{os.sep}".startswith(self.root):
                raise ValueError(f"{path} leads outside the environment")
            os.makedirs(folder, exist_ok=True)
            self._folders[scheme, below] = folder
        return f"{folder}{os.sep}{name}"


def _names_interpreter(path: str) -> bool:
    with open(path, "rb") as stream:
        return stream.read(8) == b"#!python"


def link_all(wheels: Sequence[UnpackedWheel], folder: Path, final: Path, talk: Talk) -> LinkedEnvironment:
    """Install ``wheels`` into the empty environment ``folder``, which will be renamed to ``final``.

    Raises as ``add`` does.
    """
    made = LinkedEnvironment(folder, final)
    with talk.progress("linking Python packages", len(wheels), "packages") as bar:
        for wheel in wheels:
            made.add(wheel)
            bar.advance(1)
    return made
