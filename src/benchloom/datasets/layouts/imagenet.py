"""Label files as of ImageNet's validation set: a text file with a line ``<file name> <label>`` for each image.

Without a label file, images are in one folder per class (``folders_by_class``).
"""

import posixpath
from collections.abc import Collection, Sequence
from pathlib import Path

import msgspec

from benchloom.base import bounded, limits
from benchloom.base.printable import shortened
from benchloom.datasets.files import label_file, leads_outside, missing_and_empty
from benchloom.datasets.layouts import folders_by_class
from benchloom.datasets.layouts.seam import Listing, Row
from benchloom.errors import InputError
from benchloom.model.facts import Dataset, Model


def listing(dataset: Dataset, root: Path, count: int | None = None) -> Listing:
    """Read ``dataset``'s label file below ``root`` and check that the first ``count`` images exist.

    Each line contains a file name and a label, separated by any white space, as in the MLPerf reference; empty lines
    are skipped. Without a label file, images may be in one folder per class. Raises InputError if the file cannot be
    read, lists nothing or an image twice, for an invalid line or label, and for folders that do not determine the label
    of every image.
    """
    path = label_file(dataset, root)
    if path is None:
        return folders_by_class.listing(msgspec.structs.replace(dataset, labels=""), root, count)
    rows = [Row(*item) for item in _listed(path, dataset)[:count]]
    return Listing(rows, *missing_and_empty(root / dataset.images, (row.name for row in rows)))


def sample_names(dataset: Dataset, root: Path, labels: Sequence[int], missing: Collection[str]) -> Sequence[str]:
    """Return the names of the samples in their order: all listed ones except ``missing``.

    Raises what ``listing`` raises.
    """
    skipped = frozenset(missing)
    return [name for name in listing(dataset, root).names if name not in skipped]


def samples_in(text: str) -> int:
    """Return the number of lines that are not empty."""
    return sum(bool(line.strip()) for line in text.splitlines())


def refuse_misfit(model: Model, dataset: Dataset, root: Path) -> None:
    """Refuse nothing: the meaning of labels is stated by the model alone."""


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
                fix="keep the correct line",
            )
        found.append((name, label))
    if not found:
        raise InputError("the label file lists no images", where=str(path))
    return found


def _text(path: Path) -> str:
    text = bounded.read_text(path, limits.LABEL_FILE_BYTES, "utf-8-sig")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _lines(path: Path) -> list[str]:
    try:
        return _text(path).split("\n")
    except OSError as error:
        raise InputError("the labels cannot be read", where=str(path), why=[error.strerror or str(error)]) from error
    except UnicodeDecodeError as error:
        raise InputError("the label file is not UTF-8 text", where=str(path), why=[str(error)]) from error


def _line(text: str, dataset: Dataset, where: str) -> tuple[str, int]:
    name, label = (*text.rsplit(None, 1), "")[:2]
    if not (label.isascii() and label.isdecimal()):
        raise InputError(
            f"{shortened(text.strip())!r} is not a file name and a label",
            where=where,
            fix="write one image per line: its path below the folder of images, white space, and its label as a whole number",
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
            f"label {shortened(label)} is not valid for {dataset.name}, whose labels are 0 to {dataset.classes - 1}",
            where=where,
            fix="correct the label, or choose the data set of this label file",
        )
    return name, int(digits)
