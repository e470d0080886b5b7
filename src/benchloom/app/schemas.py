"""The JSON Schemas of all values that are written or read as JSON: output of ``--json``, and files.

To publish one more value, add a line to ``TYPES``, then run ``loom schema --write schemas``.
"""

from pathlib import Path
from typing import Any

from benchloom.app.detecting import Detected
from benchloom.app.finding import Found
from benchloom.app.records import RecordLine, RemovedRecord
from benchloom.app.repositories import ListedRepository, Synced, Updated
from benchloom.app.running import Installation, RunSummary
from benchloom.app.settings import Configuration, Setting
from benchloom.app.testing import TestRun
from benchloom.authoring.json_schemas import Schema, json_schemas
from benchloom.authoring.linting import RuleInfo
from benchloom.authoring.skeleton import Created
from benchloom.base.atomic import write_bytes
from benchloom.base.names import did_you_mean
from benchloom.errors import UnknownNameError
from benchloom.index.built_in import refuse_installed
from benchloom.model.base import Document, Value, to_json
from benchloom.model.component import Check, Component, Detect, Fetch, Input, Install
from benchloom.model.environment import Venv, VenvLock
from benchloom.model.facts import Backend, Dataset, Facts, Model, Profile
from benchloom.model.finding import Finding
from benchloom.model.lock import Lock
from benchloom.model.measurement import BenchRun
from benchloom.model.plan import Plan
from benchloom.model.published import PublishedFile, StandIn
from benchloom.model.record import Record, Results
from benchloom.model.ruleset import Ruleset
from benchloom.model.tuning import Tuning
from benchloom.report.comparisons import Comparison
from benchloom.report.graphs import Graph
from benchloom.resolve.why import Explanation, WhyNot
from benchloom.store.entries import Entry
from benchloom.store.gc import GcReport


class ErrorFields(Value, frozen=True, kw_only=True):
    """What went wrong.

    Attributes:
        kind: the class of the error.
        what: one sentence.
        where: file and key, URL or flag.
        why: reasons, outermost first.
        fix: what to do next.
        exit_code: the exit status of the command.
        details: further facts of this kind of error.
    """

    kind: str
    what: str
    where: str
    why: tuple[str, ...]
    fix: str
    exit_code: int
    details: dict[str, Any] = {}


class Failure(Document, frozen=True, kw_only=True):
    """What any command prints with ``--json`` if it fails."""

    error: ErrorFields


class CompletionScript(Value, frozen=True, kw_only=True):
    """Code that ``shell`` evaluates to complete this command."""

    shell: str
    script: str


class Published(Value, frozen=True, kw_only=True):
    """One line of ``loom schema``."""

    name: str
    summary: str


# name: (type, the command that prints it or the file that contains it)
TYPES: dict[str, tuple[Any, str]] = {
    "plan": (Plan, "loom plan --json, loom run --dry-run --json"),
    "lock": (Lock, "loom lock; the file loom.lock.json"),
    "run": (RunSummary, "loom run --json"),
    "record": (Record, "loom record show --json; files in the folder of records"),
    "results": (Results, "the file results.json that a benchmark program leaves"),
    "facts": (Facts, "the files named by LOOM_<ROLE> that a program reads"),
    "installation": (Installation, "loom install --json"),
    "graph": (Graph, "loom graph --json"),
    "explanation": (Explanation | tuple[Explanation, ...], "loom explain --json"),
    "why-not": (WhyNot, "loom explain --not --json"),
    "found": (tuple[Found, ...], "loom find --json"),
    "component": (Component, "loom show --json"),
    "detected": (tuple[Detected, ...], "loom detect --json"),
    "findings": (tuple[Finding, ...], "loom lint, loom doctor and loom verify with --json"),
    "lint-rules": (tuple[RuleInfo, ...], "loom lint --list-rules --json"),
    "venv": (Venv, "loom venv create, show and rm with --json; the file loom-venv.json of each environment"),
    "venv-list": (tuple[Venv, ...], "loom venv ls --json"),
    "venv-lock": (VenvLock, "loom venv lock; the file NAME.lock.json"),
    "venv-activation": (str, "loom venv activate --json"),
    "record-list": (tuple[RecordLine, ...], "loom record ls --json"),
    "comparison": (Comparison, "loom compare --json"),
    "tuning": (Tuning, "loom tune --json; the file tuning.json of each search"),
    "removed-record": (RemovedRecord, "loom record rm --json"),
    "repository": (ListedRepository, "loom repo add --json, loom repo remove --json"),
    "repository-list": (tuple[ListedRepository, ...], "loom repo list --json"),
    "repository-updates": (tuple[Updated, ...], "loom repo update --json"),
    "repository-sync": (Synced, "loom repo sync --json"),
    "gc": (GcReport, "loom gc --json"),
    "store-entry": (Entry, "the file entry.json of each entry of the store"),
    "configuration": (Configuration, "loom config --json"),
    "setting": (Setting | None, "loom config NAME --json"),
    "created": (Created, "loom new --json"),
    "test-run": (TestRun, "loom test --json"),
    "bench-run": (BenchRun, "loom bench --json"),
    "completion": (CompletionScript, "loom completion --json"),
    "schema-list": (tuple[Published, ...], "loom schema --json"),
    "error": (Failure, "any command that fails, with --json"),
    "block-fetch": (tuple[Fetch, ...], "block fetch of a component file"),
    "block-install": (Install, "block install of a component file"),
    "block-detect": (Detect, "block detect of a component file"),
    "block-model": (Model, "block model of a component file"),
    "block-dataset": (Dataset, "block dataset of a component file"),
    "block-profile": (Profile, "block profile of a component file"),
    "block-backend": (Backend, "block backend of a component file"),
    "block-ruleset": (Ruleset, "block ruleset of a component file"),
    "block-check": (Check, "block check of a program: the command that checks whether it can run"),
    "block-published": (PublishedFile, "block published of a component file"),
    "block-stand_in": (StandIn, "block stand_in of a component file"),
    "block-input": (Input, "one item of block inputs of a program"),
}


def schemas() -> dict[str, Schema]:
    """Return every schema by name: the table's, and one for the metadata files of each kind of component."""
    return json_schemas(TYPES)


def schema(name: str) -> Schema:
    """Return one schema. Raises UnknownNameError."""
    known = schemas()
    if name not in known:
        raise UnknownNameError(
            f"there is no schema {name!r}", where="command line", fix=did_you_mean(name, known) or "see loom schema"
        )
    return known[name]


def listing() -> tuple[Published, ...]:
    """Return names and descriptions, in the order of the table."""
    return tuple(Published(name=name, summary=item["title"]) for name, item in schemas().items())


def write_schemas(folder: Path) -> tuple[Path, ...]:
    """Write ``<name>.schema.json`` for every schema, remove those of names that no longer exist, and return the files."""
    refuse_installed(folder)
    written = schema_files()
    for path in folder.glob("*.schema.json"):
        if path.name not in written:
            path.unlink()
    for name, data in written.items():
        write_bytes(folder / name, data)
    return tuple(folder / name for name in written)


def schema_files() -> dict[str, bytes]:
    """Return file names with contents."""
    return {f"{name}.schema.json": to_json(item) for name, item in schemas().items()}
