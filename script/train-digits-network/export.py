"""The trained network in the formats of the backends, one function for each.

    python export.py digits.pt FOLDER

writes every format into FOLDER.
"""

import argparse
import warnings
from pathlib import Path

import torch
from torch import nn

from benchloom.harness.architectures.digits import DigitsNetwork

OPSET = 13
INPUT, OUTPUT = "input", "logits"


def load_network(weights: Path) -> DigitsNetwork:
    """Return the network with the state dict of ``weights``, ready for inference."""
    network = DigitsNetwork()
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
            (torch.zeros(1, 1, 32, 32),),
            str(file),
            dynamo=False,
            opset_version=OPSET,
            input_names=[INPUT],
            output_names=[OUTPUT],
            dynamic_axes={INPUT: {0: "N"}, OUTPUT: {0: "N"}},
        )


def main() -> None:
    """Export the weights given."""
    parser = argparse.ArgumentParser(description="Export a state dict of the digits network to every format.")
    parser.add_argument("weights", type=Path)
    parser.add_argument("folder", type=Path)
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    to_onnx(load_network(given.weights), given.folder / "digits.onnx")


if __name__ == "__main__":
    main()
