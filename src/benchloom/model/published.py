"""Facts about the published file of a model, and about the stand-in that replaces it in tests."""

from benchloom.base.file_kinds import Container
from benchloom.model.base import SchemaTable, Value
from benchloom.model.facts import Tensor

CONTAINERS: dict[str, str] = {
    "onnx": "ONNX protobuf",
    "graphdef": "frozen graph (GraphDef protobuf)",
    "flatbuffer": "TensorFlow Lite flatbuffer",
    "tar": "tar archive of torch.save (before torch 0.1.10)",
    "pickle": "stream of pickles of torch.save (torch 0.1.10 to 1.5)",
    "zip": "zip archive of torch.save (since torch 1.6)",
    "torchscript": "zip archive of torch.jit.save (TorchScript)",
}


class PublishedFile(Value, frozen=True, kw_only=True):
    """The file that a backend opens, as its publisher wrote it; what is not known is left out.

    Attributes:
        container: how it is written. An archive in which it is downloaded is stated by ``fetch``, as are size, digest and origin.
        rounded_size: size in bytes of the download as a page shows it in MB, if no exact size is published (``fetch`` has that).
        written_by: software and date, as far as they are stated.
        seen: whether these very bytes have been opened by Benchloom.
    """

    container: Container | None = None
    rounded_size: int | None = None
    written_by: str = ""
    seen: bool = False


class StandIn(Value, frozen=True, kw_only=True):
    """A file with the names, shapes and types of the published one whose answers are known in advance.

    Attributes:
        check: the test that takes it from a download to LoadGen's accuracy log, and the score that is expected.
        container: how it is written.
        is_whole: whether it has all weights of the published network, not only a graph that gives the planted answers.
        size: its size in bytes; other versions of the library that writes it may differ by less than one per cent.
    """

    check: str
    container: Container
    is_whole: bool = False
    size: int | None = None


SCHEMAS: SchemaTable = {
    "block-published": (PublishedFile, "block published of a component file"),
    "block-stand_in": (StandIn, "block stand_in of a component file"),
}


class FoundFile(Value, frozen=True, kw_only=True):
    """What a file turned out to be when its backend opened it; a size of -1 is free.

    Attributes:
        container: how it is written; None if it is none of those that models are written in.
        appearance: what it looks like otherwise, such as ``a web page (HTML)``.
        backend: name and version of the runtime that opened it; '' if none did.
        inputs: tensors that the file takes; empty if its format does not name them, as for ``outputs``.
        outputs: tensors that the file gives.
        uses: the names of those outputs of the facts that the task of the model reads; empty if nobody tried to open the file.
        opset: version of ONNX's own operators.
        results: what it gave for one sample of zeros, in the order of the outputs that the facts state.
        max_batch: the largest batch that it takes; None means any, if there are ``results``.
        problems: why it could not be opened or run.
        unopened: why nobody tried: it is not trusted, or its backend is not here.
    """

    container: Container | None = None
    appearance: str = ""
    backend: str = ""
    inputs: tuple[Tensor, ...] = ()
    outputs: tuple[Tensor, ...] = ()
    uses: tuple[str, ...] = ()
    opset: int | None = None
    results: tuple[Tensor, ...] = ()
    max_batch: int | None = None
    problems: tuple[str, ...] = ()
    unopened: str = ""


class FileReport(Value, frozen=True, kw_only=True):
    """How one published file compares with what its component states.

    Attributes:
        component: reference of the component.
        file: its metadata file.
        agrees: what is as stated.
        differs: what is not.
        found: what is not stated.
        unchecked: what could not be compared, and why.
        pins: fields of the component's ``fetch`` and their values, if the bytes contradict nothing stated of them.
    """

    component: str
    file: str
    agrees: tuple[str, ...] = ()
    differs: tuple[str, ...] = ()
    found: tuple[str, ...] = ()
    unchecked: tuple[str, ...] = ()
    pins: dict[str, str | int] = {}

    @property
    def is_as_stated(self) -> bool:
        """Whether everything stated was compared and agrees."""
        return not (self.differs or self.unchecked)
