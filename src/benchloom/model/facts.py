"""Typed facts of models, datasets, profiles and backends: what the harness needs to know of what was chosen.

The engine writes them to the file named by ``LOOM_<ROLE>``; the harness reads them with the same types.
"""

from typing import Literal

from benchloom.model.base import SchemaTable, Value
from benchloom.model.ruleset import Ruleset

CK_FACTS_FILE = "loom.json"  # the facts of what was installed for ck, in the folder it names
Layout = Literal["", "NCHW", "NHWC"]
DEVICE_VARIABLE = "LOOM_DEVICE"  # of a backend's node: where it runs, if not on the first of its devices


class Tensor(Value, frozen=True, kw_only=True):
    """One input or output of a network.

    Attributes:
        name: its name in the graph.
        shape: its dimensions; a free one has a name, such as ``N``.
        dtype: its element type, such as ``float32``.
        layout: the order of its dimensions, such as ``NCHW``.
        meaning: what it holds, such as ``boxes`` or ``scores``.
    """

    name: str
    shape: tuple[int | str, ...] = ()
    dtype: str = ""
    layout: str = ""
    meaning: str = ""


class Classes(Value, frozen=True, kw_only=True):
    """How many outputs a classifier has, and which of them are classes of the data set.

    Attributes:
        count: number of outputs.
        offset: how many precede the data set's label 0 (1 if output 0 is the background).
    """

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
    """A published accuracy.

    Attributes:
        metric: name of the metric, such as ``top1``.
        value: in the metric's own unit (top-1 as a fraction, 0 to 1).
        source: where it was read.
        target: the least value that MLPerf accepts, if that is known.
    """

    metric: str
    value: float
    source: str
    target: float | None = None


class Model(Value, frozen=True, kw_only=True):
    """A trained network.

    Attributes:
        name: MLPerf's name of the benchmark (``resnet50``), by which LoadGen's configuration is looked up.
        task: the task it was trained for, such as ``image-classification``.
        format: the format of its file, such as ``onnx``.
        precision: the precision of its weights, such as ``fp32``.
        inputs: the tensors it takes.
        outputs: the tensors it gives.
        classes: null if they are not known (``unpinned`` then says why): such a network can be timed, not scored.
        prediction: how a class comes out of the first output: ``argmax`` over scores, or ``index`` if the graph already
            ends in ArgMax.
        max_batch: the largest batch that the graph takes; null for any.
        architecture: the module of ``benchloom.harness.architectures`` that has the graph, if the file holds weights
            alone.
        opset: the version of ONNX's own operators that the file is written in; null if nobody has looked.
        devices: the devices it runs on; none if every device of its backend will do.
        detections: how outputs become boxes; only detectors have it.
        weights: ``random`` if nobody trained them: such a network is timed only, and chosen only if its tag
            ``random-weights`` is asked for.
        reference: its published accuracy.
        unpinned: why a fact is left out, by name of the fact.
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
    """A labelled data set in a known layout. Paths are relative to the component's result.

    Attributes:
        name: its name in results.
        task: the task it is for.
        layout: how files and labels lie: the name of a module of ``benchloom.datasets.layouts``.
        images: the folder of the image files.
        labels: the file of labels. ``imagenet``: lines of file name and label, in the order of the QSL. ``coco``: the
            JSON file of annotations, whose list of images is in that order.
        count: number of samples of the complete set, even if only a part is there: a run over a part is never valid for
            a submission.
        classes: number of classes.
        other_labels: files that take the place of labels that are absent: the first that is there. An empty name stands
            for ``folders-by-class``: one folder of images for each class, whose place among the sorted names is the
            label.
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
    """One step of a profile; which fields it uses depends on ``op``.

    Attributes:
        op: what is done.
        colour: of decode: the order of the channels.
        size: of resize and crop: height and width, or one number for both; with mode short-side, the length of that
            side.
        mode: of resize: whether the size is exact or that of the short side. Of crop: how an offset of half a pixel is
            rounded: down if empty, to the even number (round), or up (half-up).
        interpolation: of resize: how pixels are computed.
        dtype: of cast: the element type.
        values: of subtract, divide and multiply: one number, or one per channel.
        layout: of transpose: the order of dimensions afterwards.
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
    """Pre-processing as data: the steps from a file to one sample.

    Attributes:
        name: its name in results.
        steps: in the order in which they are applied.
        shape: the shape of a sample, without the batch.
        dtype: the element type of a sample.
        only_with_objects: whether images in which nothing is annotated are left out (as the MLPerf reference does for
            PyTorch's detectors).
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
    """A runtime that the harness can drive.

    Attributes:
        name: picks the module ``benchloom.harness.backends.<name>``.
        formats: formats of models that it opens; none means not stated, so none is refused. A model of another format
            is never chosen together with it.
        devices: what it can run on, in order of preference; ``LOOM_DEVICE`` chooses another one than the first. A model
            for other devices is never chosen together with it.
    """

    name: str
    formats: tuple[str, ...] = ()
    devices: tuple[str, ...] = ("cpu",)


class Facts(Value, frozen=True, kw_only=True):
    """What one node of a plan turned out to be: the content of the file named by ``LOOM_<ROLE>``.

    Attributes:
        role: the role it fills.
        component: reference of the component.
        version: its version; empty if it has none.
        variations: the variations that were chosen.
        origin: whether it was installed, detected or is installable.
        key: content address of its result in the store; empty if it lies elsewhere.
        path: absolute path of the file or folder of the result; empty for what has none, such as a Python library.
        digest: digest of the file, if it was checked.
        env: variables that it exports.
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


SCHEMAS: SchemaTable = {
    "facts": (Facts, "the files named by LOOM_<ROLE> that a program reads"),
    "block-model": (Model, "block model of a component file"),
    "block-dataset": (Dataset, "block dataset of a component file"),
    "block-profile": (Profile, "block profile of a component file"),
    "block-backend": (Backend, "block backend of a component file"),
}
