"""Doctor: read-only checks of this machine, the store and the repositories, each a finding with what to do next."""

import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import msgspec
from filelock import FileLock, Timeout

import benchloom
from benchloom.app.workspace import Workspace
from benchloom.authoring.identity import changes
from benchloom.base.paths import Locations, locate
from benchloom.base.units import human_bytes
from benchloom.datasets.files import unusable
from benchloom.datasets.layouts.seam import layout_of
from benchloom.errors import InputError, LoomError
from benchloom.index.built_in import built_in_repository
from benchloom.index.index import Index, load
from benchloom.index.repositories import Repository, list_repositories, read_repository
from benchloom.model.facts import Dataset
from benchloom.model.finding import Finding, Severity
from benchloom.store.detect import detect
from benchloom.store.entries import Store
from benchloom.store.fetch import redacted
from benchloom.store.python_env import OLDEST_PYTHON

NEWEST_TESTED = (3, 13)
_DISK_ERROR, _DISK_WARNING = 200 << 20, 5 << 30
_MEMORY_WARNING = 1 << 30
_GOVERNORS = "/sys/devices/system/cpu"
_PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


class _Size(msgspec.Struct):
    size: int


@dataclass(frozen=True)
class _DoctorContext:
    """The inputs of all checks. Nothing is created: neither the home nor the index cache is written."""

    environ: Mapping[str, str]

    @cached_property
    def locations(self) -> Locations:
        return locate(dict(self.environ))

    @cached_property
    def repositories(self) -> tuple[Repository, ...]:
        return list_repositories(self.locations, built_in_repository())

    @cached_property
    def index(self) -> Index:
        return load([item for item in self.repositories if Path(item.path).is_dir()], None)

    @cached_property
    def store(self) -> Store:
        return Store(self.locations.store)


Check = Callable[[_DoctorContext], Iterator[Finding]]
CHECKS: list[Check] = []


def diagnose(workspace: Workspace) -> tuple[Finding, ...]:
    """Return one finding or more per check, in a fixed order; a check that fails is a finding itself."""
    context = _DoctorContext(workspace.environ)
    return tuple(finding for check in CHECKS for finding in _made(check, context))


def _made(check: Check, context: _DoctorContext) -> Iterator[Finding]:
    try:
        yield from check(context)
    except LoomError as error:
        yield _finding("error", check, "; ".join([error.what, *error.why]), error.fix, subject=error.where)
    except OSError as error:
        yield _finding("error", check, str(error), "make it readable for this user", subject=str(error.filename or ""))


def _check(check: Check) -> Check:
    CHECKS.append(check)
    return check


def _finding(severity: Severity, check: Check, message: str, fix: str = "", subject: str = "") -> Finding:
    rule = check.__name__.strip("_").replace("_", "-")
    return Finding(rule=rule, severity=severity, subject=subject or rule, message=message, fix=fix)


# -- Python ---------------------------------------------------------------------------------------------------------


@_check
def _python(_: _DoctorContext) -> Iterator[Finding]:
    version = ".".join(map(str, sys.version_info[:3]))
    message = f"Python {version} at {sys.executable}"
    if not OLDEST_PYTHON <= sys.version_info[:2] <= NEWEST_TESTED:
        yield _finding("warning", _python, f"{message} is outside 3.10-3.13", "set LOOM_PYTHON to one of these")
    else:
        yield _finding("pass", _python, message)


@_check
def _engine(_: _DoctorContext) -> Iterator[Finding]:
    source = Path(benchloom.__file__).resolve().parent
    start = built_in_repository() / "loom"
    is_isolated = sys.prefix != sys.base_prefix
    message = f"benchloom {benchloom.__version__} from {source}"
    if not is_isolated:
        fix = f"start {start}, which creates its own environment" if start.is_file() else "install it with pipx"
        yield _finding("info", _engine, f"{message}, outside any virtual environment", fix)
    else:
        yield _finding("pass", _engine, f"{message}, in the environment {sys.prefix}")


@_check
def _pip(_: _DoctorContext) -> Iterator[Finding]:
    if importlib.util.find_spec("pip"):
        yield _finding("pass", _pip, "pip is installed")
    else:
        fix = f"{sys.executable} -m ensurepip"
        yield _finding("warning", _pip, "pip is not installed: Python libraries cannot be installed", fix)


@_check
def _git(context: _DoctorContext) -> Iterator[Finding]:
    path = shutil.which("git", path=context.environ.get("PATH"))
    if path is None:
        yield _finding("warning", _git, "git is not installed: repositories cannot be cloned", "install git")
        return
    done = subprocess.run(  # noqa: S603 - the path comes from PATH, nothing from the user
        [path, "--version"], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=10
    )
    yield _finding("pass", _git, done.stdout.strip() or path)


# -- machine --------------------------------------------------------------------------------------------------------


@_check
def _disk(context: _DoctorContext) -> Iterator[Finding]:
    place = _existing(context.locations.home)
    free = shutil.disk_usage(place).free
    message = f"{human_bytes(free)} free at {place}"
    fix = "run loom gc to remove unused entries, or set LOOM_HOME to a folder on a larger disk"
    if free < _DISK_WARNING:
        yield _finding("error" if free < _DISK_ERROR else "warning", _disk, message, fix)
    else:
        yield _finding("pass", _disk, message)


@_check
def _memory(_: _DoctorContext) -> Iterator[Finding]:
    file = Path("/proc/meminfo")
    if not file.is_file():
        return
    table = dict(line.split(":", 1) for line in file.read_text().splitlines() if ":" in line)
    available = int(table.get("MemAvailable", "0").split()[0]) << 10
    message = f"{human_bytes(available)} of memory available"
    if available < _MEMORY_WARNING:
        yield _finding("warning", _memory, message, "stop other programs: models may not fit")
    else:
        yield _finding("pass", _memory, message)


@_check
def _governor(_: _DoctorContext) -> Iterator[Finding]:
    files = sorted(Path(_GOVERNORS).glob("cpu[0-9]*/cpufreq/scaling_governor"))
    found = sorted({file.read_text().strip() for file in files})
    if not found:
        yield _finding("info", _governor, "the CPU frequency governor is not available here")
    elif found != ["performance"]:
        fix = "for steady timings: cpupower frequency-set -g performance"
        yield _finding("warning", _governor, f"the CPU frequency governor is {', '.join(found)}", fix)
    else:
        yield _finding("pass", _governor, "the CPU frequency governor is performance")


@_check
def _load(_: _DoctorContext) -> Iterator[Finding]:
    if not hasattr(os, "getloadavg"):
        return
    load_now, cores = os.getloadavg()[0], os.cpu_count() or 1
    message = f"load average {load_now:.1f} on {cores} cores"
    if load_now > cores / 2:
        yield _finding("warning", _load, message, "timings will be noisy: wait, or stop other programs")
    else:
        yield _finding("pass", _load, message)


@_check
def _proxy(context: _DoctorContext) -> Iterator[Finding]:
    names = [name for name in sorted(context.environ) if name.lower() in _PROXIES and context.environ[name]]
    for name in names:
        value = context.environ[name]
        shown = value if name.lower() == "no_proxy" else _without_user(value)
        yield _finding("info", _proxy, f"downloads use {name}={shown}")
    if not names:
        yield _finding("pass", _proxy, "no proxy is set")


def _without_user(url: str) -> str:
    return redacted(url if "//" in url else f"//{url}").removeprefix("//")


# -- home and store -------------------------------------------------------------------------------------------------


@_check
def _home(context: _DoctorContext) -> Iterator[Finding]:
    home = context.locations.home
    origin = "LOOM_HOME" if context.environ.get("LOOM_HOME") else "the user's data folder"
    message = f"{home}, from {origin}"
    if not os.access(_existing(home), os.W_OK):
        yield _finding("error", _home, f"{message}, is not writable", "set LOOM_HOME to a writable folder")
    else:
        yield _finding("pass", _home, message)


@_check
def _store(context: _DoctorContext) -> Iterator[Finding]:
    store = context.store
    keys = store.keys()
    sizes = [_entry_size(store, key) for key in keys]
    total = human_bytes(sum(size for size in sizes if size is not None))
    yield _finding("pass", _store, f"{len(keys)} entries, {total}")
    if broken := sizes.count(None):
        fix = "they are rebuilt when needed; loom gc removes the rest"
        yield _finding("warning", _store, f"{broken} entries cannot be read", fix)
    if damaged := _children(store.root / "quarantine"):
        yield _finding("warning", _store, f"{len(damaged)} damaged entries are quarantined", "loom gc removes them")
    if stages := store.clean_stages(dry_run=True):
        fix = "loom gc removes them"
        yield _finding("warning", _store, f"{len(stages)} unfinished builds were left by processes that died", fix)
    reached = {key for protected in store.roots().values() for key in protected}
    if idle := [key for key in keys if key not in reached]:
        yield _finding("info", _store, f"no record or lock needs {len(idle)} entries", "loom gc removes them")


def _entry_size(store: Store, key: str) -> int | None:
    try:
        return msgspec.json.decode((store.content(key).parent / "entry.json").read_bytes(), type=_Size).size
    except (OSError, msgspec.MsgspecError):
        return None


@_check
def _locks(context: _DoctorContext) -> Iterator[Finding]:
    held = [path.stem for path in _children(context.store.root / "locks") if path.suffix == ".lock" and _is_held(path)]
    if held:
        fix = "wait for the processes that are building them"
        yield _finding("info", _locks, f"{len(held)} builds or downloads are in progress: {', '.join(held[:5])}", fix)
    else:
        yield _finding("pass", _locks, "no builds or downloads are in progress")


def _is_held(path: Path) -> bool:
    try:
        with FileLock(path).acquire(timeout=0):
            return False
    except Timeout:
        return True
    except OSError:  # a lock that this user may not open is ignored
        return False


# -- repositories ---------------------------------------------------------------------------------------------------


@_check
def _repository(context: _DoctorContext) -> Iterator[Finding]:
    for repository in context.repositories:
        root = Path(repository.path)
        if not root.is_dir():
            fix = f"loom repo remove {repository.alias}"
            yield _finding("error", _repository, f"the folder {root} is missing", fix, subject=repository.alias)
        elif not os.access(root, os.R_OK | os.X_OK):
            yield _finding("error", _repository, f"{root} cannot be read", "check its permissions", repository.alias)
        else:
            yield _identity(repository, root)


def _identity(repository: Repository, root: Path) -> Finding:
    """Compare the files for CK and CM with the folders of the built-in repository; other repositories are not ours to change."""
    if not repository.built_in:
        read_repository(root)
    found = changes(root) if repository.built_in else ()
    if not found:
        return _finding("pass", _repository, f"{repository.alias} in {root}", subject=repository.alias)
    message = f"{repository.alias} in {root}: {len(found)} files for CK and CM are out of date"
    return _finding("warning", _repository, message, f"loom repo sync {root}", subject=repository.alias)


@_check
def _components(context: _DoctorContext) -> Iterator[Finding]:
    count = len(context.index.components)
    broken = {item.subject for item in context.index.findings if item.severity == "error"}
    if broken:
        message = f"{count} components are usable, {len(broken)} have errors: {', '.join(sorted(broken)[:5])}"
        yield _finding("warning", _components, message, "loom lint")
    elif not count:
        yield _finding("warning", _components, "there are no components", "loom repo add PATH")
    else:
        yield _finding("pass", _components, f"{count} components")


@_check
def _data_set(context: _DoctorContext) -> Iterator[Finding]:
    """Data sets in folders of the user: whether every labelled image exists."""
    found = False
    for component in context.index.components:
        dataset = component.dataset
        if dataset is None or not component.detect or not component.detect.files:
            continue
        for candidate in detect(component, environ=context.environ):
            root = Path(candidate.location)
            found = True
            if dataset.labels in component.detect.files.patterns:
                yield _labelled(component.ref, dataset, root)
            elif not (root / dataset.labels).exists():
                message = f"{root} has no {dataset.labels}: plans combine its images with downloaded labels"
                yield _finding("info", _data_set, message, subject=component.ref)
    if not found:
        yield _finding("info", _data_set, "no data set was found in the searched folders")


def _labelled(ref: str, dataset: Dataset, root: Path) -> Finding:
    try:
        count, missing, empty = _images(dataset, root)
    except InputError as error:
        why = f": {error.why[0]}" if error.why else ""
        fix = error.fix or "fix the file"
        return _finding("error", _data_set, f"{error.what} ({error.where}){why}", fix, subject=ref)
    if wrong := unusable(missing, empty):
        message = (
            f"{len(missing) + len(empty)} of {count:,} images in {root} are missing or damaged: {'; '.join(wrong)}"
        )
        fix = f"replace these files, or remove them from {dataset.labels}"
        return _finding("warning", _data_set, message, fix, subject=ref)
    part = f" of the set's {dataset.count:,}" if count != dataset.count else ""
    return _finding("pass", _data_set, f"{count:,}{part} images with labels in {root}", subject=ref)


def _images(dataset: Dataset, root: Path) -> tuple[int, tuple[str, ...], tuple[str, ...]]:
    """Return how many images the labels or annotations name, and the names of those that are missing and empty."""
    found = layout_of(dataset).listing(dataset, root)
    return len(found.rows), found.missing, found.empty


@_check
def _index(context: _DoctorContext) -> Iterator[Finding]:
    folder = context.locations.index
    if os.access(_existing(folder), os.W_OK):
        yield _finding("pass", _index, f"the index is cached in {folder}")
    else:
        fix = "check its permissions"
        yield _finding("warning", _index, f"{folder} is not writable: every command reads all components", fix)


def _existing(path: Path) -> Path:
    """Return ``path`` or its nearest parent that exists."""
    return next((place for place in (path, *path.parents) if place.exists()), Path("/"))


def _children(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.is_dir() else []
