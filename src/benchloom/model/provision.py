"""How a node of a plan is provided: one of a closed set of provisions, decided once, by the resolver.

Whoever plans, executes, locks or draws a node matches on its provision; no other field determines its kind.
"""

from benchloom.model.base import Value
from benchloom.model.component import Check, Fetch


class PythonEnvironment(Value, frozen=True, kw_only=True, tag="python-environment"):
    """The interpreter that serves a plan.

    Attributes:
        pip: the exact requirements that its packages are solved from.
        built_among: requirements that some of them are built among, by requirement.
    """

    pip: tuple[str, ...] = ()
    built_among: dict[str, tuple[str, ...]] = {}


class InEnvironment(Value, frozen=True, kw_only=True, tag="in-environment"):
    """A Python distribution in the plan's environment.

    Attributes:
        requirement: the exact requirement that installs it.
        built_among: requirements that its own metadata leaves out: if there are any, it is built among them.
    """

    requirement: str
    built_among: tuple[str, ...] = ()


class Fetched(Value, frozen=True, kw_only=True, tag="fetched"):
    """Files that are downloaded or copied from the component's folder, and unpacked, into one entry of the store.

    Attributes:
        files: what is fetched.
        result: the file or folder of the entry that users of the node are given; empty for the entry itself.
    """

    files: tuple[Fetch, ...]
    result: str = ""


class Built(Value, frozen=True, kw_only=True, tag="built"):
    """The output of a process in one store entry: ``python -m module``, or a script.

    Attributes:
        module: a Python module of the engine's runtime; '' if there is a script.
        script: a Python or shell file, relative to the component's folder.
        arguments: what the module or script is called with.
        files: what is fetched into the entry before the process starts.
        result: the file or folder of the entry that users of the node are given; '' is the entry itself.
    """

    module: str = ""
    script: str = ""
    arguments: tuple[str, ...] = ()
    files: tuple[Fetch, ...] = ()
    result: str = ""


class InPlace(Value, frozen=True, kw_only=True, tag="in-place"):
    """Files of the repository itself, or plain facts: nothing has to be made.

    Attributes:
        result: relative to the component's folder; empty for the folder itself.
    """

    result: str = ""


class Detected(Value, frozen=True, kw_only=True, tag="detected"):
    """Something detected on this machine, at the candidate's ``location``."""


class Run(Value, frozen=True, kw_only=True, tag="run"):
    """A program: a process in a run directory of its own, which gets the plan's inputs as ``--name=value`` flags.

    Attributes:
        command: text with ``$<<VARIABLE>>$`` in place of values, split into words without a shell.
        env: its own variables; those of the plan (``--env.X``) come before them.
        results: the file in the run directory that holds its results.
        timeout: seconds after which it is killed; None for no limit.
        check: how it is asked whether it could run, before long work is done for it.
        selecting: inputs that choose what fills a role: the program learns of these by the facts of that role alone.
        shares_home: whether it works in the home, and with the settings, of the command that runs it.
    """

    command: str
    env: dict[str, str] = {}
    results: str = "results.json"
    timeout: float | None = None
    check: Check | None = None
    selecting: tuple[str, ...] = ()
    shares_home: bool = False


class Unrecorded(Value, frozen=True, kw_only=True, tag="unrecorded"):
    """All that a plan of schema 1 says of a node. It cannot be executed.

    Attributes:
        files: the files that were fetched for it.
    """

    files: tuple[Fetch, ...] = ()


Provision = PythonEnvironment | InEnvironment | Fetched | Built | InPlace | Detected | Run | Unrecorded


def files_of(provision: Provision) -> tuple[Fetch, ...]:
    """Return the files that are fetched for a provision."""
    match provision:
        case Fetched(files=files) | Built(files=files) | Unrecorded(files=files):
            return files
        case _:
            return ()


def is_process(provision: Provision) -> bool:
    """Tell whether a process of the component's makes it, or is it: then it gets the facts of what it needs."""
    return isinstance(provision, Built | Run)
