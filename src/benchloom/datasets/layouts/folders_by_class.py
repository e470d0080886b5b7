"""Images in one folder per class: the position of a folder among the sorted names is the label, as in torchvision's ImageFolder."""

import os
import posixpath
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path

from benchloom.datasets.files import missing_and_empty, several
from benchloom.datasets.layouts.seam import Listing, Row
from benchloom.errors import InputError
from benchloom.model.facts import Dataset, Model

# Extensions of images. A label file may name images with any extension: decoding looks at the content.
_IMAGES = frozenset({".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"})
_WITH_LABELS = (
    "write a label file with one line per image (its path below the folder of images, white space, its label), and name it with "
    "--labels_path=FILE"
)


def listing(dataset: Dataset, root: Path, count: int | None = None) -> Listing:
    """List the first ``count`` images in the folders of ``dataset``, class by class, each sorted by name.

    Raises InputError if the folders do not give every image its label, or if a label file is named that would be
    ignored.
    """
    if dataset.labels:
        raise InputError(
            f"{dataset.name} takes labels from its folders, so the file {dataset.labels} would be ignored",
            where="dataset.layout, dataset.labels",
            fix="state the layout 'imagenet', which reads label files, or remove the file",
        )
    rows = _by_folder(dataset, root / dataset.images)[:count]
    return Listing(rows, *missing_and_empty(root / dataset.images, (row.name for row in rows)))


def sample_names(dataset: Dataset, root: Path, labels: Sequence[int], missing: Collection[str]) -> Sequence[str]:
    """Return the names of all images. Raises what ``listing`` raises."""
    return listing(dataset, root).names


def samples_in(text: str) -> None:
    """Return None: the samples are not listed in a text."""


def refuse_misfit(model: Model, dataset: Dataset, root: Path) -> None:
    """Refuse nothing: the meaning of labels is stated by the model alone."""


def _by_folder(dataset: Dataset, top: Path) -> list[Row]:
    beside = _entries(top)
    inside = {name: _entries(top / name) for name, is_folder in beside.items() if is_folder}
    if problem := next(_folder_problems(dataset, beside, inside), None):
        what, why = problem
        inner = f"name the folder of the images itself ({top / next(iter(inside))}), or " if len(inside) == 1 else ""
        raise InputError(what, where=str(top), why=why, fix=inner + _WITH_LABELS)
    return [Row(f"{folder}/{name}", label) for label, (folder, names) in enumerate(inside.items()) for name in names]


def _entries(folder: Path) -> dict[str, bool]:
    """Return the sorted names in a folder, and which of them are folders; hidden ones (``.DS_Store``) are left out."""
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
    """Yield reasons why folders do not determine the label of every image; only the first is reported."""
    folders = list(inside)
    one = "without a label file, the label of an image is the position of its folder among the sorted names of all folders"
    if len(folders) < 2 or len(folders) != dataset.classes:
        number = f"{len(folders)} folder{'s' if len(folders) != 1 else ''}"
        yield (
            f"{number} cannot represent the {dataset.classes} classes of {dataset.name}",
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
        yield f"{len(loose)} images are next to the folders by class, so their class is unknown", [several(loose)]
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
