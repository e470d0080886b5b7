"""State dicts, TorchScript and pickled networks with the parameters of the rows of the model table."""

import sys
import warnings
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

import torch
from torch import nn

from benchloom.harness.architectures.resnet50 import CLASSES, build
from support.standins import STEPS, WIDTH, foot, scores
from support.standins.pickled import pickled_mobilenet, pickled_resnet34
from support.standins.torch_tar import save_tar

RED, DEVIATION = 0.485, 0.229  # of the profile that this network's pictures go through


def planted_resnet50() -> nn.Module:
    """ResNet-50 with weights of zero but for one path from red to the scores.

    ``relu(1 - relu(1 - step))`` makes a ladder's step, which is full at 1, of the straight lines that come out of the stem.
    """
    network = build().eval()
    for parameter in network.parameters():
        nn.init.zeros_(parameter)
    slope = 255 * DEVIATION / WIDTH
    for step in range(STEPS):
        network.conv1.weight.data[step, 0, 3, 3] = 1
        network.bn1.weight.data[step] = slope
        network.bn1.bias.data[step] = (255 * RED - foot(step)) / WIDTH
    for stage, sign in ((network.layer1, -1), (network.layer2, -1), (network.layer3, 1), (network.layer4, 1)):
        projection, norm = stage[0].downsample
        for step in range(STEPS):
            projection.weight.data[step, step, 0, 0] = sign
            norm.weight.data[step] = 1
            norm.bias.data[step] = 1 if sign < 0 else 0
    network.fc.weight.data[:, :STEPS] = torch.from_numpy(scores(CLASSES, 0).T)
    return network


def full_resnet50() -> nn.Module:
    """ResNet-50 with seeded random weights."""
    torch.manual_seed(4)
    return build().eval()


def state_dict(network: nn.Module, file: Path, *, as_parameters: bool) -> None:
    """Write the weights as torch did when torchvision's file was made: in a tar, batch norms without a count."""
    kept = [(name, value) for name, value in network.state_dict().items() if not name.endswith("num_batches_tracked")]
    save_tar(OrderedDict(kept), file, as_parameters=as_parameters)


def torchscript_int8(network: nn.Module, file: Path) -> None:
    """Write the network traced with one sample, in eight bits as FBGEMM computes them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch announces the end of its quantiser and of TorchScript
        from support.standins.quantised import save_quantised

        save_quantised(network, map(_picture, (0.0, 0.5, 1.0)), file)


def _picture(red: float) -> torch.Tensor:
    made = torch.zeros(1, 3, 224, 224)
    made[:, 0] = (red - RED) / DEVIATION
    return made


FILES: dict[str, Callable[[Path], None]] = {
    "planted-state-dict": lambda file: state_dict(planted_resnet50(), file, as_parameters=True),
    "planted-torchscript-int8": lambda file: torchscript_int8(planted_resnet50(), file),
    "planted-pickled-ssd-mobilenet": pickled_mobilenet,
    "planted-pickled-ssd-resnet34": pickled_resnet34,
    "full-state-dict": lambda file: state_dict(full_resnet50(), file, as_parameters=False),
    "full-torchscript-int8": lambda file: torchscript_int8(full_resnet50(), file),
}

if __name__ == "__main__":
    for what, file in zip(sys.argv[1::2], sys.argv[2::2], strict=True):
        FILES[what](Path(file))
