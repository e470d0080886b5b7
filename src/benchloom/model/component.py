"""A component as every layer above the index sees it, whatever file format it came from."""

from typing import Literal

from benchloom.model.base import SchemaTable, Value
from benchloom.model.detect import Detect
from benchloom.model.facts import Backend, Dataset, Layout, Model, Profile
from benchloom.model.published import PublishedFile, StandIn
from benchloom.model.query import Query
from benchloom.model.ruleset import Ruleset
from benchloom.model.submission_rules import SubmissionRules

Kind = str
VENV_TEMPLATE = "venv.template"
BY_HAND = "it is obtained by hand: "  # how a component's ``foreign_work`` begins that only the user can do
RULESET = "ruleset"  # the kind, and the role that a program has it for
KINDS = ("program", "package", "soft", "dataset", "script", RULESET, VENV_TEMPLATE)

Convention = Literal["ck", "cm"]


class Condition(Value, frozen=True, kw_only=True):
    """When a requirement applies, over the requirer's environment.

    Attributes:
        convention: whose rules hold: those of `ck` (exact membership; a missing key counts as ""), or of `cm` and MLC
            (truthy and falsy values of ``enable_if_env`` and ``skip_if_env``).
        alternatives: accepted values by key: all keys of one alternative must agree, and one alternative must hold.
        any: whether one key of an alternative is enough (``cm`` only).
        negate: whether the requirement applies if the condition does not hold.
    """

    convention: Convention
    alternatives: tuple[dict[str, tuple[str, ...]], ...]
    any: bool = False
    negate: bool = False


class Requirement(Value, frozen=True, kw_only=True):
    """A query with a role and a requirer: one need of one component (or of the command line).

    Attributes:
        role: the name under which the requirer gets the answer.
        query: what an answer must have.
        requirer: reference of the component that needs it, or ``command line``.
        where: file and key, or flag, that states it, for messages.
        optional: whether it only constrains a role that something else requires; alone it brings nothing in.
        continue_on_error: whether what it brings in is left out of a virtual environment, with a note, if it cannot be
            fetched.
        conditions: all must hold for the requirement to apply.
        sort: its place among the needs of one requirer; lower comes first.
        env: variables that the answer exports in addition.
        only: limits the answer to one component (``kind:alias``) or family.
        facts: what the answer must state of itself, by name of the fact: one of the values of each.
    """

    role: str
    query: Query
    requirer: str
    where: str = ""
    optional: bool = False
    continue_on_error: bool = False
    conditions: tuple[Condition, ...] = ()
    sort: int = 0
    env: dict[str, str] = {}
    only: str = ""
    facts: dict[str, tuple[str, ...]] = {}


class Fetch(Value, frozen=True, kw_only=True):
    """One file to obtain. Exactly one of ``url`` and ``path`` is given.

    Attributes:
        url: where it is downloaded from.
        path: a file in the component's own folder.
        mirrors: other addresses of the same file, tried in this order.
        filename: the name it gets; by default the last part of its address.
        digest: ``sha256:`` and hexadecimal digits (sha384, sha512 or md5 if upstream publishes nothing better).
        unpinned: why there is no digest.
        size: its size in bytes.
        archive: the kind of archive that is unpacked; empty if the file itself is wanted.
        member: the one file of the archive that is wanted.
        unpack_to: the folder it is unpacked to, below the result.
    """

    url: str = ""
    path: str = ""
    mirrors: tuple[str, ...] = ()
    filename: str = ""
    digest: str = ""
    unpinned: str = ""
    size: int | None = None
    archive: Literal["", "zip", "tar", "gz"] = ""
    member: str = ""
    unpack_to: str = ""


class Install(Value, frozen=True, kw_only=True):
    """How a package is installed, besides its downloads.

    A script or module runs in the staging folder with the node's exact environment; whatever it leaves there is the
    entry's content. It refuses its input with exit code 2 and a message on standard error: a line ``error: WHAT``, then
    lines of two blanks and ``where: ``, ``why: `` or ``fix: ``.

    Attributes:
        pip: a distribution, installed in the plan's one Python environment with the version chosen.
        unstated: requirements (PEP 508 with markers) of the distribution that its own metadata leaves out; if one
            applies, the distribution is built among them and not in pip's isolation.
        script: a Python or shell file of the component.
        module: a Python module of the engine's runtime.
        arguments: what the script or module is called with.
        reads_inputs: inputs of the program that the result depends on. It gets them as ``LOOM_INPUT_<NAME>`` if they
            are given, and what is made with one is another result than what is made without. Of an input that names a
            file, the content counts.
    """

    pip: str = ""
    unstated: tuple[str, ...] = ()
    script: str = ""
    module: str = ""
    arguments: tuple[str, ...] = ()
    reads_inputs: tuple[str, ...] = ()


class Version(Value, frozen=True, kw_only=True):
    """One version a component offers.

    Attributes:
        version: the version as it is asked for.
        requires_python: versions of Python that it can be installed with, such as ``>=3.10``.
        fetch: what is downloaded for it.
        env: variables that it exports.
        unpinned: why its files have no digest.
    """

    version: str
    requires_python: str = ""
    fetch: tuple[Fetch, ...] = ()
    env: dict[str, str] = {}
    unpinned: str = ""


class Variation(Value, frozen=True, kw_only=True):
    """A named alternative of a component. Of a group, one member is chosen.

    Attributes:
        name: its name; one that ends in ``.#`` takes a value.
        tags: tags that it adds to those of the component.
        pip: another distribution than the component's ``install.pip``.
        profile: takes the place of the component's.
        layout: another layout for the samples of the component's profile.
        requires: what it needs in addition.
    """

    name: str
    group: str = ""
    default: bool = False
    env: dict[str, str] = {}
    tags: tuple[str, ...] = ()
    base: tuple[str, ...] = ()
    alias: str = ""
    default_variations: dict[str, str] = {}
    version: str = ""
    fetch: tuple[Fetch, ...] = ()
    pip: str = ""
    profile: Profile | None = None
    layout: Layout = ""
    requires: tuple[Requirement, ...] = ()


class Input(Value, frozen=True, kw_only=True):
    """A typed input of a program, given as ``--name=value``; it reaches the program as a flag.

    Attributes:
        name: the name of its flag.
        summary: one line for people.
        type: what its value must be.
        choices: the only values allowed; any if there are none.
        default: the value if none is given; empty for no value.
        minimum: the least value of a number.
        above: a bound that a number must exceed.
        secret: whether it reaches the program as the variable ``LOOM_INPUT_<NAME>`` and is never written to any file or
            argv.
        selects: a role of the program: the value is the alias of the component that fills it, the choices are those
            that can, and the program learns of it by the facts of that role alone.
    """

    name: str
    summary: str
    type: Literal["str", "int", "float", "path", "bool"] = "str"
    choices: tuple[str, ...] = ()
    default: str = ""
    minimum: float | None = None
    above: float | None = None
    secret: bool = False
    selects: str = ""

    @property
    def is_switch(self) -> bool:
        """Whether ``--name`` by itself is enough: it means yes."""
        return self.type == "bool" or set(self.choices) == {"yes", "no"}


class Command(Value, frozen=True, kw_only=True):
    """One of a program's ``run_cmds``.

    Attributes:
        name: the name it is chosen by.
        text: words with ``$<<VARIABLE>>$`` in place of values, split without a shell.
        env: variables of this command.
    """

    name: str
    text: str
    env: dict[str, str] = {}


class Check(Value, frozen=True, kw_only=True):
    """How to check whether a program can run, before long work is done for it.

    It is run if something of the roles ``before`` must be fetched or built, when everything else is there.

    Attributes:
        run_cmd_main: written as that of a command, with the same inputs.
        before: the roles that it is run before; a file of facts tells it of those, too, without a path.
    """

    run_cmd_main: str
    before: tuple[str, ...]


class Program(Value, frozen=True, kw_only=True):
    """What only programs have.

    Attributes:
        commands: the commands it can be run with.
        env: variables of every command.
    """

    commands: tuple[Command, ...]
    env: dict[str, str] = {}
    inputs: tuple[Input, ...] = ()
    results: str = "results.json"
    timeout: float | None = None
    check: Check | None = None


class Base(Value, frozen=True, kw_only=True):
    """A metadata file that a component inherits from (CK's ``_base_entry``).

    Attributes:
        file: relative to the root of its repository.
        digest: that of its content.
        repo: its repository; empty if it is the component's own.
        keys: dotted keys, with all below them, that neither the component nor a nearer base has.
    """

    file: str
    digest: str
    repo: str = ""
    keys: tuple[str, ...] = ()

    @property
    def ref(self) -> str:
        """``kind:alias`` of the entry whose file it is."""
        return ":".join(self.file.split("/")[:2])

    @property
    def shown(self) -> str:
        """The file as messages name it."""
        return f"{self.repo}:{self.file}" if self.repo else self.file

    def holds(self, key: str) -> bool:
        """Tell whether the component has ``key`` from here."""
        return any(key == item or key.startswith(f"{item}.") for item in self.keys)


class Component(Value, frozen=True, kw_only=True):
    """A self-describing component.

    Attributes:
        kind: its kind, such as ``program`` or ``package``.
        repo: alias of its repository.
        path: its folder, relative to the repository root, with forward slashes.
        file: the metadata file, relative to the repository root.
        bases: the files that it inherits from, the nearest first.
        tags: its tags, sorted.
        family: what may exist only once per plan (for a package, the soft it registers; else its own reference).
        default_for: queries (as tag lists) for which this component wins over equally good ones.
        published: of a model, what is known of its published file.
        stand_in: of a model, what takes the place of that file in the tests.
        requires: what it needs; each says for which role.
        program: what only programs have; null for other kinds.
        foreign_work: what another tool's script or source would do for it, which this engine does not; '' if there
            is no such work.
        is_qualified: whether its name is written with its repository, since another one that comes before has a
            component of that name.
    """

    kind: Kind
    alias: str
    uid: str
    repo: str
    path: str
    file: str
    bases: tuple[Base, ...] = ()
    tags: tuple[str, ...] = ()
    summary: str = ""
    licence: str = ""
    maintainers: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    family: str = ""
    default_for: tuple[str, ...] = ()
    ck_queries: tuple[str, ...] = ()
    published: PublishedFile | None = None
    stand_in: StandIn | None = None
    priority: int = 0
    versions: tuple[Version, ...] = ()
    default_version: str = ""
    variations: dict[str, Variation] = {}
    default_variations: dict[str, str] = {}
    requires: tuple[Requirement, ...] = ()
    env: dict[str, str] = {}
    fetch: tuple[Fetch, ...] = ()
    result: str = ""
    install: Install | None = None
    detect: Detect | None = None
    program: Program | None = None
    model: Model | None = None
    dataset: Dataset | None = None
    profile: Profile | None = None
    backend: Backend | None = None
    ruleset: Ruleset | None = None
    submission: SubmissionRules | None = None
    foreign_work: str = ""
    is_qualified: bool = False

    @property
    def ref(self) -> str:
        """``kind:alias``, as users type it; ``repo:kind:alias`` if it is qualified."""
        return f"{self.repo}:{self.kind}:{self.alias}" if self.is_qualified else f"{self.kind}:{self.alias}"

    def base_of(self, key: str) -> Base | None:
        """Return the base that ``key`` is inherited from; None if the component's own file has it."""
        return next((base for base in self.bases if base.holds(key)), None)

    def where(self, key: str) -> str:
        """Return ``file: key`` for messages, with the file that has the key: the component's own, or that of a base."""
        base = self.base_of(key)
        return f"{base.shown if base else self.file}: {key}"

    @property
    def is_python_library(self) -> bool:
        """Whether it lives in the plan's one Python environment."""
        return bool((self.install and self.install.pip) or (self.detect and self.detect.python))

    @property
    def own_names(self) -> frozenset[str]:
        """Tags and variation names: what plain words of a query match, and ``-word`` excludes (CK's rule)."""
        return frozenset(self.tags) | frozenset(self.variations)

    @property
    def names(self) -> frozenset[str]:
        """Its own names, and those that it has with one of its variations (``extra_tags``): a plain word may mean that variation."""
        return self.own_names.union(*(item.tags for item in self.variations.values()))


SCHEMAS: SchemaTable = {
    "component": (Component, "loom show --json"),
    "block-fetch": (tuple[Fetch, ...], "block fetch of a component file"),
    "block-install": (Install, "block install of a component file"),
    "block-check": (Check, "block check of a program: how it is asked whether it could run"),
    "block-input": (Input, "one item of block inputs of a program"),
}
