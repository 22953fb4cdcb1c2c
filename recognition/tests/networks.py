"""Small networks for tests: files as the real ones are, whose answers are fixed."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from recognition.characters import ALPHABET
from recognition.engines.pose_detector import CLASSES

READER_FACTS = {
    "alphabet": ALPHABET,
    "height": "64",
    "width": "160",
    "layouts": json.dumps(["one_line", "two_line"]),
    "colours": json.dumps(["white", "yellow", "orange", "red", "blue", "green", "black", "purple"]),
}
DETECTOR_FACTS = {"classes": json.dumps(CLASSES), "version": "7"}
BOX = (100.0, 80.0, 200.0, 110.0)


def save_fixed(
    path: Path, name: str, kind: int, outputs: Mapping[str, NDArray[np.float32]], facts: Mapping[str, str]
) -> Path:
    """A network that answers the same to every picture of a batch."""
    nodes = [helper.make_node("Shape", [name], ["batch"], start=0, end=1)]
    for key, value in outputs.items():
        rest = np.array(value.shape[1:], np.int64)
        nodes += [
            helper.make_node("Constant", [], [f"{key}_one"], value=numpy_helper.from_array(value)),
            helper.make_node("Constant", [], [f"{key}_rest"], value=numpy_helper.from_array(rest)),
            helper.make_node("Concat", ["batch", f"{key}_rest"], [f"{key}_shape"], axis=0),
            helper.make_node("Expand", [f"{key}_one", f"{key}_shape"], [key]),
        ]
    shapes = {key: [None, *value.shape[1:]] for key, value in outputs.items()}
    graph = helper.make_graph(
        nodes,
        "fixed",
        [helper.make_tensor_value_info(name, kind, [None] * 4)],
        [helper.make_tensor_value_info(key, TensorProto.FLOAT, shape) for key, shape in shapes.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    helper.set_model_props(model, dict(facts))
    onnx.save(model, str(path))
    return path


def save_detector(path: Path, rows: Sequence[NDArray[np.float32]], **facts: str) -> Path:
    """A detector that sees these rows in every picture (see `detector_row`)."""
    seen = np.stack([*rows, np.zeros(24, np.float32)], axis=1)[None].astype(np.float32)
    return save_fixed(path, "images", TensorProto.FLOAT, {"output0": seen}, DETECTOR_FACTS | facts)


def save_reader(path: Path, text: str = "BB6232RB", **facts: str) -> Path:
    """A reader that reads `text` everywhere, in one line, orange."""
    characters = np.log(np.full((1, 80, 37), 1e-5, np.float32))
    characters[0, :, 0] = np.log(0.9999)
    for step, char in enumerate(text):
        characters[0, 2 * step, :] = np.log(1e-5)
        characters[0, 2 * step, ALPHABET.index(char) + 1] = np.log(0.999)
    layouts = np.log(np.array([[0.99, 0.01]], np.float32))
    colours = np.log(np.array([[0.01, 0.01, 0.93, 0.01, 0.01, 0.01, 0.01, 0.01]], np.float32))
    outputs = {"characters": characters, "layouts": layouts, "colours": colours}
    return save_fixed(path, "plates", TensorProto.UINT8, outputs, READER_FACTS | facts)


def detector_row(
    box: tuple[float, float, float, float] = BOX, corners: Any = None, **scores: float
) -> NDArray[np.float32]:
    """One row of a detector's answer: box and corners in pixels, scores by class."""
    x1, y1, x2, y2 = box
    points = corners or [(x1, y1), (x2, y1), (x2, y2), (x1, y2)]
    return np.array(
        [(x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1, *(scores.get(name, 0.0) for name in CLASSES),
         *(value for x, y in points for value in (x, y, 1.0))],
        np.float32,
    )  # fmt: skip
