"""script:check-published-models on stand-ins over HTTP: what agrees, what differs, and what cannot be had."""

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import pytest

from support.repo import Answer, Loom, Repo
from support.server import FileServer
from support.standin import meta_of, overlay, planted_onnx

TARGET = "script:check-published-models"
HTML = b"<!DOCTYPE html>\n<html><body>Moved</body></html>"
NETWORKS = Path(__file__).resolve().parents[1] / "support" / "networks"


def network(alias: str, opset: int) -> bytes:
    return planted_onnx(meta_of(alias)["model"], opset, 0.0, 1.0)


@dataclass
class Trial:
    """A repository of models whose files a server has, and the command line over it."""

    repo: Repo
    server: FileServer
    loom: Loom

    def model(self, alias: str, served: bytes | None, *, stated: bytes | None = None, pinned: bool = True) -> str:
        """Let the server have ``served`` (None: nothing) for a model whose component states size and digest of ``stated``."""
        name = f"{alias}.file"
        if served is not None:
            (self.server.folder / name).write_bytes(served)
        known = served if stated is None else stated
        overlay(self.repo, alias, self.server.url(name), known or b"", served=True, pinned=pinned)
        return f"package:{alias}-served"

    def check(self, *words: str) -> Answer:
        return self.loom("run", TARGET, *(words or ("--models=served",)), limit=300)


@pytest.fixture
def trial(tmp_path: Path) -> Iterator[Trial]:
    (tmp_path / "served").mkdir()
    repo = Repo(tmp_path / "repo")
    with FileServer(tmp_path / "served") as server:
        yield Trial(repo, server, Loom(tmp_path / "home", repo))


def lines_on(answer: Answer, ref: str) -> str:
    """Return the lines of the report on one model."""
    _, found, rest = answer.err.partition(f"\n{ref}: ")
    assert found, answer.err
    return rest.partition("\npackage:")[0]


def test_each_model_is_compared_and_a_bad_one_does_not_end_the_others(trial: Trial):
    good, tflite = network("model-resnet50-onnx-opset8", 8), (NETWORKS / "tiny.tflite").read_bytes()
    longer, other = good + b"\x4a\x00", good.replace(b"stand-in", b"stand_in")
    agreed = trial.model("model-resnet50-onnx-opset8", good)
    sized = trial.model("model-resnet50-onnx-opset11", longer, stated=good)
    changed = trial.model("model-mobilenet-onnx-opset8", other, stated=good)
    contained = trial.model("model-mobilenet-onnx-opset11", tflite)
    page = trial.model("model-ssd-mobilenet-onnx-opset11", HTML, pinned=False)
    absent = trial.model("model-ssd-mobilenet-onnx-opset8", None)
    answer = trial.check()
    assert answer.code == 4  # loom run's code for a program that failed
    assert "ended with exit code 1" in answer.err
    assert lines_on(answer, agreed).startswith("as stated\n")
    assert f"agrees       digest: sha256:{sha256(good).hexdigest()}" in lines_on(answer, agreed)
    assert f"DIFFERS      size: {len(longer):,} bytes, the component states {len(good):,} bytes" in lines_on(
        answer, sized
    )
    stated = f"the component states sha256:{sha256(good).hexdigest()}"
    assert f"DIFFERS      digest: sha256:{sha256(other).hexdigest()}, {stated}" in lines_on(answer, changed)
    told = "container: TensorFlow Lite flatbuffer, the component states ONNX protobuf"
    assert f"DIFFERS      {told}" in lines_on(answer, contained)
    told = "container: the file appears to be a web page (HTML), the component states ONNX protobuf"
    assert f"DIFFERS      {told}" in lines_on(answer, page)
    assert lines_on(answer, absent).startswith("not checked\n")
    assert "HTTP status 404" in lines_on(answer, absent)
    assert "1 of 6 models are as their components state" in answer.err
    assert "Traceback" not in answer.err
