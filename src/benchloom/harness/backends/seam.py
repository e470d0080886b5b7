"""The interface of backends, how they are found by name, and checks that several of them share."""

from typing import TYPE_CHECKING, Protocol, TypeAlias, cast

from benchloom.base.file_kinds import no_model
from benchloom.base.members import members, module_of
from benchloom.base.names import nearest_or_all
from benchloom.errors import InputError
from benchloom.model.facts import Model, Tensor

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

ROOM = "benchloom.harness.backends"

Batch: TypeAlias = "Sequence[NDArray[np.generic]]"
Outputs: TypeAlias = "Sequence[NDArray[np.generic]]"
BackendSettings: TypeAlias = "dict[str, str | int | float | bool | None]"


class Session(Protocol):
    """A loaded network.

    Attributes:
        name: the backend's.
        version: the runtime library's.
        max_batch: the largest batch that the file supports; None for any.
    """

    name: str
    version: str
    max_batch: int | None

    def run(self, batch: Batch) -> Outputs:
        """Return the outputs of the model's facts, in their order, for ``batch``: one contiguous array (N x its shape) per input.

        Row i of each output belongs to sample i. This is the hot path: nothing is copied except what the runtime would
        overwrite. Raises InputError if the network does not accept such samples.
        """

    def settings(self) -> BackendSettings:
        """Return the runtime settings, for the record."""


class Backend(Protocol):
    """A module of this package.

    It may also have ``tensors(path)``: the inputs and outputs stated in a file (a size of -1 is free).
    """

    def load(self, model: Model, path: str, threads: int, device: str = "cpu") -> Session:
        """Open ``path`` on ``device`` with ``threads`` threads, to compute all of ``model.outputs``.

        Raises InputError if the file cannot be loaded, lacks the tensors of the facts, or expects other samples than
        stated.
        """


def backends() -> tuple[str, ...]:
    """Return the names of all backends."""
    return members(ROOM)


def backend_of(name: str) -> Backend:
    """Return the backend ``name``.

    Raises InputError with the known ones, ImportError if its library is not installed.
    """
    known = backends()
    if name not in known:
        raise InputError(
            f"there is no backend {name!r}",
            where="LOOM_BACKEND",
            fix=nearest_or_all(name, known),
        )
    return cast("Backend", module_of(ROOM, name))


def open_session(name: str, model: Model, path: str, threads: int, device: str = "cpu", origin: str = "") -> Session:
    """Load ``path`` with the backend ``name`` on ``device``; ``origin`` is the component that downloaded it, '' if the user supplied it.

    Raises what ``backend_of`` and loading raise; for a file that is not a model, the error says what it appears to be.
    """
    backend = backend_of(name)
    try:
        return backend.load(model, path, threads, device)
    except InputError as error:
        if error.where != path or not (what := no_model(path)):
            raise
        why = [
            *what,
            *([f"it was downloaded by {origin}"] if origin else []),
            *(item for item in error.why if item not in what),
        ]
        fix = (
            "download it again (loom gc removes unused files), or name another source"
            if origin
            else "name another file"
        )
        raise InputError(error.what, where=path, why=why, fix=fix) from error


# -- shared checks


def fixed_batch(sizes: "Sequence[int]", path: str) -> int | None:
    """Return the batch size fixed by the shape of an input (-1 is free): one, or None for any.

    Raises InputError for any other fixed batch size, which LoadGen's queries cannot guarantee.
    """
    if not sizes or sizes[0] < 1:
        return None
    if sizes[0] > 1:
        raise InputError(
            f"the file supports only batches of exactly {sizes[0]}",
            where=path,
            fix="export it with a free batch size, or with batch size 1",
        )
    return 1


def least_batch(inputs: "Sequence[Sequence[int]]", path: str) -> int | None:
    """Return the batch size fixed by the shapes of all inputs. Raises what ``fixed_batch`` raises."""
    return min((batch for sizes in inputs if (batch := fixed_batch(sizes, path))), default=None)


def check_file_shape(stated: Tensor, found: "Sequence[int]", path: str) -> None:
    """Compare the stated shape of an input with that in the file (-1 is free), ignoring the batch.

    Raises InputError if they differ: a wrong layout would otherwise only show in the accuracy.
    """
    fits = len(stated.shape) == len(found) and all(
        isinstance(one, str) or other in {-1, one} for one, other in zip(stated.shape[1:], found[1:], strict=True)
    )
    if stated.shape and not fits:
        raise InputError(
            f"the model's input {stated.name!r} is {list(found)}, its facts state {list(stated.shape)}",
            where=path,
            fix="state the shape and layout of the file, and a profile that produces them",
        )


def check_file_type(stated: Tensor, found: str, path: str, fix: str = "state the type of the file") -> None:
    """Raise InputError if the type of an input differs from its facts."""
    if stated.dtype not in {"", found}:
        raise InputError(
            f"the model's input {stated.name!r} takes {found}, its facts state {stated.dtype}", where=path, fix=fix
        )


def check_tensors(model: Model, inputs: "Sequence[Tensor]", outputs: "Sequence[Tensor]", path: str) -> int | None:
    """Compare the facts with the tensors in the file (a size of -1 is free), and return its fixed batch size.

    Raises InputError if it lacks a tensor of the facts, or expects samples of a different shape or type.
    """
    sources = {item.name: item for item in inputs}
    known = {*sources, *(item.name for item in outputs)}
    if missing := [item.name for item in (*model.inputs, *model.outputs) if item.name not in known]:
        raise InputError(
            f"the model has no tensor {missing[0]!r}", where=path, why=[f"it has {', '.join(sorted(known))}"]
        )
    sizes = [_sizes(sources[item.name]) for item in model.inputs]
    for stated, found in zip(model.inputs, sizes, strict=True):
        kind = sources[stated.name].dtype
        check_file_type(stated, kind, path, "state the type of the file, and a profile that produces it")
        check_file_shape(stated, found, path)
    return least_batch(sizes, path)


def _sizes(tensor: Tensor) -> list[int]:
    """Return the sizes of a tensor; -1 for free ones."""
    return [size if isinstance(size, int) else -1 for size in tensor.shape]


def refuse_other_format(model: Model, backend: str, formats: "Sequence[str]") -> None:
    """Raise InputError if ``backend`` does not support the format of ``model``."""
    if model.format not in formats:
        raise InputError(
            f"{backend} cannot load format {model.format!r}",
            where="model.format",
            fix=nearest_or_all(model.format, formats),
        )


def no_device(device: str, backend: str, why: str) -> InputError:
    """Return the error of a backend that cannot run on ``device``."""
    return InputError(
        f"{backend} cannot run on {device}",
        where="LOOM_BACKEND: env.LOOM_DEVICE",
        why=[why],
        fix="see loom detect soft:device-cuda and the driver, or omit _cuda",
    )
