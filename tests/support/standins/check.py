"""Load a file as a model component states it, and say what it makes of a batch.

    python -m support.standins.check BACKEND META FILE BATCH

prints a JSON list: the shape of the scores, whether all are finite, and whether the samples get different ones.
"""

import json
import sys
from pathlib import Path

import msgspec
import numpy as np

from benchloom.harness.backends.seam import open_session
from benchloom.model.facts import Model


def check(backend: str, meta: Path, file: str, batch: int) -> tuple[list[int], bool, bool]:
    """Return shape of the scores, whether they are finite, and whether they depend on the sample."""
    model = msgspec.convert(json.loads(meta.read_text())["model"], Model)
    source = model.inputs[0]
    network = open_session(backend, model, file, 1)
    spread = np.random.default_rng(2).uniform(-1, 1, (batch, *source.shape[1:]))
    samples = ((spread + 1) * 127).astype(np.uint8) if source.dtype == "uint8" else spread.astype(np.float32)
    scores = network.run([samples])[0]
    other = network.run([np.ascontiguousarray(samples[::-1] * 0 + samples.max())])[0]
    return list(scores.shape), bool(np.isfinite(scores).all()), bool((scores != other).any())


if __name__ == "__main__":
    name, meta, file, batch = sys.argv[1:]
    print(json.dumps(check(name, Path(meta), file, int(batch))))  # noqa: T201 - this is what it is for
