"""Read the weights of a network that torch.save pickled as a whole, without importing or running anything that the file names.

The unpickler accepts the class names of one architecture and of torch's layers, and loads each such object as an
``Inert``: only its pickled state. It also accepts the functions that rebuild tensors; any other name is refused.
(torch's own restricted unpickler does not support the classes of layers in files before torch 1.6.)
"""

import pickle
import types
import warnings
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor

from benchloom.errors import InputError
from benchloom.harness.model_files.torch_files import reasons, refuse_other_container
from benchloom.model.trust import PICKLED_MODULE

LAYERS = (
    "torch.nn.modules.activation.ReLU",
    "torch.nn.modules.activation.ReLU6",
    "torch.nn.modules.batchnorm.BatchNorm2d",
    "torch.nn.modules.container.ModuleList",
    "torch.nn.modules.container.Sequential",
    "torch.nn.modules.conv.Conv2d",
    "torch.nn.modules.pooling.MaxPool2d",
    "torch.nn.backends.thnn._get_thnn_function_backend",  # an attribute of every layer up to torch 1.1
)
# Functions that rebuild tensors; torch itself replaces the names of storages.
_TENSORS: dict[str, Any] = {
    "builtins.set": set,
    "__builtin__.set": set,  # as written by protocol 2
    "collections.OrderedDict": OrderedDict,
    "torch.Size": torch.Size,
    "torch._utils._rebuild_parameter": torch._utils._rebuild_parameter,  # noqa: SLF001 - what files name
    "torch._utils._rebuild_tensor_v2": torch._utils._rebuild_tensor_v2,  # noqa: SLF001 - what files name
}


class Inert:
    """An object of a pickled network: its attributes by name."""

    dump_patches: ClassVar = (
        False  # torch checks in a layer's class whether to write a patch file if its source has changed
    )
    state: Mapping[str, Any] = types.MappingProxyType({})

    def __setstate__(self, state: Any) -> None:
        """Set the pickled state."""
        self.state = state if isinstance(state, dict) else {}


def pickled_weights(path: str, classes: Sequence[str]) -> dict[str, Tensor]:
    """Return parameters and buffers by their names (``layer1.0.weight``) from the pickled network in ``path``.

    ``classes`` are the full names of further classes allowed besides ``LAYERS``. The container is checked first, since
    torch passes TorchScript to a reader that runs it. Raises InputError if the file names another class, cannot be
    read, or does not contain a network.
    """
    known = frozenset([*classes, *LAYERS])
    refuse_other_container(path, PICKLED_MODULE)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", torch.serialization.SourceChangeWarning)
            found = torch.load(path, map_location="cpu", weights_only=False, pickle_module=_restricted_to(known))
        weights = dict(_weights(found, "")) if isinstance(found, Inert) else {}
    except Exception as error:  # a malicious file may fail in any way
        raise InputError("the file cannot be read as a pickled network", where=path, why=reasons(error)) from error
    if not weights:
        raise InputError(
            "the file contains no pickled network",
            where=path,
            fix="state its format: pytorch-state-dict contains weights by name",
        )
    return weights


def _restricted_to(known: frozenset[str]) -> types.ModuleType:
    """Return a replacement of the module ``pickle`` for torch.load."""

    class Unpickler(pickle._Unpickler):  # noqa: SLF001 - the C version allocates as much memory as a file states
        def find_class(self, module: str, name: str) -> Any:
            full = f"{module}.{name}"
            if full in known:
                return Inert
            if full in _TENSORS:
                return _TENSORS[full]
            raise pickle.UnpicklingError(f"it names {full}, which its architecture does not need; no code was run")

    found = types.ModuleType("restricted_pickle")
    vars(found).update(Unpickler=Unpickler, load=lambda file, **options: Unpickler(file, **options).load())
    return found


def _weights(layer: Inert, prefix: str) -> Iterator[tuple[str, Tensor]]:
    for kind in ("_parameters", "_buffers"):
        for name, value in (layer.state.get(kind) or {}).items():
            if isinstance(value, Tensor):
                yield f"{prefix}{name}", value.detach()
    for name, inner in (layer.state.get("_modules") or {}).items():
        if isinstance(inner, Inert):
            yield from _weights(inner, f"{prefix}{name}.")
