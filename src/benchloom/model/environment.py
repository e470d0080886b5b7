"""Python environments as values: what is installed in one, and virtual environments made from templates."""

from benchloom.model.base import Document, SchemaName, SchemaTable, Value
from benchloom.model.lock import Lock
from benchloom.model.plan import Platform

VENV_SCHEMA = "benchloom.venv/1"
VENV_LOCK_SCHEMA = "benchloom.venv-lock/1"


class Distribution(Value, frozen=True, kw_only=True):
    """An installed Python distribution.

    Attributes:
        name: its name.
        version: its version.
        digest: digest (``sha256:…``) of the file it was installed from.
    """

    name: str
    version: str
    digest: str = ""


class VenvLock(Document, frozen=True, kw_only=True):
    """Everything a virtual environment is made of.

    Its digests are those of one platform, so another one refuses the lock.

    Attributes:
        plan: the choices of its template.
        platform: the platform that it is for.
        distributions: every distribution with its digest.
    """

    schema: SchemaName
    plan: Lock
    platform: Platform
    distributions: tuple[Distribution, ...]


class Venv(Document, frozen=True, kw_only=True):
    """A virtual environment made from a template.

    Attributes:
        name: its name.
        template: the ``venv.template`` it was made from.
        path: its folder.
        python: full version of its interpreter.
        created: UTC, ISO 8601.
        repositories: names of the repositories that its `ck` knows.
        needs: where what the template needs besides Python libraries lies, by role.
        left_out: why what the template can do without was left out, and how to add it, by role.
        distributions: what is installed in it, sorted by name.
    """

    schema: SchemaName
    name: str
    template: str
    path: str
    python: str
    created: str
    repositories: tuple[str, ...] = ()
    needs: dict[str, str] = {}
    left_out: dict[str, str] = {}
    distributions: tuple[Distribution, ...] = ()


SCHEMAS: SchemaTable = {
    "venv": (Venv, "loom venv create, show and rm with --json; the file loom-venv.json of each environment"),
    "venv-list": (tuple[Venv, ...], "loom venv ls --json"),
    "venv-lock": (VenvLock, "loom venv lock; the file NAME.lock.json"),
}
