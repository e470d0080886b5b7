"""Which variations of a component are in force, and what they make of it.

Explicit ones first (with their bases), then the defaults of groups that have no member yet, then CK's
``on_by_default`` ones. Two explicitly chosen variations that set one variable differently are a conflict by name; a
default that collides with something already chosen yields silently (CK's rule).
"""

from collections.abc import Iterable, Mapping

from benchloom.base.names import did_you_mean
from benchloom.model.base import Value
from benchloom.model.component import Component, Fetch, Requirement, Variation


class Choice(Value, frozen=True, kw_only=True):
    """A component as configured: its variations applied.

    ``problem`` is not empty where the wanted variations cannot be had; it then says why.
    """

    variations: tuple[str, ...] = ()
    env: dict[str, str] = {}
    tags: tuple[str, ...] = ()
    fetch: tuple[Fetch, ...] = ()
    requires: tuple[Requirement, ...] = ()
    version: str = ""
    problem: str = ""


def find_variation(component: Component, name: str) -> tuple[Variation, str] | None:
    """Return the variation called ``name`` and the value it is given (``batch.4`` matches ``batch.#`` with ``4``)."""
    if name in component.variations:
        found = component.variations[name]
        return (component.variations.get(found.alias, found), "") if found.alias else (found, "")
    head, dot, value = name.partition(".")
    if dot and f"{head}.#" in component.variations:
        return component.variations[f"{head}.#"], value
    return None


def choose(component: Component, wanted: Iterable[str], excluded: Iterable[str] = ()) -> Choice:
    """Apply ``wanted`` variations and the defaults that fit beside them. Never raises: see ``Choice.problem``."""
    builder = _Builder(component, frozenset(excluded))
    for name in sorted(set(wanted)):
        builder.add_explicit(name)
    builder.add_defaults()
    return builder.result()


class _Builder:
    """Collects variations in order of strength and remembers who set what."""

    def __init__(self, component: Component, excluded: frozenset[str]) -> None:
        self.component = component
        self.excluded = excluded
        self.chosen: dict[str, tuple[Variation, str]] = {}
        self.groups: dict[str, str] = {}
        self.setters: dict[str, tuple[str, str]] = {}
        self.problem = ""

    def add_explicit(self, name: str) -> None:
        found = find_variation(self.component, name)
        if found is None:
            hint = did_you_mean(name, self.component.variations)
            known = ", ".join(sorted(self.component.variations)) or "none"
            self._fail(f"{self.component.ref} has no variation {name!r}; known: {known}. {hint}".rstrip())
            return
        variation, value = found
        label = f"{variation.name[:-1]}{value}" if value else variation.name
        if label in self.chosen:
            return
        clash = self._clash(label, variation, value)
        if clash:
            self._fail(clash)
            return
        self._take(label, variation, value)
        for base in variation.base:
            self.add_explicit(base)

    def add_defaults(self) -> None:
        defaults = dict(self.component.default_variations)
        for variation, _ in list(self.chosen.values()):
            defaults.update(variation.default_variations)
        for group, name in sorted(defaults.items()):
            if group not in self.groups:
                self._add_default(name)
        for name, variation in sorted(self.component.variations.items()):
            if variation.default and (not variation.group or variation.group not in self.groups):
                self._add_default(name)

    def _add_default(self, name: str) -> None:
        found = find_variation(self.component, name)
        if found is None or name in self.chosen or name in self.excluded:
            return
        variation, value = found
        if not self._clash(name, variation, value):
            self._take(name, variation, value)
            for base in variation.base:
                self._add_default(base)

    def _clash(self, label: str, variation: Variation, value: str) -> str:
        rival = self.groups.get(variation.group) if variation.group else None
        if rival:
            return f"variations {rival!r} and {label!r} of {self.component.ref} are both of group {variation.group!r}"
        for key, text in _valued(variation.env, value).items():
            if key in self.setters and self.setters[key][1] != text:
                owner, other = self.setters[key]
                return (
                    f"variations {owner!r} and {label!r} of {self.component.ref} set {key} to different values "
                    f"({other!r} and {text!r})"
                )
        return ""

    def _take(self, label: str, variation: Variation, value: str) -> None:
        self.chosen[label] = (variation, value)
        if variation.group:
            self.groups[variation.group] = label
        for key, text in _valued(variation.env, value).items():
            self.setters[key] = (label, text)

    def _fail(self, problem: str) -> None:
        self.problem = self.problem or problem

    def result(self) -> Choice:
        names = tuple(sorted(self.chosen))
        if not self.problem and self.excluded & set(names):
            self.problem = f"{self.component.ref} needs the excluded variation {min(self.excluded & set(names))!r}"
        variations = [variation for variation, _ in self.chosen.values()]
        fetch = next((item.fetch for item in variations if item.fetch), self.component.fetch)
        return Choice(
            variations=names,
            env={**self.component.env, **{key: text for key, (_, text) in sorted(self.setters.items())}},
            tags=tuple(sorted({tag for item in variations for tag in item.tags})),
            fetch=fetch,
            requires=(*self.component.requires, *(need for item in variations for need in item.requires)),
            version=next((item.version for item in variations if item.version), ""),
            problem=self.problem,
        )


def _valued(env: Mapping[str, str], value: str) -> dict[str, str]:
    return {key: text.replace("#", value) if value else text for key, text in env.items()}
