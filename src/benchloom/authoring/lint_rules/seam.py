"""A rule, what it checks, and where every rule is found."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Literal

from benchloom.base.members import members, module_of
from benchloom.index.index import Index
from benchloom.index.repositories import Repository
from benchloom.model.component import Base, Component
from benchloom.model.finding import Finding, Severity
from benchloom.resolve.options import ANSWERING_KINDS

Fix = Literal["", "sync"]


@dataclass(frozen=True)
class LintSubject:
    """One component to check, with all components that may match its requirements."""

    component: Component
    repository: Repository
    universe: Index

    @property
    def folder(self) -> Path:
        """The component's folder."""
        return Path(self.repository.path) / self.component.path

    @cached_property
    def known(self) -> frozenset[str]:
        """Every tag and variation name of these components."""
        return frozenset(
            name for item in self.universe.components if item.kind in ANSWERING_KINDS for name in item.names
        )

    def _root(self, base: Base | None) -> Path:
        """Return the folder of the repository that a base is of, or of the component's."""
        alias = base.repo if base else ""
        found = (item.path for item in self.universe.repositories if item.alias == alias)
        return Path(next(found, self.repository.path))

    def finding(self, severity: Severity, message: str, key: Sequence[str] = (), fix: str = "") -> Finding:
        """Return a finding about ``key`` of the component's file, with its line; the rule is set later."""
        from benchloom.index.locate import locate  # late: YAML is needed only to say where something is wrong

        dotted = ".".join(key)
        base = self.component.base_of(dotted)
        return Finding(
            rule="",
            severity=severity,
            subject=self.component.ref,
            message=message,
            file=base.shown if base else self.component.file,
            line=locate(self._root(base) / (base or self.component).file, key) if key else 0,
            key=dotted,
            fix=fix,
        )


Check = Callable[[LintSubject], Iterator[Finding]]


@dataclass(frozen=True)
class Rule:
    """A check with its name; one without a function is done by the readers or for a whole repository."""

    id: str
    group: str
    description: str
    check: Check | None = None
    fix: Fix = ""


_RULES: dict[str, Rule] = {
    rule.id: rule
    for rule in (
        Rule("unknown-key", "reading", "Every key is known."),
        Rule("broken-file", "reading", "Metadata files can be read."),
        Rule("bad-value", "reading", "Values have the type of their key."),
        Rule("unreadable-folder", "reading", "Every folder below a kind can be read, and has a UTF-8 name."),
        Rule("bad-base", "reading", "The base of an entry (_base_entry) exists, and does not inherit from it."),
        Rule("no-metadata", "reading", "A folder below a kind contains a component."),
        Rule("uid-not-text", "reading", "A uid is a string, since a number loses its zeros."),
        Rule("bad-uid", "reading", "A uid has 16 lower-case hexadecimal digits."),
        Rule("unknown-variation", "reading", "A query or default names existing variations."),
        Rule(
            "unheard-key",
            "reading",
            "Keys by which CK, CM or MLC choose or run something else are supported here as well.",
        ),
        Rule("version-not-text", "reading", "A version is a string, since a number loses its zeros."),
        Rule("duplicate-uid", "reading", "No two components have the same uid."),
        Rule("hidden-component", "reading", "No component hides another one of the same name."),
        Rule("identity-drift", "repository", "The tables for CK and CM are up to date.", fix="sync"),
    )
}


def rule(id: str) -> Callable[[Check], Check]:
    """Register a check under ``id``: its group is its module, its description the first line of its docstring."""

    def register(check: Check) -> Check:
        group = check.__module__.rpartition(".")[2]
        _RULES[id] = Rule(id, group, (check.__doc__ or "").partition("\n")[0], check)
        return check

    return register


@cache
def all_rules() -> Mapping[str, Rule]:
    """Return every rule by its id."""
    for name in members(__package__):
        module_of(__package__, name)
    return _RULES
