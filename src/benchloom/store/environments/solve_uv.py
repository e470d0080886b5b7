"""uv as the solver: its locks (PEP 751) name every file with its digest."""

import tempfile
import urllib.parse
from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec

from benchloom.base import toml
from benchloom.base.pip_config import UvSettings
from benchloom.store.environments.seam import Commands, Pinned, SolveRequest, SolverError, is_wheel_url, plain


class _File(msgspec.Struct):
    url: str = ""
    path: str = ""
    size: int | None = None
    hashes: dict[str, str] = {}


class _Package(msgspec.Struct):
    name: str
    version: str = ""
    wheels: list[_File] = []
    sdist: _File | None = None
    archive: _File | None = None


class _Pylock(msgspec.Struct):
    packages: list[_Package] = []


class Uv:
    """uv with pip's configuration; ``tags`` are the wheel tags that the interpreter supports, best first."""

    name = "uv"

    def __init__(self, uv: str, settings: UvSettings, tags: Iterable[str], commands: Commands) -> None:
        self.uv, self.settings, self.commands = uv, settings, commands
        self.ranks = {tag: rank for rank, tag in reversed(list(enumerate(tags)))}

    def solve(self, question: SolveRequest) -> tuple[Pinned, ...]:
        """Return all distributions that satisfy ``question``.

        Raises SolverError.
        """
        lines = [*question.requirements, *(f"{item.name}=={item.version}" for item in question.locked)]
        with tempfile.TemporaryDirectory() as folder:
            wanted, found = Path(folder, "requirements.in"), Path(folder, "pylock.toml")
            wanted.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
            self._run("pip", "compile", wanted, "--format=pylock.toml", "-o", found, "--no-header", *_words(question))
            lock = _read(found)
        digests = {plain(item.name): item.digest for item in question.locked}
        return tuple(self._pinned(item, digests) for item in lock.packages)

    def build(self, archive: Path, out: Path, python: Path, *, is_isolated: bool) -> None:
        """Build one wheel for ``python`` into the folder ``out``.

        Raises SolverError.
        """
        options = [] if is_isolated else ["--no-build-isolation"]
        self._run("build", "--wheel", archive, "-o", out, f"--python={python}", "--no-create-gitignore", *options)

    def _run(self, *words: str | Path) -> None:
        options = () if words[0] == "build" else self.settings.options
        self.commands.run([self.uv, *map(str, words), "--quiet", *options], self.settings.environ)

    def _pinned(self, package: _Package, locked: Mapping[str, str]) -> Pinned:
        file = self._chosen(package, locked.get(plain(package.name), ""))
        digest = file.hashes.get("sha256", "")
        if not digest:
            raise SolverError([f"the index does not state the SHA-256 of {package.name} {package.version}"])
        url = file.url or Path(file.path).absolute().as_uri()
        is_wheel = is_wheel_url(url)
        return Pinned(
            name=package.name,
            version=package.version,
            url=url,
            digest=f"sha256:{digest}",
            is_wheel=is_wheel,
            size=file.size,
        )

    def _chosen(self, package: _Package, locked: str) -> _File:
        """Return the locked file, else the best wheel, else the source archive."""
        wheels = sorted(package.wheels, key=self._rank)
        files = [*wheels, *(item for item in (package.archive, package.sdist) if item)]
        if locked:
            files = [item for item in files if f"sha256:{item.hashes.get('sha256')}" == locked]
        if not files:
            what = f"has no file with the digest {locked}" if locked else "is neither a wheel nor a source archive"
            raise SolverError([f"{package.name} {package.version} {what}"])
        return files[0]

    def _rank(self, file: _File) -> int:
        name = urllib.parse.unquote(file.url or file.path).rpartition("/")[2].removesuffix(".whl")
        parts = [part.split(".") for part in name.split("-")[-3:]]
        tags = [f"{python}-{abi}-{platform}" for python in parts[0] for abi in parts[1] for platform in parts[2]]
        return min(self.ranks.get(tag, len(self.ranks)) for tag in tags)


def _words(question: SolveRequest) -> list[str]:
    alone = ["--no-deps"] if question.is_alone or question.locked else []
    return [f"--python={question.python}", *alone, *([] if question.is_isolated else ["--no-build-isolation"])]


def _read(file: Path) -> _Pylock:
    try:
        return msgspec.convert(toml.loads(file.read_text(encoding="utf-8")), _Pylock)
    except (OSError, ValueError) as error:
        raise SolverError([f"uv's lock cannot be read: {error}"]) from error
