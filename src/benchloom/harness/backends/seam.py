"""What is asked of every backend, how one is found by its name, and what several of them have to check."""

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
        max_batch: the largest batch that the file takes; None for any.
    """

    name: str
    version: str
    max_batch: int | None

    def run(self, batch: Batch) -> Outputs:
        """Return the outputs of the model's facts, in their order, for ``batch``: one contiguous array (N x its shape) per input.

        Row i of each output belongs to sample i. This is the hot path: nothing is copied here but what the runtime would overwrite.
        Raises InputError if the network does not take such samples.
        """

    def settings(self) -> BackendSettings:
        """Return what was set on the runtime, for the record."""


class Backend(Protocol):
    """A module of this room. It may also have ``tensors(path)``: the inputs and outputs that a file states (a size of -1 is free)."""

    def load(self, model: Model, path: str, threads: int, device: str = "cpu") -> Session:
        """Open ``path`` on ``device`` with ``threads`` threads, to compute all of ``model.outputs``.

        Raises InputError if the file cannot be loaded, lacks the tensors of the facts, or takes other samples than they state.
        """


def backends() -> tuple[str, ...]:
    """Return the names of all backends."""
    return members(ROOM)


def backend_of(name: str) -> Backend:
    """Return the backend ``name``. Raises InputError naming those that there are, ImportError if its library is not installed."""
    known = backends()
    if name not in known:
        raise InputError(
            f"no backend is called {name!r}",
            where="LOOM_BACKEND",
            fix=nearest_or_all(name, known),
        )
    return cast("Backend", module_of(ROOM, name))


def open_session(name: str, model: Model, path: str, threads: int, device: str = "cpu", origin: str = "") -> Session:
    """Load ``path`` with the backend ``name`` on ``device``; ``origin`` is the component whose download it is, '' if a user gave it.

    Raises what ``backend_of`` and loading raise; of a file that is no model it says what it appears to be.
    """
    backend = backend_of(name)
    try:
        return backend.load(model, path, threads, device)
    except InputError as error:
        if error.where != path or not (what := no_model(path)):
            raise
        why = [
            *what,
            *([f"it is the file of {origin}"] if origin else []),
            *(item for item in error.why if item not in what),
        ]
        fix = (
            "fetch it again (loom gc removes what nothing uses), or name another source"
            if origin
            else "name another file"
        )
        raise InputError(error.what, where=path, why=why, fix=fix) from error


# -- what several backends check


def fixed_batch(sizes: "Sequence[int]", path: str) -> int | None:
    """Return the batch that a file is made for by the sizes of an input (-1 is free): one, or None for any.

    Raises InputError for another fixed batch: LoadGen's queries do not come in such portions.
    """
    if not sizes or sizes[0] < 1:
        return None
    if sizes[0] > 1:
        raise InputError(
            f"the file takes batches of exactly {sizes[0]}",
            where=path,
            fix="export it with a free batch, or with a batch of one",
        )
    return 1


def least_batch(inputs: "Sequence[Sequence[int]]", path: str) -> int | None:
    """Return the batch that a file is made for by the sizes of all its inputs. Raises what ``fixed_batch`` raises."""
    return min((batch for sizes in inputs if (batch := fixed_batch(sizes, path))), default=None)


def check_file_shape(stated: Tensor, found: "Sequence[int]", path: str) -> None:
    """Compare the sizes that the facts state of an input with those of the file (-1 is free), apart from the batch.

    Raises InputError if they differ: a layout that is stated wrongly would otherwise only show in the accuracy.
    """
    fits = len(stated.shape) == len(found) and all(
        isinstance(one, str) or other in {-1, one} for one, other in zip(stated.shape[1:], found[1:], strict=True)
    )
    if stated.shape and not fits:
        raise InputError(
            f"the model's input {stated.name!r} is {list(found)}, its facts state {list(stated.shape)}",
            where=path,
            fix="state the shape and layout that the file has, and the profile that gives them",
        )


def check_file_type(stated: Tensor, found: str, path: str, fix: str = "state the type that the file has") -> None:
    """Raise InputError if the file takes another type for an input than its facts state."""
    if stated.dtype not in {"", found}:
        raise InputError(
            f"the model's input {stated.name!r} takes {found}, its facts state {stated.dtype}", where=path, fix=fix
        )


def check_tensors(model: Model, inputs: "Sequence[Tensor]", outputs: "Sequence[Tensor]", path: str) -> int | None:
    """Compare the facts with the tensors that the file states (a size of -1 is free), and return the batch that it is made for.

    Raises InputError if it lacks a tensor of the facts, or takes samples of another shape or type than they state.
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
        check_file_type(stated, kind, path, "state the type that the file has, and the profile that gives it")
        check_file_shape(stated, found, path)
    return least_batch(sizes, path)


def _sizes(tensor: Tensor) -> list[int]:
    """Return the sizes of a tensor; -1 for each that is free."""
    return [size if isinstance(size, int) else -1 for size in tensor.shape]


def refuse_other_format(model: Model, backend: str, formats: "Sequence[str]") -> None:
    """Raise InputError if the format of ``model`` is none of those that ``backend`` loads."""
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
        fix="see loom detect soft:device-cuda and the driver, or leave out _cuda",
    )
