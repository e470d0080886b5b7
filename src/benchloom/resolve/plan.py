"""From a solution to the Plan: nodes in dependency order with actions, keys and reasons."""

import heapq
from collections.abc import Collection, Iterator, Mapping
from collections.abc import Set as AbstractSet

import msgspec

from benchloom.base.digest import of_bytes
from benchloom.errors import ResolutionError
from benchloom.model.base import to_json
from benchloom.model.component import Fetch, Requirement
from benchloom.model.plan import (
    PLAN_SCHEMA,
    TARGET_ROLE,
    Action,
    Candidate,
    Node,
    Origin,
    Plan,
    PlannedRepository,
)
from benchloom.model.provision import (
    Built,
    Detected,
    Fetched,
    InEnvironment,
    InPlace,
    Provision,
    PythonEnvironment,
    Run,
    files_of,
    is_process,
)
from benchloom.resolve.host import HostFacts, Overrides
from benchloom.resolve.keys import environment_key, library_key, result_key
from benchloom.resolve.options import Option, Universe
from benchloom.resolve.provider import requirements_of
from benchloom.resolve.provision import facts_of, provision_of
from benchloom.resolve.reasons import reason_of
from benchloom.resolve.solve import Solution, solve

PYTHON = "python"


def make_plan(
    target: Requirement, command: str, universe: Universe, host: HostFacts, overrides: Overrides, env: Mapping[str, str]
) -> Plan:
    """Resolve ``target`` (a requirement on role ``target``) and return the whole plan.

    ``command`` names the ``run_cmds`` entry; ``env`` is recorded as given. Raises what ``solve`` raises, and
    ResolutionError on a dependency cycle.
    """
    return _Planner(solve(target, universe, host, overrides), command, universe, host, overrides).plan(env)


class _Planner:
    def __init__(
        self, solution: Solution, command: str, universe: Universe, host: HostFacts, overrides: Overrides
    ) -> None:
        self.solution = solution
        self.command = command
        self.universe = universe
        self.host = host
        self.overrides = overrides
        self.by_id: dict[str, Option] = {}
        self.python_mode = solution.examiner.python_mode
        self.roles: dict[str, list[str]] = {}
        for role, option in solution.options.items():
            node_id = _node_id(option)
            self.by_id[node_id] = option
            self.roles.setdefault(node_id, []).append(role)
        self.provisions = {
            node_id: provision_of(option, command, host.platform) for node_id, option in self.by_id.items()
        }
        self.needs = {node_id: self._needs_of(option) for node_id, option in self.by_id.items()}
        self.nodes: dict[str, Node] = {}

    def plan(self, env: Mapping[str, str]) -> Plan:
        libraries = [item for item in self.provisions.values() if isinstance(item, InEnvironment)]
        if libraries:
            self.nodes[PYTHON] = self._python_node(libraries)
        for node_id in self._order():
            self.nodes[node_id] = self._node(node_id, self.by_id[node_id])
        target = self.solution.options[TARGET_ROLE].component
        return Plan(
            schema=PLAN_SCHEMA,
            target=target.ref,
            command=self.command,
            inputs=dict(sorted(self.overrides.inputs.items())),
            env=dict(sorted(env.items())),
            platform=self.host.platform,
            nodes=tuple(self.nodes.values()),
            repositories=tuple(self._repositories()),
        )

    def _repositories(self) -> Iterator[PlannedRepository]:
        """Yield the repositories of the plan's components, by alias."""
        files: dict[str, list[str]] = {}
        for node in self.nodes.values():
            if node.repo:
                files.setdefault(node.repo, []).extend([f"{node.path} {node.files}"] if node.files else [])
        for alias, lines in sorted(files.items()):
            yield PlannedRepository(
                alias=alias,
                digest=of_bytes("\n".join(sorted(set(lines))).encode()) if lines else "",
                trusted=alias in self.universe.trusted,
                built_in=alias == self.universe.built_in,
            )

    def _needs_of(self, option: Option) -> dict[str, str]:
        """Return the node of each role that the option requires; optional ones count if they are in the plan."""
        roles = {
            item.role
            for item in requirements_of(option, self.overrides)
            if not item.optional or (is_process(self.provisions[_node_id(option)]) and not item.facts)
        }
        return {role: _node_id(self.solution.options[role]) for role in sorted(roles & set(self.solution.options))}

    def _order(self) -> list[str]:
        """Kahn's algorithm with a heap: a node after its needs, ties by id."""
        waiting = {node_id: len(set(needs.values())) for node_id, needs in self.needs.items()}
        users: dict[str, list[str]] = {node_id: [] for node_id in self.needs}
        for node_id, needs in self.needs.items():
            for need in set(needs.values()):
                users[need].append(node_id)
        ready = [node_id for node_id, count in waiting.items() if not count]
        heapq.heapify(ready)
        order: list[str] = []
        while ready:
            current = heapq.heappop(ready)
            order.append(current)
            for node_id in users[current]:
                waiting[node_id] -= 1
                if not waiting[node_id]:
                    heapq.heappush(ready, node_id)
        if len(order) < len(waiting):
            raise self._circle(set(waiting) - set(order))
        return order

    def _circle(self, stuck: AbstractSet[str]) -> ResolutionError:
        """Follow requirements among the nodes that cannot be ordered until one repeats."""
        path: list[tuple[str, str]] = []
        current = min(stuck)
        while current not in [node_id for node_id, _ in path]:
            role = next(role for role, need in self.needs[current].items() if need in stuck)
            path.append((current, role))
            current = self.needs[current][role]
        path = path[[node_id for node_id, _ in path].index(current) :]
        start = path.index(min(path))
        path = path[start:] + path[:start]
        why = [
            f"{node_id} needs {self.needs[node_id][role]} as {role} ({self._place(node_id, role)})"
            for node_id, role in path
        ]
        return ResolutionError(
            "components depend on each other in a cycle",
            where=", ".join(node_id for node_id, _ in path),
            why=why,
            fix="remove one of these requirements, or narrow its tags so that another component matches",
            details={"circle": [node_id for node_id, _ in path]},
        )

    def _place(self, node_id: str, role: str) -> str:
        wanted = requirements_of(self.by_id[node_id], self.overrides)
        return next(item.where for item in wanted if item.role == role)

    def _python_node(self, libraries: Collection[InEnvironment]) -> Node:
        among = {item.requirement: item.built_among for item in libraries}
        pip = tuple(sorted({*among, *(item for items in among.values() for item in items)}))
        is_running = self.python_mode == "running"
        key = environment_key(pip, self.host.platform)
        is_here = is_running or key in self.host.stored
        return Node(
            id=PYTHON,
            candidate=Candidate(
                component=PYTHON,
                family=PYTHON,
                version=self.host.platform.python,
                origin="detected" if is_running else ("installed" if is_here else "installable"),
            ),
            provision=PythonEnvironment(
                pip=pip, built_among={name: items for name, items in sorted(among.items()) if items}
            ),
            roles=(PYTHON,),
            reason=self.solution.python_reason,
            action="reuse" if is_here else "install",
            key="" if is_running else key,
            bytes=0 if is_here else None,
        )

    def _node(self, node_id: str, option: Option) -> Node:
        component, provision = option.component, self.provisions[node_id]
        needs = dict(self.needs[node_id])
        if PYTHON in self.nodes and (isinstance(provision, InEnvironment) or is_process(provision)):
            needs[PYTHON if PYTHON not in needs else f"{PYTHON} environment"] = PYTHON
        key, files = self._key(option, provision, needs)
        action = self._action(option.candidate, provision, key)
        fetch = files_of(provision)
        roles = tuple(sorted(self.roles[node_id]))
        return Node(
            id=node_id,
            candidate=_with_origin(option.candidate, provision, action),
            provision=provision,
            uid=component.uid,
            repo=component.repo,
            path=component.path,
            file=component.file,
            licence=component.licence,
            files=files,
            roles=roles,
            reason=self._reason(roles[0], option),
            action=action,
            key=key,
            needs=dict(sorted(needs.items())),
            required_by=tuple(item for role in roles for item in self.solution.requirements[role]),
            bytes=_bytes(fetch) if action in {"fetch", "extract"} else 0,
            digest=next((item.digest for item in fetch), ""),
            env=self._env(option),
            facts=facts_of(component, option.candidate),
        )

    def _env(self, option: Option) -> dict[str, str]:
        """Return the variables of a node: its own, and the program inputs that it declares to read."""
        return {**option.choice.env, **self._read_inputs(option, self.overrides.inputs)}

    def _read_inputs(self, option: Option, values: Mapping[str, str]) -> dict[str, str]:
        install = option.component.install
        names = [name for name in (install.reads_inputs if install else ()) if values.get(name)]
        return {f"LOOM_INPUT_{name.upper()}": values[name] for name in names}

    def _key(self, option: Option, provision: Provision, needs: Mapping[str, str]) -> tuple[str, str]:
        """Return the key of the result, and the digest of the component's folder; '' if not applicable."""
        component, candidate = option.component, option.candidate
        if isinstance(provision, InEnvironment):
            return library_key(candidate), ""
        if isinstance(provision, Detected):
            return "", ""
        key = result_key(
            component,
            candidate,
            files=self.universe.content_digest(component, candidate.variations),
            env={**self._env(option), **self._read_inputs(option, self.host.input_files)},
            fetch=files_of(provision),
            needs={role: self._identity(self.nodes[need]) for role, need in needs.items() if need != PYTHON},
            platform=self.host.platform if isinstance(provision, Built) else None,
            module=self.host.modules.get(provision.module, "") if isinstance(provision, Built) else "",
        )
        return key, self.universe.files_digest(component)

    def _identity(self, node: Node) -> str:
        """Return what a result built from ``node`` depends on: its key, or the detected version and state with its facts."""
        if node.key:
            return node.key
        candidate, dataset = node.candidate, node.facts.dataset
        facts = f"#{of_bytes(to_json(dataset))}" if dataset else ""
        return f"{candidate.family}@{candidate.version}#{candidate.state}{facts}"

    def _action(self, candidate: Candidate, provision: Provision, key: str) -> Action:
        """Return the action for ``provision`` on this host, whose result has ``key``."""
        match provision:
            case Run():
                return "run"
            case Detected():
                return "detect"
            case InEnvironment():
                is_here = self.nodes[PYTHON].is_here
                return "detect" if candidate.origin == "detected" else "reuse" if is_here else "install"
            case Built() if key not in self.host.stored:
                return "build"
            case Fetched(files=files) if key not in self.host.stored:
                return "extract" if any(item.archive for item in files) else "fetch"
            case _:
                return "reuse"

    def _reason(self, role: str, option: Option) -> str:
        return reason_of(option, self.solution.examiner.examine(self.solution.requirements[role]).options)


def _node_id(option: Option) -> str:
    component = option.component
    if component.kind == "script":
        return option.candidate.family
    words = [component.ref, *(f"_{name}" for name in option.candidate.variations)]
    return ",".join(words)


def _with_origin(candidate: Candidate, provision: Provision, action: Action) -> Candidate:
    """Return ``candidate`` with its origin on this machine."""
    origin: Origin = "installable" if action in {"fetch", "extract", "build"} else "installed"
    return (
        msgspec.structs.replace(candidate, origin=origin)
        if isinstance(provision, Fetched | Built | InPlace)
        else candidate
    )


def _bytes(fetch: tuple[Fetch, ...]) -> int | None:
    """Total size to download: 0 for files of the component's own folder, None if an upstream states no size."""
    sizes = [0 if item.path else item.size for item in fetch]
    return None if any(size is None for size in sizes) else sum(size or 0 for size in sizes)
