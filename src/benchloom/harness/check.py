"""``python -m benchloom.harness.check``: check on one sample of zeros that the model matches its facts and the flags of a run.

It takes the harness's flags and the same facts except samples, which need not exist yet: preparing them can take an
hour and 28 GiB, opening a model takes seconds. Errors are reported by exit status, on standard error and in
``LOOM_ERROR``.
"""

import contextlib
import dataclasses
import os
import sys
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from benchloom.errors import ExecutionError, carried
from benchloom.harness.inputs import Inputs, Samples, check_samples
from benchloom.harness.loading import chosen
from benchloom.harness.needs import read_facts
from benchloom.harness.options import parse
from benchloom.model.facts import Model, Profile, Tensor


def main(arguments: Sequence[str], environ: Mapping[str, str]) -> int:
    """Open the model, run it once, and return the exit status."""
    try:
        options = parse(arguments, environ)
        inputs = _inputs(environ)
        from benchloom.harness.opening import (
            opened,
        )  # late: an invalid option is reported before the backend is imported

        if len(inputs.samples):
            _, predictors = opened(dataclasses.replace(options, instances=1), inputs)
            with contextlib.suppress(
                ExecutionError
            ):  # zeros may give NaN; responses for images are checked with their names
                predictors[0].answers([0])
                if predictors[0].batch_size > 1:
                    predictors[0].answers([0, 0])
    except Exception as error:  # noqa: BLE001 - a backend may raise anything; the reason is logged, the exit status reports the failure
        return carried.end(error, environ)
    return 0


def _inputs(environ: Mapping[str, str]) -> Inputs:
    found = chosen(environ)
    profile = read_facts("profile", environ).profile if environ.get("LOOM_PROFILE") else None
    samples = _zeros(found.model, profile)
    if len(samples):
        check_samples(found.model, samples)
    return dataclasses.replace(found, samples=samples, labels=np.zeros(len(samples), np.int64))


def _zeros(model: Model, profile: Profile | None) -> Samples:
    """Return one sample as produced by the profile, else as stated in the model's facts; none if neither states its size."""
    tensors = tuple(_zero(stated, profile) for stated in model.inputs)
    return Samples(tensors if all(len(item) for item in tensors) else (np.empty(0),))


def _zero(stated: Tensor, profile: Profile | None) -> NDArray[np.generic]:
    shape = profile.shape if profile else stated.shape[1:]
    sizes = [size for size in shape if isinstance(size, int)]
    is_known = bool(sizes) and len(sizes) == len(shape)
    dtype = (profile.dtype if profile else stated.dtype) or "float32"
    return np.zeros((1, *sizes) if is_known else (0,), np.dtype(dtype))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
