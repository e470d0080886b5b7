"""Load the inputs of a run from facts and prepared samples."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path

import msgspec
import numpy as np

from benchloom.datasets.files import label_file
from benchloom.datasets.samples import refuse_too_few
from benchloom.errors import InputError
from benchloom.harness.inputs import Inputs, Samples, check_samples
from benchloom.harness.needs import MISSING, read_facts
from benchloom.harness.tasks.seam import task_of
from benchloom.model.facts import Facts


def load(environ: Mapping[str, str], count: int | None, labels_path: Path | None = None) -> Inputs:
    """Open everything a run needs, with the first ``count`` samples. Raises InputError naming incompatible parts.

    ``labels_path`` is the label file that the samples must have been prepared with (None: that of the data set).
    """
    found = chosen(environ)
    folder = Path(read_facts("samples", environ).path)
    task = task_of(found.model)
    try:
        samples, labels, categories = task.read_samples(folder)
        missing = msgspec.json.decode((folder / MISSING).read_bytes()) if (folder / MISSING).exists() else ()
    except (OSError, ValueError, msgspec.DecodeError) as error:
        raise InputError("the pre-processed samples cannot be read", where=str(folder), why=[str(error)]) from error
    check_samples(found.model, samples)
    refuse_too_few(count, len(samples), found.dataset, folder)
    if labels_path and labels_path != found.annotations:
        raise InputError(
            f"the samples were prepared with the labels of {found.annotations}",
            where=f"--labels_path={labels_path}",
            fix="run the program through loom, which prepares them with the named file",
        )
    total = count or len(samples)
    return dataclasses.replace(
        found,
        samples=samples.first(total),
        labels=labels[:total],
        categories=categories,
        missing=tuple(missing),
    )


def chosen(environ: Mapping[str, str]) -> Inputs:
    """Return the inputs without samples, from the facts of model, backend and data set.

    Raises InputError naming what is missing.
    """
    model, backend = read_facts("model", environ), read_facts("backend", environ)
    if model.model is None:
        raise InputError(
            f"{model.component} states no facts about a model", where="LOOM_MODEL", fix="add a 'model' block to it"
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
        samples=Samples((np.empty(0),)),
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
