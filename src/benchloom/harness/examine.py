"""``python -m benchloom.harness.examine FILE BACKEND``: open the model of ``LOOM_MODEL`` and write its properties to FILE.

--trust    open a file that can contain code and has no stated digest
"""

import contextlib
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from benchloom.base.atomic import write_bytes
from benchloom.base.file_kinds import appearance, container
from benchloom.errors import InputError
from benchloom.harness.backends.seam import backend_of, open_session
from benchloom.harness.model_files.onnx_opset import onnx_opset
from benchloom.model.base import to_json
from benchloom.model.facts import Backend, Facts, Model, Tensor
from benchloom.model.published import FoundFile
from benchloom.model.trust import refuse_untrusted

if TYPE_CHECKING:
    from benchloom.harness.backends.seam import Session
    from benchloom.harness.inputs import Samples


def main(arguments: Sequence[str], environ: Mapping[str, str]) -> int:
    """Write the findings and return the exit status: 0 also for a file that cannot be opened, which is a finding."""
    file, backend, *flags = arguments
    facts = msgspec.json.decode(Path(environ["LOOM_MODEL"]).read_bytes(), type=Facts)
    write_bytes(Path(file), to_json(examine(facts, backend, is_trusted="--trust" in flags)))
    return 0


def examine(facts: Facts, backend: str, *, is_trusted: bool) -> FoundFile:
    """Return what ``backend`` finds in the file of ``facts``; ``facts.digest`` is '' unless it was verified."""
    path, model = Path(facts.path), facts.model
    assert model is not None
    written = container(path)
    found = FoundFile(
        container=written, appearance=appearance(path), opset=onnx_opset(facts.path) if written == "onnx" else None
    )
    if written is None:
        return found
    try:
        refuse_untrusted(model, facts.digest, facts.path, is_trusted=is_trusted)
    except InputError as error:
        return msgspec.structs.replace(found, unopened=error.what)
    try:
        return _opened(found, model, facts, backend)
    except ImportError as error:
        return msgspec.structs.replace(found, unopened=f"{backend} cannot be imported: {error}")


def _opened(found: FoundFile, model: Model, facts: Facts, name: str) -> FoundFile:
    """Run the file, then read its tensors: TensorFlow accepts thread counts only before it reads any graph."""
    from benchloom.harness.tasks.seam import task_of  # late, as the docstring of this module says

    module, outputs = backend_of(name), task_of(model).used_outputs(model)
    found = msgspec.structs.replace(found, uses=tuple(item.name for item in outputs))
    model = msgspec.structs.replace(model, outputs=outputs)
    try:
        found = _run(found, model, facts, name)
    except Exception as error:  # noqa: BLE001 - a backend may raise anything for an unknown file
        found = msgspec.structs.replace(found, problems=(_reason(error),))
    tensors = getattr(module, "tensors", None)
    if tensors is None:
        return found
    with contextlib.suppress(Exception):  # an unreadable file has been reported above
        inputs, ends = tensors(facts.path)
        is_single = bool(inputs) and inputs[0].shape[:1] == (1,)
        found = msgspec.structs.replace(
            found, inputs=inputs, outputs=ends, max_batch=1 if is_single else found.max_batch
        )
    return found


def _run(found: FoundFile, model: Model, facts: Facts, name: str) -> FoundFile:
    """Run samples of zeros: one, as a benchmark would, and two at once."""
    import numpy as np  # late, as the docstring of this module says

    from benchloom.harness.inputs import Samples

    # Another opset is reported with the rest, and does not prevent running.
    model = msgspec.structs.replace(model, opset=None)
    session = open_session(name, model, facts.path, os.cpu_count() or 1, origin=facts.component)
    samples = Samples(
        tuple(np.zeros((2, *(int(size) for size in item.shape[1:])), item.dtype) for item in model.inputs)
    )
    given = [np.asarray(item) for item in session.run(samples.first(1).tensors)]
    is_single = session.max_batch == 1 or not _takes(session, samples)
    return msgspec.structs.replace(
        found,
        backend=f"{session.name} {session.version}",
        results=tuple(
            Tensor(name=output.name, shape=item.shape, dtype=item.dtype.name)
            for output, item in zip(model.outputs, given, strict=False)
        ),
        max_batch=1 if is_single else None,
        problems=tuple(_misread(model, session, samples)),
    )


def _misread(model: Model, session: "Session", samples: "Samples") -> Iterator[str]:
    """Return why the outputs of the network cannot be converted to responses with the facts of ``model``."""
    import numpy as np  # late, as above

    from benchloom.harness.inputs import Inputs
    from benchloom.harness.tasks.seam import task_of

    inputs = Inputs(
        model=model,
        model_path="",
        backend=Backend(name=session.name),
        dataset="",
        samples=samples,
        labels=np.zeros(len(samples), np.int64),
    )
    try:
        task_of(model).predictor(session, inputs, 1).answers([0])
    except InputError as error:
        yield _reason(error)


def _takes(session: "Session", samples: "Samples") -> bool:
    """Whether the network accepts these samples at once, and returns as many results."""
    try:
        return all(len(item) == len(samples) for item in session.run(samples.tensors)[:1])
    except Exception:  # noqa: BLE001 - the exception for an unsupported batch depends on the backend
        return False


def _reason(error: Exception) -> str:
    if isinstance(error, InputError):
        return ": ".join([error.what, *error.why])
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {lines[0] if lines else 'no reason given'}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
