"""The samples of a data set in QSL order; used before and during the execution of a plan."""

from collections.abc import Sequence
from pathlib import Path

from benchloom.datasets.files import unusable
from benchloom.datasets.layouts.seam import Listing, Row, layout_of
from benchloom.errors import InputError
from benchloom.model.base import Value
from benchloom.model.facts import Dataset


class Listed(Value, frozen=True, kw_only=True):
    """The ``names`` of image files that become samples, with their ``labels`` (ids of images if they have boxes).

    ``sizes`` are their widths and heights as annotations state them (empty if not stated), and ``categories`` the ids
    of all categories of objects, in the order of the annotations. ``missing`` are the names of skipped images before
    the last one.
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

    ``allow_missing`` skips missing images, ``only_with_objects`` images without annotations. Raises InputError
    for invalid labels or annotations, if an image is missing or empty, and if there are fewer than ``count``.
    """
    # Only the required images are checked, or all if some may be skipped.
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
            f"none of the {len(skipped)} images of {dataset.name} exists" if skipped else "no image has objects",
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
    """Return the error for ``count`` of ``total`` images of the data set ``name`` that cannot be used."""
    return InputError(
        f"{count} of {total} images of {name} are missing or damaged",
        where=str(folder),
        why=why,
        fix=fix or "replace these files, or remove them from the label file or annotations",
    )


def refuse_too_few(count: int | None, there: int, name: str, where: Path | str) -> None:
    """Raise InputError if the data set ``name`` has fewer samples than requested; ``where`` is its folder, or the flag."""
    if count and there < count:
        raise InputError(
            f"--count requests {count} samples, {name} has {there}",
            where=str(where),
            fix=f"write --count={there}, or omit it to use all",
        )


def _refuse_unusable(taken: Sequence[Row], found: Listing, dataset: Dataset, root: Path) -> None:
    kinds = frozenset(found.missing), frozenset(found.empty)
    missing, empty = ([row.name for row in taken if row.name in kind] for kind in kinds)
    if why := unusable(missing, empty):
        fix = "replace these files, or skip those that are missing with --allow_missing_images" if missing else ""
        if len(missing) == len(taken):
            fix = (
                f"names in the labels are paths below {root / dataset.images}: name their root with --dataset_path=DIR, and "
                "name a label file in another folder with --labels_path=FILE"
            )
        raise incomplete(len(missing) + len(empty), len(taken), dataset.name, root, why, fix)
