"""Compatibility of choices: facts that one component demands and another states, compared during resolution.

A model narrows the backend by its format and devices, and the recipe by the layout and dtype of its input, just as its
``needs`` narrow recipe and data set by tags. A fact that is not stated is not compared.
"""

from collections.abc import Callable, Iterable, Mapping

import msgspec

from benchloom.model.component import Component, Requirement
from benchloom.model.facts import DEVICE_VARIABLE
from benchloom.model.query import Query
from benchloom.model.variation import profile_of

Variations = tuple[str, ...]
Environment = Mapping[str, str]


class Fit(msgspec.Struct, frozen=True):
    """A fact that the component in role ``by`` demands of the component in ``role``.

    Attributes:
        verb: the verb for messages, such as "runs on".
        key: the key in the demanding component.
        accepted: the values that the demanding component accepts; empty for any.
        stated: the values that a component states with these variations and variables; empty if not stated.
    """

    by: str
    role: str
    verb: str
    key: str
    accepted: Callable[[Component], tuple[str, ...]]
    stated: Callable[[Component, Variations, Environment], tuple[str, ...]]


def _model_format(component: Component) -> tuple[str, ...]:
    return (component.model.format,) if component.model else ()


def _model_devices(component: Component) -> tuple[str, ...]:
    return component.model.devices if component.model else ()


def _backend_formats(component: Component, variations: Variations, env: Environment) -> tuple[str, ...]:
    del variations, env
    return component.backend.formats if component.backend else ()


def _backend_device(component: Component, variations: Variations, env: Environment) -> tuple[str, ...]:
    del variations
    if component.backend is None:
        return ()
    return (env[DEVICE_VARIABLE],) if DEVICE_VARIABLE in env else component.backend.devices[:1]


def _input_layout(component: Component) -> tuple[str, ...]:
    return tuple(item.layout for item in component.model.inputs[:1] if item.layout) if component.model else ()


def _input_dtype(component: Component) -> tuple[str, ...]:
    return tuple(item.dtype for item in component.model.inputs[:1] if item.dtype) if component.model else ()


def _sample_layout(component: Component, variations: Variations, env: Environment) -> tuple[str, ...]:
    del env
    profile = profile_of(component, variations)
    return (profile.layout,) if profile and profile.layout else ()


def _sample_dtype(component: Component, variations: Variations, env: Environment) -> tuple[str, ...]:
    del env
    profile = profile_of(component, variations)
    return (profile.dtype,) if profile else ()


FITS = {
    "format": Fit("model", "backend", "takes", "model.format", _model_format, _backend_formats),
    "device": Fit("model", "backend", "runs on", "model.devices", _model_devices, _backend_device),
    "layout": Fit("model", "profile", "gives", "model.inputs.layout", _input_layout, _sample_layout),
    "dtype": Fit("model", "profile", "gives", "model.inputs.dtype", _input_dtype, _sample_dtype),
}


def demands(component: Component) -> tuple[Requirement, ...]:
    """Return the demands of ``component`` on other roles as optional requirements, which narrow a choice but add no component."""
    return tuple(
        Requirement(
            role=fit.role,
            query=Query(),
            requirer=component.ref,
            where=f"{component.file}: {fit.key}",
            optional=True,
            facts={name: accepted},
        )
        for name, fit in FITS.items()
        if (accepted := fit.accepted(component))
    )


def misfit(
    component: Component,
    variations: Variations,
    env: Environment,
    requirements: Iterable[Requirement],
    subject: str = "it",
) -> str:
    """Return why ``component`` as configured does not have the facts that ``requirements`` demand, or '' if it has.

    ``subject`` is the subject of the sentence.
    """
    for requirement in requirements:
        for name, accepted in requirement.facts.items():
            stated = FITS[name].stated(component, variations, env)
            if stated and not set(stated).intersection(accepted):
                return f"{subject} {FITS[name].verb} {', '.join(stated)}, not {' or '.join(accepted)}"
    return ""


def unknown_device(component: Component, env: Environment) -> str:
    """Return why a backend does not support the configured device, or '' if it does."""
    device = env.get(DEVICE_VARIABLE, "")
    if not device or component.backend is None or device in component.backend.devices:
        return ""
    return f"it runs on {', '.join(component.backend.devices)}, not {device}"


def demanded(requirement: Requirement) -> str:
    """Return the facts that ``requirement`` demands, in words; '' if there are none."""
    return " and ".join(
        f"{FITS[name].verb} {' or '.join(values)}" for name, values in sorted(requirement.facts.items())
    )
