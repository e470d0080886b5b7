"""The label file of a data set in ImageNet's layout, and what the folder of images has of it."""

import os
import posixpath
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from benchloom.base import bounded, limits
from benchloom.base.printable import shortened
from benchloom.errors import InputError
from benchloom.model.base import Value
from benchloom.model.facts import Dataset

LABELS_PATH = "labels_path"  # the input of a program that names a label file

_SHOWN = 5
# What images in folders by class may end in. A label file may name images of any ending: decoding looks at the content.
_IMAGES = frozenset({".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"})
_WITH_LABELS = (
    "write a label file with one line per image (its path below the folder of images, white space, its label), and name it with "
    "--labels_path=FILE"
)


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

    Each line holds a file name and a label, separated by white space of any kind, as the MLPerf reference splits them; empty lines
    are skipped. Without a label file, images may lie in one folder per class. Raises InputError if the file cannot be read, lists
    nothing or an image twice, for a line that is something else, for a label that is not a class, and for folders that do not give
    every image its label.
    """
    path = label_file(dataset, root)
    found = (_listed(path, dataset) if path else _by_folder(dataset, root / dataset.images))[:count]
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


def with_label_file(dataset: Dataset, path: str) -> Dataset:
    """Return ``dataset`` with the file at the absolute ``path`` in place of its labels or annotations; as it is if ``path`` is ''."""
    return msgspec.structs.replace(dataset, labels=path, other_labels=()) if path else dataset


def _listed(path: Path, dataset: Dataset) -> list[tuple[str, int]]:
    found: list[tuple[str, int]] = []
    lines: dict[str, tuple[int, int]] = {}
    for number, text in enumerate(_lines(path), 1):
        if not text.strip():
            continue
        name, label = _line(text, dataset, f"{path}:{number}")
        first, other = lines.setdefault(posixpath.normpath(name), (number, label))
        if first != number:
            raise InputError(
                f"{shortened(name)} is listed twice",
                where=f"{path}:{number}",
                why=[f"line {first} gives it label {other}, line {number} label {label}"],
                fix="keep the one line that is right",
            )
        found.append((name, label))
    if not found:
        raise InputError("the label file lists no images", where=str(path))
    return found


# -- folders by class


def _by_folder(dataset: Dataset, top: Path) -> list[tuple[str, int]]:
    """Take the place of an image's folder among the sorted names of the folders for its label, as torchvision's ImageFolder does."""
    beside = _entries(top)
    inside = {name: _entries(top / name) for name, is_folder in beside.items() if is_folder}
    if problem := next(_folder_problems(dataset, beside, inside), None):
        what, why = problem
        inner = f"name the folder of the images itself ({top / next(iter(inside))}), or " if len(inside) == 1 else ""
        raise InputError(what, where=str(top), why=why, fix=inner + _WITH_LABELS)
    return [(f"{folder}/{name}", label) for label, (folder, names) in enumerate(inside.items()) for name in names]


def _entries(folder: Path) -> dict[str, bool]:
    """Return the names in a folder, sorted, and which of them are folders; hidden ones (``.DS_Store``) are left out."""
    try:
        with os.scandir(folder) as found:
            entries = {entry.name: entry.is_dir() for entry in found if not entry.name.startswith(".")}
    except OSError as error:
        raise InputError(
            "the folder of images cannot be read", where=str(folder), why=[error.strerror or str(error)]
        ) from error
    return dict(sorted(entries.items()))


def _folder_problems(
    dataset: Dataset, beside: Mapping[str, bool], inside: Mapping[str, Mapping[str, bool]]
) -> Iterator[tuple[str, list[str]]]:
    """Yield what keeps folders from giving every image its label, and why; the first is enough."""
    folders = list(inside)
    one = "without a label file, the label of an image is the place of its folder among the sorted names of all folders"
    if len(folders) < 2 or len(folders) != dataset.classes:
        number = f"{len(folders)} folder{'s' if len(folders) != 1 else ''}"
        yield (
            f"{number} cannot stand for the {dataset.classes} classes of {dataset.name}",
            [one, f"folders: {several(folders) or 'none'}"],
        )
    if bare := [name for name, names in inside.items() if not names]:
        yield f"{len(bare)} of {len(folders)} folders by class are empty", [several(bare)]
    if unread := [
        f"{folder}/{name}" for folder, names in inside.items() for name in names if not _is_read(name, names)
    ]:
        kinds = ", ".join(sorted(_IMAGES))
        yield (
            f"{len(unread)} entries of the folders by class are not images",
            [several(unread), f"images end in {kinds}"],
        )
    if loose := [name for name, is_folder in beside.items() if not is_folder and _is_image(name)]:
        yield f"{len(loose)} images lie beside the folders by class, so no class is known for them", [several(loose)]
    if all(name.isascii() and name.isdecimal() for name in folders) and (
        wrong := next(
            ((name, label) for label, name in enumerate(folders) if name.lstrip("0") != str(label or "")), None
        )
    ):
        name, label = wrong
        yield f"folder {name!r} would have label {label}", [f"{one}, which are sorted as text"]


def _is_read(name: str, names: Mapping[str, bool]) -> bool:
    return _is_image(name) and not names[name]


def _is_image(name: str) -> bool:
    return posixpath.splitext(name)[1].lower() in _IMAGES


# -- words


def several(names: Sequence[str]) -> str:
    """Return the first names of many."""
    return ", ".join(map(shortened, names[:_SHOWN])) + (", ..." if len(names) > _SHOWN else "")


def unusable(missing: Sequence[str], empty: Sequence[str]) -> tuple[str, ...]:
    """Return what is wrong with the images of these names, one sentence per kind, with counts and the first names."""
    kinds = {"missing": missing, "empty": empty}
    return tuple(f"{len(names)} {kind}: {several(names)}" for kind, names in kinds.items() if names)


def _text(path: Path) -> str:
    text = bounded.read_text(path, limits.LABEL_FILE_BYTES, "utf-8-sig")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _lines(path: Path) -> list[str]:
    try:
        return _text(path).split("\n")
    except OSError as error:
        raise InputError("the labels cannot be read", where=str(path), why=[error.strerror or str(error)]) from error
    except UnicodeDecodeError as error:
        raise InputError("the label file is no text in UTF-8", where=str(path), why=[str(error)]) from error


def _line(text: str, dataset: Dataset, where: str) -> tuple[str, int]:
    name, label = (*text.rsplit(None, 1), "")[:2]
    if not (label.isascii() and label.isdecimal()):
        raise InputError(
            f"{shortened(text.strip())!r} is not a file name and a label",
            where=where,
            fix="write one image a line: its path below the folder of images, white space, and its label as a whole number",
        )
    name = name.strip()
    if leads_outside(name):
        raise InputError(
            f"{shortened(name)!r} leads outside the folder of images",
            where=where,
            fix="name a file below the folder of images",
        )
    digits = label.lstrip("0") or "0"
    if len(digits) > len(str(dataset.classes)) or int(digits) >= dataset.classes:
        raise InputError(
            f"label {shortened(label)} is none of {dataset.name}, whose labels are 0 to {dataset.classes - 1}",
            where=where,
            fix="correct the label, or choose the data set that the label file is of",
        )
    return name, int(digits)


def leads_outside(name: str) -> bool:
    """Tell whether a relative path leads outside the folder that it is below."""
    return name.startswith("/") or posixpath.normpath(name).split("/")[0] == ".."


def size_of(path: Path) -> int | None:
    """Return the size of a file in bytes; None where there is no such file."""
    try:
        return path.stat().st_size if path.is_file() else None
    except OSError:
        return None
