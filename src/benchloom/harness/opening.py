"""Open the model with its backend, and complete its facts before the measurement."""

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
    """Return a predictor for each instance, and ``inputs`` completed with the classes of the model.

    Raises InputError if the model is not trusted, cannot be loaded, or does not support ``options``.
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
    """Load the model of ``inputs`` with the outputs that its task needs. Raises what ``open_session`` raises."""
    model = msgspec.structs.replace(inputs.model, outputs=task_of(inputs.model).used_outputs(inputs.model))
    return open_session(inputs.backend.name, model, inputs.model_path, threads, inputs.device, inputs.model_component)


def _batch_size(options: Options, inputs: Inputs, session: Session) -> int:
    """Return the largest batch size: as requested, limited by facts and file.

    Raises InputError for more than the file supports.
    """
    if session.max_batch and (options.batch_size or 0) > session.max_batch:
        raise InputError(f"the model file supports batches of at most {session.max_batch}", where="--batch_size")
    return min(
        options.batch_size or DEFAULT_BATCH, inputs.model.max_batch or sys.maxsize, session.max_batch or sys.maxsize
    )
