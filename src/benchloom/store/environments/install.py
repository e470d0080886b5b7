"""The plan's Python environment: all libraries solved together, each a wheel of the store, linked into one folder."""

import os
import platform
import secrets
import sys
import tempfile
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from msgspec.structs import replace

from benchloom.base.pip_config import PipConfigError, find_uv, uv_settings
from benchloom.base.talk import Talk
from benchloom.errors import InstallError, OfflineError
from benchloom.model.base import Value
from benchloom.model.environment import Distribution
from benchloom.store.entries import WHEEL_KEY, WHEELS, Store, disk_full_reported
from benchloom.store.entry import Entry
from benchloom.store.environments.cached_wheels import CachedWheels, cached_wheels
from benchloom.store.environments.empty import started_venv
from benchloom.store.environments.seam import (
    Commands,
    EnvironmentRequest,
    Pinned,
    Solver,
    SolveRequest,
    SolverError,
    Source,
    named,
    plain,
)
from benchloom.store.environments.solve_pip import Pip
from benchloom.store.environments.solve_uv import Uv
from benchloom.store.environments.wheels import Builder, Wheels
from benchloom.store.fetch import Fetcher
from benchloom.store.python_env import environment_python, interpreter_version
from benchloom.store.sealing import BuildOutput

if TYPE_CHECKING:
    from benchloom.store.environments.assemble import UnpackedWheel

_Answer = TypeVar("_Answer")
_Protect = Callable[[Iterable[str]], None]


class EnvironmentTarget(Value, frozen=True, kw_only=True):
    """Where an environment is created: in ``folder``, with ``interpreter``, to be renamed to ``final``."""

    folder: Path
    final: Path
    interpreter: Path


def install_environment(
    place: EnvironmentTarget,
    wanted: EnvironmentRequest,
    source: Source,
    *,
    store: Store,
    fetcher: Fetcher,
    log: Path,
    talk: Talk,
) -> tuple[tuple[Distribution, ...], BuildOutput]:
    """Create an environment, and return its distributions, sorted by name, and the description of its files for the store.

    Raises OfflineError or InstallError with the solver's own error lines (the log has the rest), and what fetching
    raises. Wheels obtained before a failure stay in the store.
    """
    commands, tags = Commands(log), _tags(place.interpreter)
    builder = Builder(Pip(source, commands), place.interpreter, tags[0])
    try:
        with (
            cached_wheels(store, builder.key, offline=source.offline) as here,
            _kept_from_collection(store) as protect,
        ):
            source = replace(source, find_links=(*source.find_links, *here.folders))
            wheels = Wheels(store, fetcher, Pip(source, commands), talk)
            return _EnvironmentBuilder(place.interpreter, tags, wanted, wheels, here, protect).make(place)
    except SolverError as error:
        raise _failure(wanted.requirements, error.lines, log, source.offline) from error


class _EnvironmentBuilder:
    """Builds one environment: what is requested, and what is used for it."""

    def __init__(
        self,
        interpreter: Path,
        tags: list[str],
        wanted: EnvironmentRequest,
        wheels: Wheels,
        here: CachedWheels,
        protect: _Protect,
    ) -> None:
        self.interpreter, self.tags, self.wanted, self.wheels, self.here = interpreter, tags, wanted, wheels, here
        self.protect = protect
        self.store, self.talk, self.pip = wheels.store, wheels.talk, wheels.pip
        self.source, self.commands = self.pip.source, self.pip.commands
        self.uv = self._uv()

    def make(self, place: EnvironmentTarget) -> tuple[tuple[Distribution, ...], BuildOutput]:
        with disk_full_reported(place.final, "Python environment"), ThreadPoolExecutor(1) as pool:
            pool.submit(self._prepare)
            with started_venv(place.interpreter, place.folder, self._environ(), self.commands):
                pairs = self._wheels()
            from benchloom.store.environments.assemble import link_all  # late: few commands create one

            wheels = [self._unpacked(entry) for _, entry in pairs]
            linked = link_all(wheels, place.folder, place.final, self.talk)
        found = {wheel.distribution_name: pinned for wheel, (pinned, _) in zip(wheels, pairs, strict=True)}
        made = BuildOutput(
            meta={WHEELS: ",".join(sorted(entry.key for _, entry in pairs))},
            digests=linked.digests,
            durable=frozenset(linked.digests) if linked.linker.is_sharing else frozenset(),
        )
        return tuple(
            Distribution(name=name, version=found[name].version, digest=found[name].digest) for name in sorted(found)
        ), made

    def _prepare(self) -> None:
        """Import and read what is needed later, while the solver runs.

        Errors are ignored here and recur when it is needed.
        """
        import benchloom.store.environments.assemble  # noqa: F401

        if self.wheels.is_empty() and not self.source.offline:
            self.wheels.fetcher.prepare("https")

    # -- which wheels -------------------------------------------------------------------------------------------------

    def _wheels(self) -> list[tuple[Pinned, Entry]]:
        """Return the wheels of the environment; those built among others come first, since their requirements are then known."""
        late = {named(requirement): requirement for requirement in self.wanted.built_among}
        built = [pair for requirement in late.values() for pair in self._built_among_others(requirement, late)]
        if self.wanted.locked:
            rest = SolveRequest(python=str(self.interpreter), locked=self._locked(late, is_late=False))
        else:
            others = [item for among in self.wanted.built_among.values() for item in among]
            required = [item for _, entry in built for item in self._unpacked(entry).requires]
            stated = [item for item in self.wanted.requirements if not (late and named(item) in late)]
            rest = SolveRequest(python=str(self.interpreter), requirements=(*stated, *others, *required))
        solved = [item for item in self._solve(rest) if not (late and plain(item.name) in late)]
        return [*zip(solved, self._obtain(solved, self._builder), strict=True), *built]

    def _built_among_others(self, requirement: str, late: Collection[str]) -> list[tuple[Pinned, Entry]]:
        """Return the wheel for ``requirement``, built in an environment that has its build dependencies installed."""
        from benchloom.store.environments.assemble import link_all  # late, as above

        name = named(requirement)
        others = SolveRequest(python=str(self.interpreter), requirements=self.wanted.built_among[requirement])
        if self.wanted.locked:
            others = SolveRequest(python=str(self.interpreter), locked=self._locked(late, is_late=False))
        with tempfile.TemporaryDirectory() as folder:
            place = Path(folder, "environment")
            with started_venv(self.interpreter, place, self._environ(), self.commands):
                entries = self._obtain(self._solve(others), self._builder)
            link_all([self._unpacked(entry) for entry in entries], place, place, self.talk)
            python = environment_python(place)
            among = " ".join(sorted(entry.key for entry in entries))
            question = SolveRequest(
                requirements=() if self.wanted.locked else (requirement,),
                python=str(python),
                locked=self._locked({name}, is_late=True),
                is_alone=True,
                is_isolated=False,
            )
            pinned = self._solve(question)
            found = self._obtain(
                pinned, lambda solver: Builder(solver, python, self.tags[0], is_isolated=False, among=among)
            )
        return list(zip(pinned, found, strict=True))

    def _locked(self, late: Collection[str], *, is_late: bool) -> tuple[Distribution, ...]:
        return tuple(item for item in self.wanted.locked if (plain(item.name) in late) == is_late)

    def _unpacked(self, entry: Entry) -> "UnpackedWheel":
        from benchloom.store.environments.assemble import UnpackedWheel  # late, as above

        return UnpackedWheel(self.store, entry)

    # -- solvers ------------------------------------------------------------------------------------------------------

    def _solve(self, question: SolveRequest) -> tuple[Pinned, ...]:
        here = [item for item in question.locked if self.wheels.sound(f"{WHEEL_KEY}{_hexadecimal(item)}")]
        question = replace(question, locked=tuple(item for item in question.locked if item not in here))
        found = tuple(Pinned(name=item.name, version=item.version, digest=item.digest, is_wheel=True) for item in here)
        if count := len(question.locked or question.requirements):
            with self.talk.progress(f"choosing versions for {count} requirements", None, ""):
                found += self._chosen(question)
        return found

    def _chosen(self, question: SolveRequest) -> tuple[Pinned, ...]:
        """Return what a solver chooses, once more without the stand-ins of damaged wheels: another folder may have those."""
        chosen = tuple(map(self.here.meant, self._by_either(lambda solver: solver.solve(question))))
        key_of = self._builder(self.pip).key
        damaged = [item for item in chosen if not item.url and self.wheels.sound(key_of(item)) is None]
        for item in damaged:
            self.here.forget(item)
        return self._chosen(question) if damaged else chosen

    def _obtain(self, pinned: Sequence[Pinned], builder: Callable[[Solver], Builder]) -> list[Entry]:
        self.protect([builder(self.pip).key(item) for item in pinned])
        return self._by_either(lambda solver: self.wheels.obtain(pinned, builder(solver)))

    def _builder(self, solver: Solver) -> Builder:
        return Builder(solver, self.interpreter, self.tags[0])

    def _by_either(self, work: Callable[[Solver], _Answer]) -> _Answer:
        """Return the result of ``work`` with uv, or with pip if uv is missing or fails."""
        if self.uv:
            try:
                return work(self.uv)
            except SolverError as error:
                if self.source.installer == "uv":
                    raise
                self.talk.note(f"uv failed, falling back to pip: {error}")
                self.uv = None
        return work(self.pip)

    def _uv(self) -> Uv | None:
        """Return the uv solver if it is to be used.

        Raises InstallError if it is required and not available.
        """
        source = self.source
        if source.installer == "pip":
            return None
        found = find_uv(source.environ)
        try:
            settings = uv_settings(source.environ, offline=source.offline, find_links=source.find_links)
            reasons = settings.reasons
        except PipConfigError as error:
            reasons = (str(error),)
        if found and not reasons:
            return Uv(found, settings, self.tags, self.commands)
        if source.installer == "uv":
            why = list(reasons) or ["it is neither on PATH nor in the interpreter's scripts folder"]
            fix = "install uv, or set LOOM_INSTALLER=auto"
            raise InstallError(
                "uv cannot be used, but LOOM_INSTALLER requires it", where="LOOM_INSTALLER", why=why, fix=fix
            )
        return None

    def _environ(self) -> dict[str, str]:
        return {name: value for name, value in self.source.environ.items() if not name.startswith("PYTHON")}


def _hexadecimal(distribution: Distribution) -> str:
    return distribution.digest.partition(":")[2]


@contextmanager
def _kept_from_collection(store: Store) -> Iterator[_Protect]:
    """Yield a function that protects wheels from garbage collection until the block ends; then their environment does."""
    root = f"run-{os.getpid()}-wheels-{secrets.token_hex(4)}"
    protected: set[str] = set()

    def protect(keys: Iterable[str]) -> None:
        protected.update(keys)
        store.add_root(root, protected)

    try:
        yield protect
    finally:
        store.remove_root(root)


def _tags(interpreter: Path) -> list[str]:
    """Return the wheel tags that an interpreter supports, best first.

    Raises InputError if it cannot be started.
    """
    from packaging import tags  # late: few commands create an environment

    version = interpreter_version(interpreter) if interpreter != Path(sys.executable) else platform.python_version()
    major, minor = (int(part) for part in version.split(".")[:2])
    if (major, minor) == sys.version_info[:2]:
        return [str(tag) for tag in tags.sys_tags()]
    found = [*tags.cpython_tags((major, minor)), *tags.compatible_tags((major, minor), f"cp{major}{minor}")]
    return [str(tag) for tag in found]


def _failure(requirements: Sequence[str], said: Sequence[str], log: Path, offline: bool) -> InstallError | OfflineError:
    if offline:
        return OfflineError(
            "Python packages are missing and --offline forbids fetching them",
            where=str(log),
            why=[*requirements, *said[:4]],
            fix="run without --offline, or give a --mirror folder with the wheels",
        )
    return InstallError(
        "the plan's Python packages could not be installed",
        where=str(log),
        why=list(said[:6]) or list(requirements),
        fix="check the network and pip's configuration, then run again",
    )
