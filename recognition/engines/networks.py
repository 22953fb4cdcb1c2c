"""Opening networks on onnxruntime: one way for all engines, with errors that say what to do."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from recognition.weights import WeightsError


class Network(NamedTuple):
    """A loaded network: onnxruntime's session, the name of its input, and what its file says of itself."""

    session: Any
    input: str
    facts: Mapping[str, str]

    def run(self, tensor: Any) -> list[Any]:
        """All outputs for one input. Safe to call from several threads."""
        outputs: list[Any] = self.session.run(None, {self.input: tensor})
        return outputs


def open_network(path: Path, *, threads: int = 1) -> Network:
    """Load a network for the CPU with that many threads. Raises WeightsError for a damaged file."""
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
        reason = str(error).strip().splitlines()[-1][:200]
        raise WeightsError(f"{path} is no network that onnxruntime can run: {reason}") from error
    facts = dict(session.get_modelmeta().custom_metadata_map)
    return Network(session, session.get_inputs()[0].name, facts)


def expect_fact(network: Network, path: Path, name: str, wanted: str) -> None:
    """Refuse a network whose file says something else of itself than this code was written for.

    Raises WeightsError.
    """
    found = network.facts.get(name, "nothing")
    if found.replace(" ", "") != wanted.replace(" ", ""):
        raise WeightsError(f"{path} is of another kind: its {name} is {found[:120]}, expected {wanted}.")
