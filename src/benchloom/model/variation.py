"""Variations by name: ``_small``, an alias of another one, or a parameter with its value (``_batch.4``)."""

from collections.abc import Sequence
from typing import Any

import msgspec

from benchloom.model.component import Component, Variation
from benchloom.model.facts import Layout, Profile, Step


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
    """Return the profile that ``component`` states with these variations: the last one that has a profile has its own.

    A variation with a layout lays the samples of either out in that way.
    """
    chosen = [found for name in variations if (found := find_variation(component, name))]
    profile = next((item.profile for item in reversed(chosen) if item.profile), component.profile)
    layout: Layout = next((item.layout for item in reversed(chosen) if item.layout), "")
    return laid_out(profile, layout) if profile and layout else profile


def laid_out(profile: Profile, layout: Layout) -> Profile:
    """Return ``profile`` with its last transposition to ``layout`` instead: the same numbers, in another order.

    A sample without a transposition is as it was decoded, with channels last.
    """
    own = profile.layout or "NHWC"
    if layout in {"", own}:
        return profile
    first, second, third = profile.shape
    steps = list(profile.steps)
    last = max((place for place, step in enumerate(steps) if step.op == "transpose"), default=len(steps))
    steps[last : last + 1] = [Step(op="transpose", layout=layout)]
    shape = (third, first, second) if layout == "NCHW" else (second, third, first)
    return msgspec.structs.replace(profile, steps=tuple(steps), shape=shape)


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
