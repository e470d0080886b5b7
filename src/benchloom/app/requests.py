"""What a user may request a plan of: the target, what is chosen for it, and where things are on this machine."""

from benchloom.model.base import Value
from benchloom.model.component import Requirement
from benchloom.model.lock import Lock
from benchloom.model.query import Query


class GivenPaths(Value, frozen=True, kw_only=True):
    """Where the user says that things are.

    Attributes:
        dataset_path: where the data set is; others on this machine are then not considered.
        model_path: the file to use in the place of that which the chosen model would download.
        given: files in the place of what models would download, by reference of the component.
        search: folders that hold data sets registered elsewhere; what is found there takes the place of the usual search.
        python: the interpreter the plan is for; empty means the running one.
    """

    dataset_path: str = ""
    model_path: str = ""
    given: dict[str, str] = {}
    search: tuple[str, ...] = ()
    python: str = ""


class PlanRequest(GivenPaths, frozen=True, kw_only=True):
    """What is to be planned, and where things are.

    Attributes:
        name: ``kind:alias`` (or alias, or uid) of the target; empty if ``query`` says it by tags.
        query: tags of the target, or tags to add to ``name``.
        runnable: the target must be something that runs.
        command: which ``run_cmds`` entry; empty means the only one, or ``default``.
        roles: queries to add by role (``--dep_add_tags.<role>``), each with the flag it came from in ``sources``.
        env: ``--env.X`` variables.
        inputs: program inputs as given.
        lock: a lock the plan must keep to.
        flags: the verb's own flags, so that a misspelt one is not taken for an input.
        chosen: what a front end has chosen for roles already.
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
