"""Variations by name: ``_small``, an alias of another one, or a parameter with its value (``_batch.4``)."""

from collections.abc import Sequence
from typing import Any

import msgspec

from benchloom.model.component import Component, Variation
from benchloom.model.facts import Profile


def find_variation(component: Component, name: str) -> Variation | None:
    """Return the variation that ``name`` selects, under its canonical name and with its value filled in, or None.

    ``batch.4`` is ``batch.#`` with every ``#`` of its texts replaced by ``4``; a parameter needs a value.
    """
    found = component.variations.get(name)
    if found is not None and not name.endswith(".#"):
        return component.variations.get(found.alias, found) if found.alias else found
    head, dot, value = name.rpartition(".")
    while dot:
        parameter = component.variations.get(f"{head}.#")
        if parameter is not None and value != "#":
            return _filled(parameter, value)
        head, dot, rest = head.rpartition(".")
        value = f"{rest}.{value}"
    return None


def profile_of(component: Component, variations: Sequence[str]) -> Profile | None:
    """Return the profile that ``component`` states with these variations: the last one that has a profile has its own."""
    chosen = [found.profile for name in variations if (found := find_variation(component, name)) and found.profile]
    return chosen[-1] if chosen else component.profile


def _filled(parameter: Variation, value: str) -> Variation:
    filled = msgspec.convert(_replaced(msgspec.to_builtins(parameter), value), Variation)
    return msgspec.structs.replace(filled, group=parameter.group or parameter.name)


def _replaced(data: Any, value: str) -> Any:
    if isinstance(data, str):
        return data.replace("#", value)
    if isinstance(data, dict):
        return {key: item if key in {"where", "digest"} else _replaced(item, value) for key, item in data.items()}
    if isinstance(data, list | tuple):
        return [_replaced(item, value) for item in data]
    return data
