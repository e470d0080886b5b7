"""The facts and samples a run works on."""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from benchloom.errors import InputError, LoomError
from benchloom.model.annotations import read_annotations
from benchloom.model.facts import Backend, Dataset, Facts, Model
from benchloom.model.labels import label_file, read_labels
from benchloom.model.samples import refuse_too_few

MISSING = "missing.json"  # beside the samples: a list of the names of images that were skipped, if any were


@dataclass(frozen=True)
class Inputs:
    """The chosen model and backend with the samples (memory-mapped, N x input shape) and their labels (N).

    ``complete`` is the number of samples that the whole data set has (None where nothing states it);
    ``device`` is where the backend is to run, ``model_digest`` what the component states of the model's file, '' where nothing does, ``model_component`` the component whose download the file is, '' if the user gave it. For detectors, ``labels`` are ids of images, ``categories`` the ids of categories in the order of the annotations, and ``annotations``
    (for classifiers: the label file) and ``images`` are that file and the folder of images; ``root`` is the folder of the data set and ``data`` its facts.
    ``missing`` are the names of images that were skipped because they are not there.
    """

    model: Model
    model_path: str
    backend: Backend
    dataset: str
    samples: NDArray[np.generic]
    labels: NDArray[np.int64]
    complete: int | None = None
    device: str = "cpu"
    categories: tuple[int, ...] = ()
    annotations: Path = Path()
    images: Path = Path()
    model_digest: str = ""
    model_component: str = ""
    root: Path = Path()
    data: Dataset | None = None
    missing: tuple[str, ...] = ()

    def name_of(self, index: int) -> str:
        """Return the file name of a sample as the label file or annotations have it, for messages; else its number."""
        try:
            return self._names()[index]
        except (LoomError, OSError, IndexError):
            return f"sample {index}"

    def _names(self) -> Sequence[str]:
        if self.data is None:
            return ()
        if self.data.layout == "imagenet":
            skipped = frozenset(self.missing)
            return [name for name in read_labels(self.data, self.root).names if name not in skipped]
        by_id = {item.id: item.file_name for item in read_annotations(self.data, self.root).images}
        return [by_id.get(image, f"image {image}") for image in self.labels.tolist()]


def read_facts(role: str, environ: Mapping[str, str]) -> Facts:
    """Read the facts file named by ``LOOM_<ROLE>``. Raises InputError where it is not set or cannot be read."""
    name = f"LOOM_{role.upper()}"
    path = environ.get(name, "")
    if not path:
        raise InputError(f"{name} is not set", fix="run the program through loom, ck or cm, which say what was chosen")
    try:
        return msgspec.json.decode(Path(path).read_bytes(), type=Facts)
    except (OSError, msgspec.MsgspecError) as error:
        raise InputError(
            f"the facts of role {role} cannot be read", where=f"{name}={path}", why=[str(error)]
        ) from error


def load(environ: Mapping[str, str], count: int | None, labels_path: Path | None = None) -> Inputs:
    """Open everything a run needs, the first ``count`` samples of it. Raises InputError naming what does not fit.

    ``labels_path`` is the label file that the samples must have been prepared with (None: that of the data set).
    """
    found = chosen(environ)
    folder = Path(read_facts("samples", environ).path)
    try:
        samples = np.load(folder / "samples.npy", mmap_mode="r")
        labels = np.load(folder / "labels.npy")
        categories = np.load(folder / "categories.npy") if found.model.task == "object-detection" else ()
        missing = msgspec.json.decode((folder / MISSING).read_bytes()) if (folder / MISSING).exists() else ()
    except (OSError, ValueError, msgspec.DecodeError) as error:
        raise InputError("the pre-processed samples cannot be read", where=str(folder), why=[str(error)]) from error
    check_samples(found.model, samples)
    refuse_too_few(count, len(samples), found.dataset, folder)
    if labels_path and labels_path != found.annotations:
        raise InputError(
            f"the samples were prepared with the labels of {found.annotations}",
            where=f"--labels_path={labels_path}",
            fix="run the program through loom, which prepares them with the file that is named",
        )
    total = count or len(samples)
    return dataclasses.replace(
        found,
        samples=samples[:total],
        labels=labels[:total].astype(np.int64),
        categories=tuple(int(item) for item in categories),
        missing=tuple(missing),
    )


def chosen(environ: Mapping[str, str]) -> Inputs:
    """Return what was chosen, without samples, from the facts of model, backend and data set. Raises InputError naming what is missing."""
    model, backend = read_facts("model", environ), read_facts("backend", environ)
    if model.model is None:
        raise InputError(
            f"{model.component} states no facts of a model", where="LOOM_MODEL", fix="add a 'model' block to it"
        )
    if backend.backend is None:
        raise InputError(
            f"{backend.component} is not a backend", where="LOOM_BACKEND", fix="add a 'backend' block to it"
        )
    source = read_facts("dataset" if environ.get("LOOM_DATASET") else "samples", environ)
    return Inputs(
        model=model.model,
        model_path=model.path,
        backend=backend.backend,
        dataset=source.component,
        samples=np.empty(0),
        labels=np.empty(0, np.int64),
        complete=source.dataset.count if source.dataset else None,
        device=backend.env.get("LOOM_DEVICE", "cpu"),
        annotations=_labels_of(source) or Path(source.path),
        images=Path(source.path, source.dataset.images) if source.dataset else Path(),
        model_digest=model.digest,
        model_component="" if model.origin == "detected" else model.component,
        root=Path(source.path),
        data=source.dataset,
    )


def _labels_of(source: Facts) -> Path | None:
    return label_file(source.dataset, Path(source.path)) if source.dataset and source.path else None


def check_file_shape(name: str, stated: Sequence[int | str], found: Sequence[int], path: str) -> None:
    """Hold the sizes that the facts state against those of the file (-1 is free), apart from the batch.

    Raises InputError where they differ: a layout that is stated wrongly would otherwise only show in the accuracy.
    """
    fits = len(stated) == len(found) and all(
        isinstance(one, str) or other in {-1, one} for one, other in zip(stated[1:], found[1:], strict=True)
    )
    if stated and not fits:
        raise InputError(
            f"the model's input {name!r} is {list(found)}, its facts state {list(stated)}",
            where=path,
            fix="state the shape and layout that the file has, and the profile that gives them",
        )


def check_samples(model: Model, samples: NDArray[np.generic]) -> None:
    """Raise InputError if ``samples`` (N x their shape) are not of the shape and type that the model's facts state."""
    wanted = model.inputs[0]
    fits = len(wanted.shape) == samples.ndim and all(
        isinstance(size, str) or size == samples.shape[axis] for axis, size in enumerate(wanted.shape) if axis
    )
    if wanted.shape and not fits:
        raise InputError(
            f"samples of shape {samples.shape[1:]} do not fit the model's input {wanted.shape}",
            fix="check the model's profile",
        )
    if wanted.dtype and wanted.dtype != samples.dtype.name:
        raise InputError(
            f"samples of {samples.dtype.name} do not fit the model's input of {wanted.dtype}",
            fix="check the model's profile",
        )
