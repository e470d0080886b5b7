"""Annotations in COCO's form: a JSON file with images, the boxes of the objects in them, and the categories of these."""

import math
import posixpath
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Annotated, Literal, TypeVar

import msgspec

from benchloom.base import bounded, limits
from benchloom.base.printable import shortened
from benchloom.datasets.files import leads_outside, missing_and_empty
from benchloom.datasets.layouts.seam import Listing, Row
from benchloom.errors import InputError
from benchloom.model.facts import Dataset, Model

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_SLACK = 1.0  # pixels that a box may extend beyond its image: tools round, and some count pixels from 1
_LARGEST_AREA = 1e10  # pycocotools does not score larger objects

Id = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
Pixels = Annotated[int, msgspec.Meta(ge=1, le=2**31 - 1)]


class ImageEntry(msgspec.Struct, frozen=True):
    """One image; ``width`` and ``height`` in pixels."""

    id: Id
    file_name: str
    width: Pixels
    height: Pixels


class BoxEntry(msgspec.Struct, frozen=True):
    """One object with its box as x, y, width and height in pixels, and its ``area`` in square pixels (absent: that of the box).

    Other fields are read by pycocotools.
    """

    id: Id
    image_id: Id
    category_id: Id
    bbox: tuple[float, float, float, float]
    iscrowd: Literal[0, 1] = 0
    area: float | msgspec.UnsetType = msgspec.UNSET


class CategoryEntry(msgspec.Struct, frozen=True):
    """One category of objects."""

    id: Id
    name: str


class _File(msgspec.Struct, frozen=True):
    images: tuple[ImageEntry, ...]
    annotations: tuple[BoxEntry, ...]
    categories: tuple[CategoryEntry, ...]


def annotation_bytes(path: Path) -> bytes:
    """Return the JSON text of an annotation file without a byte order mark. Raises OSError."""
    return bounded.read_bytes(path, limits.ANNOTATION_BYTES).removeprefix(_BYTE_ORDER_MARK)


def listing(dataset: Dataset, root: Path, count: int | None = None) -> Listing:
    """Read ``dataset``'s annotation file below ``root`` and check that every image exists, regardless of ``count``.

    The requirements of the scorer are checked: every annotation has a unique id above zero, and a box inside its image
    with an area. ``iscrowd`` and ``area`` may be absent. Raises InputError naming the entry if it cannot be read, gives
    an id or a file twice, refers to an image or category that it does not list, or lists no images.
    """
    path = root / dataset.labels
    found = _read(path, _File)
    if problem := next(_problems(found), None):
        what, fix = problem
        raise InputError("the annotations are inconsistent", where=str(path), why=[what], fix=fix)
    missing, empty = missing_and_empty(root / dataset.images, (item.file_name for item in found.images))
    with_objects = frozenset(item.image_id for item in found.annotations)
    rows = [Row(item.file_name, item.id, (item.width, item.height), item.id in with_objects) for item in found.images]
    return Listing(rows, missing, empty, tuple(item.id for item in found.categories))


def sample_names(dataset: Dataset, root: Path, labels: Sequence[int], missing: Collection[str]) -> Sequence[str]:
    """Return the names of the images with the ids ``labels``. Raises what ``listing`` raises."""
    names = {row.label: row.name for row in listing(dataset, root).rows}
    return [names.get(image, f"image {image}") for image in labels]


def samples_in(text: str) -> int:
    """Return the number of images that annotations list. Raises ValueError for a text that is something else."""
    return len(msgspec.json.decode(text, type=_Images).images)


def refuse_misfit(model: Model, dataset: Dataset, root: Path) -> None:
    """Raise InputError if ``model`` counts the categories of ``dataset`` in an order other than listed."""
    if counts_categories(model):
        refuse_other_order(model, read_categories(dataset, root), dataset.name)


def counts_categories(model: Model) -> bool:
    """Tell whether the labels of ``model`` are positions of categories, not ids."""
    return bool(model.detections and model.detections.labels == "index")


def refuse_other_order(model: Model, categories: Sequence[int], dataset: str) -> None:
    """Raise InputError if ``model`` counts categories and their ids, as listed by ``dataset``, are not in ascending order.

    The meaning of its labels is then ambiguous.
    """
    if counts_categories(model) and list(categories) != sorted(categories):
        raise InputError(
            f"{model.name} counts categories in the order of their ids, {dataset} lists them in a different order",
            where="model.detections.labels, categories of the annotations",
            fix="sort the categories of the annotations by id",
        )


def read_categories(dataset: Dataset, root: Path) -> tuple[int, ...]:
    """Return the ids of the categories in ``dataset``'s annotation file, in its order.

    Raises InputError if it cannot be read.
    """
    return tuple(item.id for item in _read(root / dataset.labels, _Categories).categories)


class _Categories(msgspec.Struct, frozen=True):
    categories: tuple[CategoryEntry, ...]


class _Images(msgspec.Struct, frozen=True):
    images: tuple[ImageEntry, ...]


_Kind = TypeVar("_Kind")


def _read(path: Path, kind: type[_Kind]) -> _Kind:
    try:
        text = annotation_bytes(path).decode()  # msgspec skips text that is not UTF-8 if it does not need it
        return msgspec.json.decode(text, type=kind)
    except OSError as error:
        raise InputError(
            "the annotations cannot be read", where=str(path), why=[error.strerror or str(error)]
        ) from error
    except msgspec.ValidationError as error:
        fix = (
            "correct the entry that is named (counted from 0); iscrowd is 0 or 1 and area a number, both may be absent"
        )
        raise InputError(
            "the annotations are not in COCO format", where=str(path), why=[str(error)], fix=fix
        ) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InputError(
            "the annotations are not JSON, so not in COCO format",
            where=str(path),
            why=[str(error)],
            fix="download or export the file again",
        ) from error


def _problems(found: _File) -> Iterator[tuple[str, str]]:
    """Yield problems that prevent correct scoring, each with a fix; only the first is reported."""
    if not found.images:
        yield "they list no images", "export them together with the list of images"
    yield from _repeated(found)
    yield from _of_images(found.images)
    yield from _of_objects(found)


def _repeated(found: _File) -> Iterator[tuple[str, str]]:
    ids = {
        "images": [item.id for item in found.images],
        "categories": [item.id for item in found.categories],
        "annotations": [item.id for item in found.annotations],
    }
    for kind, keys in ids.items():
        if places := _twice(keys):
            one, other = places
            what = f"{kind}[{one}] and {kind}[{other}] both have the id {keys[one]}"
            effect = ", so pycocotools would count them once" if kind == "annotations" else ""
            yield f"{what}{effect}", f"give each of the {kind} a unique id"


def _of_images(images: Sequence[ImageEntry]) -> Iterator[tuple[str, str]]:
    names = [posixpath.normpath(item.file_name) for item in images]
    if places := _twice(names):
        one, other = (f"images[{place}] (id {images[place].id})" for place in places)
        yield (
            f"{one} and {other} both are the file {shortened(names[places[0]])}",
            "list each file once, with all its objects",
        )
    for place, item in enumerate(images):
        if leads_outside(item.file_name):
            what = f"images[{place}] (id {item.id}) is {shortened(item.file_name)!r}, which leads outside the folder of images"
            yield what, "name a file below the folder of images"


def _of_objects(found: _File) -> Iterator[tuple[str, str]]:
    images = {item.id: item for item in found.images}
    categories = {item.id for item in found.categories}
    for place, item in enumerate(found.annotations):
        name, image = f"annotations[{place}] (id {item.id})", images.get(item.image_id)
        if image is None:
            yield f"{name} is of image {item.image_id}, which is not listed", "list the image, or remove the annotation"
        elif item.category_id not in categories:
            yield (
                f"{name} is of category {item.category_id}, which is not listed",
                "list the category, or remove the annotation",
            )
        elif item.id == 0:
            yield f"{name}: pycocotools treats the id 0 as no match", "number the annotations from 1"
        elif problem := _of_box(item, image):
            fix = "correct the box (x, y, width and height in pixels), or the width and height that are stated for its image"
            yield f"{name}: {problem}", fix
    if found.annotations and all(_reach(item) <= 1 for item in found.annotations):
        yield (
            "every box is within the first pixel of its image",
            "state boxes in pixels, not as fractions of the image",
        )


def _of_box(item: BoxEntry, image: ImageEntry) -> str:
    left, top, width, height = item.bbox
    if not all(map(math.isfinite, item.bbox)) or min(width, height) <= 0:
        return f"its box {list(item.bbox)} has no area"
    if min(left, top) < -_SLACK or left + width > image.width + _SLACK or top + height > image.height + _SLACK:
        return f"its box {list(item.bbox)} is outside image {image.id} of {image.width} x {image.height}"
    if item.area is not msgspec.UNSET and not 0 <= item.area <= _LARGEST_AREA:
        return f"its area is {item.area:g}, which pycocotools would not score"
    return ""


def _reach(item: BoxEntry) -> float:
    left, top, width, height = item.bbox
    return max(left + width, top + height)


def _twice(keys: Iterable[object]) -> tuple[int, int] | None:
    """Return the positions of two equal keys; None if all differ."""
    first: dict[object, int] = {}
    for place, key in enumerate(keys):
        if (before := first.setdefault(key, place)) != place:
            return before, place
    return None
