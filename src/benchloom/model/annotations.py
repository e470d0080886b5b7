"""The annotations of a data set in COCO's layout, and what the folder of images has of it."""

from pathlib import Path

import msgspec

from benchloom.errors import InputError
from benchloom.model.base import Value
from benchloom.model.facts import Dataset
from benchloom.model.labels import size_of

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class ImageEntry(msgspec.Struct, frozen=True):
    """One image; ``width`` and ``height`` in pixels."""

    id: int
    file_name: str
    width: int
    height: int


class BoxEntry(msgspec.Struct, frozen=True):
    """One object with its box as x, y, width and height in pixels; what else COCO states of it is read by pycocotools."""

    id: int
    image_id: int
    category_id: int
    bbox: tuple[float, float, float, float]


class CategoryEntry(msgspec.Struct, frozen=True):
    """One category of objects."""

    id: int
    name: str


class _File(msgspec.Struct, frozen=True):
    images: tuple[ImageEntry, ...]
    annotations: tuple[BoxEntry, ...]
    categories: tuple[CategoryEntry, ...]


class Annotations(Value, frozen=True, kw_only=True):
    """An annotation file: ``images`` in the order of the QSL, ``categories`` in their order.

    ``missing`` and ``empty`` are the names of images that are not there, or hold no byte; ``with_objects`` the ids of images
    in which something is annotated.
    """

    images: tuple[ImageEntry, ...]
    categories: tuple[CategoryEntry, ...]
    with_objects: frozenset[int]
    missing: tuple[str, ...] = ()
    empty: tuple[str, ...] = ()


def annotation_bytes(path: Path) -> bytes:
    """Return the JSON text of an annotation file without a byte order mark. Raises OSError."""
    return path.read_bytes().removeprefix(_BYTE_ORDER_MARK)


def read_annotations(dataset: Dataset, root: Path) -> Annotations:
    """Read ``dataset``'s annotation file below ``root`` and look for every image it names.

    It is held to what the scorer needs: every annotation has an id of its own above zero and a box. ``iscrowd`` and ``area`` may be
    absent: they are 0, and width by height. Raises InputError if it cannot be read, names an image, category or annotation
    twice, an image or category that it does not list, or lists no images.
    """
    path = root / dataset.labels
    try:
        found = msgspec.json.decode(annotation_bytes(path), type=_File)
    except OSError as error:
        raise InputError(
            "the annotations cannot be read", where=str(path), why=[error.strerror or str(error)]
        ) from error
    except msgspec.MsgspecError as error:
        raise InputError("the annotations are not in COCO's form", where=str(path), why=[str(error)]) from error
    _check(found, path)
    sizes = {item.file_name: size_of(root / dataset.images / item.file_name) for item in found.images}
    return Annotations(
        images=found.images,
        categories=found.categories,
        with_objects=frozenset(item.image_id for item in found.annotations),
        missing=tuple(name for name, size in sizes.items() if size is None),
        empty=tuple(name for name, size in sizes.items() if size == 0),
    )


def _check(found: _File, path: Path) -> None:
    images = {item.id for item in found.images}
    categories = {item.id for item in found.categories}
    strange = [item for item in found.annotations if item.image_id not in images or item.category_id not in categories]
    ids = {item.id for item in found.annotations}
    flat = [item for item in found.annotations if min(item.bbox[2:]) < 0]
    problem = ""
    if not images:
        problem = "they list no images"
    elif len(images) != len(found.images) or len(categories) != len(found.categories):
        problem = "an id of an image or category is there twice"
    elif strange:
        problem = (
            f"{len(strange)} annotations are of an image or category that is not listed, the first of {strange[0]}"
        )
    elif len(ids) != len(found.annotations):
        problem = f"{len(found.annotations) - len(ids)} annotations have the id of another one, so pycocotools would count them once"
    elif 0 in ids:
        problem = "an annotation has the id 0, which pycocotools takes for no match"
    elif flat:
        problem = f"the box of annotation {flat[0].id} has a width or height below zero"
    if problem:
        raise InputError("the annotations do not fit together", where=str(path), why=[problem], fix="fetch them again")
