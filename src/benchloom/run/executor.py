"""Carry out a Plan: bring every node into being, independent nodes in parallel, one log per node.

The program itself is run by ``run.program``; everything it needs is there, whole and verified, before it starts.
"""

import os
import shutil
import sys
import time
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from graphlib import TopologicalSorter
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import structs

from benchloom.base.atomic import failures_named
from benchloom.base.file_kinds import no_model
from benchloom.base.group import end_live
from benchloom.base.reported import VARIABLE
from benchloom.base.talk import Talk
from benchloom.datasets.files import LABELS_PATH, with_label_file
from benchloom.errors import InputError, InstallError, IntegrityError, OfflineError, carried
from benchloom.model.base import to_json
from benchloom.model.component import Component, Fetch
from benchloom.model.environment import Distribution
from benchloom.model.facts import Facts
from benchloom.model.plan import Node, Plan
from benchloom.model.trust import refuse_untrusted
from benchloom.model.variation import profile_of
from benchloom.run.data_checks import refuse_unfit_data
from benchloom.run.process import INPUT_PREFIX, clean_environment, how_it_ended, last_lines, run_process
from benchloom.run.progress import watched
from benchloom.store.entries import Store
from benchloom.store.environments.seam import Source, Wanted
from benchloom.store.fetch import Fetcher, file_name
from benchloom.store.python_env import environment_python
from benchloom.store.sealing import Made
from benchloom.store.verify import refuse_damaged

if TYPE_CHECKING:
    from typing import Protocol

    from benchloom.resolve.options import Universe
    from benchloom.store.environments.seam import Installer

    class Components(Universe, Protocol):
        """What execution needs of an index."""

        def get(self, name: str, kind: str = "") -> Component:
            """Return a component by reference."""

        def folder(self, component: Component) -> Path:
            """Return a component's folder."""


_POLL_SECONDS = 0.05
# Facts of an entry: the digests of the files that were downloaded for it, and the keys of the entries that it was built from.
_DOWNLOADS, _MADE_FROM = "downloads", "made_from"
_SPACE_BYTES = 1 << 16
_HERE = frozenset({"detect", "reuse"})  # actions of nodes whose result is here before anything is done


@dataclass(frozen=True)
class OwnEnvironment:
    """A Python environment that is no entry of the store: made in ``folder``, to work as ``final``.

    ``interpreter`` is the Python it is made of, ``also`` are requirements beyond the plan's, ``locked`` takes the place
    of solving.
    """

    folder: Path
    final: Path
    interpreter: Path
    also: tuple[str, ...] = ()
    locked: tuple[Distribution, ...] = ()


@dataclass(frozen=True)
class Means:
    """What an execution works with.

    ``environment`` is where Python libraries go instead of the store; ``verify`` digests every byte that is reused.
    """

    index: "Components"
    store: Store
    fetcher: Fetcher
    talk: Talk
    environ: Mapping[str, str]
    offline: bool
    logs: Path
    runtime: Path
    find_links: str = ""
    installer: "Installer" = "auto"
    environment: OwnEnvironment | None = None
    verify: bool = False


@dataclass
class Ready:
    """What became of the nodes: facts by node id, the interpreter that serves the plan, and what was put into it."""

    python: Path = field(default_factory=lambda: Path(sys.executable))
    facts: dict[str, Facts] = field(default_factory=dict)
    distributions: tuple[Distribution, ...] = ()


def prepare(plan: Plan, means: Means, jobs: int = 4, first: "Step | None" = None) -> Ready:
    """Bring every node but the program into being and return their facts.

    ``first`` holds nodes back until what it does with the others has ended well. Raises FetchError, OfflineError, InstallError
    or IntegrityError of the first node that fails, InputError if it refuses what it is to be made from; nodes that already
    started finish, and what they published stays.
    """
    refuse_missing_offline(plan, means)
    _refuse_untrusted(plan, means)
    for node in plan.nodes:
        if "dataset" in node.roles and node.action in _HERE:
            refuse_unfit_data(plan, facts_of(node, means, plan.inputs), means.index.get)
    ready = Ready()
    nodes = {node.id: node for node in plan.nodes if node.action != "run"}
    if first and first.holds_back:
        _bring({name: node for name, node in nodes.items() if name not in first.holds_back}, plan, means, jobs, ready)
        first.act(ready)
        nodes = {name: node for name, node in nodes.items() if name in first.holds_back}
    _bring(nodes, plan, means, jobs, ready)
    if means.environment and not any(node.pip for node in plan.nodes):
        _fill_own_environment(Wanted(requirements=()), means, ready)
    return ready


@dataclass(frozen=True)
class Step:
    """What is done (``act``) before the nodes ``holds_back`` are brought into being, and after all others are."""

    holds_back: Collection[str]
    act: Callable[[Ready], None]


def _bring(nodes: Mapping[str, Node], plan: Plan, means: Means, jobs: int, ready: Ready) -> None:
    """Bring ``nodes`` of ``plan`` into being, each when those among them that it needs are; facts go to ``ready``."""
    sorter = TopologicalSorter(
        {node.id: [need for need in node.needs.values() if need in nodes] for node in nodes.values()}
    )
    sorter.prepare()
    running: dict[Future[Facts], str] = {}
    with ThreadPoolExecutor(max_workers=jobs) as pool:
        try:
            _work_off(
                sorter, lambda node_id: pool.submit(_materialise, nodes[node_id], plan, means, ready), ready, running
            )
        except BaseException as error:
            pool.shutdown(wait=False, cancel_futures=True)
            if not isinstance(error, Exception):  # the user's interruption reaches no other thread by itself
                means.fetcher.stop.set()
                _end(running)
            raise


def _end(running: Collection["Future[Facts]"]) -> None:
    """End the children of what still runs, those it starts meanwhile too, until nothing runs any more."""
    while not all(future.done() for future in running):
        end_live()
        time.sleep(_POLL_SECONDS)


def _work_off(
    sorter: "TopologicalSorter[str]",
    submit: Callable[[str], "Future[Facts]"],
    ready: Ready,
    running: "dict[Future[Facts], str]",
) -> None:
    """Submit every node when what it needs is there, and collect the facts; ``running`` holds what is under way."""
    while sorter.is_active():
        for node_id in sorted(sorter.get_ready()):
            running[submit(node_id)] = node_id
        done, _ = wait(running, return_when=FIRST_COMPLETED)
        for future in done:
            node_id = running.pop(future)
            ready.facts[node_id] = future.result()
            sorter.done(node_id)


def refuse_missing_offline(plan: Plan, means: Means) -> None:
    """Raise OfflineError naming everything a plan lacks, where ``--offline`` forbids fetching it. Opens no socket."""
    if not means.offline:
        return
    missing = []
    for node in plan.nodes:
        if node.action in {"fetch", "extract"}:
            missing += [
                f"{node.id}: {item.url} ({item.digest or 'unpinned'})"
                for item in node.fetch
                if item.url and not item.url.startswith("file:") and means.fetcher.missing(item)
            ]
        if node.action == "install" and node.pip and not means.find_links:
            from benchloom.store.environments.here import lacking  # late: few plans are carried out offline

            if packages := lacking(means.store, node.pip):
                missing.append(f"{node.id}: Python packages {', '.join(packages)}")
    if missing:
        raise OfflineError(
            f"{len(missing)} thing(s) are missing and --offline forbids fetching them",
            why=missing,
            fix="run once without --offline, or give a mirror folder with --mirror",
            details={"missing": missing},
        )


def _refuse_untrusted(plan: Plan, means: Means) -> None:
    """Raise InputError where the program would open a file that nobody vouches for: before it is even downloaded."""
    if not any(node.action == "run" for node in plan.nodes):
        return
    for node in (item for item in plan.nodes if "model" in item.roles):
        if model := means.index.get(node.candidate.component).model:
            where = f"{node.id}: {node.candidate.location or ', '.join(item.url or item.path for item in node.fetch)}"
            refuse_untrusted(model, node.digest, where, is_trusted=plan.inputs.get("trust") == "yes")


def _materialise(node: Node, plan: Plan, means: Means, ready: Ready) -> Facts:
    with means.talk.progress(f"preparing {node.id}", None, ""):  # to unpack, verify and seal big files takes a while
        return _materialised(node, plan, means, ready)


def _materialised(node: Node, plan: Plan, means: Means, ready: Ready) -> Facts:
    if node.action == "reuse" and node.key:
        _refuse_damaged(node, plan, means)
    if node.pip:
        return _python_environment(node, means, ready)
    component = means.index.get(node.candidate.component)
    if node.key and node.files:
        _ensure_entry(node, component, means, ready)
    facts = facts_of(node, means, plan.inputs)
    if "dataset" in node.roles and node.action not in _HERE:
        refuse_unfit_data(plan, facts, means.index.get)
    return facts


def _refuse_damaged(node: Node, plan: Plan, means: Means) -> None:
    """Raise IntegrityError if what the program, or anything that is to be built, opens of this node is not what was kept.

    A model is always digested. The many files of a Python environment are looked at only where everything is digested.
    """
    is_opened = any(node.id in user.needs.values() for user in plan.nodes if user.action in {"run", "build"})
    if means.verify or (is_opened and not node.pip):
        refuse_damaged(means.store, node.key, fully=means.verify or "model" in node.roles)


def _ensure_entry(node: Node, component: Component, means: Means, ready: Ready) -> None:
    if node.candidate.origin == "detected" or not (node.fetch or _is_built(component)):
        return  # there is nothing to make
    _drop_what_the_mirror_replaces(node, component, means)
    if means.store.find(node.key) is not None:
        return
    if _is_built(component):
        means.talk.note(f"building {node.id}")
        means.store.build(node.key, node.id, lambda folder: _build(node, component, means, ready, folder))
    else:
        means.store.build(node.key, node.id, lambda folder: _fetch_all(node, component, means, folder))


def _is_built(component: Component) -> bool:
    return component.install is not None and bool(component.install.script or component.install.module)


def _drop_what_the_mirror_replaces(node: Node, component: Component, means: Means) -> None:
    """Remove the entry of ``node`` if the preferred mirror has another file than the one without a digest that it was made from.

    What was made from that entry goes, too.
    """
    entry = means.store.find(node.key)
    if entry is None:
        return
    for item in node.fetch:
        download = means.fetcher.preferred(item, is_model=_is_model(item, component))
        if download and download.digest not in entry.meta.get(_DOWNLOADS, "").split(","):
            means.talk.note(
                f"{node.id}: {file_name(item)} is replaced by that of {download.source}, which is {download.digest}"
            )
            _drop(node.key, means.store)
            break


def _drop(key: str, store: Store) -> None:
    store.remove(key)
    for other in [entry.key for entry in store.entries() if key in entry.meta.get(_MADE_FROM, "").split(",")]:
        _drop(other, store)


def _is_model(item: Fetch, component: Component) -> bool:
    """Tell whether ``item`` is the very file that a backend opens, not an archive or something beside it."""
    is_result = component.result == os.path.normpath(os.path.join(item.unpack_to, item.filename or file_name(item)))
    return component.model is not None and not item.archive and (is_result or not component.result)


def _fetch_all(node: Node, component: Component, means: Means, folder: Path) -> Mapping[str, str]:
    try:
        digests = [_fetch_one(item, component, means, folder) for item in node.fetch]
        if not _is_built(component):
            _require_result(component, folder)
        if any(not item.digest and item.archive for item in node.fetch):
            _refuse_no_model(component, folder)
    except (IntegrityError, InstallError):
        for item in node.fetch:
            means.fetcher.forget(item)
        raise
    return {**entry_meta(node), **({_DOWNLOADS: ",".join(digests)} if digests else {})}


def _fetch_one(item: Fetch, component: Component, means: Means, folder: Path) -> str:
    """Put one file, or what its archive holds, into ``folder``; return the digest of what was downloaded."""
    from benchloom.store.archive import extract  # late: most runs find everything in the store

    download = means.fetcher.obtain(item, means.index.folder(component), is_model=_is_model(item, component))
    name = item.filename or file_name(item)
    place = _inside(folder, item.unpack_to, component)
    if item.archive:
        extract(download.path, item.archive, place, member=item.member, name=name)
    else:
        place.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(download.path, _inside(place, name, component))
    return download.digest


def _refuse_no_model(component: Component, folder: Path) -> None:
    """Raise IntegrityError if what an archive without a digest has in place of the model is none."""
    path = folder / component.result
    if component.model and path.is_file() and (why := no_model(str(path))):
        raise IntegrityError(
            f"{component.result} of {component.ref} is no model",
            where=f"{component.file}: fetch",
            why=why,
            fix="name another URL in the component, or a folder that has the file with --mirror",
        )


def _require_result(component: Component, folder: Path) -> None:
    """Raise InstallError, before anything is kept, if what was fetched or built is not where the component says."""
    if component.result and not (folder / component.result).exists():
        there = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
        raise InstallError(
            f"{component.ref} has no {component.result!r} after it was fetched or built",
            where=f"{component.file}: result",
            why=[f"there are {len(there)} files: {', '.join(there[:5])}{', ...' if len(there) > 5 else ''}"],
            fix="name the file or folder that stands there",
        )


def _inside(folder: Path, name: str, component: Component) -> Path:
    """Return ``folder/name``. Raises InputError where metadata would lead outside the folder."""
    path = Path(os.path.normpath(folder / name))
    if not path.is_relative_to(folder):
        raise InputError(
            f"{name!r} leads outside the entry", where=f"{component.file}: fetch", fix="name a place inside it"
        )
    return path


def entry_meta(node: Node) -> dict[str, str]:
    """What the store remembers of a node, so that later resolutions prefer it."""
    candidate = node.candidate
    return {
        "component": candidate.component,
        "version": candidate.version,
        "variations": ",".join(candidate.variations),
    }


def _build(node: Node, component: Component, means: Means, ready: Ready, folder: Path) -> Mapping[str, str]:
    install = component.install
    if install is None:
        raise InputError(f"{component.ref} has nothing to build it with", where=component.file)
    source = means.index.folder(component)
    meta = _fetch_all(node, component, means, folder)
    facts_folder = means.logs / f"{_plain(node.id)}.facts"
    progress = means.logs / f"{_plain(node.id)}.progress"
    error = means.logs / f"{_plain(node.id)}.error"
    env = clean_environment(
        # Of the program's inputs only those that its key holds.
        {name: value for name, value in means.environ.items() if not name.startswith(INPUT_PREFIX)},
        {
            **node.env,
            **role_variables(node.needs, ready, facts_folder),
            **runtime_variables(means),
            "LOOM_PYTHON": str(ready.python),
            "LOOM_COMPONENT": str(source),
            VARIABLE: str(progress),
            carried.VARIABLE: str(error),
        },
    )
    argv = _build_command(install.module, install.script, source, ready.python, install.arguments)
    log = means.logs / f"{_plain(node.id)}.log"
    with watched(progress, means.talk, f"building {node.id}"):
        result = run_process(argv, cwd=folder, env=env, timeout=None, stdout=log, stderr=log.with_suffix(".err"))
    if result.status != "ok":
        if refused := carried.take(error):
            raise refused
        _refuse_full_disk(folder)
        raise InstallError(
            f"building {node.id} failed with {how_it_ended(result.exit_code, result.signal)}",
            where=component.file,
            why=last_lines(log.with_suffix(".err"), 12),
            fix=f"read the log: {log.with_suffix('.err')}",
            details={"exit_code": result.exit_code, "signal": result.signal, "log": str(log.with_suffix(".err"))},
        )
    _require_result(component, folder)
    keys = sorted({ready.facts[need].key for need in node.needs.values() if need in ready.facts} - {""})
    return {**meta, **({_MADE_FROM: ",".join(keys)} if keys else {})}


def _refuse_full_disk(folder: Path) -> None:
    """Raise OSError if a child may have failed because nothing more can be written: then its log has no word of that either."""
    probe = folder / ".space"
    try:
        with failures_named(probe):
            probe.write_bytes(bytes(_SPACE_BYTES))
    finally:
        probe.unlink(missing_ok=True)


def _build_command(module: str, script: str, source: Path, python: Path, arguments: tuple[str, ...]) -> list[str]:
    if module:
        return [str(python), "-m", module, *arguments]
    if script.endswith(".py"):
        return [str(python), str(source / script), *arguments]
    return ["bash", str(source / script), *arguments]


def _python_environment(node: Node, means: Means, ready: Ready) -> Facts:
    if means.environment:
        _fill_own_environment(Wanted(requirements=node.pip, built_among=node.built_among), means, ready)
    elif node.key:
        means.store.build(node.key, "Python environment", lambda folder: _install_entry(node, means, folder))
        ready.python = environment_python(means.store.content(node.key))
    return Facts(
        role="python", component="python", version=node.candidate.version, key=node.key, path=str(ready.python)
    )


def _fill_own_environment(wanted: Wanted, means: Means, ready: Ready) -> None:
    """Install what the plan wants of Python, and what the environment is to have besides."""
    if own := means.environment:
        ready.distributions, _ = _install(wanted, means, own)
        ready.python = environment_python(own.folder)


def _install_entry(node: Node, means: Means, folder: Path) -> Made:
    place = OwnEnvironment(folder=folder, final=means.store.content(node.key), interpreter=Path(sys.executable))
    wanted = Wanted(requirements=node.pip, built_among=node.built_among)
    distributions, made = _install(wanted, means, place)
    versions = {f"pip:{item.name}": item.version for item in distributions}
    return replace(made, meta={"component": "python", "version": node.candidate.version, **versions, **made.meta})


def _install(wanted: Wanted, means: Means, place: OwnEnvironment) -> tuple[tuple[Distribution, ...], Made]:
    from benchloom.store.environments.install import Place, install_environment  # late: most runs install nothing

    return install_environment(
        Place(folder=place.folder, final=place.final, interpreter=place.interpreter),
        structs.replace(wanted, requirements=(*wanted.requirements, *place.also), locked=place.locked),
        Source(
            python=Path(sys.executable),
            environ=means.environ,
            offline=means.offline,
            find_links=(means.find_links,) if means.find_links else (),
            installer=means.installer,
        ),
        store=means.store,
        fetcher=means.fetcher,
        log=means.logs / "python.log",
        talk=means.talk,
    )


def facts_of(node: Node, means: Means, inputs: Mapping[str, str]) -> Facts:
    """Return what a program with ``inputs`` is told of ``node``; the path is that of its result, whether it is there yet or not."""
    candidate = node.candidate
    component = means.index.get(candidate.component)
    dataset = component.dataset
    if dataset and "dataset" in node.roles:
        dataset = with_label_file(dataset, inputs.get(LABELS_PATH, ""))
    return Facts(
        role=node.roles[0] if node.roles else "",
        component=candidate.component,
        version=candidate.version,
        variations=candidate.variations,
        origin=candidate.origin,
        key=node.key,
        path=_result_path(node, component, means),
        digest=node.digest,
        env=node.env,
        model=component.model,
        dataset=dataset,
        profile=profile_of(component, candidate.variations),
        backend=component.backend,
        ruleset=component.ruleset,
    )


def _result_path(node: Node, component: Component, means: Means) -> str:
    if component.is_python_library:
        return ""
    if node.candidate.origin == "detected":
        return node.candidate.location
    base = means.store.content(node.key) if means.store.find(node.key) else means.index.folder(component)
    return str((base / component.result).resolve()) if component.result else str(base)


def role_variables(needs: Mapping[str, str], ready: Ready, folder: Path) -> dict[str, str]:
    """Write one facts file per role into ``folder`` and return ``LOOM_<ROLE>`` -> path."""
    folder.mkdir(parents=True, exist_ok=True)
    variables = {}
    for role, node_id in needs.items():
        facts = ready.facts.get(node_id)
        if facts is None or role == "python":
            continue
        path = folder / f"{_plain(role)}.json"
        with failures_named(path):
            path.write_bytes(to_json(facts))
        variables[variable_of(role)] = str(path)
    return variables


def runtime_variables(means: Means) -> dict[str, str]:
    """Let the child import this very engine's harness, whatever interpreter serves the plan, and nothing else of ours."""
    return {"PYTHONPATH": str(means.runtime), "PYTHONDONTWRITEBYTECODE": "1"}


def variable_of(role: str) -> str:
    """``LOOM_<ROLE>`` in upper case, with ``_`` for what a variable name cannot hold."""
    return "LOOM_" + "".join(char if char.isalnum() else "_" for char in role.upper())


def _plain(text: str) -> str:
    return "".join(char if char.isalnum() or char in "-._" else "_" for char in text)
