"""Stand-ins: files of the very same tensors as the originals, with planted answers, and a data set to run them on.

The planted network answers with a tenth of the mean of the red channel (JPEG moves a colour by one or two): an image
of one colour with red 120 is of class 12. So the right answer of every image, and the score of a data set with some wrong labels, is known in advance.
"""

import io
import json
import tarfile
import zipfile
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from support.full_size import burdened
from support.repo import Repo

ROOT = Path(__file__).resolve().parents[2]


def meta_of(alias: str) -> dict[str, Any]:
    """Return the metadata of the checkout's package ``alias``."""
    found: dict[str, Any] = json.loads((ROOT / "package" / alias / ".cm" / "meta.json").read_text())
    return found


def turned_digits(path: Path) -> Path:
    """Save the digits' network with its classes turned about to ``path``: other bytes, and an accuracy that tells it."""
    network = onnx.load(ROOT / "package" / "model-digits-onnx" / "digits.onnx")
    (weights,) = [item for item in network.graph.initializer if item.name == network.graph.node[-1].input[1]]
    values = numpy_helper.to_array(weights)
    turned = values[::-1] if values.shape[0] == 10 else values[:, ::-1]
    weights.CopyFrom(numpy_helper.from_array(turned.copy(), weights.name))
    onnx.save(network, path)
    return path


def overlay(
    repo: Repo,
    alias: str,
    url: str,
    data: bytes,
    *,
    profile: str = "",
    served: bool = False,
    pinned: bool = True,
    **facts: Any,
) -> None:
    """Put the checkout's model package ``alias`` into ``repo``, with its one download replaced by ``url``.

    ``facts`` replace those of its ``model`` block, ``profile`` the query for its pre-processing. Where it is ``served``, it has
    an alias and a tag of its own, so that the original beside it is not meant. Where it is not ``pinned``, no digest is stated.
    """
    repo.priority = 1  # it takes the place of the checkout's
    meta = meta_of(alias)
    fetch = {
        key: value for key, value in meta["fetch"][0].items() if key not in {"mirrors", "unpinned", "size", "digest"}
    }
    pin = {"digest": f"sha256:{sha256(data).hexdigest()}"} if pinned else {"unpinned": "nobody published one"}
    meta["fetch"] = [{**fetch, "url": url, **pin, "size": len(data)}]
    meta["model"].update(facts)
    if profile:
        meta["needs"]["profile"]["tags"] = profile
    tags = meta.pop("tags")
    if served:
        alias, tags = f"{alias}-served", [*tags, "served"]
        meta["suggested_path"] = alias
        meta.pop("default_for", None)
    repo.entry("package", alias, ",".join(tags), **meta)


def changed_digits(repo: Repo, data: bytes, **facts: Any) -> str:
    """Put the digits' ONNX model with other bytes, and other ``facts``, into ``repo``; return the flag that chooses it."""
    meta = meta_of("model-digits-onnx")
    meta["model"].update(facts)
    meta["fetch"] = [{"path": "digits.onnx", "digest": f"sha256:{sha256(data).hexdigest()}"}]
    meta["default_for"] = []
    meta.pop("tags")
    folder = repo.entry("package", "model-changed", "model,image-classification,onnx,changed", **meta)
    (folder / "digits.onnx").write_bytes(data)
    return "--dep_add_tags.model=changed"


def tgz(members: Mapping[str, bytes]) -> bytes:
    """Return a compressed tar archive with these members, their names as given."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz", compresslevel=1) as archive:
        for name, data in members.items():
            item = tarfile.TarInfo(name)
            item.size = len(data)
            archive.addfile(item, io.BytesIO(data))
    return made.getvalue()


def zipped(members: Mapping[str, bytes]) -> bytes:
    """Return a zip archive with these members; a name that ends in a slash is a folder."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return made.getvalue()


def planted_onnx(model: dict[str, Any], opset: int, mean: float, scale: float) -> bytes:
    """Return a network with the tensors of a ``model`` block.

    Undoes ``(x - mean) * scale`` on the red channel and peaks at class ``red / 10 + offset``: as scores, or their index.
    """
    source, target = model["inputs"][0], model["outputs"][0]
    classes = model["classes"]["count"]
    red = helper.make_node("Slice", ["floats", "zero", "one", "axis"], ["red"])
    if opset < 10:
        red = helper.make_node("Slice", ["floats"], ["red"], axes=[1], starts=[0], ends=[1])
    nodes = [
        helper.make_node("Cast", [source["name"]], ["floats"], to=TensorProto.FLOAT),
        red,
        helper.make_node("ReduceMean", ["red"], ["grey"], axes=[1, 2, 3], keepdims=0),
        helper.make_node("Div", ["grey", "scale"], ["unscaled"]),
        helper.make_node("Add", ["unscaled", "shift"], ["class"]),
        helper.make_node("Reshape", ["class", "column"], ["classes"]),
        helper.make_node("Sub", ["classes", "range"], ["distance"]),
        helper.make_node("Abs", ["distance"], ["far"]),
        helper.make_node("Neg", ["far"], ["scores"]),
    ]
    is_index = model.get("prediction") == "index"
    if is_index:
        nodes.append(helper.make_node("ArgMax", ["scores"], [target["name"]], axis=1, keepdims=0))
    elif "logits" in target.get("meaning", ""):
        nodes.append(helper.make_node("Identity", ["scores"], [target["name"]]))
    else:
        nodes.append(helper.make_node("Softmax", ["scores"], [target["name"]], axis=1))
    constants = {
        "scale": np.array(scale * 10, np.float32),
        "shift": np.array(mean / 10 + model["classes"]["offset"], np.float32),
        "column": np.array([-1, 1], np.int64),
        "range": np.arange(classes, dtype=np.float32).reshape(1, classes),
        **({"zero": np.array([0]), "one": np.array([1]), "axis": np.array([1])} if opset >= 10 else {}),
    }
    kind = TensorProto.INT64 if is_index else TensorProto.FLOAT
    element = helper.np_dtype_to_tensor_dtype(np.dtype(source["dtype"]))
    graph = helper.make_graph(
        nodes,
        "stand-in",
        [helper.make_tensor_value_info(source["name"], element, source["shape"])],
        [helper.make_tensor_value_info(target["name"], kind, target["shape"])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
    made.ir_version = 4
    made = burdened(made, model["name"], tensor="class", axes=1, channels_last=False)
    onnx.checker.check_model(made)
    return made.SerializeToString()


def imagenet_folder(folder: Path, *, images: int, wrong: int) -> Path:
    """Make a folder in ImageNet's layout, or make it again: image ``i`` has red ``10 i`` and class ``i``; ``wrong`` labels are off by one."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = []
    for number in range(images):
        name = f"ILSVRC2012_val_{number + 1:08}.JPEG"
        shape = (375, 500, 3) if number % 2 else (500, 333, 3)
        picture = np.zeros(shape, np.uint8)
        picture[:, :] = (200, 90, number * 10)  # OpenCV's order: blue, green, red
        cv2.imwrite(str(folder / name), picture, [cv2.IMWRITE_JPEG_QUALITY, 100])
        lines.append(f"{name} {number + (1 if number < wrong else 0)}\n")
    (folder / "val_map.txt").write_text("".join(lines))
    return folder
