"""Every way to answer the requirements on one role, best first, and why the rest was refused."""

from collections.abc import Iterable, Sequence
from typing import Protocol

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from benchloom.errors import InputError
from benchloom.model.base import Value
from benchloom.model.component import Component, Requirement, Version
from benchloom.model.plan import Candidate, Origin
from benchloom.model.query import Query
from benchloom.model.version import Piece, parse_range, version_key
from benchloom.resolve.host import HostFacts, Installed, Overrides
from benchloom.resolve.variations import Choice, choose, find_variation

ANSWERING_KINDS = ("package", "soft", "dataset", "script")
_ORIGINS: dict[Origin, int] = {"installed": 0, "detected": 1, "installable": 2}

Rank = tuple[int, int, int]
Order = tuple[Rank, str, bool, "_Descending", str, tuple[str, ...]]


class Universe(Protocol):
    """What resolution needs of an index."""

    @property
    def components(self) -> tuple[Component, ...]:
        """Every component, sorted."""

    def match(self, query: Query, kinds: Sequence[str] = ()) -> tuple[Component, ...]:
        """Components that answer ``query``."""

    def files_digest(self, component: Component) -> str:
        """Digest of the files in the component's folder."""


class Option(Value, frozen=True, kw_only=True):
    """One candidate with what it is made of."""

    candidate: Candidate
    component: Component
    choice: Choice
    default: bool = False

    @property
    def rank(self) -> Rank:
        """What ranks before versions: default for the query, origin, priority."""
        return (0 if self.default else 1, _ORIGINS[self.candidate.origin], -self.component.priority)


class Refusal(Value, frozen=True, kw_only=True):
    """A component (or a version of it) that could not be chosen, and the reason."""

    component: str
    reason: str


class Options(Value, frozen=True, kw_only=True):
    """The answers to one role, best first, and the refusals."""

    options: tuple[Option, ...]
    refusals: tuple[Refusal, ...]


class _Descending:
    """Inverts the order of version keys inside a sort key."""

    __slots__ = ("key",)

    def __init__(self, key: tuple[Piece, ...]) -> None:
        self.key = key

    def __lt__(self, other: "_Descending") -> bool:
        return self.key > other.key

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Descending) and self.key == other.key

    __hash__ = None  # type: ignore[assignment]


def order_of(option: Option) -> Order:
    """Sort key of preference: rank, then family, then the default version, then higher version, then alias.

    Versions are compared only within a family: across families they mean different things.
    """
    candidate = option.candidate
    is_default = bool(candidate.version) and version_key(candidate.version) == version_key(
        option.component.default_version
    )
    return (
        option.rank,
        candidate.family,
        not is_default,
        _Descending(version_key(candidate.version)),
        option.component.ref,
        candidate.variations,
    )


class Examiner:
    """Answers roles from an index, host facts and the user's overrides. Results are cached by question."""

    def __init__(self, universe: Universe, host: HostFacts, overrides: Overrides, python_mode: str) -> None:
        self.universe = universe
        self.host = host
        self.overrides = overrides
        self.python_mode = python_mode
        self._detected: dict[str, list[Candidate]] = {}
        for found in host.detected:
            self._detected.setdefault(found.component, []).append(found)
        self._cache: dict[tuple[tuple[str, str, tuple[tuple[str, str], ...]], ...], Options] = {}

    def examine(self, requirements: Sequence[Requirement]) -> Options:
        """Return the options that satisfy all of ``requirements``, best first, with the refusals."""
        question = tuple(
            sorted({(str(item.query), item.only, tuple(sorted(item.env.items()))) for item in requirements})
        )
        if question not in self._cache:
            self._cache[question] = self._examine(requirements)
        return self._cache[question]

    def _examine(self, requirements: Sequence[Requirement]) -> Options:
        query = Query()
        for requirement in requirements:
            query = query.merged(requirement.query)
        only = {item.only for item in requirements if item.only}
        env: dict[str, str] = {}
        for requirement in requirements:
            env.update(requirement.env)
        options: list[Option] = []
        refusals: list[Refusal] = []
        for component in self._matching(query, only):
            found, refused = self._of_component(component, query, env)
            options.extend(found)
            refusals.extend(refused)
        return Options(options=tuple(sorted(options, key=order_of)), refusals=tuple(refusals))

    def _matching(self, query: Query, only: set[str]) -> list[Component]:
        if only:
            pool = [item for item in self.universe.components if only <= {item.ref, item.family}]
            return [item for item in pool if matches(item, query)]
        return list(self.universe.match(Query(tags=query.tags, without=query.without), ANSWERING_KINDS))

    def _of_component(
        self, component: Component, query: Query, env: dict[str, str]
    ) -> tuple[list[Option], list[Refusal]]:
        if component.is_python_library and not self._fits_python_mode(component):
            reason = _PYTHON_REASONS[self.python_mode]
            return [], [Refusal(component=component.ref, reason=reason)]
        wanted = {*query.variations, *(set(query.tags) & set(component.variations) - set(component.tags))}
        choice = choose(component, wanted, query.without_variations)
        if choice.problem:
            return [], [Refusal(component=component.ref, reason=choice.problem)]
        choice = self._with_env(choice, env)
        is_default = any(set(item.split(",")) <= set(query.tags) for item in component.default_for)
        options, refusals = [], []
        allowed = parse_range(query.version)
        for candidate in self._candidates(component, choice):
            if problem := self._version_problem(component, candidate, query.version, allowed.admits(candidate.version)):
                refusals.append(Refusal(component=component.ref, reason=problem))
            else:
                options.append(Option(candidate=candidate, component=component, choice=choice, default=is_default))
        if not options and not refusals:
            refusals.append(Refusal(component=component.ref, reason="not found on this machine"))
        return options, refusals

    def _fits_python_mode(self, component: Component) -> bool:
        return (component.kind == "soft") == (self.python_mode == "running")

    def _with_env(self, choice: Choice, env: dict[str, str]) -> Choice:
        changed = {key: text for key, text in env.items() if choice.env.get(key) != text}
        changed.update({key: text for key, text in self.overrides.env.items() if key in {*choice.env, *env}})
        if not changed:
            return choice
        return Choice(
            variations=choice.variations,
            env={**choice.env, **changed},
            tags=choice.tags,
            fetch=choice.fetch,
            requires=choice.requires,
            version=choice.version,
        )

    def _candidates(self, component: Component, choice: Choice) -> Iterable[Candidate]:
        if component.kind == "soft":
            yield from self._detected.get(component.ref, [])
            return
        for version in self._versions(component, choice):
            yield Candidate(
                component=component.ref,
                family=family_of(component, choice, version),
                version=version,
                variations=choice.variations,
                origin=self._origin(component, choice, version),
            )

    def _versions(self, component: Component, choice: Choice) -> Sequence[str]:
        if choice.version:
            return (choice.version,)
        return tuple(item.version for item in component.versions) or ("",)

    def _origin(self, component: Component, choice: Choice, version: str) -> Origin:
        if not produces(component, choice):
            return "installed"
        entry = Installed(component=component.ref, version=version, variations=choice.variations)
        return "installed" if entry in self.host.installed else "installable"

    def _version_problem(self, component: Component, candidate: Candidate, asked: str, is_admitted: bool) -> str:
        version = candidate.version
        spec = next((item for item in component.versions if item.version == version), Version(version=version))
        if candidate.origin != "detected" and not _python_admits(spec.requires_python, self.host.platform.python):
            return f"version {version} needs Python {spec.requires_python}, this is {self.host.platform.python}"
        if is_admitted:
            return ""
        if not version:
            return f"its version is unknown, so it cannot be shown to be {asked}"
        return f"version {version} is not {asked}"


_PYTHON_REASONS = {
    "running": "installing it needs an environment of its own; the running interpreter is tried first",
    "isolated": "the running interpreter is not used, since it does not satisfy the whole plan",
}


def matches(component: Component, query: Query) -> bool:
    """Tell whether ``component`` answers the words of ``query`` (its version aside)."""
    names = component.names
    return (
        names.issuperset(query.tags)
        and names.isdisjoint(query.without)
        and all(find_variation(component, name) for name in query.variations)
    )


def produces(component: Component, choice: Choice) -> bool:
    """Tell whether something must be fetched or built to have it (a data set in its folder or plain facts need not)."""
    return bool(choice.fetch or component.install or any(item.fetch for item in component.versions))


def family_of(component: Component, choice: Choice, version: str) -> str:
    """Return what may exist once per plan: scripts are functions, so each configuration is a family of its own."""
    if component.kind != "script":
        return component.family or component.ref
    words = [component.ref, *(f"_{name}" for name in choice.variations)]
    words += [f"{key}={text}" for key, text in sorted(choice.env.items()) if component.env.get(key) != text]
    return ",".join([*words, f"@{version}"] if version else words)


def _python_admits(specifier: str, python: str) -> bool:
    if not specifier:
        return True
    try:
        return SpecifierSet(specifier).contains(python)
    except InvalidSpecifier as error:
        raise InputError(f"requires_python {specifier!r} is not valid", why=[str(error)]) from error
