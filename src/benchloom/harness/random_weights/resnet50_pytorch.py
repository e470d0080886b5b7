"""``resnet50.pth``: a state dict of ResNet-50 v1.5 with the parameters of the trained file, but random weights."""

import torch

from benchloom.harness.architectures.resnet50 import build

SEED = 20210413

if __name__ == "__main__":
    torch.manual_seed(SEED)
    torch.save(build().state_dict(), "resnet50.pth")
