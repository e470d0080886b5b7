"""A world in which every command of CK's pages can be typed as it stands: a copy of this repository whose downloads a local server has.

    with world(tmp_path) as made:
        shell = made.shell("set-up")     # a home of its own, with ck, loom and python on the path
        done = shell("ck ls venv")       # .returncode, .stdout, .stderr

The copy is what `ck` knows as ``benchloom``, so nothing is written into the checkout, and queries have the answers they have for users.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from support.ck import CLI, ROOT, python_with_ck
from support.detector import coco_folder, planted_detector
from support.server import FileServer
from support.standin import imagenet_folder, planted_onnx, tgz, zipped
from support.standins.detectors import BYTES, MOBILENET
from support.submission import build, logs

IMAGES = 8  # of the small data sets
BROWSED = "browsed"  # the file in a home that has the address which `ck` opened last
IMAGENET = 500
DISTINCT = 20  # images of it; the others are the same again
RESNET, DETECTOR = "model-resnet50-onnx-opset11", "model-ssd-mobilenet-onnx-opset11"
LIMIT = 400  # seconds for one command
_NOT_COPIED = ("docs/", "tests/", "benchmarks/", ".")
_KEPT_DOTTED = (".cm/", ".ckr.json")


@dataclass(frozen=True)
class World:
    """A copy of the repository, data sets in folders, and a home of loom that all homes of `ck` share."""

    root: Path

    @property
    def copy(self) -> Path:
        """The folder of the repository that `ck` knows."""
        return self.root / "benchloom"

    def shell(self, name: str) -> "Shell":
        """Return a shell with a new home called ``name``, whose `ck` knows the copy."""
        return Shell(self, self.root / "homes" / name)


class Shell:
    """Bash in a new home of `ck`, with nothing on standard input; ``data`` in it has the data sets."""

    def __init__(self, world: World, home: Path) -> None:
        self.home = home
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("LOOM_", "CK_", "PYTHON"))}
        self.environ = {
            **kept,
            "HOME": str(home),
            "CK_REPOS": str(home / "CK"),
            "CK_LOCAL_REPO": str(home / "CK" / "local"),
            "CK_TOOLS": str(home / "CK-TOOLS"),
            "LOOM_HOME": str(world.root / "loom"),
            "CK_PYTHON": sys.executable,
            "BENCHLOOM": str(world.copy),
            "PYTHON": str(Path(sys.executable).with_name("python3")),
            "BROWSER": str(world.root / "bin" / "browser"),
            "PATH": f"{world.root / 'bin'}{os.pathsep}{os.environ['PATH']}",
        }
        for folder in (home / "CK" / "local", home / "CK-TOOLS", home / "tmp"):
            folder.mkdir(parents=True)
        (home / "data").symlink_to(world.root / "data")
        done = self(f"ck add repo:benchloom --path={world.copy} --quiet")
        assert done.returncode == 0, done.stdout + done.stderr

    def __call__(self, command: str) -> "subprocess.CompletedProcess[str]":
        """Run ``command``; what takes too long ends with 124."""
        with subprocess.Popen(
            ["bash", "-c", command],
            cwd=self.home,
            env=self.environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        ) as process:
            try:
                out, err = process.communicate(timeout=LIMIT)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, 9)
                out, err = process.communicate()
                return subprocess.CompletedProcess(command, 124, out, err)
        return subprocess.CompletedProcess(command, process.returncode, out, err)


@contextmanager
def world(root: Path, *, has_submission: bool = False) -> Iterator[World]:
    """Make a world in ``root``, with a small submission in its data if asked; its server ends with the block."""
    made = World(root)
    _copy(made.copy)
    _programs(root / "bin", made.copy)
    _data(root / "data")
    if has_submission:
        build(root / "data" / "submission", logs("1.0", root / "logs"), "1.0")
    (root / "files").mkdir()
    with FileServer(root / "files") as server:
        for file in sorted((made.copy / "package").glob("*/.cm/meta.json")):
            _serve(file, server, root / "data" / "coco")
        yield made


def _copy(target: Path) -> None:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in filter(None, listed.stdout.split("\0")):
        if (not name.startswith(_NOT_COPIED) or name.startswith(_KEPT_DOTTED)) and (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name)


def _programs(folder: Path, copy: Path) -> None:
    folder.mkdir()
    python = python_with_ck()
    for name, line in {
        "ck": f'exec {python} -c "{CLI}" "$@"',
        "python": f'exec {python} "$@"',
        "browser": f'echo "$1" > "$HOME/{BROWSED}"',
        "cmake": 'echo "cmake version 3.28.3"',
        "loom": f'PYTHONPATH={copy / "src"} exec {sys.executable} -m benchloom "$@"',
    }.items():
        (folder / name).write_text(f"#!/bin/sh\n{line}\n")
        (folder / name).chmod(0o755)


def _data(folder: Path) -> None:
    """Write an ImageNet of 500 images, a small one with and one without labels, a COCO, and files that commands name."""
    _big(imagenet_folder(folder / "imagenet-val", images=DISTINCT, wrong=0))
    imagenet_folder(folder / "imagenet-min", images=IMAGES, wrong=0)
    imagenet_folder(folder / "imagenet-nolabels", images=IMAGES, wrong=0)
    (folder / "imagenet-nolabels" / "val_map.txt").unlink()
    coco_folder(folder / "coco", images=IMAGES, wrong=1, labels="category")
    (folder / "user.conf").write_text("*.SingleStream.target_latency = 1\n")
    (folder / "README.md").write_text("Results\n")
    shutil.copyfile(ROOT / "package" / "model-digits-onnx" / "digits.onnx", folder / "mine.onnx")


def _big(folder: Path) -> None:
    """Let an ImageNet of a few images have as many as CK's pages ask for."""
    lines = (folder / "val_map.txt").read_text().splitlines()
    for number in range(DISTINCT, IMAGENET):
        source, label = lines[number % DISTINCT].split()
        name = f"ILSVRC2012_val_{number + 1:08}.JPEG"
        os.link(folder / source, folder / name)
        lines.append(f"{name} {label}")
    (folder / "val_map.txt").write_text("\n".join(lines) + "\n")


def _serve(file: Path, server: FileServer, coco: Path) -> None:
    """Replace every download that a package's metadata states by a stand-in of the same form from ``server``."""
    meta: dict[str, Any] = json.loads(file.read_text())
    alias = file.parents[1].name
    tables = {"": meta, **meta.get("variations", {})}
    for name, table in tables.items():
        for number, fetch in enumerate(item for item in table.get("fetch", ()) if item.get("url")):
            data = _stand_in(alias, meta, fetch, coco)
            place = f"{alias}-{name}-{number}"
            (server.folder / place).write_bytes(data)
            for key in ("mirrors", "unpinned", "size"):
                fetch.pop(key, None)
            fetch |= {"filename": fetch.get("filename") or fetch["url"].rpartition("/")[2]}
            fetch |= {"url": server.url(place), "digest": f"sha256:{sha256(data).hexdigest()}"}
    file.write_text(json.dumps(meta))


def _stand_in(alias: str, meta: dict[str, Any], fetch: Mapping[str, Any], coco: Path) -> bytes:
    """Return what stands for one download: of an archive the members that are taken from it."""
    if fetch.get("archive") == "tar":
        return tgz(_members(alias, meta, fetch, coco))
    if fetch.get("archive") == "zip":
        return zipped(_members(alias, meta, fetch, coco))
    if alias == RESNET:
        return planted_onnx(meta["model"], 11, 123.68, 1.0)
    if alias == DETECTOR:
        return planted_detector(meta["model"], 11, BYTES, MOBILENET)
    return f"a stand-in for {alias}\n".encode()


def _members(alias: str, meta: Mapping[str, Any], fetch: Mapping[str, Any], coco: Path) -> dict[str, bytes]:
    image = (ROOT / "dataset/digits-val/images/digits_val_00000001.JPEG").read_bytes()
    labels = b"ILSVRC2012_val_00000001.JPEG 65\n"
    if alias == "imagenet-2012-aux":
        return {"val.txt": labels, "synsets.txt": b"n01440764\n", "synset_words.txt": b"n01440764 tench\n"}
    if alias.startswith("imagenet"):
        return {"ILSVRC2012_val_00000001.JPEG": image}
    if alias.startswith("mlperf-inference-source"):
        top = str(meta.get("result", "inference")).partition("/")[0]
        return {f"{top}/vision/classification_and_detection/README.md": b"#\n", f"{top}/mlperf.conf": b"#\n"}
    if member := fetch.get("member"):
        return {member: (coco / "annotations" / "instances_val2017.json").read_bytes()}
    return {f"val2017/{path.name}": path.read_bytes() for path in (coco / "val2017").iterdir()}
