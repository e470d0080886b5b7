"""Facts files for processes: one JSON file per role, named by ``LOOM_<ROLE>``."""

from collections.abc import Mapping
from pathlib import Path

from benchloom.base.atomic import failures_named
from benchloom.datasets.files import LABELS_PATH, with_label_file
from benchloom.errors import InstallError
from benchloom.model.base import to_json
from benchloom.model.facts import Facts
from benchloom.model.plan import Node
from benchloom.model.provision import Built, Detected, Fetched, InPlace
from benchloom.run.context import ExecutionContext, Prepared


def facts_of(node: Node, context: ExecutionContext, inputs: Mapping[str, str]) -> Facts:
    """Return the facts of ``node`` for a program with ``inputs``; the path of its result need not exist yet."""
    candidate, stated = node.candidate, node.facts
    dataset = stated.dataset
    if dataset and "dataset" in node.roles:
        dataset = with_label_file(dataset, inputs.get(LABELS_PATH, ""))
    return Facts(
        role=node.roles[0] if node.roles else "",
        component=candidate.component,
        version=candidate.version,
        variations=candidate.variations,
        origin=candidate.origin,
        key=node.key,
        path=_result_path(node, context),
        digest=node.digest,
        env=node.env,
        model=stated.model,
        dataset=dataset,
        profile=stated.profile,
        backend=stated.backend,
        ruleset=stated.ruleset,
    )


def _result_path(node: Node, context: ExecutionContext) -> str:
    """Return the absolute path of the result of ``node``; '' if it has none, such as a Python library."""
    match node.provision:
        case Detected():
            return node.candidate.location
        case Fetched(result=result) | Built(result=result):
            base = context.store.content(node.key)
        case InPlace(result=result):
            base = context.folder(node)
        case _:
            return ""
    return str((base / result).resolve()) if result else str(base)


def refuse_lost_result(node: Node, facts: Facts) -> None:
    """Raise InstallError if the result of ``node`` is not where its facts say."""
    if not facts.path or Path(facts.path).exists():
        return
    if isinstance(node.provision, Detected):
        what, where, fix = f"{node.id} is no longer at its detected location", "", "restore it, or plan again"
    else:
        what, where, fix = f"{node.id} has no result", f"{node.file}: result", "name an existing file or folder"
    raise InstallError(what, where=where, why=[f"{facts.path} does not exist"], fix=fix)


def refuse_no_result(node: Node, result: str, folder: Path) -> None:
    """Raise InstallError, before anything is published, if the component's ``result`` is missing in ``folder``."""
    if not result or (folder / result).exists():
        return
    there = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    raise InstallError(
        f"{node.candidate.component} has no {result!r} after it was fetched or built",
        where=f"{node.file}: result",
        why=[f"there are {len(there)} files: {', '.join(there[:5])}{', ...' if len(there) > 5 else ''}"],
        fix="name an existing file or folder",
    )


def role_variables(needs: Mapping[str, str], prepared: Prepared, folder: Path) -> dict[str, str]:
    """Write one facts file per role into ``folder`` and return ``LOOM_<ROLE>`` -> path."""
    folder.mkdir(parents=True, exist_ok=True)
    variables = {}
    for role, node_id in needs.items():
        facts = prepared.facts.get(node_id)
        if facts is None or role == "python":
            continue
        path = folder / f"{plain_name(role)}.json"
        with failures_named(path):
            path.write_bytes(to_json(facts))
        variables[variable_of(role)] = str(path)
    return variables


def runtime_variables(context: ExecutionContext) -> dict[str, str]:
    """Return variables that let the child import only this engine's package, with any interpreter."""
    return {"PYTHONPATH": str(context.runtime), "PYTHONDONTWRITEBYTECODE": "1"}


def variable_of(role: str) -> str:
    """``LOOM_<ROLE>`` in upper case, with ``_`` for characters that a variable name cannot contain."""
    return "LOOM_" + "".join(char if char.isalnum() else "_" for char in role.upper())


def plain_name(text: str) -> str:
    """Return ``text`` as the name of a file: ``_`` for all but letters, digits and ``-._``."""
    return "".join(char if char.isalnum() or char in "-._" else "_" for char in text)
