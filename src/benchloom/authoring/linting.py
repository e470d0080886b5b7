"""Lint: the findings of the readers and of the rules."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from benchloom.authoring.identity import apply, changes
from benchloom.authoring.lint_rules.seam import LintSubject, all_rules
from benchloom.base.names import did_you_mean
from benchloom.errors import InputError, IntegrityError, LoomError, UnknownNameError
from benchloom.index.built_in import refuse_installed
from benchloom.index.index import Index, load
from benchloom.index.repositories import Repository, read_repository
from benchloom.model.base import SchemaTable, Value
from benchloom.model.component import KINDS
from benchloom.model.finding import Finding

_ORDER = {"error": 0, "warning": 1, "info": 2, "pass": 3}


class RuleInfo(Value, frozen=True, kw_only=True):
    """One rule as ``loom lint --list-rules`` shows it.

    Attributes:
        id: stable id, as findings have it.
        group: what it looks at.
        description: what it finds.
        fixable: whether ``--fix`` corrects what it finds.
    """

    id: str
    group: str
    description: str
    fixable: bool = False


SCHEMAS: SchemaTable = {"lint-rules": (tuple[RuleInfo, ...], "loom lint --list-rules --json")}


@dataclass(frozen=True)
class LintScope:
    """The scope of lint: the repositories, the index over all of them, and the cache folder of indexes."""

    repositories: Sequence[Repository]
    index: Index
    cache: Path


def refuse_unknown_rule(name: str) -> None:
    """Raise UnknownNameError for an unknown rule."""
    if name and name not in all_rules():
        fix = did_you_mean(name, all_rules()) or "see loom lint --list-rules"
        raise UnknownNameError(f"there is no rule {name!r}", where="--rule", fix=fix)


def lint(scope: LintScope, words: Sequence[str] = (), *, only: str = "") -> tuple[tuple[Finding, ...], int]:
    """Return the findings on what ``words`` name (everything by default), and the number of components checked.

    A word is a component, the name or folder of a repository, or a component's folder. ``only`` is one rule. Raises
    UnknownNameError for an unknown word.
    """
    places = _named_places(scope, words)
    own = _own(places, is_named=bool(words))
    universe = _universe(scope, places)
    looked_at: set[tuple[str, str]] = set()
    found: dict[Finding, None] = {}
    for place in places:
        here = load([place.repository], scope.cache, _others(universe, place.repository))
        subjects = [
            LintSubject(item, place.repository, universe)
            for item in here.components
            if place.holds(item.ref, item.path)
        ]
        looked_at |= {(place.repository.path, item.component.ref) for item in subjects}
        said = [*_readings(place, here, universe, subjects), *(_drift(place) if place in own else ())]
        said += [finding for item in subjects for finding in _checked(item, only)]
        found |= dict.fromkeys(item for item in said if not only or item.rule == only)
    ordered = sorted(found, key=lambda item: (item.file, item.line, _ORDER[item.severity], item.rule, item.message))
    return tuple(ordered), len(looked_at)


def fix_identity(scope: LintScope, words: Sequence[str] = ()) -> None:
    """Update the tables for CK and CM of the repositories that ``words`` name (the built-in one by default).

    Raises UnknownNameError for an unknown word, and InputError for a read-only repository.
    """
    for place in _own(_named_places(scope, words), is_named=bool(words)):
        if not place.component and not place.folder:
            root = Path(place.repository.path)
            refuse_installed(root)
            apply(root, changes(root))


def _named_places(scope: LintScope, words: Sequence[str]) -> list["_LintTarget"]:
    named = [place for word in words for place in _places(scope, word)]
    return named or [_LintTarget(item) for item in scope.repositories if Path(item.path).is_dir()]


def _own(places: Sequence["_LintTarget"], *, is_named: bool) -> list["_LintTarget"]:
    """Return the targets whose identity is checked: clones belong to others."""
    return [item for item in places if (is_named or item.repository.built_in) and not item.repository.url]


def _universe(scope: LintScope, places: Sequence["_LintTarget"]) -> Index:
    """Every component that may match a requirement of the targets, including repositories that were not added."""
    outside = [item.repository for item in places if item.repository not in scope.repositories]
    return load((*dict.fromkeys(outside), *scope.repositories), None) if outside else scope.index


def _readings(place: "_LintTarget", here: Index, universe: Index, subjects: Sequence[LintSubject]) -> Iterator[Finding]:
    """The findings of the readers on a target, and those in relation to other repositories."""
    for item in here.findings:
        folders = (_folder_of(item.file), item.subject.replace(":", "/"))  # the problem may be in a base
        if any(place.holds(item.subject, folder) for folder in folders):
            yield item
    refs = {item.component.ref for item in subjects}
    wide = (item for item in universe.findings if item.rule in {"duplicate-uid", "hidden-component"})
    yield from (item for item in wide if item.subject in refs)


def rules() -> tuple[RuleInfo, ...]:
    """Return every rule, sorted by group and id."""
    ordered = sorted(all_rules().values(), key=lambda item: (item.group, item.id))
    return tuple(
        RuleInfo(id=item.id, group=item.group, description=item.description, fixable=bool(item.fix)) for item in ordered
    )


@dataclass(frozen=True)
class _LintTarget:
    """A repository, and one component of it ('' for all)."""

    repository: Repository
    component: str = ""
    folder: str = ""

    def holds(self, ref: str, folder: str) -> bool:
        if self.folder:
            return folder == self.folder
        return not self.component or ref == self.component


def _places(scope: LintScope, word: str) -> Iterable[_LintTarget]:
    path = Path(word).expanduser()
    if path.is_dir() and ("/" in word or word in {".", ".."} or not _is_known(scope, word)):
        return [_place_of(scope, path.resolve())]
    for repository in scope.repositories:
        if word == repository.alias:
            return [_LintTarget(repository)]
    found = [
        _LintTarget(repository, component=ref)
        for repository in scope.repositories
        for ref in sorted(_refs(repository, scope))
        if word in {ref, ref.partition(":")[2], f"{repository.alias}:{ref}"}
    ]
    if not found:
        component = scope.index.get(word)  # by uid, or else an error that names the nearest
        repository = next(item for item in scope.repositories if item.alias == component.repo)
        found = [_LintTarget(repository, component=component.ref)]
    return found


def _place_of(scope: LintScope, path: Path) -> _LintTarget:
    is_component = path.parent.name in KINDS
    root = path.parent.parent if is_component else path
    if not any((root / kind).is_dir() for kind in KINDS):
        raise InputError(f"{path} contains no components", fix="name a repository or the folder of a component")
    known = (item for item in scope.repositories if item.path == str(root))
    repository = next(known, None) or read_repository(root)
    return _LintTarget(repository, folder=f"{path.parent.name}/{path.name}" if is_component else "")


def _is_known(scope: LintScope, word: str) -> bool:
    aliases = {item.alias for item in scope.repositories}
    return word in aliases or any(
        word == ref.partition(":")[2] for item in scope.repositories for ref in _refs(item, scope)
    )


def _refs(repository: Repository, scope: LintScope) -> set[str]:
    here = load([repository], scope.cache, _others(scope.index, repository))
    return {item.ref for item in here.components} | {item.subject for item in here.findings}


def _others(index: Index, repository: Repository) -> list[Repository]:
    """Return the repositories besides ``repository`` that its components may inherit from."""
    return [item for item in index.repositories if item.path != repository.path]


def _folder_of(file: str) -> str:
    return "/".join(file.split("/")[:2])


def _checked(subject: LintSubject, only: str) -> Iterator[Finding]:
    for item in all_rules().values():
        if item.check is not None and only in {"", item.id}:
            try:
                for found in item.check(subject):
                    yield msgspec.structs.replace(found, rule=item.id)
            except (OSError, IntegrityError) as error:  # an error of a file that it names
                yield msgspec.structs.replace(
                    subject.finding("error", f"it cannot be checked: {_said(error)}"), rule=item.id
                )


def _said(error: OSError | IntegrityError) -> str:
    if isinstance(error, IntegrityError):
        return "; ".join([error.what, *error.why])
    return f"{error.filename}: {error.strerror}" if error.filename else str(error)


def _drift(place: _LintTarget) -> list[Finding]:
    """One finding for a whole repository whose tables differ; a component alone has none."""
    if place.component or place.folder:
        return []
    root = Path(place.repository.path)
    subject = place.repository.alias
    try:
        found = changes(root)
    except LoomError as error:
        return [Finding(rule="identity-drift", severity="error", subject=subject, message=str(error))]
    if not found:
        return []
    first = found[0].drift
    message = f"{len(found)} files for CK and CM are out of date; the first is {first.file}: {first.reason}"
    fix = f"loom repo sync {root}"
    return [Finding(rule="identity-drift", severity="warning", subject=subject, message=message, fix=fix)]
