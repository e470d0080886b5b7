"""The PyTorch backend, where torch is installed."""

from pathlib import Path

import numpy as np
import pytest

from benchloom.errors import InputError
from benchloom.model.facts import Classes, Model, Tensor

torch = pytest.importorskip("torch")
backend = pytest.importorskip("benchloom.harness.backends.pytorch")
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # torch announces the end of TorchScript


def model(format: str, architecture: str = "") -> Model:
    return Model(
        name="digits",
        task="image-classification",
        format=format,
        precision="fp32",
        architecture=architecture,
        inputs=(Tensor(name="input", shape=("N", 1, 32, 32), dtype="float32"),),
        outputs=(Tensor(name="logits"),),
        classes=Classes(count=10),
    )


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
    one = backend.load(model("pytorch-state-dict", "digits"), str(weights), 1).predict(batch)[0]
    two = backend.load(model("torchscript"), str(tmp_path / "network.pt"), 1).predict(batch)[0]
    assert one.shape == (5, 10)
    np.testing.assert_allclose(one, two, atol=1e-6)


@pytest.mark.parametrize(("shape", "dtype"), [((2, 32, 32, 1), np.float32), ((2, 1, 32, 32), np.float64)])
def test_samples_that_the_network_does_not_take_are_told(tmp_path: Path, shape: tuple[int, ...], dtype: type):
    network = backend.load(model("pytorch-state-dict", "digits"), str(saved(tmp_path)), 1)
    with pytest.raises(InputError, match="the model does not run on samples of float") as caught:
        network.predict(np.zeros(shape, dtype))[0]
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
    with pytest.raises(InputError, match="no architecture is called 'digit'"):
        backend.load(model("pytorch-state-dict", "digit"), str(saved(tmp_path)), 1)


def test_weights_of_another_network_are_refused(tmp_path: Path):
    torch.save({"stem.weight": torch.zeros(1)}, tmp_path / "other.pt")
    with pytest.raises(InputError, match="cannot load the model as pytorch-state-dict") as caught:
        backend.load(model("pytorch-state-dict", "digits"), str(tmp_path / "other.pt"), 1)
    assert caught.value.where.endswith("other.pt")


def test_pickled_code_is_not_run(tmp_path: Path):
    import pickle

    class Evil:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return (Path(tmp_path / "ran").touch, ())  # type: ignore[return-value]

    (tmp_path / "evil.pt").write_bytes(pickle.dumps(Evil(), protocol=2))
    with pytest.raises(InputError, match="cannot load"):
        backend.load(model("pytorch-state-dict", "digits"), str(tmp_path / "evil.pt"), 1)
    assert not (tmp_path / "ran").exists()


def test_pickled_module_is_refused_unopened(tmp_path: Path):
    with pytest.raises(InputError, match="is a pickled module, and opening one runs whatever code it names") as caught:
        backend.load(model("pytorch-pickled-module"), str(tmp_path / "not-there.pytorch"), 1)
    assert caught.value.where.endswith("not-there.pytorch")
    assert caught.value.fix.endswith("torchscript, pytorch-state-dict")


def test_unknown_format_names_the_known_ones(tmp_path: Path):
    with pytest.raises(InputError, match="cannot load format 'onnx'"):
        backend.load(model("onnx"), str(tmp_path / "x"), 1)


def test_device_that_is_not_there_is_refused(tmp_path: Path):
    with pytest.raises(InputError, match="pytorch cannot run on cuda"):
        backend.load(model("pytorch-state-dict", "digits"), str(saved(tmp_path)), 1, "cuda")
