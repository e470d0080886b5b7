"""The label file of a data set in ImageNet's layout, and what the folder of images has of it."""

from collections.abc import Sequence
from pathlib import Path

from benchloom.errors import InputError
from benchloom.model.base import Value
from benchloom.model.facts import Dataset

_SHOWN = 5
_IMAGES = frozenset({".jpg", ".jpeg", ".png"})


class Labels(Value, frozen=True, kw_only=True):
    """A label file read line by line: ``names`` of files with their ``labels``, in the order of the QSL.

    ``missing`` and ``empty`` are those of ``names`` that are not there, or hold no byte.
    """

    names: tuple[str, ...]
    labels: tuple[int, ...]
    missing: tuple[str, ...] = ()
    empty: tuple[str, ...] = ()


def read_labels(dataset: Dataset, root: Path, count: int | None = None) -> Labels:
    """Read ``dataset``'s label file below ``root`` and look for every image it names, the first ``count`` of them.

    Without a label file, images may lie in one folder for each class. Otherwise each line holds a file name and a label, apart by white space of any kind, as the MLPerf reference splits them; empty lines
    count for nothing. Raises InputError if it cannot be read or lists nothing, and for another line or a label that is no class.
    """
    path = label_file(dataset, root)
    if path is None:
        return _by_folder(dataset, root, count)
    lines = [(number, text) for number, text in enumerate(_lines(path), 1) if text.strip()]
    found = [_line(text, dataset, f"{path}:{number}") for number, text in lines][:count]
    if not found:
        raise InputError("the label file lists no images", where=str(path))
    sizes = {name: size_of(root / dataset.images / name) for name, _ in found}
    return Labels(
        names=tuple(name for name, _ in found),
        labels=tuple(label for _, label in found),
        missing=tuple(name for name, size in sizes.items() if size is None),
        empty=tuple(name for name, size in sizes.items() if size == 0),
    )


def label_file(dataset: Dataset, root: Path) -> Path | None:
    """Return the label file of ``dataset`` below ``root``: the first of those it may have; None if folders give the labels."""
    for name in (dataset.labels, *dataset.other_labels):
        if not name:
            return None
        if (root / name).is_file():
            return root / name
    return root / dataset.labels


def _by_folder(dataset: Dataset, root: Path, count: int | None) -> Labels:
    """Take the place of an image's folder among the sorted names of the folders for its label, as torchvision's ImageFolder does."""
    top = root / dataset.images
    folders = sorted(path.name for path in top.iterdir() if path.is_dir() and not path.name.startswith("."))
    if len(folders) > dataset.classes:
        raise InputError(
            f"{len(folders)} folders are more than the {dataset.classes} classes of {dataset.name}",
            where=str(top),
            fix="put a val_map.txt beside them that names each image with its label",
        )
    found = [
        (f"{folder}/{path.name}", label)
        for label, folder in enumerate(folders)
        for path in sorted((top / folder).iterdir())
        if path.suffix.lower() in _IMAGES
    ][:count]
    if not found:
        raise InputError("no folder holds images", where=str(top), why=[f"images end in {', '.join(sorted(_IMAGES))}"])
    empty = tuple(name for name, _ in found if size_of(top / name) == 0)
    return Labels(names=tuple(name for name, _ in found), labels=tuple(label for _, label in found), empty=empty)


def several(names: Sequence[str]) -> str:
    """Return the first names of many."""
    return ", ".join(names[:_SHOWN]) + (", ..." if len(names) > _SHOWN else "")


def unusable(missing: Sequence[str], empty: Sequence[str]) -> tuple[str, ...]:
    """Return what is wrong with the images of these names, one sentence per kind, with counts and the first names."""
    kinds = {"missing": missing, "empty": empty}
    return tuple(f"{len(names)} {kind}: {several(names)}" for kind, names in kinds.items() if names)


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8-sig").split("\n")
    except OSError as error:
        raise InputError("the labels cannot be read", where=str(path), why=[error.strerror or str(error)]) from error
    except UnicodeDecodeError as error:
        raise InputError("the label file is no text in UTF-8", where=str(path), why=[str(error)]) from error


def _line(text: str, dataset: Dataset, where: str) -> tuple[str, int]:
    name, _, label = text.strip().replace("\t", " ").rpartition(" ")
    if not name.strip() or not (label.isascii() and label.isdecimal()):
        raise InputError(
            f"{text.strip()!r} is not a file name and a label",
            where=where,
            fix="write one image a line: its path below the folder of images, white space, and its label as a whole number",
        )
    name = name.rstrip()
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
