"""Choose the variations of a component and apply them.

Explicit ones first (with their bases), then the defaults of groups that have no member yet, then CK's
``on_by_default`` ones. Two explicitly chosen variations that set one variable, or what is fetched or installed,
differently are a conflict by name; a default that conflicts with something already chosen is dropped silently (CK's
rule).

Choosing is idempotent: a lock names all variations and does not record which of them were requested.
"""

import copy
from collections.abc import Iterable

from benchloom.base.names import did_you_mean
from benchloom.model.base import Value
from benchloom.model.component import Component, Fetch, Requirement, Variation
from benchloom.model.variation import find_variation
from benchloom.resolve.fitting import demands

# Properties that a component has once, with the message for two variations that both set them.
_ONE_OF = {
    "fetch": "fetch different files",
    "version": "are of different versions",
    "pip": "install different distributions",
    "layout": "lay samples out differently",
}


class Choice(Value, frozen=True, kw_only=True):
    """A component as configured: its variations applied.

    ``problem`` says why the wanted variations cannot be combined; '' if they can.
    """

    variations: tuple[str, ...] = ()
    env: dict[str, str] = {}
    tags: tuple[str, ...] = ()
    fetch: tuple[Fetch, ...] = ()
    requires: tuple[Requirement, ...] = ()
    version: str = ""
    pip: str = ""
    problem: str = ""


def choose(component: Component, wanted: Iterable[str], excluded: Iterable[str] = ()) -> Choice:
    """Apply ``wanted`` variations and the defaults that are compatible with them.

    Never raises: see ``Choice.problem``.
    """
    builder = _Builder(component, frozenset(excluded))
    for name in sorted(set(wanted)):
        builder.add_explicit(name)
    builder.add_defaults()
    return builder.result()


class _Builder:
    """Collects variations in order of strength and records which of them set what."""

    def __init__(self, component: Component, excluded: frozenset[str]) -> None:
        self.component = component
        self.excluded = {name for item in excluded for name in (item, *_canonical(component, item))}
        self.chosen: dict[str, Variation] = {}
        self.groups: dict[str, str] = {}
        self.setters: dict[str, tuple[str, str]] = {}
        self.problem = ""

    def add_explicit(self, name: str) -> None:
        variation = find_variation(self.component, name)
        if variation is None:
            self._fail(self._unknown(name))
        elif variation.name in self.excluded:
            self._fail(f"variation {variation.name!r} is both requested and excluded")
        elif variation.name not in self.chosen:
            if clash := self._clash(variation):
                self._fail(clash)
                return
            self._take(variation)
            for base in variation.base:
                self.add_explicit(base)

    def add_defaults(self) -> None:
        """Add defaults one by one until no more fit: a default may add further defaults."""
        while not self.problem and any(self._add_default(name) for name in self._defaults()):
            pass

    def _defaults(self) -> list[str]:
        """Return the defaults of groups without a member, then variations that are on by default."""
        of_groups = dict(self.component.default_variations)
        for _, variation in sorted(self.chosen.items()):
            of_groups.update(variation.default_variations)
        groups = [name for group, name in sorted(of_groups.items()) if group not in self.groups]
        return [*groups, *(name for name, item in sorted(self.component.variations.items()) if item.default)]

    def _add_default(self, name: str) -> bool:
        """Add a default and its bases, and tell whether anything was added. If not all of them fit, none is added."""
        trial = copy.copy(self)
        trial.chosen, trial.groups, trial.setters = dict(self.chosen), dict(self.groups), dict(self.setters)
        trial.add_explicit(name)
        if trial.problem or len(trial.chosen) == len(self.chosen):
            return False
        self.chosen, self.groups, self.setters = trial.chosen, trial.groups, trial.setters
        return True

    def _unknown(self, name: str) -> str:
        parameter = name.removesuffix(".#")
        if f"{parameter}.#" in self.component.variations:
            return f"variation {name!r} needs a value: _{parameter}.VALUE"
        known = ", ".join(sorted(self.component.variations)) or "none"
        hint = did_you_mean(name, self.component.variations)
        return f"it has no variation {name!r}{f', {hint}' if hint else ''} (it has: {known})"

    def _clash(self, variation: Variation) -> str:
        name = variation.name
        rival = self.groups.get(variation.group) if variation.group else None
        if rival:
            return f"variations {rival!r} and {name!r} are both in group {variation.group!r}"
        for key, text in variation.env.items():
            if key in self.setters and self.setters[key][1] != text:
                owner, other = self.setters[key]
                return f"variations {owner!r} and {name!r} set {key} to different values ({other!r} and {text!r})"
        for field, words in _ONE_OF.items():
            value = getattr(variation, field)
            for item in self.chosen.values() if value else ():
                if getattr(item, field) not in (value, type(value)()):
                    return f"variations {item.name!r} and {name!r} {words}"
        return ""

    def _take(self, variation: Variation) -> None:
        self.chosen[variation.name] = variation
        if variation.group:
            self.groups[variation.group] = variation.name
        for key, text in variation.env.items():
            self.setters[key] = (variation.name, text)

    def _fail(self, problem: str) -> None:
        self.problem = self.problem or problem

    def result(self) -> Choice:
        variations = [self.chosen[name] for name in sorted(self.chosen)]
        return Choice(
            variations=tuple(item.name for item in variations),
            env={**self.component.env, **{key: text for key, (_, text) in sorted(self.setters.items())}},
            tags=tuple(sorted({tag for item in variations for tag in item.tags})),
            fetch=next((item.fetch for item in variations if item.fetch), self.component.fetch),
            requires=(
                *self.component.requires,
                *demands(self.component),
                *(need for item in variations for need in item.requires),
            ),
            version=next((item.version for item in variations if item.version), ""),
            pip=next((item.pip for item in variations if item.pip), ""),
            problem=self.problem,
        )


def _canonical(component: Component, name: str) -> tuple[str, ...]:
    found = find_variation(component, name)
    return (found.name,) if found else ()
