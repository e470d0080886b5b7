"""The Plan: everything about a run, known before anything runs. It holds no path, host name or clock time."""

from typing import Literal

from benchloom.model.base import Document, SchemaName, SchemaTable, Value
from benchloom.model.component import Fetch, Requirement
from benchloom.model.facts import Backend, Dataset, Model, Profile
from benchloom.model.provision import Provision, PythonEnvironment, Run, files_of
from benchloom.model.ruleset import Ruleset

Origin = Literal["installed", "detected", "installable"]
Action = Literal["fetch", "extract", "detect", "build", "install", "run", "reuse"]

PLAN_SCHEMA = "benchloom.plan/2"
TARGET_ROLE = "target"  # of what was asked for


class Candidate(Document, frozen=True, kw_only=True):
    """A component with a version, variations and an origin: one possible answer to a requirement.

    Attributes:
        component: its reference, ``kind:alias``.
        family: what may exist only once in a plan.
        version: the version; empty if it is not known.
        variations: the variations that are chosen, sorted.
        origin: whether it is in the store, was found on this machine, or can be installed.
        location: where a detected thing was found.
        state: of a detected thing, a digest of the names, sizes and times of its files.
    """

    component: str
    family: str
    version: str = ""
    variations: tuple[str, ...] = ()
    origin: Origin = "installable"
    location: str = ""
    state: str = ""

    @property
    def label(self) -> str:
        """``kind:alias _variation @version (origin)`` for people."""
        words = [self.component, *(f"_{name}" for name in self.variations)]
        if self.version:
            words.append(f"@{self.version}")
        return f"{' '.join(words)} ({self.origin})"


class Platform(Value, frozen=True, kw_only=True):
    """The host facts that resolution depends on.

    Attributes:
        os: the operating system, such as ``linux``.
        arch: the processor's architecture, such as ``x86_64``.
        python: the version of Python, such as ``3.11``.
    """

    os: str
    arch: str
    python: str


class StatedFacts(Value, frozen=True, kw_only=True):
    """What a component states of itself, with the variations chosen; None of what it is not."""

    model: Model | None = None
    dataset: Dataset | None = None
    profile: Profile | None = None
    backend: Backend | None = None
    ruleset: Ruleset | None = None


class PlannedRepository(Value, frozen=True, kw_only=True):
    """A repository that components of a plan come from.

    Attributes:
        alias: its name.
        digest: over the files of those of its components whose folders the plan uses; '' if it uses none.
        trusted: whether the user lets its commands run while something is planned, as those of the built-in one may;
            None if the plan is of schema 1, which does not say.
        built_in: whether it is the one that the engine comes with.
    """

    alias: str
    digest: str = ""
    trusted: bool | None = None
    built_in: bool = False


class Node(Document, frozen=True, kw_only=True):
    """One chosen thing, what will be done about it, and all that doing so takes.

    Attributes:
        id: unique within the plan: ``program``, ``python`` or the component's reference with variations.
        candidate: what was chosen.
        provision: how it is provided.
        uid: the component's uid.
        repo: the repository of the component; '' for the Python environment, which is no component.
        path: the component's folder, relative to the root of the repository.
        file: its metadata file, relative to the root of the repository: what messages name.
        licence: the licence that the component states.
        files: digest of the component's folder ('' if the component only describes something found on this machine).
        roles: the roles it fills, sorted.
        reason: one sentence on why this candidate was chosen, and over which.
        action: what the executor will do; ``reuse`` and ``detect`` do nothing.
        key: content address of its result ('' for detected things, which are referred to in place).
        needs: ids of the nodes it is built from, by role, sorted.
        required_by: the requirements it answers.
        bytes: total size to download; None if a size is unknown, 0 if nothing is downloaded.
        digest: that of the first file to fetch.
        env: variables it exports to what needs it.
        facts: what the component states of its model, data set, profile or backend, with the variations chosen.
    """

    id: str
    candidate: Candidate
    provision: Provision
    uid: str = ""
    repo: str = ""
    path: str = ""
    file: str = ""
    licence: str = ""
    files: str = ""
    roles: tuple[str, ...] = ()
    reason: str = ""
    action: Action = "reuse"
    key: str = ""
    needs: dict[str, str] = {}
    required_by: tuple[Requirement, ...] = ()
    bytes: int | None = 0
    digest: str = ""
    env: dict[str, str] = {}
    facts: StatedFacts = StatedFacts()

    @property
    def fetch(self) -> tuple[Fetch, ...]:
        """The files that are fetched for it."""
        return files_of(self.provision)

    @property
    def is_here(self) -> bool:
        """Whether its result is here before anything is done."""
        return self.action in {"detect", "reuse"}


class Plan(Document, frozen=True, kw_only=True):
    """The whole graph in dependency order: a node comes after everything it needs, ties by id.

    With the folders of its repositories and a store it can be executed: nothing else is asked.

    Attributes:
        target: what was asked for.
        command: the command of the program; empty if the target is no program.
        inputs: inputs of the program by name, without secrets.
        env: the user's variables, as given with ``--env.NAME``.
        platform: what it was planned for.
        nodes: everything that is used.
        repositories: the repositories that its components come from.
    """

    schema: SchemaName
    target: str
    command: str
    inputs: dict[str, str]
    env: dict[str, str]
    platform: Platform
    nodes: tuple[Node, ...]
    repositories: tuple[PlannedRepository, ...] = ()

    def node(self, node_id: str) -> Node:
        """Return a node by id. Raises KeyError."""
        for node in self.nodes:
            if node.id == node_id:
                return node
        raise KeyError(node_id)

    def in_role(self, role: str) -> Node | None:
        """Return the node that fills ``role``; None if there is none."""
        return next((node for node in self.nodes if role in node.roles), None)

    @property
    def program(self) -> Node | None:
        """The target's node if the target is a program."""
        target = self.in_role(TARGET_ROLE)
        return target if target and isinstance(target.provision, Run) else None

    @property
    def environment(self) -> Node | None:
        """The node of the Python environment; None if the plan needs none."""
        return next((node for node in self.nodes if isinstance(node.provision, PythonEnvironment)), None)

    @property
    def added_repositories(self) -> tuple[str, ...]:
        """Aliases of the repositories that are not the built-in one, sorted."""
        return tuple(item.alias for item in self.repositories if not item.built_in)


SCHEMAS: SchemaTable = {"plan": (Plan, "loom plan --json, loom run --dry-run --json")}
