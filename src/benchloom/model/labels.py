"""The label file of a data set in ImageNet's layout, and what the folder of images has of it."""

from collections.abc import Sequence
from pathlib import Path

from benchloom.errors import InputError
from benchloom.model.base import Value
from benchloom.model.facts import Dataset

_SHOWN = 5


class Labels(Value, frozen=True, kw_only=True):
    """A label file read line by line: ``names`` of files with their ``labels``, in the order of the QSL.

    ``missing`` and ``empty`` are those of ``names`` that are not there, or hold no byte.
    """

    names: tuple[str, ...]
    labels: tuple[int, ...]
    missing: tuple[str, ...] = ()
    empty: tuple[str, ...] = ()


def read_labels(dataset: Dataset, root: Path) -> Labels:
    """Read ``dataset``'s label file (``<file name> <label>`` a line) below ``root`` and look for every image it names.

    Raises InputError where it cannot be read or lists nothing, and for a line that is none or whose label is no class.
    """
    path = root / dataset.labels
    found = [_line(text, dataset, f"{path}:{number}") for number, text in enumerate(_lines(path), 1)]
    if not found:
        raise InputError("the label file lists no images", where=str(path))
    sizes = {name: size_of(root / dataset.images / name) for name, _ in found}
    return Labels(
        names=tuple(name for name, _ in found),
        labels=tuple(label for _, label in found),
        missing=tuple(name for name, size in sizes.items() if size is None),
        empty=tuple(name for name, size in sizes.items() if size == 0),
    )


def several(names: Sequence[str]) -> str:
    """Return the first names of many."""
    return ", ".join(names[:_SHOWN]) + (", ..." if len(names) > _SHOWN else "")


def unusable(missing: Sequence[str], empty: Sequence[str]) -> tuple[str, ...]:
    """Return what is wrong with the images of these names, one sentence per kind, with counts and the first names."""
    kinds = {"missing": missing, "empty": empty}
    return tuple(f"{len(names)} {kind}: {several(names)}" for kind, names in kinds.items() if names)


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise InputError("the labels cannot be read", where=str(path), why=[error.strerror or str(error)]) from error
    except UnicodeDecodeError as error:
        raise InputError("the label file is no text in UTF-8", where=str(path), why=[str(error)]) from error


def _line(text: str, dataset: Dataset, where: str) -> tuple[str, int]:
    name, _, label = text.strip().rpartition(" ")
    if not name or not label.isdecimal():
        raise InputError(f"{text!r} is not '<file name> <label>'", where=where)
    if int(label) >= dataset.classes:
        raise InputError(
            f"label {label} is none of {dataset.name}, whose labels are 0 to {dataset.classes - 1}", where=where
        )
    return name, int(label)


def size_of(path: Path) -> int | None:
    """Return the size of a file in bytes; None where there is no such file."""
    try:
        return path.stat().st_size if path.is_file() else None
    except OSError:
        return None
