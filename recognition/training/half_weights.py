"""ONNX files of half the size: weights are kept in 16 bits and widened when the file is loaded."""

from __future__ import annotations

from typing import Any

import numpy as np

#: Smaller tensors (shapes, indices, scales) stay as they are.
_LEAST = 256


def stored_in_half(model: Any) -> Any:
    """The ONNX model with every large 32-bit weight stored in 16 bits behind a cast back to 32.

    onnxruntime folds the casts when it loads the file, so that the network computes in 32 bits at the same
    speed. The model is changed in place and given back. Raises ValueError for weights beyond 16 bits' range.
    """
    from onnx import TensorProto, helper, numpy_helper

    graph = model.graph
    casts = []
    for number, tensor in enumerate(list(graph.initializer)):
        values = numpy_helper.to_array(tensor)
        if tensor.data_type != TensorProto.FLOAT or values.size < _LEAST:
            continue
        if np.abs(values).max() > np.finfo(np.float16).max:
            raise ValueError(f"The weights {tensor.name} do not fit into 16 bits")
        name, short = tensor.name, f"{tensor.name}_half"
        graph.initializer.remove(tensor)
        graph.initializer.append(numpy_helper.from_array(values.astype(np.float16), short))
        casts.append(helper.make_node("Cast", [short], [name], name=f"widen_{number}", to=TensorProto.FLOAT))
    for cast in reversed(casts):
        graph.node.insert(0, cast)
    return model
