"""A camera behind a network that is cut: a namespace of its own, whose cable is pulled. Needs root and ip."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from cameras.options import SourceOptions
from cameras.sources import Backoff, Fault, Pace, reconnecting, stream

# Another test run on this machine has another network.
NETWORK = f"10.231.{os.getpid() % 250}"
HERE, THERE, PORT = f"{NETWORK}.1", f"{NETWORK}.2", 8554
NAME = f"anpr{os.getpid()}"
OPTIONS = SourceOptions(connect=2.0, read=3.0, silence=4.0, tick=0.2)


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True, timeout=20)


@pytest.fixture
def cable() -> Iterator[str]:
    """The cable to a namespace of its own; its far end."""
    if os.geteuid() or not shutil.which("ip"):
        pytest.skip("cutting a network needs root and the program ip (apt-get install iproute2)")
    here, there = f"h{NAME}"[:15], f"t{NAME}"[:15]
    try:
        ip("netns", "add", NAME)
        ip("link", "add", here, "type", "veth", "peer", "name", there, "netns", NAME)
        ip("addr", "add", f"{HERE}/30", "dev", here)
        ip("link", "set", here, "up")
        ip("-n", NAME, "addr", "add", f"{THERE}/30", "dev", there)
        ip("-n", NAME, "link", "set", there, "up")
    except subprocess.CalledProcessError as error:
        remove(here)
        pytest.skip(f"no network namespaces on this machine: {error.stderr.decode().strip()}")
    yield there
    remove(here)


def remove(cable: str) -> None:
    for words in (("link", "del", cable), ("netns", "del", NAME)):
        subprocess.run(["ip", *words], check=False, capture_output=True, timeout=20)


@pytest.fixture
def camera(cable: str, road: Path) -> Iterator[str]:
    """A camera at the other end; its address."""
    inside = ["ip", "netns", "exec", NAME, sys.executable, "-m", "cameras.tests.rtsp"]
    with subprocess.Popen(
        [*inside, THERE, str(PORT), str(road)], stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout is not None
        assert server.stdout.readline() == "ready\n"
        yield f"rtsp://{THERE}:{PORT}/live"
        server.kill()


@pytest.mark.allow_hosts(["127.0.0.1", THERE])
def test_a_cut_network_is_told_and_got_over(cable: str, camera: str) -> None:
    faults: list[Fault] = []
    frames = reconnecting(
        lambda: stream(camera, fps=12, live=True, options=OPTIONS),
        lambda error, _wait: faults.append(error.fault),
        backoff=Backoff(Pace(0.5, 2.0)),
        options=OPTIONS,
    )
    with closing(frames):
        wait_for_frame(frames, 10)
        ip("-n", NAME, "link", "set", cable, "down")
        end = time.monotonic() + 12
        while time.monotonic() < end:
            next(frames)
        assert set(faults) <= {Fault.TIMEOUT, Fault.SILENT, Fault.UNREACHABLE, Fault.BROKEN}
        assert 2 <= len(faults) <= 12
        ip("-n", NAME, "link", "set", cable, "up")
        wait_for_frame(frames, 20)


def wait_for_frame(frames: Iterator[object], seconds: float) -> None:
    end = time.monotonic() + seconds
    while next(frames) is None:
        assert time.monotonic() < end, "it never came"
