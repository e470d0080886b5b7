"""The interface of data set layouts, and how they are found by name."""

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol, cast

from benchloom.base.members import members, module_of
from benchloom.base.names import nearest_or_all
from benchloom.errors import InputError
from benchloom.model.facts import Dataset, Model

ROOM = "benchloom.datasets.layouts"


class Row(NamedTuple):
    """One image that a data set lists: the ``name`` of its file below the folder of images, and its ``label``.

    If images have boxes, the label is the id of the image, ``size`` its width and height in pixels as the annotations
    state them, and ``has_objects`` tells whether anything is annotated in it.
    """

    name: str
    label: int
    size: tuple[int, int] | None = None
    has_objects: bool = True


class Listing(NamedTuple):
    """What a data set lists, in the order of the QSL.

    ``missing`` and ``empty`` are the names of images that are missing or empty; ``categories`` the ids of categories of
    objects in the order of the annotations.
    """

    rows: Sequence[Row]
    missing: tuple[str, ...] = ()
    empty: tuple[str, ...] = ()
    categories: tuple[int, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all images."""
        return tuple(row.name for row in self.rows)

    @property
    def labels(self) -> tuple[int, ...]:
        """The labels of all images."""
        return tuple(row.label for row in self.rows)


class Layout(Protocol):
    """A module of this room."""

    def listing(self, dataset: Dataset, root: Path, count: int | None = None) -> Listing:
        """List the images of ``dataset`` below ``root`` and check that they exist; a layout may check only the first ``count``.

        Raises InputError naming the file and the invalid entry.
        """

    def sample_names(
        self, dataset: Dataset, root: Path, labels: Sequence[int], missing: Collection[str]
    ) -> Sequence[str]:
        """Return the names of the samples with these ``labels``, after ``missing`` were skipped, for messages.

        Raises InputError or OSError.
        """

    def samples_in(self, text: str) -> int | None:
        """Return how many samples the text of a label file or annotations lists; None if unknown. Raises ValueError."""

    def refuse_misfit(self, model: Model, dataset: Dataset, root: Path) -> None:
        """Raise InputError if ``model`` cannot be scored on ``dataset`` with its labels or annotations."""


def layouts() -> tuple[str, ...]:
    """Return the names of all layouts."""
    return members(ROOM)


def layout_of(dataset: Dataset) -> Layout:
    """Return the layout that ``dataset`` states. Raises InputError with the known ones."""
    known = layouts()
    if dataset.layout not in known:
        raise InputError(
            f"{dataset.layout!r} is not a layout of data sets",
            where=f"dataset.layout of {dataset.name}",
            fix=nearest_or_all(dataset.layout, known),
        )
    return cast("Layout", module_of(ROOM, dataset.layout))
