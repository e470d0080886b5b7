"""Which images of a data set become samples, in the order of the QSL: asked before a plan is carried out, and while it is."""

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import NamedTuple

from benchloom.errors import InputError
from benchloom.model.annotations import ImageEntry, read_annotations
from benchloom.model.base import Value
from benchloom.model.facts import Dataset
from benchloom.model.labels import read_labels, unusable


class Listed(Value, frozen=True, kw_only=True):
    """The ``names`` of image files that become samples, with their ``labels`` (ids of images if they have boxes).

    ``images`` are their entries in the annotations, and ``categories`` the ids of all categories in the order of the annotations; a
    classifier's data set has neither. ``missing`` are the names before the last of them that were skipped.
    """

    names: tuple[str, ...]
    labels: tuple[int, ...]
    images: tuple[ImageEntry, ...] = ()
    categories: tuple[int, ...] = ()
    missing: tuple[str, ...] = ()


class _Row(NamedTuple):
    name: str
    label: int
    image: ImageEntry | None = None


class _Found(NamedTuple):
    rows: Sequence[_Row]
    missing: Collection[str]
    empty: Collection[str]
    categories: tuple[int, ...] = ()


def list_images(
    dataset: Dataset,
    root: Path,
    *,
    count: int | None = None,
    only_with_objects: bool = False,
    allow_missing: bool = False,
) -> Listed:
    """Return the first ``count`` images (None: all) that the labels or annotations of ``dataset`` below ``root`` name.

    ``allow_missing`` skips images that the folder lacks, ``only_with_objects`` those in which nothing is annotated. Raises InputError
    for labels or annotations that cannot be used, if an image is missing or empty, and if fewer than ``count`` are there.
    """
    is_annotated = dataset.layout == "coco"
    # As many images are looked for as are needed: only whoever may skip some has to look for all.
    found = (
        _annotated(dataset, root, only_with_objects=only_with_objects)
        if is_annotated
        else _labelled(dataset, root, None if allow_missing else count)
    )
    taken: list[_Row] = []
    skipped: list[str] = []
    for row in found.rows:
        if len(taken) == count:
            break
        if allow_missing and row.name in found.missing:
            skipped.append(row.name)
        else:
            taken.append(row)
    _refuse_unusable(taken, found, dataset, root)
    if not taken:
        raise InputError(
            f"none of the {len(skipped)} images of {dataset.name} is there" if skipped else "no image has objects",
            where=str(root),
            fix="name the folder of the images with --dataset_path=DIR",
        )
    refuse_too_few(count, len(taken), dataset.name, root)
    return Listed(
        names=tuple(row.name for row in taken),
        labels=tuple(row.label for row in taken),
        images=tuple(row.image for row in taken if row.image),
        categories=found.categories,
        missing=tuple(skipped),
    )


def incomplete(count: int, total: int, name: str, folder: Path, why: Sequence[str], fix: str = "") -> InputError:
    """Return the error for ``count`` of ``total`` images of the data set ``name`` that cannot become samples."""
    return InputError(
        f"{count} of {total} images of {name} are missing or damaged",
        where=str(folder),
        why=why,
        fix=fix or "replace these files, or take them out of the label file or annotations",
    )


def refuse_too_few(count: int | None, there: int, name: str, where: Path | str) -> None:
    """Raise InputError if more samples are asked for than are there of the data set ``name``: ``where`` is its folder, or the flag."""
    if count and there < count:
        raise InputError(
            f"--count asks for {count} samples, {name} has {there}",
            where=str(where),
            fix=f"write --count={there}, or leave it out to use them all",
        )


def _labelled(dataset: Dataset, root: Path, count: int | None) -> _Found:
    found = read_labels(dataset, root, count)
    rows = [_Row(name, label) for name, label in zip(found.names, found.labels, strict=True)]
    return _Found(rows, frozenset(found.missing), frozenset(found.empty))


def _annotated(dataset: Dataset, root: Path, *, only_with_objects: bool) -> _Found:
    found = read_annotations(dataset, root)
    rows = [
        _Row(item.file_name, item.id, item)
        for item in found.images
        if item.id in found.with_objects or not only_with_objects
    ]
    categories = tuple(item.id for item in found.categories)
    return _Found(rows, frozenset(found.missing), frozenset(found.empty), categories)


def _refuse_unusable(taken: Sequence[_Row], found: _Found, dataset: Dataset, root: Path) -> None:
    missing, empty = ([row.name for row in taken if row.name in kind] for kind in (found.missing, found.empty))
    if why := unusable(missing, empty):
        fix = "replace these files, or skip those that are missing with --allow_missing_images" if missing else ""
        if len(missing) == len(taken):
            fix = (
                f"names in the labels are paths below {root / dataset.images}: say where they start with --dataset_path=DIR, and "
                "name a label file that lies elsewhere with --labels_path=FILE"
            )
        raise incomplete(len(missing) + len(empty), len(taken), dataset.name, root, why, fix)
