"""The trained detector in the formats of the backends, one function for each.

    python export.py digit-scenes.pt FOLDER

writes every format into FOLDER. TensorFlow is imported where it is used.
"""

import argparse
import warnings
from pathlib import Path

import torch
from torch import nn

from benchloom.harness.architectures.digit_scenes import SIDE, DigitScenesNetwork

OPSET = 13
INPUT, OUTPUTS = "input", ("boxes", "labels", "scores")


def load_network(weights: Path) -> DigitScenesNetwork:
    """Return the network with the state dict of ``weights``, ready for inference."""
    network = DigitScenesNetwork()
    network.load_state_dict(torch.load(weights, map_location="cpu", weights_only=True))
    return network.eval()


def to_pytorch(network: nn.Module, file: Path) -> None:
    """Write the state dict alone: weights and batch-norm statistics by name, no code."""
    torch.save(network.state_dict(), file)


def to_onnx(network: nn.Module, file: Path) -> None:
    """Write an ONNX graph with batch norm folded into the convolutions and a free batch dimension ``N``."""
    with warnings.catch_warnings():
        # The exporter by tracing is the one that writes opset 13; torch announces that it will go.
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.onnx.export(
            network.eval(),
            (torch.zeros(2, 3, SIDE, SIDE),),
            str(file),
            dynamo=False,
            opset_version=OPSET,
            input_names=[INPUT],
            output_names=list(OUTPUTS),
            dynamic_axes={name: {0: "N"} for name in (INPUT, *OUTPUTS)},
        )
