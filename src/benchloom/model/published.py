"""What is known of the file that a model is published as, and of the stand-in that takes its place in the tests."""

from typing import Literal

from benchloom.model.base import Value

Container = Literal["onnx", "graphdef", "flatbuffer", "tar", "pickle", "zip", "torchscript"]

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
        size: its size in bytes, if every build gives the same.
    """

    check: str
    container: Container
    is_whole: bool = False
    size: int | None = None
