"""RTSP from GStreamer's server, which many cameras resemble; skipped where it is not installed."""

import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cameras.options import SourceOptions
from cameras.sources import Backoff, Fault, Pace, SourceError, reconnecting, stream
from cameras.tests.rtsp import repeated

PYTHON = Path("/usr/bin/python3")
SERVER = Path(__file__).with_name("gstreamer_camera.py")
PROBE = (
    "import gi; gi.require_version('GstRtspServer', '1.0'); from gi.repository import Gst; Gst.init(None);"
    "raise SystemExit(not all(map(Gst.ElementFactory.find, ['qtdemux', 'h264parse', 'rtph264pay'])))"
)
QUICK = SourceOptions(connect=3.0, read=3.0, silence=4.0, tick=0.2)


def installed() -> bool:
    """True where the machine's own Python has GStreamer's server and its plugins."""
    if not PYTHON.exists():
        return False
    probe = subprocess.run([PYTHON, "-c", PROBE], check=False, capture_output=True, timeout=60)
    return probe.returncode == 0


pytestmark = pytest.mark.skipif(
    not installed(),
    reason="no GStreamer RTSP server: apt-get install gir1.2-gst-rtsp-server-1.0 python3-gi"
    " gstreamer1.0-plugins-base gstreamer1.0-plugins-good gstreamer1.0-plugins-bad"
    " (the faults are tested in test_rtsp.py everywhere)",
)


@pytest.fixture(scope="module")
def clip(road: Path) -> Path:
    """A minute of a drawn road."""
    return repeated(road, road.with_name("minute.mp4"), 30)


@pytest.fixture
def serve(clip: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts the server on a port."""
    started: list[subprocess.Popen[str]] = []

    def _serve(port: int, *more: str) -> subprocess.Popen[str]:
        command = [str(PYTHON), str(SERVER), str(port), str(clip), *more]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        started.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        return process

    yield _serve
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture
def port() -> int:
    """A port that is free."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.mark.parametrize("transport", ["tcp", "udp"])
def test_frames_come_with_the_time_of_their_capture(
    serve: Callable[..., subprocess.Popen[str]], port: int, transport: str
) -> None:
    serve(port)
    ages: list[float] = []
    options = SourceOptions(transport=transport, tick=0.2)
    with closing(stream(f"rtsp://127.0.0.1:{port}/live", fps=30, live=True, options=options)) as frames:
        end = time.monotonic() + 6
        for frame in frames:
            if frame:
                assert frame.image.shape == (180, 320, 3)
                ages.append((datetime.now(UTC) - frame.captured_at).total_seconds())
            if time.monotonic() > end:
                break
    assert len(ages) >= 40
    assert min(ages) >= 0
    assert sorted(ages)[len(ages) // 2] < 1


def test_passwords_and_paths(serve: Callable[..., subprocess.Popen[str]], port: int) -> None:
    serve(port, "officer:hunter2")
    for user, path, expected in (
        ("officer:wrong@", "live", Fault.PASSWORD),
        ("", "live", Fault.PASSWORD),
        ("officer:hunter2@", "nowhere", Fault.NOT_FOUND),
    ):
        with pytest.raises(SourceError) as failed:
            list(stream(f"rtsp://{user}127.0.0.1:{port}/{path}", fps=12, live=True, options=QUICK))
        assert failed.value.fault is expected
        assert "hunter" not in str(failed.value)
    with closing(
        stream(f"rtsp://officer:hunter2@127.0.0.1:{port}/live", fps=12, live=True, options=QUICK)
    ) as frames:
        assert next(frame for frame in frames if frame)


def test_a_server_killed_and_started_again_is_found_again(
    serve: Callable[..., subprocess.Popen[str]], port: int
) -> None:
    first = serve(port)
    faults: list[Fault] = []
    frames = reconnecting(
        lambda: stream(f"rtsp://127.0.0.1:{port}/live", fps=12, live=True, options=QUICK),
        lambda error, _wait: faults.append(error.fault),
        backoff=Backoff(Pace(0.5, 2.0)),
        options=QUICK,
    )
    with closing(frames):
        assert next(frame for frame in frames if frame)
        first.kill()
        first.wait()
        end = time.monotonic() + 4
        while time.monotonic() < end:
            next(frames)
        assert faults
        assert set(faults) <= {Fault.BROKEN, Fault.ENDED, Fault.TIMEOUT, Fault.REFUSED}
        serve(port)
        end = time.monotonic() + 30
        while next(frames) is None:
            assert time.monotonic() < end, "it was never found again"
