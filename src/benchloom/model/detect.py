"""How what is already on this machine is recognised."""

from benchloom.model.base import SchemaTable, Value


class PythonModule(Value, frozen=True, kw_only=True):
    """Detection of an installed Python distribution by its metadata.

    Attributes:
        distribution: its name in the package index.
        module: the name it is imported by.
    """

    distribution: str
    module: str = ""


class Executable(Value, frozen=True, kw_only=True):
    """Detection of a program on PATH.

    Attributes:
        names: file names that it may have, tried in this order.
        version_arguments: arguments that make it print its version.
        version_regex: the first group of its first match in that output is the version.
    """

    names: tuple[str, ...]
    version_arguments: tuple[str, ...] = ("--version",)
    version_regex: str = r"(\d+(?:\.\d+)+)"


class FileGlob(Value, frozen=True, kw_only=True):
    """Detection of files below one of several folders.

    Attributes:
        patterns: every one must match below one of the folders, written as for ``glob``: ``**`` stands for any folders,
            ``{a,b}`` for either.
        alternatives: other lists of patterns; all patterns of one of them are as good.
        search: the folders; ``~`` and ``$VARIABLES`` are replaced. A folder given by the user comes first.
        version: the version that it then has.
        minimum: least number of matches of the first pattern.
        linked: whether what is made from the files links to them, so that it is made again if they lie elsewhere.
    """

    patterns: tuple[str, ...]
    alternatives: tuple[tuple[str, ...], ...] = ()
    search: tuple[str, ...] = ()
    version: str = ""
    minimum: int = 1
    linked: bool = False


class Detect(Value, frozen=True, kw_only=True):
    """How a soft component recognises what is already on this machine; exactly one way is given.

    Attributes:
        python: as an installed Python distribution.
        executable: as a program on PATH.
        files: as files in known folders.
    """

    python: PythonModule | None = None
    executable: Executable | None = None
    files: FileGlob | None = None


SCHEMAS: SchemaTable = {"block-detect": (Detect, "block detect of a component file")}
