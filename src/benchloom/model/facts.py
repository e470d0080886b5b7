"""Typed facts of models, datasets, profiles and backends: what the harness needs to know of what was chosen.

The engine writes them to the file named by ``LOOM_<ROLE>``; the harness reads them with the same types.
"""

from typing import Literal

from benchloom.model.base import Value
from benchloom.model.ruleset import Ruleset

CK_FACTS_FILE = "loom.json"  # the facts of what was installed for ck, in the folder it names
Layout = Literal["", "NCHW", "NHWC"]
DEVICE_VARIABLE = "LOOM_DEVICE"  # of a backend's node: where it runs, if not on the first of its devices


class Tensor(Value, frozen=True, kw_only=True):
    """One input or output of a network; ``shape`` holds numbers and names of free dimensions such as ``N``."""

    name: str
    shape: tuple[int | str, ...] = ()
    dtype: str = ""
    layout: str = ""
    meaning: str = ""


class Classes(Value, frozen=True, kw_only=True):
    """``count`` outputs of which ``offset`` precede the data set's label 0 (1 if output 0 is the background)."""

    count: int
    offset: int = 0


class Detections(Value, frozen=True, kw_only=True):
    """How the outputs of a detector become boxes of the data set (MLPerf reference: coco.py, classes PostProcessCoco*).

    The outputs' ``meaning`` says which are ``boxes`` (N x K x 4), ``labels``, ``scores`` (N x K) and, if there is one,
    the ``count`` (N) of boxes that mean something.

    Attributes:
        order: the corners of a box as the file gives them.
        scale: what coordinates are divided by to be fractions of the image: the side of the input if they are pixels.
        threshold: the list of an image ends at the first score below it.
        labels: ``category`` if labels are category ids of the data set, ``index`` if they count its categories,
            from 1, in the order of its annotations.
    """

    order: Literal["yxyx", "xyxy"]
    scale: float = 1.0
    threshold: float = 0.0
    labels: Literal["category", "index"] = "category"


class Reference(Value, frozen=True, kw_only=True):
    """A published accuracy: ``value`` in the metric's own unit (top1 as a fraction, 0-1) and where it was read."""

    metric: str
    value: float
    source: str
    target: float | None = None


class Model(Value, frozen=True, kw_only=True):
    """A trained network.

    ``prediction`` tells how a class comes out of the first output: ``argmax`` over scores, or ``index`` if the graph
    ends in ArgMax already. ``classes`` is None if they are not known (``unpinned`` then says why): such a network can
    be timed, not scored. ``max_batch`` is the largest batch the graph takes; None means any. ``name`` is MLPerf's
    benchmark name (``resnet50``), used for LoadGen's configuration look-ups. ``architecture`` names the module of
    ``benchloom.harness.architectures`` that has the graph, if the file holds weights alone. ``weights`` are ``random``
    if nobody trained them: such a network is timed only, and chosen only if its tag ``random-weights`` is asked for. ``detections``
    is what only detectors have. ``devices`` are those that the network runs on, none if every device of its backend will do. ``opset`` is the version of ONNX's own operators that the file is written in; None if nobody has looked.
    """

    name: str
    task: str
    format: str
    precision: str
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    classes: Classes | None = None
    prediction: Literal["argmax", "index"] = "argmax"
    max_batch: int | None = None
    architecture: str = ""
    opset: int | None = None
    devices: tuple[str, ...] = ()
    detections: Detections | None = None
    weights: Literal["trained", "random"] = "trained"
    reference: Reference | None = None
    unpinned: dict[str, str] = {}

    @property
    def can_be_scored(self) -> bool:
        """Whether the facts say how its outputs become predictions: without that, a network can only be timed."""
        return bool(self.classes or self.detections)


class Dataset(Value, frozen=True, kw_only=True):
    """A labelled data set in a known layout.

    ``layout`` ``imagenet``: ``images`` is the folder with the image files, ``labels`` a text file of
    ``<file name> <label>`` lines whose order is the QSL's; both relative to the component's result. If it is absent, the first of ``other_labels``
    that is there takes its place; '' stands for ``folders-by-class``: images in one folder for each class, whose place among the sorted names
    is the label. ``coco``:
    ``labels`` is the JSON file of annotations, whose list of images is in the QSL's order. ``count`` is that of
    the complete set, even if only a part of it is there: a run over a part is never valid for a submission.
    """

    name: str
    task: str
    layout: str
    images: str
    labels: str
    count: int
    classes: int
    other_labels: tuple[str, ...] = ()


class Step(Value, frozen=True, kw_only=True):
    """One step of a profile.

    ``op`` and its fields: ``decode`` (colour rgb|bgr|gray) · ``resize`` (size, mode exact|short-side, interpolation) ·
    ``crop`` (size from the centre; if half a pixel is left over, the offset is rounded down, or to the even number with mode
    round, or up with mode half-up) · ``cast`` (dtype) · ``subtract``/``divide``/``multiply`` (values, one or one per channel) ·
    ``transpose`` (layout NCHW|NHWC).
    """

    op: Literal["decode", "resize", "crop", "cast", "subtract", "divide", "multiply", "transpose"]
    colour: Literal["", "rgb", "bgr", "gray"] = ""
    size: tuple[int, ...] = ()
    mode: Literal["", "exact", "short-side", "round", "half-up"] = ""
    interpolation: Literal["", "area", "linear", "pil-bilinear"] = ""
    dtype: str = ""
    values: tuple[float, ...] = ()
    layout: Layout = ""


class Profile(Value, frozen=True, kw_only=True):
    """Pre-processing as data: the steps from a file to one sample of ``shape`` and ``dtype``.

    ``only_with_objects`` leaves out images in which nothing is annotated (the MLPerf reference does for PyTorch's detectors).
    """

    name: str
    steps: tuple[Step, ...]
    shape: tuple[int, ...]
    dtype: str
    only_with_objects: bool = False

    @property
    def layout(self) -> Layout:
        """How a sample is laid out: as its last transposition leaves it, '' if there is none."""
        return next((step.layout for step in reversed(self.steps) if step.op == "transpose"), "")


class Backend(Value, frozen=True, kw_only=True):
    """A runtime the harness can drive; ``name`` picks the module ``benchloom.harness.backends.<name>``.

    ``formats`` are the formats of models that it opens (none: not stated, so none is refused), ``devices`` what it can run on: on the
    first, if nothing sets ``LOOM_DEVICE``. A model of another format or for other devices is never chosen together with it.
    """

    name: str
    formats: tuple[str, ...] = ()
    devices: tuple[str, ...] = ("cpu",)


class Facts(Value, frozen=True, kw_only=True):
    """What one node of a plan turned out to be: the content of the file named by ``LOOM_<ROLE>``.

    ``path`` is absolute: the file or folder of the result ('' for what has none, such as a Python library that is
    simply importable). ``digest`` is of the file, if it was checked.
    """

    role: str
    component: str
    version: str = ""
    variations: tuple[str, ...] = ()
    origin: str = ""
    key: str = ""
    path: str = ""
    digest: str = ""
    env: dict[str, str] = {}
    model: Model | None = None
    dataset: Dataset | None = None
    profile: Profile | None = None
    backend: Backend | None = None
    ruleset: Ruleset | None = None
