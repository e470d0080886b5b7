"""All candidates for the requirements on one role, best first, and the reasons against the others."""

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any, Literal, Protocol

import msgspec

from benchloom.model.base import Value
from benchloom.model.component import BY_HAND, RULESET, Component, Requirement, Version
from benchloom.model.plan import Candidate, Origin
from benchloom.model.query import Query
from benchloom.model.variation import find_variation
from benchloom.model.version import Piece, VersionRange, parse_range, version_key
from benchloom.resolve.fitting import misfit, unknown_device
from benchloom.resolve.host import HostFacts, Installed, Overrides
from benchloom.resolve.variations import Choice, choose

ANSWERING_KINDS = ("package", "soft", "dataset", "script", RULESET)
_ORIGINS: dict[Origin, int] = {"installed": 0, "detected": 1, "installable": 2}

Rank = tuple[int, int, int]
_Pairs = tuple[tuple[str, Any], ...]
_Question = tuple[tuple[tuple[str, str, _Pairs, _Pairs], ...], frozenset[str], bool]
RefusalKind = Literal[
    "variation",
    "range",
    "unknown-version",
    "python",
    "library",
    "absent",
    "env",
    "random-weights",
    "need",
    "foreign",
    "by-hand",
    "misfit",
]
RANDOM_WEIGHTS = "random-weights"


class Universe(Protocol):
    """The interface of an index that resolution uses."""

    @property
    def components(self) -> tuple[Component, ...]:
        """Every component, sorted."""

    @property
    def built_in(self) -> str:
        """The alias of the built-in repository, which messages leave out."""

    @property
    def trusted(self) -> AbstractSet[str]:
        """Aliases of the repositories whose commands may run during planning, including the built-in one."""

    @property
    def precedence(self) -> Mapping[str, tuple[int, int]]:
        """The sort key of repositories, by alias: negative priority, then position."""

    def match(self, query: Query, kinds: Sequence[str] = ()) -> tuple[Component, ...]:
        """Components that match ``query``."""

    def files_digest(self, component: Component) -> str:
        """Digest of the files in the component's folder."""

    def content_digest(self, component: Component, variations: Sequence[str]) -> str:
        """Digest of the content that the component with these variations contributes to others."""


class Option(Value, frozen=True, kw_only=True):
    """One candidate with its component and configuration."""

    candidate: Candidate
    component: Component
    choice: Choice
    default: bool = False

    def __hash__(self) -> int:
        return hash(self.candidate)  # equal options have equal candidates; other fields are not hashable

    @property
    def rank(self) -> Rank:
        """Sort key that precedes versions: default for the query, origin, priority."""
        return (0 if self.default else 1, _ORIGINS[self.candidate.origin], -self.component.priority)

    @property
    def is_default_version(self) -> bool:
        """Whether it has the default version of its component."""
        default = self.component.default_version
        return bool(default and self.candidate.version) and version_key(default) == version_key(self.candidate.version)


class Refusal(Value, frozen=True, kw_only=True):
    """A component (or, for the kinds ``range`` and ``python``, a version of it) that could not be chosen, and why."""

    component: str
    reason: str
    kind: RefusalKind
    version: str = ""


class Options(Value, frozen=True, kw_only=True):
    """The candidates of one role, best first, and the refusals."""

    options: tuple[Option, ...]
    refusals: tuple[Refusal, ...]


class _Descending:
    """Reverses the order of version keys inside a sort key."""

    __slots__ = ("key",)

    def __init__(self, key: tuple[Piece, ...]) -> None:
        self.key = key

    def __lt__(self, other: "_Descending") -> bool:
        return self.key > other.key

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Descending) and self.key == other.key

    __hash__ = None  # type: ignore[assignment]


def order_within(option: Option) -> tuple[bool, int, _Descending]:
    """Sort key among the candidates of one component: the default version, then what is installed, then the newest.

    The default comes first so that installed software does not change the choices of a plan.
    """
    candidate = option.candidate
    return (not option.is_default_version, _ORIGINS[candidate.origin], _Descending(version_key(candidate.version)))


def order_between(best: Option) -> tuple[Rank, str, bool, _Descending, str]:
    """Sort key among components, by the best candidate of each: rank, then family, then version, then alias.

    Versions are compared only within a family: across families they mean different things.
    """
    candidate = best.candidate
    version = _Descending(version_key(candidate.version))
    return (best.rank, candidate.family, not best.is_default_version, version, best.component.ref)


class Examiner:
    """Finds the candidates of roles from an index, host facts and the user's overrides. Results are cached.

    ``python_mode`` tells where Python libraries may come from: ``running`` (the interpreter's), ``isolated`` (installed
    by pip) or ``either``, for explanations only.
    """

    def __init__(self, universe: Universe, host: HostFacts, overrides: Overrides, python_mode: str) -> None:
        self.universe = universe
        self.host = host
        self.overrides = overrides
        self.python_mode = python_mode
        self._detected: dict[str, list[Candidate]] = {}
        for found in host.detected:
            self._detected.setdefault(found.component, []).append(found)
        self.met_library = False  # whether another python_mode could give other candidates
        self._repo_of = {item.ref: item.repo for item in universe.components}
        self._cache: dict[_Question, Options] = {}

    def examine(self, requirements: Sequence[Requirement], *, everywhere: bool = False) -> Options:
        """Return the options that satisfy all ``requirements``, best first, with the refusals.

        Only the first repository with a match is used: by priority, then that of a requirer, then the others in order.
        So an added repository can supply what is missing, but does not change other choices. ``everywhere`` searches
        all of them.
        """
        homes = frozenset(self._repo_of[item.requirer] for item in requirements if item.requirer in self._repo_of)
        asked = {
            (str(item.query), item.only, tuple(sorted(item.env.items())), tuple(sorted(item.facts.items())))
            for item in requirements
        }
        question = (tuple(sorted(asked)), homes, everywhere)
        if question not in self._cache:
            found = self._examine(requirements)
            self._cache[question] = found if everywhere else self._of_first_repository(found, homes)
        return self._cache[question]

    def _of_first_repository(self, found: Options, homes: AbstractSet[str]) -> Options:
        """Keep the matches of the first repository that has any, or would have in another Python mode; keep all if none has."""
        repos = {
            *(item.component.repo for item in found.options),
            *(self._repo_of[item.component] for item in found.refusals if item.kind == "library"),
        }
        if len(repos) < 2 and not found.refusals:
            return found
        ranks = self.universe.precedence
        first = min(repos, key=lambda repo: (ranks[repo][0], repo not in homes, ranks[repo][1]), default="")
        if not first:
            return found
        return Options(
            options=tuple(item for item in found.options if item.component.repo == first),
            refusals=tuple(item for item in found.refusals if self._repo_of[item.component] == first),
        )

    def answers(self, option: Option, requirement: Requirement) -> bool:
        """Tell whether ``option`` satisfies ``requirement``, one of a set of requirements."""
        component, query, choice = option.component, requirement.query, option.choice
        if requirement.only not in {"", component.ref, component.family}:
            return False
        wanted = {found.name for name in _named(component, query) if (found := find_variation(component, name))}
        return (
            matches(component, query)
            and wanted.issubset(choice.variations)
            and component.own_names.union(choice.tags).issuperset(query.tags)
            and not set(query.without_variations).intersection(choice.variations)
            and all(choice.env.get(key) == self.overrides.env.get(key, text) for key, text in requirement.env.items())
            and not misfit(component, choice.variations, choice.env, [requirement])
            and parse_range(query.version).admits(option.candidate.version)
        )

    def _examine(self, requirements: Sequence[Requirement]) -> Options:
        query = merged(requirements)
        only = {item.only for item in requirements if item.only}
        found: list[list[Option]] = []
        refusals: list[Refusal] = []
        env, clash = _merged_env(requirements)
        for component in self.matching(query, only):
            if clash:
                refusals.append(Refusal(component=component.ref, reason=clash, kind="env"))
                continue
            if _is_untrained(component) and RANDOM_WEIGHTS not in query.tags and component.ref not in only:
                reason = f"its weights are random: it is chosen only if the tag {RANDOM_WEIGHTS} is requested"
                refusals.append(Refusal(component=component.ref, reason=reason, kind="random-weights"))
                continue
            if component.foreign_work:
                kind: RefusalKind = "by-hand" if component.foreign_work.startswith(BY_HAND) else "foreign"
                refusals.append(Refusal(component=component.ref, reason=component.foreign_work, kind=kind))
                continue
            options, refused = self._of_component(component, query, env, [item for item in requirements if item.facts])
            found += [sorted(options, key=order_within)] if options else []
            refusals += refused
        found.sort(key=lambda options: order_between(options[0]))
        return Options(options=tuple(option for options in found for option in options), refusals=tuple(refusals))

    def matching(self, query: Query, only: AbstractSet[str] = frozenset()) -> list[Component]:
        """Return the components that match the tags of ``query``, ignoring its variations and version."""
        if only:
            pool = [item for item in self.universe.components if only <= {item.ref, item.family}]
            tags = Query(tags=query.tags, without=query.without)
            return [item for item in pool if matches(item, tags)]
        return list(self.universe.match(Query(tags=query.tags, without=query.without), ANSWERING_KINDS))

    def _of_component(
        self, component: Component, query: Query, env: dict[str, str], demanding: Sequence[Requirement]
    ) -> tuple[list[Option], list[Refusal]]:
        """Return the candidates of ``component``; ``demanding`` are the requirements with demanded facts."""
        choice = _fitting_choice(component, query, demanding)
        if not choice.problem and (problem := misfit(component, choice.variations, choice.env, demanding)):
            return [], [Refusal(component=component.ref, reason=problem, kind="misfit")]
        self.met_library = self.met_library or component.is_python_library
        if component.is_python_library and not self._fits_python_mode(component):
            return [], [Refusal(component=component.ref, reason=_PYTHON_REASONS[self.python_mode], kind="library")]
        if choice.problem:
            return [], [Refusal(component=component.ref, reason=choice.problem, kind="variation")]
        is_default = any(set(item.split(",")) <= set(query.tags) for item in component.default_for)
        options, refusals = [], []
        allowed = parse_range(query.version)
        for candidate, configured in self._candidates(component, choice, env):
            if refusal := self._version_problem(component, candidate, allowed):
                refusals.append(refusal)
            elif problem := unknown_device(component, configured.env) or misfit(
                component, configured.variations, configured.env, demanding
            ):
                refusals.append(Refusal(component=component.ref, reason=problem, kind="misfit"))
            else:
                options.append(Option(candidate=candidate, component=component, choice=configured, default=is_default))
        if not options and not refusals:
            refusals.append(Refusal(component=component.ref, reason="it was not found on this machine", kind="absent"))
        return options, refusals

    def _fits_python_mode(self, component: Component) -> bool:
        return self.python_mode == "either" or (component.kind == "soft") == (self.python_mode == "running")

    def _with_env(self, choice: Choice, version: Version, env: dict[str, str]) -> Choice:
        """Add the variables of the version, of its requirers, and of the command line; later ones win."""
        declared = {**choice.env, **version.env, **env}
        asked = {key: text for key, text in self.overrides.env.items() if key in declared}
        final = {**declared, **asked}
        return choice if final == choice.env else msgspec.structs.replace(choice, env=final)

    def _candidates(
        self, component: Component, choice: Choice, env: dict[str, str]
    ) -> Iterable[tuple[Candidate, Choice]]:
        if component.kind == "soft":
            configured = self._with_env(choice, Version(version=""), env)
            yield from ((candidate, configured) for candidate in self._detected.get(component.ref, []))
            return
        if given := self._detected.get(component.ref):  # a file that replaces its download
            yield from (
                (
                    msgspec.structs.replace(item, variations=choice.variations),
                    self._with_env(choice, Version(version=""), env),
                )
                for item in given
            )
            return
        for version in self._versions(component, choice):
            configured = self._with_env(choice, version, env)
            candidate = Candidate(
                component=component.ref,
                family=family_of(component, choice, version, configured.env),
                version=version.version,
                variations=choice.variations,
                origin=self._origin(component, choice, version.version),
            )
            yield candidate, configured

    def _versions(self, component: Component, choice: Choice) -> Sequence[Version]:
        if choice.version:
            return (version_named(component, choice.version),)
        return component.versions or (Version(version=""),)

    def _origin(self, component: Component, choice: Choice, version: str) -> Origin:
        if not produces(component, choice):
            return "installed"
        entry = Installed(component=component.ref, version=version, variations=choice.variations)
        return "installed" if entry in self.host.installed else "installable"

    def _version_problem(self, component: Component, candidate: Candidate, allowed: VersionRange) -> Refusal | None:
        version = candidate.version
        needed = version_named(component, version).requires_python
        if candidate.origin != "detected" and not _python_admits(needed, self.host.platform.python):
            reason = f"version {version} needs Python {needed}, this is {self.host.platform.python}"
            return Refusal(component=component.ref, reason=reason, kind="python", version=version)
        if allowed.admits(version):
            return None
        if not version:
            reason = f"its version is unknown, so it may not satisfy {allowed}"
            return Refusal(component=component.ref, reason=reason, kind="unknown-version")
        missed = ",".join(allowed.broken_by(version))
        reason = f"version {version} does not satisfy {missed}"
        return Refusal(component=component.ref, reason=reason, kind="range", version=version)


_PYTHON_REASONS = {
    "running": "installing it needs a separate environment; the running interpreter is tried first",
    "isolated": "the running interpreter is not used, since it does not satisfy the whole plan",
}


def merged(requirements: Iterable[Requirement]) -> Query:
    """Return the conjunction of all queries."""
    query = Query()
    for requirement in requirements:
        query = query.merged(requirement.query)
    return query


def matches(component: Component, query: Query) -> bool:
    """Tell whether ``component`` matches the words of ``query``, ignoring its version."""
    return (
        component.names.issuperset(query.tags)
        and component.own_names.isdisjoint(query.without)
        and all(find_variation(component, name) is not None for name in query.variations)
    )


def version_named(component: Component, version: str) -> Version:
    """Return the description of ``version`` in ``component``; an empty one if there is none."""
    return next((item for item in component.versions if item.version == version), Version(version=version))


def produces(component: Component, choice: Choice) -> bool:
    """Tell whether it must be fetched or built (unlike a data set in its folder, or plain facts)."""
    return bool(choice.fetch or component.install or any(item.fetch for item in component.versions))


def family_of(component: Component, choice: Choice, version: Version, env: Mapping[str, str]) -> str:
    """Return the family, which may occur once per plan: scripts are functions, so each configuration is a separate family.

    ``env`` are its variables; those that its variations and version do not determine become part of the name.
    """
    if component.kind != "script":
        return component.family or component.ref
    usual = {**choice.env, **version.env}
    words = [component.ref, *(f"_{name}" for name in choice.variations)]
    words += [f"{key}={text}" for key, text in sorted(env.items()) if usual.get(key) != text]
    return ",".join([*words, f"@{version.version}"] if version.version else words)


def _is_untrained(component: Component) -> bool:
    return component.model is not None and component.model.weights == "random"


def _wanted(component: Component, query: Query) -> set[str]:
    """Return the variations that ``query`` selects: by ``_name``, by a plain word that is not a tag (CK's rule), or by a tag that they add.

    Of several that add it, the one that would be chosen anyway is used, else the first.
    """
    named = _named(component, query)
    added = {tag for name in named if (found := find_variation(component, name)) for tag in found.tags}
    for tag in sorted(set(query.tags) - component.own_names - added):
        givers = [item for item in component.variations.values() if tag in item.tags]
        named |= {next((item.name for item in givers if item.default), givers[0].name)} if givers else set()
    return named


def _fitting_choice(component: Component, query: Query, demanding: Sequence[Requirement]) -> Choice:
    """Configure ``component`` for ``query``; an open variation is chosen by the demanded facts."""
    wanted = _wanted(component, query)
    choice = choose(component, wanted, query.without_variations)
    for requirement in demanding:
        if choice.problem or not misfit(component, choice.variations, choice.env, [requirement]):
            continue
        for name in sorted(component.variations):
            trial = choose(component, {*wanted, name}, query.without_variations)
            if not trial.problem and not misfit(component, trial.variations, trial.env, [requirement]):
                wanted, choice = {*wanted, name}, trial
                break
    return choice


def _named(component: Component, query: Query) -> set[str]:
    return {*query.variations, *(set(query.tags) & set(component.variations) - set(component.tags))}


def _merged_env(requirements: Sequence[Requirement]) -> tuple[dict[str, str], str]:
    """Return the variables that the requirers set, and a sentence if two of them set one to different values."""
    setters: dict[str, tuple[str, str]] = {}
    for item in sorted(requirements, key=lambda item: (item.requirer, item.where)):
        for key, text in item.env.items():
            owner, other = setters.setdefault(key, (item.requirer, text))
            if other != text:
                return {}, f"{owner} sets its {key} to {other!r}, {item.requirer} to {text!r}"
    return {key: text for key, (_, text) in setters.items()}, ""


def _python_admits(specifier: str, python: str) -> bool:
    if not specifier:
        return True
    from packaging.specifiers import SpecifierSet  # late: it takes longer than most plans

    return SpecifierSet(specifier).contains(python)
