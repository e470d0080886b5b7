"""Decide how a chosen component is provided: the only code that checks which blocks its metadata has."""

from benchloom.model.component import Command, Component, Fetch
from benchloom.model.plan import Candidate, Platform, StatedFacts
from benchloom.model.provision import Built, Detected, Fetched, InEnvironment, InPlace, Provision, Run
from benchloom.model.variation import profile_of
from benchloom.resolve.options import Option, version_named


def provision_of(option: Option, command: str, platform: Platform) -> Provision:
    """Return the provision of the candidate of ``option``; ``command`` names the ``run_cmds`` entry of a program."""
    component, candidate, install = option.component, option.candidate, option.component.install
    if component.is_python_library:
        among = _unstated(component, platform)
        return InEnvironment(requirement=_requirement(option), built_among=among)
    if component.program:
        return _run(component, command)
    if candidate.origin == "detected":
        return Detected()
    files = _files(option)
    if install and (install.module or install.script):
        return Built(
            module=install.module,
            script=install.script,
            arguments=install.arguments,
            files=files,
            result=component.result,
        )
    return Fetched(files=files, result=component.result) if files else InPlace(result=component.result)


def facts_of(component: Component, candidate: Candidate) -> StatedFacts:
    """Return the facts of ``component`` about its model, data set, profile, backend or ruleset with the candidate's variations."""
    return StatedFacts(
        model=component.model,
        dataset=component.dataset,
        profile=profile_of(component, candidate.variations),
        backend=component.backend,
        ruleset=component.ruleset,
    )


def _files(option: Option) -> tuple[Fetch, ...]:
    return version_named(option.component, option.candidate.version).fetch or option.choice.fetch


def _run(component: Component, name: str) -> Run:
    program = component.program
    assert program is not None
    command = next((item for item in program.commands if item.name == name), Command(name=name, text=""))
    return Run(
        command=command.text,
        env={**program.env, **command.env},
        results=program.results,
        timeout=program.timeout,
        check=program.check,
        selecting=tuple(item.name for item in program.inputs if item.selects),
        shares_home=component.kind == "script",
    )


def _requirement(option: Option) -> str:
    version = option.candidate.version
    name = option.choice.pip or _distribution(option.component)
    return f"{name}=={version}" if version else name


def _distribution(component: Component) -> str:
    if component.install and component.install.pip:
        return component.install.pip
    assert component.detect is not None
    assert component.detect.python is not None
    return component.detect.python.distribution


def _unstated(component: Component, platform: Platform) -> tuple[str, ...]:
    """Return the requirements missing from its metadata that apply to the plan's Python."""
    declared = component.install.unstated if component.install else ()
    if not declared:
        return ()
    from packaging.requirements import Requirement as Specifier  # late: few plans have any

    facts = {"python_version": platform.python, "sys_platform": platform.os}
    found = [Specifier(item) for item in declared]
    return tuple(f"{item.name}{item.specifier}" for item in found if not item.marker or item.marker.evaluate(facts))
