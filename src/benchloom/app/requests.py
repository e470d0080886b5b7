"""The request for a plan: the target, choices for its roles, and local files."""

from benchloom.model.base import Value
from benchloom.model.component import Requirement
from benchloom.model.lock import Lock
from benchloom.model.query import Query


class GivenPaths(Value, frozen=True, kw_only=True):
    """Local files and folders that the user names.

    Attributes:
        dataset_path: the folder of the data set; others on this machine are then ignored.
        model_path: the file that replaces the download of the chosen model.
        given: files that replace downloads of models, by reference of the component.
        search: folders with data sets registered elsewhere, each with the component that recognises it ('' if any may);
            they replace the usual search.
        python: the interpreter the plan is for; empty means the running one.
    """

    dataset_path: str = ""
    model_path: str = ""
    given: dict[str, str] = {}
    search: tuple[tuple[str, str], ...] = ()
    python: str = ""


class PlanRequest(GivenPaths, frozen=True, kw_only=True):
    """What to plan, and the local files for it.

    Attributes:
        name: ``kind:alias`` (or alias, or uid) of the target; empty if ``query`` selects it by tags.
        query: tags of the target, or tags to add to ``name``.
        runnable: the target must be runnable.
        command: which ``run_cmds`` entry; empty means the only one, or ``default``.
        roles: queries to add by role (``--dep_add_tags.<role>``), each with its flag in ``sources``.
        env: ``--env.X`` variables.
        inputs: program inputs as given.
        lock: a lock that the plan must match.
        flags: the verb's own flags, to recognise misspelt ones among inputs.
        chosen: components that a front end has chosen for roles already.
    """

    name: str = ""
    query: str = ""
    kind: str = ""
    runnable: bool = False
    command: str = ""
    roles: dict[str, Query] = {}
    sources: dict[str, str] = {}
    env: dict[str, str] = {}
    inputs: dict[str, str] = {}
    lock: Lock | None = None
    lock_file: str = ""
    flags: tuple[str, ...] = ()
    chosen: tuple[Requirement, ...] = ()
