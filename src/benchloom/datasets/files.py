"""Files of a data set: the label file, path checks, and messages about several files."""

import os
import posixpath
from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

from benchloom.base.printable import shortened
from benchloom.model.facts import Dataset

LABELS_PATH = "labels_path"  # the input of a program that names a label file
_SHOWN = 5


def label_file(dataset: Dataset, root: Path) -> Path | None:
    """Return the label file of ``dataset`` below ``root``: the first of those it may have; None if folders give the labels."""
    for name in (dataset.labels, *dataset.other_labels):
        if not name:
            return None
        if os.path.isfile(root / name):
            return root / name
    return root / dataset.labels


def with_label_file(dataset: Dataset, path: str) -> Dataset:
    """Return ``dataset`` with the file at the absolute ``path`` in place of its labels or annotations; unchanged if ``path`` is ''."""
    return msgspec.structs.replace(dataset, labels=path, other_labels=()) if path else dataset


def leads_outside(name: str) -> bool:
    """Tell whether a relative path leads outside its base folder."""
    return name.startswith("/") or posixpath.normpath(name).split("/")[0] == ".."


def missing_and_empty(folder: Path, names: Iterable[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return those of ``names`` that are not files below ``folder``, and those that are empty."""
    sizes = {name: _size_of(folder / name) for name in names}
    missing = tuple(name for name, size in sizes.items() if size is None)
    return missing, tuple(name for name, size in sizes.items() if size == 0)


def _size_of(path: Path) -> int | None:
    try:
        return path.stat().st_size if path.is_file() else None
    except OSError:
        return None


def several(names: Sequence[str]) -> str:
    """Return the first few names as text."""
    return ", ".join(map(shortened, names[:_SHOWN])) + (", ..." if len(names) > _SHOWN else "")


def unusable(missing: Sequence[str], empty: Sequence[str]) -> tuple[str, ...]:
    """Return the problems with these images, one sentence per kind, with counts and the first names."""
    kinds = {"missing": missing, "empty": empty}
    return tuple(f"{len(names)} {kind}: {several(names)}" for kind, names in kinds.items() if names)
