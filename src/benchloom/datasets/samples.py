"""Which images of a data set become samples, in the order of the QSL: asked before a plan is carried out, and while it is."""

from collections.abc import Sequence
from pathlib import Path

from benchloom.datasets.files import unusable
from benchloom.datasets.layouts.seam import Listing, Row, layout_of
from benchloom.errors import InputError
from benchloom.model.base import Value
from benchloom.model.facts import Dataset


class Listed(Value, frozen=True, kw_only=True):
    """The ``names`` of image files that become samples, with their ``labels`` (ids of images if they have boxes).

    ``sizes`` are their widths and heights as annotations state them (none if nothing states them), and ``categories`` the ids of all
    categories of objects, in the order of the annotations. ``missing`` are the names before the last of them that were skipped.
    """

    names: tuple[str, ...]
    labels: tuple[int, ...]
    sizes: tuple[tuple[int, int], ...] = ()
    categories: tuple[int, ...] = ()
    missing: tuple[str, ...] = ()


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
    # As many images are looked for as are needed: only whoever may skip some has to look for all.
    found = layout_of(dataset).listing(dataset, root, None if allow_missing else count)
    rows = [row for row in found.rows if row.has_objects or not only_with_objects]
    missing = frozenset(found.missing)
    taken: list[Row] = []
    skipped: list[str] = []
    for row in rows:
        if len(taken) == count:
            break
        if allow_missing and row.name in missing:
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
        sizes=tuple(row.size for row in taken if row.size),
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


def refuse_too_few(count: int | None, there: int, name: str, folder: Path) -> None:
    """Raise InputError if more samples are asked for than are there of the data set ``name`` in ``folder``."""
    if count and there < count:
        raise InputError(
            f"--count asks for {count} samples, {name} has {there}",
            where=str(folder),
            fix=f"write --count={there}, or leave it out to use them all",
        )


def _refuse_unusable(taken: Sequence[Row], found: Listing, dataset: Dataset, root: Path) -> None:
    kinds = frozenset(found.missing), frozenset(found.empty)
    missing, empty = ([row.name for row in taken if row.name in kind] for kind in kinds)
    if why := unusable(missing, empty):
        fix = "replace these files, or skip those that are missing with --allow_missing_images" if missing else ""
        if len(missing) == len(taken):
            fix = (
                f"names in the labels are paths below {root / dataset.images}: say where they start with --dataset_path=DIR, and "
                "name a label file that lies elsewhere with --labels_path=FILE"
            )
        raise incomplete(len(missing) + len(empty), len(taken), dataset.name, root, why, fix)
