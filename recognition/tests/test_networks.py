"""Networks run alike on both runtimes, from several threads, and damaged files are told."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from recognition.engines import networks
from recognition.engines.networks import Network, open_network
from recognition.weights import WeightsError, network_path

pytestmark = pytest.mark.models

RNG = np.random.default_rng(5)
PICTURES = [RNG.random((1, 3, 192, 320), dtype=np.float32), RNG.random((1, 3, 320, 256), dtype=np.float32)]


def half() -> Network:
    """The detector in bfloat16; skips where the processor cannot."""
    network = open_network(network_path("detector"), half=True)
    if "bfloat16" not in network.runtime:
        pytest.skip("this processor does not compute in bfloat16, or OpenVINO is not installed")
    return network


def test_both_runtimes_tell_the_same_facts_and_nearly_the_same_figures() -> None:
    full, fast = open_network(network_path("detector")), half()
    assert full.facts == fast.facts
    assert full.runtime.startswith("onnxruntime ")
    for picture in PICTURES:
        (exact,), (quick,) = full.run(picture), fast.run(picture)
        assert exact.shape == quick.shape
        assert np.abs(exact - quick).max() < 0.05 * np.abs(exact).max()


@pytest.mark.parametrize("fast", [False, True])
def test_threads_that_use_one_network_get_their_own_answers(fast: bool) -> None:
    network = half() if fast else open_network(network_path("detector"))
    alone = [network.run(picture)[0].copy() for picture in PICTURES]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda number: network.run(PICTURES[number % 2])[0], range(24)))
    for number, found in enumerate(together):
        assert np.array_equal(found, alone[number % 2])


@pytest.mark.parametrize("content", [b"", b"not a network", b"\x08\x07" * 400])
@pytest.mark.parametrize("fast", [False, True])
def test_a_damaged_file_is_told_by_its_name(tmp_path: Path, content: bytes, fast: bool) -> None:
    path = tmp_path / "detector.onnx"
    path.write_bytes(content)
    with pytest.raises(WeightsError, match=r"detector\.onnx"):
        open_network(path, half=fast)


def test_without_openvino_onnxruntime_does_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(networks, "_half_core", lambda: None)
    assert open_network(network_path("detector"), half=True).runtime.startswith("onnxruntime ")
