"""Compare what a component states about its published file with the download and with what a backend found in it."""

import math
from collections.abc import Callable, Iterator, Sequence
from functools import cache, partial
from pathlib import Path

import msgspec

from benchloom.base.digest import of_file
from benchloom.model.component import Component, Fetch
from benchloom.model.facts import Model, Tensor
from benchloom.model.published import CONTAINERS, FileReport, FoundFile, PublishedFile
from benchloom.report.components import tensor_text

_ROUNDED = 0.02  # tolerance of a size that is published in MB
_SHOWN = 8

# The result of one comparison: the list of the report that it belongs to, and a sentence.
Remark = tuple[str, str]


def report_on(component: Component, download: Path, found: FoundFile) -> FileReport:
    """Return how the file in ``download`` and the model found in it compare with ``component``."""
    digest = cache(partial(of_file, download))
    of_bytes = list(_download(component, download.stat().st_size, digest))
    remarks = [*of_bytes, *_file(component, found)]
    lists = {name: tuple(text for kind, text in remarks if kind == name) for name in ("agrees", "differs", "found")}
    is_sound = found.container is not None and not any(kind == "differs" for kind, _ in of_bytes)
    pins: dict[str, str | int] = {"digest": digest("sha256"), "size": download.stat().st_size}
    fetch = component.fetch[0]
    is_seen = component.published is not None and component.published.seen
    is_pinned = is_seen and (fetch.digest, fetch.size) == tuple(pins.values())
    return FileReport(
        component=component.ref,
        file=component.file,
        unchecked=(found.unopened,) if found.unopened else (),
        pins=pins if is_sound and not is_pinned else {},
        **lists,
    )


def _download(component: Component, size: int, digest: Callable[[str], str]) -> Iterator[Remark]:
    fetch = component.fetch[0]
    rounded = component.published.rounded_size if component.published else None
    if fetch.size is not None:
        yield _compared("size", f"{size:,} bytes", f"{fetch.size:,} bytes")
    elif rounded and abs(size - rounded) > _ROUNDED * rounded:
        yield "differs", f"size: {size:,} bytes, the component states about {rounded / 1e6:g} MB"
    else:
        yield "found", f"size: {size:,} bytes"
    if fetch.digest:
        yield _compared("digest", digest(_algorithm(fetch)), fetch.digest)
    if _algorithm(fetch) != "sha256":
        yield "found", f"digest: {digest('sha256')}"
    for name, variation in component.variations.items():
        if any(other.digest and digest(_algorithm(other)) == other.digest for other in variation.fetch):
            yield "found", f"digest: this is the file of the variation {name}"


def _algorithm(fetch: Fetch) -> str:
    return fetch.digest.partition(":")[0]


def _compared(what: str, found: str, stated: str) -> Remark:
    if found == stated:
        return "agrees", f"{what}: {found}"
    return "differs", f"{what}: {found}, the component states {stated}"


def _file(component: Component, found: FoundFile) -> Iterator[Remark]:
    yield _container(component.published or PublishedFile(), found)
    model = component.model
    if model is None or found.container is None:
        yield from (("differs", text) for text in found.problems)
        return
    tensors = [*_inputs(model, found), *_outputs(model, found)]
    yield from tensors
    if found.container == "onnx":
        yield _opset(model, found)
    if found.results:
        yield _batch(model, found)
    if not model.can_be_scored and found.results:
        yield "found", f"classes: {_scores(found.results[0])} scores for a sample"
    if found.backend and not found.problems:
        yield "agrees", f"opened by {found.backend}, which ran a sample of zeros"
    if not any(kind == "differs" for kind, _ in tensors):  # otherwise the backend reports that
        yield from (("differs", text) for text in found.problems)


def _scores(result: Tensor) -> int:
    return math.prod(size for size in result.shape if isinstance(size, int))


def _container(stated: PublishedFile, found: FoundFile) -> Remark:
    name = CONTAINERS[found.container] if found.container else found.appearance or "of an unknown kind"
    if found.container is None:
        return "differs", f"container: the file appears to be {name}, the component states {_stated(stated)}"
    if stated.container is None:
        return "found", f"container: {name}"
    return _compared("container", name, _stated(stated))


def _stated(file: PublishedFile) -> str:
    return CONTAINERS[file.container] if file.container else "a model"


def _opset(model: Model, found: FoundFile) -> Remark:
    if model.opset is None or found.opset is None:
        return "found", f"opset: {found.opset or 'none stated'}"
    return _compared("opset", str(found.opset), str(model.opset))


def _batch(model: Model, found: FoundFile) -> Remark:
    words = {None: "any number of samples at once", 1: "one sample at a time"}
    text = words.get(found.max_batch, f"{found.max_batch} samples at once")
    if "max_batch" in model.unpinned:
        return "found", f"max_batch: {text}"
    return _compared("max_batch", text, words.get(model.max_batch, f"{model.max_batch} samples at once"))


def _inputs(model: Model, found: FoundFile) -> Iterator[Remark]:
    if found.inputs:
        yield from _named("input", model.inputs, found.inputs, is_open="inputs" in model.unpinned)


def _outputs(model: Model, found: FoundFile) -> Iterator[Remark]:
    """Outputs for one sample; for a file that could not be run, as stated in the file.

    Types are those of the file: the backend returns quantised outputs as floats, so both may be stated.
    """
    types = {item.name: item.dtype for item in found.outputs}
    given = [msgspec.structs.replace(item, dtype=types.get(item.name, item.dtype)) for item in found.results]
    if given or found.outputs:
        used = [item for item in model.outputs if not found.uses or item.name in found.uses]
        yield from _named("output", used, given or found.outputs, is_open="outputs" in model.unpinned)


def _named(what: str, stated: Sequence[Tensor], found: Sequence[Tensor], *, is_open: bool) -> Iterator[Remark]:
    by_name = {item.name: item for item in found}
    for tensor in stated:
        name = f"{what} {tensor.name!r}"
        there = by_name.get(tensor.name)
        if there is None:
            names = [*(repr(item.name) for item in found[:_SHOWN]), *(["..."] if len(found) > _SHOWN else [])]
            yield "differs", f"{name} is not in the file: it has {', '.join(names)}"
        elif _fits(tensor, there):
            yield ("found" if is_open else "agrees"), f"{what}: {tensor_text(there)}"
        else:
            yield "differs", f"{what}: {tensor_text(there)}, the component states {tensor_text(tensor)}"


def _fits(stated: Tensor, found: Tensor) -> bool:
    """Whether type and sizes agree, ignoring the batch; unstated values and free sizes agree with everything."""
    sizes = zip(stated.shape[1:], found.shape[1:], strict=False)
    is_shape = not stated.shape or not found.shape or len(stated.shape) == len(found.shape)
    is_size = all(isinstance(one, str) or other in {-1, one} for one, other in sizes)
    return is_shape and is_size and (not stated.dtype or not found.dtype or stated.dtype == found.dtype)
