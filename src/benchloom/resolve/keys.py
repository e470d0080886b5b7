"""Content addresses: the digest of everything that can affect the result of a node."""

from collections.abc import Mapping

import msgspec

from benchloom.base.digest import of_bytes
from benchloom.model.component import Component, Fetch
from benchloom.model.plan import Candidate, Platform

KEY_VERSION = 1


def library_key(candidate: Candidate) -> str:
    """Key of a Python library, the same whether it is installed already or installed by pip."""
    variations = {"variations": candidate.variations} if candidate.variations else {}
    return _key({"library": candidate.family, "version": candidate.version, **variations})


def environment_key(requirements: tuple[str, ...], platform: Platform) -> str:
    """Key of a Python environment solved from exact ``requirements`` on ``platform``."""
    return _key({"environment": requirements, "platform": platform})


def result_key(
    component: Component,
    candidate: Candidate,
    *,
    files: str,
    env: Mapping[str, str],
    fetch: tuple[Fetch, ...],
    needs: Mapping[str, str],
    platform: Platform | None,
    module: str,
) -> str:
    """Key of a fetched or built result.

    ``files`` is the digest of the component's content (its folder, or its facts and data), ``needs`` the keys of its
    inputs by role, ``platform`` is given if a process builds it, and ``module`` is the digest of the runtime module
    that builds it.
    """
    return _key(
        {
            "component": component.uid or component.ref,
            "files": files,
            "version": candidate.version,
            "variations": candidate.variations,
            "env": dict(env),
            "fetch": fetch,
            "needs": dict(needs),
            "platform": platform,
            "module": module,
        }
    )


def _key(content: dict[str, object]) -> str:
    data = msgspec.json.encode({"key_version": KEY_VERSION, **content}, order="sorted")
    return of_bytes(data).replace(":", "-")
