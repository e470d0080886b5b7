"""Virtual environments from templates: created atomically, locked, with their own repositories and tools for ck.

A template is a component of the kind ``venv.template`` that states needs by tags. Its plan's Python libraries, and what
this engine itself needs, are solved together in the environment; the rest of the plan is in the store.
"""

import contextlib
import os
import re
import secrets
import shlex
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec
from filelock import FileLock

from benchloom.app.host import platform_of
from benchloom.app.locking import with_lock, write_lock
from benchloom.app.planning import plan
from benchloom.app.requests import PlanRequest
from benchloom.app.running import context_for, link_engine, new_folder
from benchloom.app.workspace import Workspace
from benchloom.base import bounded, limits, toml
from benchloom.base.atomic import write_bytes, write_text
from benchloom.base.group import output_of_group
from benchloom.base.names import did_you_mean
from benchloom.errors import FetchError, InputError, InstallError, IntegrityError, LockDriftError, UnknownNameError
from benchloom.index.built_in import built_in_repository
from benchloom.index.repositories import Repository
from benchloom.model.base import SchemaTable, to_json
from benchloom.model.component import VENV_TEMPLATE
from benchloom.model.environment import VENV_LOCK_SCHEMA, VENV_SCHEMA, Distribution, Venv, VenvLock
from benchloom.model.plan import Node, Plan
from benchloom.model.provision import Fetched, PythonEnvironment
from benchloom.model.schema_version import decode_document
from benchloom.resolve.lock import make_lock
from benchloom.run.context import OwnEnvironment, Prepared, Step
from benchloom.run.prepare import prepare
from benchloom.run.process import utc_now
from benchloom.store.entries import discard, remove_tree
from benchloom.store.environments.activation import activated, bashrc, scripts
from benchloom.store.fetch import file_name
from benchloom.store.python_env import environment_python, interpreter_version, replace_path
from benchloom.store.roots import forget_venv, protect_venv

SCHEMAS: SchemaTable = {"venv-activation": (str, "loom venv activate --json")}

DEFAULT_TEMPLATE = "generic"
FACTS_FILE = "loom-venv.json"
LOCK_FILE = "loom-venv.lock.json"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def existing(venvs: Path) -> list[Path]:
    """Return the folders of the environments below ``venvs``, sorted by name; unfinished ones are ignored."""
    return sorted(path.parent for path in venvs.glob(f"[!.]*/{FACTS_FILE}"))


def listing(workspace: Workspace) -> tuple[Venv, ...]:
    """Return every environment, sorted by name."""
    return tuple(_read(folder / FACTS_FILE) for folder in existing(workspace.locations.venvs))


def find(workspace: Workspace, name: str) -> Venv:
    """Return the environment called ``name``. Raises UnknownNameError with the nearest name there is."""
    file = workspace.locations.venvs / name / FACTS_FILE
    if _NAME.fullmatch(name) and file.is_file():
        return _read(file)
    known = [folder.name for folder in existing(workspace.locations.venvs)]
    fix = did_you_mean(name, known) or (f"there are {', '.join(known)}" if known else f"loom venv create {name}")
    raise UnknownNameError(f"there is no virtual environment {name!r}", where="NAME", fix=fix)


def lock_file(venv: Venv) -> Path:
    """Return where the lock of an environment lies."""
    return Path(venv.path) / LOCK_FILE


def remove(workspace: Workspace, name: str) -> Venv:
    """Remove an environment atomically. Raises UnknownNameError."""
    gone = find(workspace, name)
    with _locked(workspace, name):
        discard(Path(gone.path), f".{name}.")
        forget_venv(workspace.store, name)
    return gone


def create(
    workspace: Workspace,
    name: str,
    request: PlanRequest,
    *,
    lock: VenvLock | None = None,
    lock_from: str = "",
    anew: bool = False,
) -> Venv:
    """Create the environment ``name`` from the template that ``request`` names, or as described by ``lock``.

    ``lock_from`` is the lock's file, for messages; ``anew`` replaces an environment of that name once the new one is
    complete. Raises InputError (an invalid name or one in use, no such Python), LockDriftError (the lock does not match
    this machine or the components), and what planning and preparing raise, without leaving files behind.
    """
    if not _NAME.fullmatch(name):
        fix = "use up to 64 letters, digits and . _ -, with a letter or digit first"
        raise InputError(f"{name!r} is not a valid name of a virtual environment", where="NAME", fix=fix)
    if lock:
        request = with_lock(request, lock.plan, lock_from)
        _refuse_other_platform(lock, request, lock_from)
    with _locked(workspace, name) as final:
        if final.exists() and not anew:
            fix = f"loom venv rm {name}, or --force to recreate it"
            raise InputError(f"a virtual environment {name!r} exists already", where=str(final), fix=fix)
        made = plan(workspace, request)
        stage = final.parent / f".{name}.{secrets.token_hex(4)}"
        try:
            venv = _VenvBuilder(workspace, made, request, stage, final, _left_out(workspace, made, request, name)).make(
                lock
            )
            discard(final, f".{name}.")
            os.rename(stage, final)
        finally:
            remove_tree(stage)
        protect_venv(workspace.store, made, name)
    return venv


def _left_out(workspace: Workspace, made: Plan, request: PlanRequest, name: str) -> dict[str, str]:
    """Fetch the optional requirements of the template, and return why those that cannot be fetched are left out, by role."""
    template = workspace.index.get(made.target)
    roles = {need.role for need in template.requires if need.continue_on_error} - set(request.roles)
    left: dict[str, str] = {}
    for node in made.nodes:
        if isinstance(node.provision, PythonEnvironment) or not node.roles or not roles.issuperset(node.roles):
            continue
        try:
            prepare(
                msgspec.structs.replace(made, nodes=(node,)),
                context_for(workspace, new_folder(workspace, f"venv-{name}")),
            )
        except FetchError as error:
            files = " and ".join(file_name(item) for item in node.fetch)
            again = f"loom venv create {name} --template={template.alias} --force --mirror=DIR, where DIR has {files}"
            for role in node.roles:
                left[role] = f"{error.what}; to add it: {again}"
                workspace.talk.warn(f"{role} is left out: {left[role]}")
    return left


def _downloads_first(nodes: Sequence[Node]) -> Step:
    """Return the step after all downloads and before anything that depends on them, such as the packages."""
    fetched = {node.id for node in nodes if isinstance(node.provision, Fetched) and not node.is_here and not node.needs}
    return Step(holds_back={node.id for node in nodes} - fetched, act=lambda _: None)


def environment(workspace: Workspace, name: str) -> dict[str, str]:
    """Return the variables of a process inside the environment ``name``. Raises UnknownNameError."""
    return activated(Path(find(workspace, name).path), workspace.environ)


@dataclass(frozen=True)
class _VenvBuilder:
    """Builds one environment from a plan in ``stage``, to be renamed to ``final``."""

    workspace: Workspace
    made: Plan
    request: PlanRequest
    stage: Path
    final: Path
    left_out: dict[str, str]

    def make(self, lock: VenvLock | None) -> Venv:
        interpreter = Path(self.request.python or sys.executable)
        place = OwnEnvironment(
            folder=self.stage,
            final=self.final,
            interpreter=interpreter,
            also=() if lock else engine_requirements(),
            locked=lock.distributions if lock else (),
        )
        context = context_for(self.workspace, new_folder(self.workspace, f"venv-{self.final.name}"))
        nodes = tuple(node for node in self.made.nodes if not set(node.roles) & set(self.left_out))
        prepared = prepare(
            msgspec.structs.replace(self.made, nodes=nodes),
            replace(context, environment=place),
            first=_downloads_first(nodes),
        )
        if lock:
            _refuse_difference(lock, prepared.distributions)
        self._add_engine()
        self._add_scripts()
        venv = Venv(
            schema=VENV_SCHEMA,
            name=self.final.name,
            template=self.made.target,
            path=str(self.final),
            python=interpreter_version(interpreter),
            created=utc_now(),
            repositories=self._add_repositories(prepared),
            needs=self._needs(prepared),
            left_out=self.left_out,
            distributions=prepared.distributions,
        )
        write_bytes(self.stage / FACTS_FILE, to_json(venv))
        write_lock(self._lock(prepared), self.stage / LOCK_FILE)
        return venv

    def _lock(self, prepared: Prepared) -> VenvLock:
        return VenvLock(
            schema=VENV_LOCK_SCHEMA,
            plan=make_lock(self.made),
            platform=self.made.platform,
            distributions=prepared.distributions,
        )

    def _add_engine(self) -> None:
        """Make this engine importable from the environment's own Python."""
        [site] = self.stage.glob("[lL]ib/**/site-packages")
        link_engine(site)
        python = shlex.quote(str(environment_python(self.final)))
        self._add_executable("loom", f'#!/bin/sh\nexec {python} -m benchloom "$@"\n')

    def _add_scripts(self) -> None:
        (self.stage / "bin" / "activate.csh").unlink(
            missing_ok=True
        )  # written by Python's venv, without the variables of ck
        for name, text in {**scripts(self.final), "bashrc": bashrc(self.final)}.items():
            write_text(self.stage / "bin" / name, text)

    def _add_executable(self, name: str, text: str) -> None:
        path = self.stage / "bin" / name
        write_text(path, text)
        path.chmod(0o755)

    def _needs(self, prepared: Prepared) -> dict[str, str]:
        """Return the location of each requirement that is not a Python library."""
        nodes = {
            role: node
            for node in self.made.nodes
            for role in node.roles
            if not isinstance(node.provision, PythonEnvironment)
        }
        found = {
            role: prepared.facts[node.id].path for role, node in sorted(nodes.items()) if node.id in prepared.facts
        }
        return {role: path for role, path in found.items() if path and role != "target"}

    def _add_repositories(self, prepared: Prepared) -> tuple[str, ...]:
        """Create the environment's own folders for `ck`, and register the repositories with its `ck`, if installed."""
        (self.stage / "CK" / "local").mkdir(parents=True)
        (self.stage / "CK-TOOLS").mkdir()
        if not any(item.name == "ck" for item in prepared.distributions):
            return ()
        known = []
        for item in self.workspace.repositories:
            if why := _why_not_for_ck(item):
                self.workspace.talk.warn(f"the ck of this environment cannot use the repository {item.alias}: {why}")
            else:
                known.append(item)
        for item in known:
            self._ck("add", f"repo:{item.alias}", f"--path={item.path}", "--quiet")
        replace_path((self.stage / "CK").rglob("*"), self.stage, self.final)
        return tuple(item.alias for item in known)

    def _ck(self, *words: str) -> None:
        done = output_of_group(
            [str(environment_python(self.stage)), "-c", "from ck.kernel import cli; cli()", *words],
            env={**activated(self.stage, self.workspace.environ), "PYTHONDONTWRITEBYTECODE": "1"},
            cwd=self.stage,
        )
        if done.returncode:
            said = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
            raise InstallError(f"ck {' '.join(words)} failed in the new environment", why=said[-6:])


@contextlib.contextmanager
def _locked(workspace: Workspace, name: str) -> Iterator[Path]:
    """Lock the name, remove leftovers of a killed process, and yield the environment's folder."""
    venvs = workspace.locations.venvs
    venvs.mkdir(parents=True, exist_ok=True)
    with FileLock(venvs / f".{name}.lock"):
        for dead in venvs.glob(f".{name}.*"):
            discard(dead, f".{name}.")
        yield venvs / name


def engine_requirements() -> tuple[str, ...]:
    """Return the requirements of this engine, as stated by its project."""
    stated = toml.loads((built_in_repository() / "pyproject.toml").read_text(encoding="utf-8"))
    return tuple(stated["project"]["dependencies"])


def template_request(request: PlanRequest, template: str, python: str) -> PlanRequest:
    """Return ``request`` with the default or named template, unless it selects one by tags, for the interpreter ``python``."""
    name = f"{VENV_TEMPLATE}:{template}" if template and not request.query else ""
    return msgspec.structs.replace(request, name=name, kind=VENV_TEMPLATE, python=python)


def _why_not_for_ck(repository: Repository) -> str:
    """Return why `ck` cannot use a repository; '' if it can.

    A repository that `ck` cannot read would break all others.
    """
    root = Path(repository.path)
    if (root / "requirements.txt").exists():
        return "ck would run pip on its requirements.txt, which is not locked"
    try:
        found = msgspec.json.decode(bounded.read_bytes(root / ".ckr.json", limits.METADATA_BYTES), type=_CkIdentity)
    except FileNotFoundError:
        return f"it has no .ckr.json (loom repo sync {root} writes it)"
    except (OSError, msgspec.MsgspecError) as error:
        return f"its .ckr.json is not valid for ck ({error}); loom repo sync {root} completes it"
    return "" if found.data_uid and found.data_uoa else "its .ckr.json has no data_uid or data_uoa"


class _CkIdentity(msgspec.Struct):
    """The keys of a repository's ``.ckr.json`` that `ck` requires."""

    data_uid: str
    data_uoa: str
    content: dict[str, Any] = msgspec.field(name="dict")


def _refuse_other_platform(lock: VenvLock, request: PlanRequest, lock_from: str) -> None:
    here = platform_of(request.python)
    if here != lock.platform:
        was, now = (f"Python {item.python} on {item.os} {item.arch}" for item in (lock.platform, here))
        fix = "choose that Python with --python=PATH, or omit --lock"
        raise LockDriftError(
            "the lock is for another platform", where=lock_from, why=[f"it is for {was}, this is {now}"], fix=fix
        )


def _refuse_difference(lock: VenvLock, found: tuple[Distribution, ...]) -> None:
    if found != lock.distributions:
        names = sorted({item.name for item in {*found} ^ {*lock.distributions}})
        raise IntegrityError("the installed packages do not match the lock", why=names)


def _read(file: Path) -> Venv:
    what = "the description of a virtual environment"
    fix = f"recreate it: loom venv create {file.parent.name} --force"
    data = bounded.read_bytes(file, limits.DOCUMENT_BYTES)
    return decode_document(data, Venv, VENV_SCHEMA, what=what, where=str(file), fix=fix)
