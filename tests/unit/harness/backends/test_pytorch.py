"""The PyTorch backend, where torch is installed."""

import importlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from benchloom.errors import InputError
from support.torch_model import torch_model

torch = pytest.importorskip("torch")
backend = pytest.importorskip("benchloom.harness.backends.pytorch")
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # torch announces the end of TorchScript


def saved(tmp_path: Path) -> Path:
    from benchloom.harness.architectures.digits import build

    torch.manual_seed(1)
    torch.save(build().state_dict(), tmp_path / "weights.pt")
    return tmp_path / "weights.pt"


def test_state_dict_and_torchscript_of_one_network_agree(tmp_path: Path):
    from benchloom.harness.architectures.digits import build

    weights = saved(tmp_path)
    network = build()
    network.load_state_dict(torch.load(weights, weights_only=True))
    torch.jit.script(network.eval()).save(str(tmp_path / "network.pt"))
    batch = np.random.default_rng(3).normal(size=(5, 1, 32, 32)).astype(np.float32)
    one = backend.load(torch_model("pytorch-state-dict", "digits"), str(weights), 1).run([batch])[0]
    two = backend.load(torch_model("torchscript"), str(tmp_path / "network.pt"), 1).run([batch])[0]
    assert one.shape == (5, 10)
    np.testing.assert_allclose(one, two, atol=1e-6)


@pytest.mark.parametrize(("shape", "dtype"), [((2, 32, 32, 1), np.float32), ((2, 1, 32, 32), np.float64)])
def test_samples_that_the_network_does_not_take_are_told(tmp_path: Path, shape: tuple[int, ...], dtype: type):
    network = backend.load(torch_model("pytorch-state-dict", "digits"), str(saved(tmp_path)), 1)
    with pytest.raises(InputError, match="the model does not run on samples of float") as caught:
        network.run([np.zeros(shape, dtype)])[0]
    assert caught.value.where == "model.inputs"


def test_resnet50_has_the_parameters_of_torchvisions_file():
    from benchloom.harness.architectures.resnet50 import build

    network = build()
    names = set(network.state_dict())
    assert len(names) == 320
    assert {
        "conv1.weight",
        "bn1.running_var",
        "layer1.0.downsample.1.bias",
        "layer4.2.conv3.weight",
        "fc.bias",
    } <= names
    assert "layer1.1.downsample.0.weight" not in names
    assert sum(item.numel() for item in network.parameters()) == 25_557_032
    # What makes it v1.5: the 3 x 3 convolution of a block halves the picture.
    assert [network.layer2[0].get_submodule(name).stride for name in ("conv1", "conv2")] == [(1, 1), (2, 2)]


def test_unknown_architecture_is_named(tmp_path: Path):
    with pytest.raises(InputError, match="there is no architecture 'digit'"):
        backend.load(torch_model("pytorch-state-dict", "digit"), str(saved(tmp_path)), 1)


def test_weights_of_another_network_are_refused(tmp_path: Path):
    torch.save({"stem.weight": torch.zeros(1)}, tmp_path / "other.pt")
    with pytest.raises(InputError, match="cannot load the model as pytorch-state-dict") as caught:
        backend.load(torch_model("pytorch-state-dict", "digits"), str(tmp_path / "other.pt"), 1)
    assert caught.value.where.endswith("other.pt")


@pytest.mark.parametrize("is_zip", [False, True])
def test_pickled_network_gives_its_weights_and_runs_nothing(tmp_path: Path, *, is_zip: bool):
    from support.standins.pickled import pickled_mobilenet, planted_mobilenet

    pickled_mobilenet(tmp_path / "network.pytorch", is_zip=is_zip)
    found = backend.load(
        torch_model("pytorch-pickled-module", "ssd_mobilenet_v1"), str(tmp_path / "network.pytorch"), 1
    )
    batch = np.full((2, 3, 300, 300), -0.2, np.float32)
    with torch.inference_mode():
        wanted = planted_mobilenet()(torch.from_numpy(batch))
    for one, other in zip(found.run([batch]), wanted, strict=True):
        np.testing.assert_array_equal(one, other.numpy())


@pytest.mark.parametrize(
    ("what", "told"),
    [
        (lambda _: 7, "contains no pickled network"),
        (lambda _: {"a": torch.zeros(1)}, "contains no pickled network"),
        (
            lambda _: torch.nn.Linear(2, 2),
            "it names torch.nn.modules.linear.Linear, which its architecture does not need",
        ),
        (lambda folder: Touched(folder / "ran"), "it names io.open, which its architecture does not need"),
    ],
)
def test_pickle_of_something_else_is_refused_and_not_run(tmp_path: Path, what: Callable[[Path], object], told: str):
    torch.save(what(tmp_path), tmp_path / "network.pytorch", _use_new_zipfile_serialization=False)
    with pytest.raises(InputError) as caught:
        backend.load(torch_model("pytorch-pickled-module", "ssd_resnet34"), str(tmp_path / "network.pytorch"), 1)
    assert told in str(caught.value)
    assert caught.value.where.endswith("network.pytorch")
    assert not (tmp_path / "ran").exists()


def test_pickled_network_of_another_architecture_is_refused(tmp_path: Path):
    from support.standins.pickled import pickled_mobilenet

    pickled_mobilenet(tmp_path / "network.pytorch")
    with pytest.raises(InputError, match="which its architecture does not need"):
        backend.load(torch_model("pytorch-pickled-module", "ssd_resnet34"), str(tmp_path / "network.pytorch"), 1)


class Touched:
    """Unpickled, it would leave a file."""

    def __init__(self, path: Path) -> None:
        self.path = str(path)

    def __reduce__(self) -> tuple[object, tuple[str, str]]:
        return open, (self.path, "w")


@pytest.mark.parametrize(
    ("architecture", "numbers", "anchors"), [("ssd_mobilenet_v1", 6_812_127, 1917), ("ssd_resnet34", 19_982_419, 15130)]
)
def test_detectors_have_the_size_of_the_published_files(architecture: str, numbers: int, anchors: int):
    network = importlib.import_module(f"benchloom.harness.architectures.{architecture}").build()
    assert sum(item.numel() for item in network.state_dict().values()) == numbers
    assert network.anchors.shape == (anchors, 4)


def test_suppression_keeps_the_best_of_what_overlaps_class_by_class():
    from benchloom.harness.architectures.ssd_mobilenet_v1 import _detections

    boxes = torch.tensor([[0.0, 0.0, 1.0, 1.0], [0.0, 0.0, 1.0, 0.9], [0.0, 0.0, 0.3, 0.3], [0.5, 0.5, 1.0, 1.0]])
    scores = torch.zeros(4, 91)
    scores[:, 5] = torch.tensor([0.6, 0.9, 0.5, 0.2])
    scores[:, 2] = torch.tensor([0.4, 0.0, 0.0, 0.0])
    scores[:, 0] = 1
    found, labels, kept = _detections(scores, boxes)
    assert labels.tolist() == [2, 5, 5]
    assert kept.tolist() == pytest.approx([0.4, 0.9, 0.5])
    assert found[:, 3].tolist() == pytest.approx([1.0, 0.9, 0.3])


def test_boxes_of_a_class_that_lie_apart_along_both_sides_may_suppress_each_other_as_in_the_reference():
    from benchloom.harness.architectures.ssd_resnet34 import _detections

    boxes = torch.tensor([[0.0, 0.0, 0.1, 0.1], [0.2, 0.2, 0.3, 0.3], [0.9, 0.0, 1.0, 0.1]])
    scores = torch.zeros(3, 81)
    scores[:, 7] = torch.tensor([0.3, 0.8, 0.5])
    found, labels, kept = _detections(scores, boxes)
    # The first shares 0.1 x 0.1 of a gap with the second, as much as either's area: 1 of 1. The third is apart along one side only.
    assert kept.tolist() == pytest.approx([0.5, 0.8])
    assert labels.tolist() == [7, 7]
    assert found[:, 0].tolist() == pytest.approx([0.9, 0.2])


def test_image_without_a_box_has_none():
    from benchloom.harness.architectures.ssd_resnet34 import _detections

    found, labels, kept = _detections(torch.zeros(5, 81), torch.zeros(5, 4))
    assert (found.shape, labels.shape, kept.shape) == ((0, 4), (0,), (0,))


def test_unknown_format_names_the_known_ones(tmp_path: Path):
    with pytest.raises(InputError, match="cannot load format 'onnx'"):
        backend.load(torch_model("onnx"), str(tmp_path / "x"), 1)


def test_device_that_is_not_there_is_refused(tmp_path: Path):
    with pytest.raises(InputError, match="pytorch cannot run on cuda"):
        backend.load(torch_model("pytorch-state-dict", "digits"), str(saved(tmp_path)), 1, "cuda")


class Rearranged(torch.nn.Module):
    """Scores of the digits' shape; ``fixed`` flattens as tracing with one sample would note it."""

    def __init__(self, *, fixed: bool) -> None:
        super().__init__()
        self.fixed = fixed

    def forward(self, batch: "torch.Tensor") -> "torch.Tensor":
        """Return ten scores a sample: the sums of parts of it."""
        rows = 1 if self.fixed else batch.shape[0]
        return batch.reshape(rows, 16, -1).sum(2)[:, :10]


@pytest.mark.parametrize(("fixed", "largest"), [(True, 1), (False, None)])
def test_largest_batch_of_a_traced_program_is_tried(tmp_path: Path, *, fixed: bool, largest: int | None):
    traced = torch.jit.trace(Rearranged(fixed=fixed).eval(), torch.zeros(1, 1, 32, 32), check_trace=False)
    traced.save(str(tmp_path / "network.pt"))
    assert backend.load(torch_model("torchscript"), str(tmp_path / "network.pt"), 1).max_batch == largest
