"""``python -m benchloom.harness.preprocess``: convert a data set to arrays with a profile.

Reads the facts named by ``LOOM_DATASET`` and ``LOOM_PROFILE``, takes the first ``LOOM_INPUT_COUNT`` samples (all
without it), and writes to the working directory ``samples.npy`` (N x the profile's shape and dtype, in QSL order) and
``labels.npy`` (N, int64). With ``LOOM_INPUT_ALLOW_MISSING_IMAGES=yes`` missing images are skipped, and their names
written to ``missing.json``. Several processes decode, each writing its samples at their offsets in the file; the result
does not depend on their number, and none keeps more than one sample in memory.
"""

import multiprocessing
import os
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import msgspec
import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image

from benchloom.base.progress_file import report_progress
from benchloom.datasets.files import several
from benchloom.datasets.samples import Listed, incomplete, list_images
from benchloom.errors import ExecutionError, InputError, LoomError, carried
from benchloom.harness.decoding import DamagedImageError, decode
from benchloom.harness.memory import keep_freed_memory, peak_memory
from benchloom.harness.needs import MISSING, read_facts
from benchloom.harness.options import usable_cores
from benchloom.harness.prepared import CATEGORIES, LABELS, SAMPLES
from benchloom.harness.profiles import apply
from benchloom.model.facts import Dataset, Profile
from benchloom.model.values import FROM_ONE, truth, whole

CHUNK = 64  # images per task of a process
WORTH_A_PROCESS = 512  # fewer images take less time than starting a process
_ALLOW_MISSING = "LOOM_INPUT_ALLOW_MISSING_IMAGES"
_SHOWN = 5
_TURNED = frozenset({5, 6, 7, 8})  # values of the EXIF orientation that swap width and height


@dataclass(frozen=True)
class Samples:
    """The images of the data set ``name`` in QSL order with their labels (ids of images if they have boxes).

    ``categories`` are the ids of the categories of objects, in the order of the annotations; ``missing`` the names of
    images that were skipped.
    """

    files: tuple[Path, ...]
    labels: NDArray[np.int64]
    name: str
    categories: tuple[int, ...] = ()
    missing: tuple[str, ...] = ()


@dataclass(frozen=True)
class Effort:
    """Resources used by pre-processing: processes, and the peak memory of one of them in bytes (0: unknown)."""

    processes: int
    peak_memory_bytes: int


@dataclass(frozen=True)
class _Chunk:
    """Images whose samples are stored contiguously from byte ``offset`` of ``target``."""

    profile: Profile
    files: tuple[Path, ...]
    target: Path
    offset: int


@dataclass(frozen=True)
class _ChunkResult:
    images: int
    damaged: tuple[tuple[str, str], ...]
    peak: int


def list_samples(
    dataset: Dataset, root: Path, profile: Profile, count: int | None = None, *, allow_missing: bool = False
) -> Samples:
    """Return the first ``count`` images of ``dataset`` below ``root`` that ``profile`` uses.

    Raises what ``list_images`` raises, and InputError if the size of an image differs from its annotations.
    """
    found = list_images(
        dataset, root, count=count, only_with_objects=profile.only_with_objects, allow_missing=allow_missing
    )
    files = tuple(root / dataset.images / name for name in found.names)
    _refuse_other_sizes(found, files, root / dataset.labels)
    return Samples(files, np.array(found.labels, np.int64), dataset.name, found.categories, found.missing)


def _refuse_other_sizes(listed: Listed, files: Sequence[Path], annotations: Path) -> None:
    """Raise InputError if the decoded size of an image differs from its annotations: boxes would be scaled wrongly."""
    other = []
    for stated, name, path in zip(listed.sizes, listed.names, files, strict=False):  # nothing, if no sizes are stated
        try:
            with Image.open(path) as picture:  # reads the header alone
                width, height = picture.size
                orientation = picture.getexif().get(ExifTags.Base.Orientation, 1)
            is_turned = orientation in _TURNED
            if is_turned:  # whether it is applied depends on the format: ask the decoder
                height, width = decode(path, "gray").shape
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError, DamagedImageError):
            continue  # decoding will report the problem
        if (width, height) != stated:
            turned = f" when it is decoded as its EXIF orientation ({orientation}) says" if is_turned else ""
            other.append(f"{name} is {width} x {height}{turned}, stated as {stated[0]} x {stated[1]}")
    if other:
        raise InputError(
            f"{len(other)} of {len(files)} images differ in size from their annotations",
            where=str(annotations),
            why=[*other[:_SHOWN], *([f"and {len(other) - _SHOWN} more"] if len(other) > _SHOWN else [])],
            fix="use the annotations of exactly these images, with their displayed size",
        )


def preprocess(
    samples: Samples, profile: Profile, folder: Path, environ: Mapping[str, str], processes: int | None = None
) -> Effort:
    """Write ``samples.npy`` and ``labels.npy`` into ``folder``.

    Every image is tried before InputError reports how many cannot be decoded, and which; a sample with another shape
    than the profile's is an error at once. Raises ExecutionError if a process was killed.
    """
    chunks = _chunks(samples, profile, folder / SAMPLES)
    workers = processes or min(usable_cores(), -(-len(samples.files) // WORTH_A_PROCESS))
    done: list[_ChunkResult] = []
    with report_progress(
        environ, "pre-processing", "images", len(samples.files), lambda: sum(item.images for item in done)
    ):
        for item in _carried_out(chunks, workers):
            done.append(item)  # noqa: PERF402 - one by one, since another thread reports the number
    damaged = [item for each in done for item in each.damaged]
    if damaged:
        kinds = {reason: [name for name, other in damaged if other == reason] for _, reason in damaged}
        why = [f"{reason} ({len(names)}): {several(names)}" for reason, names in kinds.items()]
        raise incomplete(len(damaged), len(samples.files), samples.name, samples.files[0].parent, why)
    np.save(folder / LABELS, samples.labels)
    if samples.categories:
        np.save(folder / CATEGORIES, np.array(samples.categories, np.int64))
    if samples.missing:
        (folder / MISSING).write_bytes(msgspec.json.encode(samples.missing))
    return Effort(workers, max(peak_memory() or 0, *(item.peak for item in done)))


def _chunks(samples: Samples, profile: Profile, target: Path) -> list[_Chunk]:
    """Create the file with its header and full length, and split the images into chunks."""
    open_memmap: Callable[..., np.memmap[Any, Any]] = np.lib.format.open_memmap  # untyped in older versions of NumPy
    shape = (len(samples.files), *profile.shape)
    array = open_memmap(target, mode="w+", dtype=np.dtype(profile.dtype), shape=shape)
    start, size = array.offset, array.nbytes // len(samples.files)
    return [
        _Chunk(profile, samples.files[first : first + CHUNK], target, start + first * size)
        for first in range(0, len(samples.files), CHUNK)
    ]


def _carried_out(chunks: Sequence[_Chunk], workers: int) -> Iterator[_ChunkResult]:
    if workers == 1:
        yield from map(_write, chunks)
        return
    # Not forked: this process has threads already.
    context = multiprocessing.get_context("spawn")
    try:
        pool = ProcessPoolExecutor(workers, mp_context=context, initializer=_end_with_parent)
        with _one_thread_of_blas(), pool:
            yield from pool.map(_write, chunks)
    except BrokenProcessPool as error:
        raise ExecutionError(
            "a process of the pre-processing was killed", why=[str(error)], fix="make sure that there is enough memory"
        ) from error


@contextmanager
def _one_thread_of_blas() -> Iterator[None]:
    """Prevent threads for linear algebra, which is not needed, in processes started in the block.

    NumPy's library would start one per core in each process, spinning for a tenth of a second.
    """
    name = "OPENBLAS_NUM_THREADS"
    before = os.environ.get(name)
    os.environ[name] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before


def _end_with_parent() -> None:
    """Run in a process of the pool: end when the parent has ended, instead of waiting for work forever."""
    parent = multiprocessing.parent_process()
    assert parent is not None

    def watch() -> None:
        parent.join()
        os._exit(ExecutionError.exit_code)

    threading.Thread(target=watch, daemon=True).start()


def _write(chunk: _Chunk) -> _ChunkResult:
    """Write the samples of a chunk to the file directly, so that they do not count as memory of this process."""
    cv2.setNumThreads(1)
    keep_freed_memory()
    damaged = []
    sample = np.empty(chunk.profile.shape, chunk.profile.dtype)
    with chunk.target.open("r+b") as stream:
        for number, path in enumerate(chunk.files):
            try:
                apply(chunk.profile, path, sample)
            except DamagedImageError as error:
                damaged.append((path.name, error.what))
                continue
            stream.seek(chunk.offset + number * sample.nbytes)
            stream.write(sample.data)
    return _ChunkResult(len(chunk.files), tuple(damaged), peak_memory() or 0)


def _count(environ: Mapping[str, str]) -> int | None:
    """Return the requested number of samples; None for all. Raises InputError for an invalid number."""
    text = environ.get("LOOM_INPUT_COUNT", "")
    return whole(text, "LOOM_INPUT_COUNT", FROM_ONE) if text else None


def main(environ: Mapping[str, str]) -> int:
    """Pre-process the data set of the facts and return the exit status."""
    try:
        dataset, profile = read_facts("dataset", environ), read_facts("profile", environ)
        if dataset.dataset is None or profile.profile is None:
            name = dataset.component if dataset.dataset is None else profile.component
            raise InputError(f"{name} has no 'dataset' or 'profile' block", where="LOOM_DATASET, LOOM_PROFILE")
        samples = list_samples(
            dataset.dataset,
            Path(dataset.path),
            profile.profile,
            _count(environ),
            allow_missing=truth(environ.get(_ALLOW_MISSING) or "no", _ALLOW_MISSING),
        )
        effort = preprocess(samples, profile.profile, Path.cwd(), environ)
    except OSError as error:
        sys.stderr.write(f"error: the samples cannot be written: {error}\n")
        return ExecutionError.exit_code
    except LoomError as error:
        return carried.end(error, environ)
    sys.stdout.write(
        f"images: {len(samples.files)}\nprocesses: {effort.processes}\npeak_memory_bytes: {effort.peak_memory_bytes}\n"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(os.environ))
