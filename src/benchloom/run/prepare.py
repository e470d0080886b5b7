"""Prepare the nodes that the program of a plan needs, independent ones in parallel, with one log per node.

Each kind of provision has its own module, chosen by the provision alone. The program
itself is run by ``run.program``: everything it needs is complete and verified before it starts.
"""

import time
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from graphlib import TopologicalSorter

from benchloom.base.group import end_live
from benchloom.errors import InputError, OfflineError
from benchloom.model.facts import Facts
from benchloom.model.plan import Node, Plan
from benchloom.model.provision import Built, Fetched, PythonEnvironment, Run, Unrecorded, is_process
from benchloom.model.trust import refuse_untrusted
from benchloom.run import built, environment, fetched
from benchloom.run.context import ExecutionContext, Prepared, Step
from benchloom.run.data_checks import refuse_unfit_data
from benchloom.run.facts import facts_of, refuse_lost_result
from benchloom.store.environments.seam import EnvironmentRequest
from benchloom.store.verify import refuse_damaged

_POLL_SECONDS = 0.05


def prepare(plan: Plan, context: ExecutionContext, jobs: int = 4, first: Step | None = None) -> Prepared:
    """Provide every node but programs and return their facts.

    ``first`` delays some nodes until its check has succeeded. Raises FetchError, OfflineError, InstallError or
    IntegrityError of the first node that fails, InputError if it refuses its input; started nodes finish, and published
    entries stay.
    """
    refuse_missing_offline(plan, context)
    _refuse_untrusted(plan)
    for node in plan.nodes:
        if "dataset" in node.roles and node.is_here:
            refuse_unfit_data(plan, facts_of(node, context, plan.inputs))
    prepared = Prepared()
    nodes = {node.id: node for node in plan.nodes if not isinstance(node.provision, Run)}
    if first and first.holds_back:
        held = {name: nodes.pop(name) for name in list(nodes) if name in first.holds_back}
        _provide_all(nodes, plan, context, jobs, prepared)
        first.act(prepared)
        nodes = held
    _provide_all(nodes, plan, context, jobs, prepared)
    if context.environment and plan.environment is None:
        environment.fill_own(EnvironmentRequest(requirements=()), context, prepared)
    return prepared


def _provide_all(
    nodes: Mapping[str, Node], plan: Plan, context: ExecutionContext, jobs: int, prepared: Prepared
) -> None:
    """Provide ``nodes`` of ``plan``, each after those that it needs; facts go to ``prepared``."""
    sorter = TopologicalSorter(
        {node.id: [need for need in node.needs.values() if need in nodes] for node in nodes.values()}
    )
    sorter.prepare()
    running: dict[Future[Facts], str] = {}
    with ThreadPoolExecutor(max_workers=jobs) as pool:
        try:
            _work_off(
                sorter,
                lambda node_id: pool.submit(_provide, nodes[node_id], plan, context, prepared),
                prepared,
                running,
            )
        except BaseException as error:
            pool.shutdown(wait=False, cancel_futures=True)
            if not isinstance(error, Exception):  # an interrupt does not reach other threads by itself
                context.fetcher.stop.set()
                _end(running)
            raise


def _end(running: Collection[Future[Facts]]) -> None:
    """End the children of running nodes, including new ones, until no node is running."""
    while not all(future.done() for future in running):
        end_live()
        time.sleep(_POLL_SECONDS)


def _work_off(
    sorter: "TopologicalSorter[str]",
    submit: Callable[[str], Future[Facts]],
    prepared: Prepared,
    running: dict[Future[Facts], str],
) -> None:
    """Submit every node when its requirements are ready, and collect the facts; ``running`` holds unfinished ones."""
    while sorter.is_active():
        for node_id in sorted(sorter.get_ready()):
            running[submit(node_id)] = node_id
        done, _ = wait(running, return_when=FIRST_COMPLETED)
        for future in done:
            node_id = running.pop(future)
            prepared.facts[node_id] = future.result()
            sorter.done(node_id)


def refuse_missing_offline(plan: Plan, context: ExecutionContext) -> None:
    """Raise OfflineError naming all missing downloads of a plan, if ``--offline`` forbids them. Opens no socket."""
    missing = [line for node in plan.nodes for line in _lacking(node, context)] if context.offline else []
    if missing:
        raise OfflineError(
            f"{len(missing)} download(s) are missing and --offline forbids fetching them",
            why=missing,
            fix="run once without --offline, or give a mirror folder with --mirror",
            details={"missing": missing},
        )


def _lacking(node: Node, context: ExecutionContext) -> list[str]:
    match node.provision:
        case PythonEnvironment() as provision:
            return environment.lacking(node, provision, context)
        case Fetched(files=files) | Built(files=files):
            return fetched.lacking(node, files, context)
        case _:
            return []


def _refuse_untrusted(plan: Plan) -> None:
    """Raise InputError if the program would open an untrusted file, before it is downloaded."""
    if plan.program is None:
        return
    for node in plan.nodes:
        if "model" in node.roles and node.facts.model:
            where = f"{node.id}: {node.candidate.location or ', '.join(item.url or item.path for item in node.fetch)}"
            refuse_untrusted(node.facts.model, node.digest, where, is_trusted=plan.inputs.get("trust") == "yes")


def _provide(node: Node, plan: Plan, context: ExecutionContext, prepared: Prepared) -> Facts:
    with context.talk.progress(
        f"preparing {node.id}", None, ""
    ):  # unpacking, verifying and sealing big files takes a while
        if node.is_here and node.key:
            _refuse_damaged(node, plan, context)
        match node.provision:
            case PythonEnvironment() as provision:
                return environment.provide(node, provision, context, prepared)
            case Fetched() as provision:
                fetched.provide(node, provision, context)
            case Built() as provision:
                built.provide(node, provision, context, prepared)
            case Unrecorded():
                raise InputError(
                    f"the plan does not state how {node.id} is provided", where=plan.schema, fix="plan again: loom plan"
                )
            case _:  # it exists already
                pass
        facts = facts_of(node, context, plan.inputs)
        refuse_lost_result(node, facts)
        if "dataset" in node.roles and not node.is_here:
            refuse_unfit_data(plan, facts)
        return facts


def _refuse_damaged(node: Node, plan: Plan, context: ExecutionContext) -> None:
    """Raise IntegrityError if files of this node that the program or a build opens have changed since they were sealed.

    A model is always digested. The many files of a Python environment are checked only if everything is digested.
    """
    is_environment = isinstance(node.provision, PythonEnvironment)
    users = [user for user in plan.nodes if is_process(user.provision) and not user.is_here]
    is_opened = any(node.id in user.needs.values() for user in users)
    if context.verify or (is_opened and not is_environment):
        refuse_damaged(context.store, node.key, fully=context.verify or "model" in node.roles)
