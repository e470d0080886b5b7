"""Provide the plan's Python environment: in the store, or separate."""

import sys
from dataclasses import replace
from pathlib import Path

from msgspec import structs

from benchloom.model.environment import Distribution
from benchloom.model.facts import Facts
from benchloom.model.plan import Node
from benchloom.model.provision import PythonEnvironment
from benchloom.run.context import ExecutionContext, OwnEnvironment, Prepared
from benchloom.store.environments.seam import EnvironmentRequest, Source
from benchloom.store.python_env import environment_python
from benchloom.store.sealing import BuildOutput


def lacking(node: Node, provision: PythonEnvironment, context: ExecutionContext) -> list[str]:
    """Return the missing downloads, one line for all packages."""
    if node.is_here or context.find_links:
        return []
    from benchloom.store.environments.cached_wheels import (
        lacking as lacking_packages,  # late: few plans are executed offline
    )

    packages = lacking_packages(context.store, provision.pip)
    return [f"{node.id}: Python packages {', '.join(packages)}"] if packages else []


def provide(node: Node, provision: PythonEnvironment, context: ExecutionContext, prepared: Prepared) -> Facts:
    """Create the environment unless it exists, and use its interpreter for the plan.

    Raises InstallError or OfflineError.
    """
    wanted = EnvironmentRequest(requirements=provision.pip, built_among=provision.built_among)
    if context.environment:
        fill_own(wanted, context, prepared)
    elif node.key:
        context.store.build(
            node.key, "Python environment", lambda folder: _install_entry(node, wanted, context, folder)
        )
        prepared.python = environment_python(context.store.content(node.key))
    return Facts(
        role="python", component="python", version=node.candidate.version, key=node.key, path=str(prepared.python)
    )


def fill_own(wanted: EnvironmentRequest, context: ExecutionContext, prepared: Prepared) -> None:
    """Install the plan's Python libraries and additional requirements into a separate environment."""
    if own := context.environment:
        prepared.distributions, _ = _install(wanted, context, own)
        prepared.python = environment_python(own.folder)


def _install_entry(node: Node, wanted: EnvironmentRequest, context: ExecutionContext, folder: Path) -> BuildOutput:
    place = OwnEnvironment(folder=folder, final=context.store.content(node.key), interpreter=Path(sys.executable))
    distributions, made = _install(wanted, context, place)
    versions = {f"pip:{item.name}": item.version for item in distributions}
    return replace(made, meta={"component": "python", "version": node.candidate.version, **versions, **made.meta})


def _install(
    wanted: EnvironmentRequest, context: ExecutionContext, place: OwnEnvironment
) -> tuple[tuple[Distribution, ...], BuildOutput]:
    from benchloom.store.environments.install import (  # late: most runs install nothing
        EnvironmentTarget,
        install_environment,
    )

    return install_environment(
        EnvironmentTarget(folder=place.folder, final=place.final, interpreter=place.interpreter),
        structs.replace(wanted, requirements=(*wanted.requirements, *place.also), locked=place.locked),
        Source(
            python=Path(sys.executable),
            environ=context.environ,
            offline=context.offline,
            find_links=(context.find_links,) if context.find_links else (),
            installer=context.installer,
        ),
        store=context.store,
        fetcher=context.fetcher,
        log=context.logs / "python.log",
        talk=context.talk,
    )
