"""Planted detectors as ONNX, and a data set in COCO's layout whose mAP on them is known in advance.

Every picture has an object where the first box of a planted detector lies, and one of category 1 where the second lies. Each picture's
first object is of a category of its own, so a category's AP is 1 or 0 and their mean a fraction.
"""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from support.full_size import burdened
from support.standins.detectors import FIXED, GRID, HEIGHT, LEVEL, MISTAKEN, WIDTH, Colours, Linear, Planted

# COCO's 80 categories: 1 to 90, less those that nobody annotated.
CATEGORIES = [number for number in range(1, 91) if number not in {12, 26, 29, 30, 45, 66, 68, 69, 71, 83}]
SIZES = ((427, 640), (640, 427), (333, 500), (480, 480))
FIRST_LABEL = 13  # from here on, the category of a label is not the label's place in the list
PATCH = 16  # pixels; all of a picture have one colour, and a mean over a million floats is none


def coco_folder(folder: Path, *, images: int, wrong: int, labels: str, bare: bool = False) -> Path:
    """Make a folder in COCO's layout: ``wrong`` pictures have their first object annotated as what only the third box says.

    ``labels`` says what the network's labels are: a ``category``, or an ``index`` into the list of categories from 1. With ``bare``, the
    first picture is there twice, first without objects.
    """
    (folder / "val2017").mkdir(parents=True, exist_ok=True)
    (folder / "annotations").mkdir(exist_ok=True)
    entries, objects = [], []
    for number in range(images):
        # So far from the diagonal that a box with its corners exchanged meets less than half of the object.
        levels = (1 + number, 13 - number // 2, FIRST_LABEL + number)
        height, width = SIZES[number % len(SIZES)]
        entry = {"id": 1000 - 7 * number, "file_name": f"{number:012}.jpg", "height": height, "width": width}
        picture = np.full((height, width, 3), [LEVEL * level for level in reversed(levels)], np.uint8)
        cv2.imwrite(str(folder / "val2017" / entry["file_name"]), picture, [cv2.IMWRITE_JPEG_QUALITY, 100])
        label = levels[2] + (MISTAKEN if number < wrong else 0)
        top, left = levels[0] / GRID, levels[1] / GRID
        category = label if labels == "category" else CATEGORIES[label - 1]
        objects += [
            _object(entry, category, (top, left, top + HEIGHT, left + WIDTH)),
            _object(entry, 1, FIXED),
        ]
        entries.append(entry)
    if bare:
        shutil.copyfile(folder / "val2017" / entries[0]["file_name"], folder / "val2017" / "nothing.jpg")
        entries.insert(0, {**entries[0], "id": 7, "file_name": "nothing.jpg"})
    found = {
        "images": entries,
        "annotations": [{"id": number, **item} for number, item in enumerate(objects, 1)],
        "categories": [{"id": number, "name": f"category {number}"} for number in CATEGORIES],
    }
    (folder / "annotations" / "instances_val2017.json").write_text(json.dumps(found))
    return folder


def expected(images: int, *boxes: float) -> float:
    """Return the mAP where the first, second and third boxes find so many of their objects (the second: 1 for all)."""
    return sum(boxes) / (images + 1)


def _object(image: dict[str, Any], category: int, box: tuple[float, ...]) -> dict[str, Any]:
    height, width = image["height"], image["width"]
    top, left, bottom, right = box
    sides = [left * width, top * height, (right - left) * width, (bottom - top) * height]
    found = {"image_id": image["id"], "category_id": category, "bbox": sides, "iscrowd": 0}
    return {**found, "area": sides[2] * sides[3]}


def planted_detector(model: dict[str, Any], opset: int, colours: Colours, planted: Planted) -> bytes:
    """Return a network with the tensors of a ``model`` block; outputs without a type are 64-bit labels."""
    source = model["inputs"][0]
    axes = [1, 2] if source["layout"] == "NHWC" else [2, 3]
    constants = {
        "deviation": np.array([colours.deviation], np.float32) / LEVEL,
        "mean": np.array([colours.mean], np.float32) / LEVEL + np.float32(0.5),
        "first": np.array([0, 0]),
        "last": np.array([PATCH, PATCH]),
        "axes": np.array(axes),
    }
    patch = helper.make_node("Slice", ["floats", "first", "last", "axes"], ["patch"])
    if opset < 10:
        patch = helper.make_node("Slice", ["floats"], ["patch"], axes=axes, starts=[0, 0], ends=[PATCH, PATCH])
        constants = {name: value for name, value in constants.items() if name in {"deviation", "mean"}}
    nodes = [
        helper.make_node("Cast", [source["name"]], ["floats"], to=TensorProto.FLOAT),
        patch,
        helper.make_node("ReduceMean", ["patch"], ["colour"], axes=axes, keepdims=0),
        helper.make_node("Mul", ["colour", "deviation"], ["scaled"]),
        helper.make_node("Add", ["scaled", "mean"], ["shifted"]),
        helper.make_node("Floor", ["shifted"], ["levels"]),
    ]
    ends = []
    parts = planted.outputs()
    for target in model["outputs"]:
        part = parts[target["meaning"]]
        constants |= dict(_constants(target["meaning"], part))
        kind = helper.np_dtype_to_tensor_dtype(np.dtype(target.get("dtype", "int64")))
        nodes += _nodes(target["meaning"], target["name"], kind)
        ends.append(helper.make_tensor_value_info(target["name"], kind, [source["shape"][0], *part.shape]))
    element = helper.np_dtype_to_tensor_dtype(np.dtype(source["dtype"]))
    begin = helper.make_tensor_value_info(source["name"], element, source["shape"])
    values = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    graph = helper.make_graph(nodes, "stand-in", [begin], ends, values)
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
    made.ir_version = 4
    made = burdened(made, model["name"], tensor="shifted", axes=2, channels_last=source["layout"] == "NHWC")
    onnx.checker.check_model(made)
    return made.SerializeToString()


def _constants(name: str, part: Linear) -> Iterator[tuple[str, Any]]:
    yield f"{name} weights", part.weights
    yield f"{name} bias", part.bias
    yield f"{name} shape", np.array([-1, *part.shape], np.int64)


def _nodes(name: str, target: str, kind: int) -> list[Any]:
    return [
        helper.make_node("MatMul", ["levels", f"{name} weights"], [f"{name} product"]),
        helper.make_node("Add", [f"{name} product", f"{name} bias"], [f"{name} sum"]),
        helper.make_node("Reshape", [f"{name} sum", f"{name} shape"], [f"{name} rows"]),
        helper.make_node("Cast", [f"{name} rows"], [target], to=kind),
    ]
