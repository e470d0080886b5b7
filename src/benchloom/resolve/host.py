"""Inputs of resolution about the host and the user's overrides, as values."""

from benchloom.model.base import Value
from benchloom.model.component import Requirement
from benchloom.model.plan import Candidate, Platform
from benchloom.model.query import Query


class Installed(Value, frozen=True, kw_only=True):
    """A store entry, identified by its component and configuration."""

    component: str
    version: str = ""
    variations: tuple[str, ...] = ()


class HostFacts(Value, frozen=True, kw_only=True):
    """Everything about this machine that a plan depends on.

    Attributes:
        platform: operating system, architecture and Python ``major.minor``.
        detected: candidates that soft components recognised on this machine.
        installed: store entries, which are preferred.
        stored: keys in the store, which decide whether a result is reused.
        modules: digest of the source of each runtime module that builds something.
        input_files: digest of each file that an input names, by the input, if something is made from it.
    """

    platform: Platform
    detected: tuple[Candidate, ...] = ()
    installed: frozenset[Installed] = frozenset()
    stored: frozenset[str] = frozenset()
    modules: dict[str, str] = {}
    input_files: dict[str, str] = {}


class Overrides(Value, frozen=True, kw_only=True):
    """What the command line adds: queries by role, environment variables and program inputs.

    ``isolated`` installs the plan's Python libraries into a separate environment even if the running interpreter has
    them.
    """

    roles: dict[str, Query] = {}
    env: dict[str, str] = {}
    inputs: dict[str, str] = {}
    sources: dict[str, str] = {}
    locked: tuple[Requirement, ...] = ()
    isolated: bool = False
