"""A model whose digest nobody states is kept only if it can be one, gives way to the user's mirror, and is recorded by its digest."""

import gzip
from hashlib import sha256
from pathlib import Path

import pytest

from support.benchmark import run
from support.repo import Answer, Loom, Repo
from support.server import FileServer
from support.standin import ROOT, meta_of, tgz

NETWORK = (ROOT / "package" / "model-digits-onnx" / "digits.onnx").read_bytes()
PAGE = b"<!DOCTYPE html>\n<html><body>Sign in</body></html>"
NO_MODELS = {
    "a web page": (PAGE, "a web page (HTML)"),
    "a Git LFS pointer": (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n", "Git LFS"),
    "an error message": (b'{"error": "quota"}', "JSON text"),
    "plain text": (b"Please try again later.\n", "plain text"),
    "a compressed file": (gzip.compress(NETWORK), "a gzip archive"),
    "nothing": (b"", "it is empty"),
    "half of a model": (NETWORK[: len(NETWORK) // 2], "it is truncated"),
}


@pytest.fixture
def server(tmp_path: Path):
    (tmp_path / "served").mkdir()
    with FileServer(tmp_path / "served") as running:
        yield running


@pytest.fixture
def loom(tmp_path: Path, server: FileServer) -> Loom:
    return Loom(tmp_path / "home", with_model(tmp_path, {"url": server.url("digits.onnx")}))


def with_model(tmp_path: Path, fetch: dict[str, str]) -> Repo:
    repo = Repo(tmp_path / "repo")
    meta = {**meta_of("model-digits-onnx"), "fetch": [{**fetch, "unpinned": "for this test"}], "default_for": []}
    meta.pop("tags")
    repo.entry("package", "model-changed", "model,image-classification,onnx,changed", **meta)
    return repo


def classify(loom: Loom, *words: str) -> Answer:
    return run("--dep_add_tags.model=changed", "--count=10", "--mode=accuracy", *words, loom=loom)


def kept(loom: Loom) -> list[Path]:
    store = loom.home / "store"
    return [*(store / "downloads").glob("*"), *store.glob("entries/*/content/digits.onnx")]


@pytest.mark.parametrize(("data", "what"), NO_MODELS.values(), ids=NO_MODELS.keys())
def test_what_is_no_model_is_not_kept_and_the_next_attempt_gets_the_model(
    loom: Loom, server: FileServer, data: bytes, what: str
):
    (server.folder / "digits.onnx").write_bytes(data)
    answer = loom.here("install", "package:model-changed")
    assert answer.code == 5
    assert what in answer.err
    assert "add it to the component to pin the file" not in answer.err
    assert kept(loom) == []
    (server.folder / "digits.onnx").write_bytes(NETWORK)
    again = loom.here("install", "package:model-changed").ok()
    assert sha256(NETWORK).hexdigest() in again.err
    assert classify(loom).ok().json["results"]["accuracy"]["total"] == 10


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (PAGE, "a web page (HTML)"),
        (tgz({"digits.onnx": NETWORK})[:-200], "not a valid tar archive"),
        (tgz({"digits.onnx": PAGE}), "digits.onnx of package:model-changed is not a model"),
    ],
    ids=["a web page", "half of an archive", "a web page in an archive"],
)
def test_archive_that_does_not_open_or_holds_no_model_is_not_kept(
    tmp_path: Path, server: FileServer, data: bytes, what: str
):
    loom = Loom(tmp_path / "home", with_model(tmp_path, {"url": server.url("m.tgz"), "archive": "tar"}))
    (server.folder / "m.tgz").write_bytes(data)
    answer = loom.here("install", "package:model-changed")
    assert answer.code == 5
    assert what in answer.err
    assert kept(loom) == []
    (server.folder / "m.tgz").write_bytes(tgz({"digits.onnx": NETWORK}))
    loom.here("install", "package:model-changed").ok()


def test_mirror_of_the_command_line_replaces_what_is_here_without_a_digest(
    tmp_path: Path, loom: Loom, server: FileServer
):
    other = NETWORK + b"\x1a\x05other"  # one more field, ``producer_version``
    (server.folder / "digits.onnx").write_bytes(other)
    first = classify(loom).ok()
    (tmp_path / "mirror").mkdir()
    (tmp_path / "mirror" / "digits.onnx").write_bytes(NETWORK)
    assert digest_in_record(loom, first) == f"sha256:{sha256(other).hexdigest()}"
    installed = loom.here("install", "package:model-changed", f"--mirror={tmp_path / 'mirror'}").ok()
    assert f"is replaced by the file from file://{tmp_path / 'mirror'}/digits.onnx" in installed.err
    assert digest_in_record(loom, classify(loom)) == f"sha256:{sha256(NETWORK).hexdigest()}"
    again = loom.here("install", "package:model-changed", f"--mirror={tmp_path / 'mirror'}").ok()
    assert "is replaced by" not in again.err
    assert digest_in_record(loom, classify(loom)) == f"sha256:{sha256(NETWORK).hexdigest()}"
    assert server.requests["/digits.onnx"] == 1


def digest_in_record(loom: Loom, answer: Answer) -> str:
    shown = loom.here("record", "show", Path(answer.json["record"]).stem, "--json").ok().json
    found: str = shown["inputs"]["package:model-changed"]
    return found


def test_mirror_that_has_no_model_leaves_what_is_here(tmp_path: Path, loom: Loom, server: FileServer):
    (server.folder / "digits.onnx").write_bytes(NETWORK)
    loom.here("install", "package:model-changed").ok()
    (tmp_path / "mirror").mkdir()
    (tmp_path / "mirror" / "digits.onnx").write_bytes(PAGE)
    answer = loom.here("install", "package:model-changed", f"--mirror={tmp_path / 'mirror'}").ok()
    assert "a web page (HTML)" in answer.err


def test_what_was_built_from_a_replaced_file_is_built_again(tmp_path: Path, server: FileServer):
    repo = Repo(tmp_path / "repo")
    repo.package("words", "trial,words", fetch=[{"url": server.url("words.txt"), "unpinned": "for this test"}])
    folder = repo.package(
        "count", "trial,count", install={"script": "make.py"}, deps={"words": {"tags": "trial,words"}}, result="count"
    )
    (folder / "make.py").write_text(
        "import json, os\n"
        "facts = json.load(open(os.environ['LOOM_WORDS']))\n"
        "open('count', 'w').write(open(facts['path'] + '/words.txt').read())\n"
    )
    loom = Loom(tmp_path / "home", repo)
    (server.folder / "words.txt").write_text("first")
    (tmp_path / "mirror").mkdir()
    (tmp_path / "mirror" / "words.txt").write_text("second")
    for words, content in ((), "first"), ((f"--mirror={tmp_path / 'mirror'}",), "second"), ((), "second"):
        answer = loom.here("install", "package:count", "--json", *words).ok()
        (made,) = [node["path"] for node in answer.json["nodes"] if node["id"] == "package:count"]
        assert Path(made).read_text() == content


def test_verify_finds_a_model_that_an_earlier_release_took(tmp_path: Path):
    repo = Repo(tmp_path / "repo")
    repo.package("old", "trial,old", files={"m.onnx": PAGE.decode()})
    loom = Loom(tmp_path / "home", repo)
    loom.here("install", "package:old").ok()
    answer = loom.here("verify", "--json")
    assert answer.code == 5
    assert [item["rule"] for item in answer.json] == ["store-file-no-model"]
