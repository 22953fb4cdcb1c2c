"""The file that is shipped: the running average of the weights as ONNX, weights kept in 16 bits."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from recognition.training.detection_data import CLASSES
from recognition.training.half_weights import stored_in_half

_OPSET = 18
_CORNERS = ("top_left", "top_right", "bottom_right", "bottom_left")


def export(state: Mapping[str, Any], target: Path, facts: Mapping[str, str]) -> None:
    """Write `target` (ONNX) and beside it the weights in 16 bits (.pt), each complete or not at all.

    Input `images`: B x 3 x H x W, RGB in 0..1, H and W multiples of 32. Output `output0`: B x 24 x anchors:
    centre x, centre y, width, height in pixels of the input, eight scores, four times (x, y, visibility).
    `facts` join the file's metadata. Raises ImportError without torch, ultralytics and onnx.
    """
    import onnx
    import torch

    from recognition.training import detection_network as parts

    network = parts.build()
    parts.load(network, state)
    network.eval()
    network.fuse(verbose=False)
    head = network.model[-1]
    head.export, head.dynamic, head.format = True, True, "onnx"
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".export-") as folder:
        made, weights = Path(folder) / "detector.onnx", Path(folder) / "detector.pt"
        axes = {"images": {0: "batch", 2: "height", 3: "width"}, "output0": {0: "batch", 2: "anchors"}}
        with torch.inference_mode():
            torch.onnx.export(
                network, (torch.zeros(1, 3, 416, 416),), str(made), input_names=["images"],
                output_names=["output0"], dynamic_axes=axes, opset_version=_OPSET, dynamo=False,
            )  # fmt: skip
        model = stored_in_half(onnx.load(str(made)))
        model.metadata_props.clear()
        onnx.helper.set_model_props(model, described(facts))
        onnx.save(model, str(made))
        torch.save(halved(state), weights)
        made.replace(target)
        weights.replace(target.with_suffix(".pt"))


def described(facts: Mapping[str, str]) -> dict[str, str]:
    """The metadata of the file: what every detector says of itself, and `facts`."""
    return {
        "name": "plate-and-vehicle-detector",
        "classes": json.dumps(CLASSES),
        "corners": json.dumps(_CORNERS),
        "image_size": "416",
        **facts,
    }


def halved(state: Mapping[str, Any]) -> dict[str, Any]:
    """The weights in 16 bits, counters as they are."""
    return {name: value.half() if value.is_floating_point() else value for name, value in state.items()}
