"""PyTorch on the CPU or a CUDA device: TorchScript files, and state dicts and pickled modules loaded into an architecture of ours."""

import importlib
import os
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchloom.errors import InputError
from benchloom.harness.backends.seam import BackendSettings, Batch, Outputs, no_device, refuse_other_format
from benchloom.harness.memory import keep_freed_memory
from benchloom.model.facts import Model, Tensor
from benchloom.model.trust import PICKLED_MODULE, TORCHSCRIPT

# Quantised TorchScript prints a deprecation notice that Python's warning filters do not catch.
os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")
import torch

from benchloom.harness.model_files.pickled_module import pickled_weights
from benchloom.harness.model_files.torch_files import STATE_DICT, reasons, refuse_other_container, state_dict

FORMATS = (TORCHSCRIPT, STATE_DICT, PICKLED_MODULE)


class PyTorch:
    """A network in inference mode."""

    name = "pytorch"

    def __init__(self, network: Any, threads: int, device: str) -> None:
        self.max_batch: int | None = None  # not stated in any of its formats; for a traced program it is tried
        self.version = str(torch.__version__)  # otherwise a torch.device object
        self._network = network
        self._threads = threads
        self._device = device

    def run(self, batch: Batch) -> Outputs:
        """Run one batch and return all outputs of the network, in its order.

        Raises InputError if the network does not accept such samples.
        """
        try:
            found = self._called(batch)
        except RuntimeError as error:
            raise InputError(
                f"the model does not run on samples of {', '.join(f'{item.dtype} {list(item.shape)}' for item in batch)}",
                where="model.inputs",
                why=[line.strip() for line in str(error).splitlines() if line.strip()][-1:],
                fix="state the shape, layout and type of the network's input, and a profile that produces them",
            ) from error
        return [item.cpu().numpy() for item in (found if isinstance(found, (tuple, list)) else [found])]

    def _called(self, batch: Batch) -> Any:
        with torch.inference_mode():
            return self._network(*(torch.from_numpy(item).to(self._device) for item in batch))

    def settings(self) -> BackendSettings:
        """Return device and thread count."""
        return {"device": self._device, "intra_op_threads": self._threads}


def load(model: Model, path: str, threads: int, device: str = "cpu") -> PyTorch:
    """Open ``path`` on ``device`` (cpu or cuda). Raises InputError if the file is not in the stated format or does not match its architecture.

    State dicts and pickled modules are read without running code of the file, in any of torch's containers. TorchScript
    is a
    program: the caller must have checked that the file is trusted.
    """
    torch.set_num_threads(threads)
    keep_freed_memory()  # layer outputs are allocated and freed by the C library
    # Samples are memory-mapped read-only, and inputs are never written to.
    warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
    if device not in {"cpu", "cuda"} or (device == "cuda" and not torch.cuda.is_available()):
        raise no_device(device, "pytorch", f"torch {torch.__version__} does not find this device")
    refuse_other_format(model, "pytorch", FORMATS)
    try:
        network = _script(path) if model.format == TORCHSCRIPT else _with_weights(model, path)
    except InputError:
        raise
    except Exception as error:  # the exception for a damaged file depends on the damage
        raise InputError(f"pytorch cannot load the model as {model.format}", where=path, why=reasons(error)) from error
    backend = PyTorch(network.eval().to(device), threads, device)
    if model.format == TORCHSCRIPT and model.max_batch is None and not _takes_two(backend, model.inputs):
        backend.max_batch = 1
    return backend


def _takes_two(backend: PyTorch, sources: Sequence[Tensor]) -> bool:
    """Tell whether a program gives the same results for two samples at once as for each: tracing may have fixed the batch size.

    Without a stated sample size nothing can be tried, and the program is accepted. A program that does not accept the
    sample at all is reported when it is run.
    """
    shapes = [[size for size in source.shape[1:] if isinstance(size, int)] for source in sources]
    if not all(sizes and len(sizes) == len(source.shape) - 1 for sizes, source in zip(shapes, sources, strict=True)):
        return True
    noise = np.random.default_rng(0)
    samples = [
        noise.random((2, *sizes)).astype(source.dtype or "float32")
        for sizes, source in zip(shapes, sources, strict=True)
    ]
    try:
        alone = [backend.run([item[place : place + 1] for item in samples]) for place in range(2)]
    except InputError:
        return True
    try:
        together = backend.run(samples)
    except InputError:
        return False
    return all(_equal(found, parts) for found, *parts in zip(together, *alone, strict=True))


def _equal(found: NDArray[np.generic], parts: Sequence[NDArray[np.generic]]) -> bool:
    """Compare outputs up to rounding: at most one step of an 8-bit output."""
    wanted = np.concatenate([part.reshape(1, -1) if part.ndim == 1 else part for part in parts]).astype(np.float64)
    if found.shape != wanted.shape:
        return False
    step = (wanted.max() - wanted.min()) / 255 if wanted.size else 0.0
    return bool(np.abs(found.astype(np.float64) - wanted).max(initial=0.0) <= step)


def _script(path: str) -> Any:
    refuse_other_container(path, TORCHSCRIPT)
    return torch.jit.load(path, map_location="cpu")


def _with_weights(model: Model, path: str) -> Any:
    try:
        module = importlib.import_module(f"benchloom.harness.architectures.{model.architecture}")
        network = module.build()
    except (ImportError, AttributeError) as error:
        raise InputError(
            f"there is no architecture {model.architecture!r}", where="model.architecture", why=[str(error)]
        ) from error
    if model.format == PICKLED_MODULE:
        network.load_state_dict(pickled_weights(path, getattr(module, "PICKLED_CLASSES", ())))
    else:
        network.load_state_dict(state_dict(path))
    return network
