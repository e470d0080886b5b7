"""Open the model with its backend, and find out what it does not say of itself, before anything is measured with it."""

import sys

import msgspec

from benchloom.errors import InputError
from benchloom.harness.backends.seam import Session, open_session
from benchloom.harness.inputs import Inputs
from benchloom.harness.options import Options
from benchloom.harness.predictor import Predictor
from benchloom.harness.tasks.seam import task_of
from benchloom.model.trust import refuse_untrusted
from benchloom.rules.possible import refuse_impossible

DEFAULT_BATCH = 32


def opened(options: Options, inputs: Inputs) -> tuple[Inputs, list[Predictor]]:
    """Return a predictor for each instance, and ``inputs`` with the classes that the model turned out to have.

    Raises InputError if the model is not trusted, cannot be loaded, or does not do what ``options`` ask for.
    """
    refuse_impossible(
        inputs.model,
        scenario=options.scenario,
        mode=options.mode,
        instances=options.instances,
        batch_size=options.batch_size,
    )
    refuse_untrusted(inputs.model, inputs.model_digest, inputs.model_path, is_trusted=options.trust)
    task = task_of(inputs.model)
    session = session_for(inputs, options.threads)
    inputs = task.completed(inputs, session)
    if options.mode != "performance":
        task.refuse_unscorable(inputs.model)
    others = [session_for(inputs, options.threads) for _ in range(options.instances - 1)]
    return inputs, [task.predictor(item, inputs, _batch_size(options, inputs, item)) for item in (session, *others)]


def session_for(inputs: Inputs, threads: int) -> Session:
    """Load the model of ``inputs`` to compute what its task reads. Raises what ``open_session`` raises."""
    model = msgspec.structs.replace(inputs.model, outputs=task_of(inputs.model).used_outputs(inputs.model))
    return open_session(inputs.backend.name, model, inputs.model_path, threads, inputs.device, inputs.model_component)


def _batch_size(options: Options, inputs: Inputs, session: Session) -> int:
    """Return the largest batch: what is asked for, as far as facts and file allow. Raises InputError for more than the file takes."""
    if session.max_batch and (options.batch_size or 0) > session.max_batch:
        raise InputError(f"the file of the model takes batches of at most {session.max_batch}", where="--batch_size")
    return min(
        options.batch_size or DEFAULT_BATCH, inputs.model.max_batch or sys.maxsize, session.max_batch or sys.maxsize
    )
