"""Open the model with its backend, and find out what it does not say of itself, before anything is measured with it."""

import sys

from benchloom.errors import InputError
from benchloom.harness.inputs import Inputs
from benchloom.harness.options import Options
from benchloom.harness.predictor import Predictor, predictor_for, with_classes
from benchloom.harness.sut import Backend, open_backend
from benchloom.model.facts import Model
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
    backend = _open(inputs, options.threads)
    inputs = with_classes(inputs, backend)
    if options.mode != "performance":
        _refuse_what_cannot_be_scored(inputs.model)
    others = [_open(inputs, options.threads) for _ in range(options.instances - 1)]
    return inputs, [predictor_for(item, inputs, _batch_size(options, inputs, item)) for item in (backend, *others)]


def _refuse_what_cannot_be_scored(model: Model) -> None:
    if model.classes is None and model.detections is None:
        raise InputError(
            f"the facts of {model.name} do not say which of its outputs stands for which class",
            where="model.classes",
            why=[model.unpinned[name] for name in ("classes",) if name in model.unpinned],
            fix="measure its speed with --mode=performance, or state 'classes' in a component of your own",
        )


def _open(inputs: Inputs, threads: int) -> Backend:
    return open_backend(
        inputs.backend.name, inputs.model, inputs.model_path, threads, inputs.device, inputs.model_component
    )


def _batch_size(options: Options, inputs: Inputs, backend: Backend) -> int:
    """Return the largest batch: what is asked for, as far as facts and file allow. Raises InputError for more than the file takes."""
    if backend.max_batch and (options.batch_size or 0) > backend.max_batch:
        raise InputError(f"the file of the model takes batches of at most {backend.max_batch}", where="--batch_size")
    return min(
        options.batch_size or DEFAULT_BATCH, inputs.model.max_batch or sys.maxsize, backend.max_batch or sys.maxsize
    )
