"""What was fetched or built is where its component says, has the name one rule gives it, and its digest is in the record."""

from hashlib import sha256
from pathlib import Path

import pytest

from support.benchmark import record_of, run
from support.repo import Loom, Repo
from support.server import FileServer
from support.standin import ROOT, meta_of


def pinned(url: str, data: bytes) -> dict[str, str]:
    return {"url": url, "digest": f"sha256:{sha256(data).hexdigest()}"}


def test_result_that_is_not_there_is_an_error_and_nothing_is_kept(tmp_path: Path):
    (tmp_path / "served").mkdir()
    (tmp_path / "served" / "a.bin").write_bytes(b"data")
    repo = Repo(tmp_path / "repo")
    loom = Loom(tmp_path / "home", repo)
    with FileServer(tmp_path / "served") as server:
        repo.entry("package", "thing", "trial,thing", fetch=[pinned(server.url("a.bin"), b"data")], result="b.bin")
        answer = loom("install", "package:thing")
    assert answer.code == 3
    assert "package:thing has no 'b.bin'" in answer.err
    assert "package/thing/.cm/meta.json: result" in answer.err
    assert "there are 1 files: a.bin" in answer.err
    assert not list((tmp_path / "home" / "store").glob("entries/*"))


@pytest.mark.parametrize(
    ("url", "name"), [("a%20b.txt", "a b.txt"), ("a.txt?download=1", "a.txt"), ("deep/c%2Bd.txt", "c+d.txt")]
)
def test_one_rule_names_a_download(tmp_path: Path, url: str, name: str):
    place = tmp_path / "served" / url.partition("?")[0].replace("%20", " ").replace("%2B", "+")
    place.parent.mkdir(parents=True)
    place.write_bytes(b"data")
    repo = Repo(tmp_path / "repo")
    with FileServer(tmp_path / "served") as server:
        repo.entry("package", "thing", "trial,thing", fetch=[pinned(server.url(url), b"data")], result=name)
        installed = Loom(tmp_path / "home", repo)("install", "package:thing", "--json").ok().json
    assert Path(next(node["path"] for node in installed["nodes"] if "thing" in node["id"])).name == name


def test_record_states_the_digest_of_a_model_that_nobody_pinned(tmp_path: Path):
    repo = Repo(tmp_path / "repo")
    data = (ROOT / "package" / "model-digits-onnx" / "digits.onnx").read_bytes()
    (tmp_path / "served").mkdir()
    (tmp_path / "served" / "digits.onnx").write_bytes(data)
    meta = meta_of("model-digits-onnx")
    meta["default_for"] = []
    with FileServer(tmp_path / "served") as server:
        meta["fetch"] = [{"url": server.url("digits.onnx"), "unpinned": "nobody published one"}]
        tags = "model,image-classification,onnx,unpinned"
        repo.entry("package", "model-unpinned", tags, **{key: value for key, value in meta.items() if key != "tags"})
        loom = Loom(tmp_path / "home", repo)
        answer = run("--dep_add_tags.model=unpinned", "--mode=accuracy", "--count=4", loom=loom).ok()
    inputs = record_of(answer)["inputs"]
    assert inputs["package:model-unpinned"] == f"sha256:{sha256(data).hexdigest()}"
    labels = (ROOT / "dataset" / "digits-val" / "val_map.txt").read_bytes()
    assert inputs["dataset:digits-val"] == f"sha256:{sha256(labels).hexdigest()}"
