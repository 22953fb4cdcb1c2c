"""Opening networks: one way for all engines, with errors that say what to do.

onnxruntime runs them; OpenVINO runs those that may be computed in bfloat16 where the processor can, which
takes little more than half the time (the detector on one thread of an AMD EPYC, 640 x 384 pixels: 30 ms
instead of 52). In float32 the two take the same.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from recognition.engines.versions import versions
from recognition.weights import WeightsError


class Network(NamedTuple):
    """A loaded network: how it is run, what its file says of itself, and what runs it.

    `run` gives all outputs for one input, and may be called from several threads.
    """

    run: Callable[[Any], list[Any]]
    facts: Mapping[str, str]
    runtime: str


def open_network(path: Path, *, threads: int = 1, half: bool = False) -> Network:
    """Load a network for the CPU with that many threads; with `half` it may be computed in bfloat16.

    Raises WeightsError for a damaged file.
    """
    core = _half_core() if half else None
    return _with_onnxruntime(path, threads) if core is None else _with_openvino(core, path, threads)


def _with_onnxruntime(path: Path, threads: int) -> Network:
    import onnxruntime
    from onnxruntime.capi import onnxruntime_pybind11_state as state

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    damaged = (state.Fail, state.InvalidProtobuf, state.InvalidGraph, state.InvalidArgument)
    missing = (state.NoSuchFile, state.NotImplemented, state.RuntimeException)
    try:
        session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except (*damaged, *missing) as error:
        raise _unusable(path, error) from error
    facts = dict(session.get_modelmeta().custom_metadata_map)
    name = session.get_inputs()[0].name
    return Network(lambda tensor: session.run(None, {name: tensor}), facts, versions("onnxruntime"))


def _with_openvino(core: Any, path: Path, threads: int) -> Network:
    # A stream for each `threads` of the cores: calls of several threads run side by side.
    streams = max(1, len(os.sched_getaffinity(0)) // threads)
    how = {
        "NUM_STREAMS": streams,
        "INFERENCE_NUM_THREADS": streams * threads,
        "INFERENCE_PRECISION_HINT": "bf16",
    }
    try:
        model = core.read_model(path)
        compiled = core.compile_model(model, "CPU", how)
    except RuntimeError as error:
        raise _unusable(path, error) from error
    mine = threading.local()

    def run(tensor: Any) -> list[Any]:
        if not hasattr(mine, "request"):
            mine.request = compiled.create_infer_request()
        return list(mine.request.infer({0: tensor}, share_inputs=True).values())

    facts = model.get_rt_info(["framework"]).value if model.has_rt_info(["framework"]) else {}
    return Network(run, dict(facts), f"{versions('openvino')} bfloat16")


@lru_cache(maxsize=1)
def _half_core() -> Any | None:
    """OpenVINO, where it is installed and the processor computes in bfloat16."""
    try:
        import openvino
    except ImportError:
        return None
    core = openvino.Core()
    return core if "BF16" in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES") else None


def _unusable(path: Path, error: Exception) -> WeightsError:
    reason = str(error).strip().splitlines()[-1][:200]
    return WeightsError(f"{path} is no network that can be run: {reason}")


def expect_fact(network: Network, path: Path, name: str, wanted: str) -> None:
    """Refuse a network whose file says something else of itself than this code was written for.

    Raises WeightsError.
    """
    found = network.facts.get(name, "nothing")
    if found.replace(" ", "") != wanted.replace(" ", ""):
        raise WeightsError(f"{path} is of another kind: its {name} is {found[:120]}, expected {wanted}.")
