"""Capture times, pace and silence of files and network streams: what is live never falls behind."""

import contextlib
import http.server
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from cameras.models import Camera
from cameras.options import SourceOptions
from cameras.sources import Fault, SourceError, frames_of, live, recording, stream
from conftest import picture
from recognition.types import Frame


def write_video(path: Path, kind: str, *, codec: str = "mpeg4", count: int = 50, **options: str) -> str:
    """A grey video of `count` pictures, ten a second."""
    import av

    with av.open(str(path), "w", format=kind, options=options) as container:
        video = container.add_stream(codec, rate=10)
        video.width, video.height, video.pix_fmt = 320, 240, "yuv420p"
        for number in range(count):
            grey = np.full((240, 320, 3), number * 3 % 255, np.uint8)
            frame = av.VideoFrame.from_ndarray(grey, format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, 10)
            container.mux(video.encode(frame))
        container.mux(video.encode())
    return str(path)


def age(frame: Frame) -> float:
    """Seconds since the frame was captured."""
    return (datetime.now(UTC) - frame.captured_at).total_seconds()


def decoders() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "camera-decoder"]


@pytest.fixture
def mjpeg() -> Iterator[Callable[..., str]]:
    """Starts a camera that sends MJPEG over HTTP: so many a second, falling silent after some, or ending."""
    jpeg = picture((320, 180))
    part = b"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n%b\r\n" % (len(jpeg), jpeg)
    servers: list[http.server.ThreadingHTTPServer] = []
    over = threading.Event()

    def _start(fps: float, *, silent_after: int = 10**6, ends: bool = False) -> str:
        class Handler(http.server.BaseHTTPRequestHandler):
            def log_message(self, *_args: object) -> None:
                pass

            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
                self.end_headers()
                with contextlib.suppress(OSError):
                    for _ in range(silent_after):
                        self.wfile.write(part)
                        if over.wait(1 / fps):
                            return
                    while not ends and not over.wait(0.05):
                        pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        servers.append(server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return f"http://officer:hunter2@127.0.0.1:{server.server_port}/live"

    yield _start
    over.set()
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize("fps", [10, 50])
def test_frames_of_the_network_carry_the_time_at_which_they_came(
    mjpeg: Callable[..., str], fps: float
) -> None:
    ages: list[float] = []
    with contextlib.closing(stream(mjpeg(fps), fps=6, live=True)) as frames:
        until = time.monotonic() + 4
        for frame in frames:
            ages += [age(frame)] if frame else []
            if time.monotonic() > until:
                break
    assert max(ages) < 0.5
    assert min(ages) >= 0
    # Ten a second hold six a second only in steps; nothing is to be given faster than asked for.
    assert 12 <= len(ages) <= 4.5 * 6


def test_a_slow_consumer_of_the_network_gets_the_newest_frame(mjpeg: Callable[..., str]) -> None:
    numbers: list[int] = []
    with contextlib.closing(stream(mjpeg(30), fps=10, live=True)) as frames:
        for frame in frames:
            assert frame is None or age(frame) < 0.4
            numbers += [frame.number] if frame else []
            if len(numbers) == 8:
                break
            time.sleep(0.5)
    assert numbers[-1] > 80, "half a second each: fifteen pictures were left out every time"


def test_the_decoder_ends_with_its_consumer(mjpeg: Callable[..., str]) -> None:
    frames = stream(mjpeg(20), fps=10, live=True)
    assert next(frame for frame in frames if frame)
    assert len(decoders()) == 1
    frames.close()
    assert decoders() == []


def test_a_quiet_stream_ticks_and_is_given_up_at_last(
    mjpeg: Callable[..., str],
) -> None:
    options = SourceOptions(tick=0.2, silence=2.0, read=3.0)
    given: list[Frame | None] = []
    with pytest.raises(SourceError, match=r"\b2\b") as quiet:
        given.extend(stream(mjpeg(20, silent_after=10), fps=60, live=True, options=options))
    assert quiet.value.fault is Fault.SILENT
    assert 1 <= sum(frame is not None for frame in given) <= 10
    assert sum(frame is None for frame in given[-8:]) == 8
    for thread in decoders():
        thread.join(options.read + 2)
    assert decoders() == []


def test_a_stream_that_stops_sending_is_an_error_of_its_own(
    mjpeg: Callable[..., str],
) -> None:
    options = SourceOptions(read=1.0)
    with pytest.raises(SourceError) as broken:
        list(stream(mjpeg(20, silent_after=10), fps=60, live=True, options=options))
    assert broken.value.fault is Fault.TIMEOUT
    assert broken.value.__cause__ is None


def test_a_stream_that_ends_gives_its_last_picture_first(mjpeg: Callable[..., str]) -> None:
    frames: list[Frame | None] = []
    with pytest.raises(SourceError) as ended:
        frames.extend(stream(mjpeg(20, silent_after=15, ends=True), fps=60, live=True))
    assert ended.value.fault in {Fault.ENDED, Fault.BROKEN}
    assert sum(frame is not None for frame in frames) >= 10


def test_what_nobody_foresaw_in_the_decoder_does_not_leave_the_consumer_waiting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(*_args: object) -> Any:
        raise LookupError("unforeseen")

    monkeypatch.setattr(live, "opened", broken)
    monkeypatch.setattr(threading, "excepthook", lambda _args: None)
    with pytest.raises(SourceError) as failed:
        list(stream("rtsp://10.0.0.1/live", fps=6, live=True))
    assert failed.value.fault is Fault.BROKEN


def test_reads_that_hang_for_ever_do_not_pile_up(monkeypatch: pytest.MonkeyPatch) -> None:
    over = threading.Event()

    @contextlib.contextmanager
    def hanging(*_args: object) -> Iterator[Any]:
        if over.wait(60):
            raise SourceError("over")
        yield

    monkeypatch.setattr(live, "opened", hanging)
    options = SourceOptions(silence=0.5, tick=0.1)
    before = len(decoders())
    for _ in range(8):
        with pytest.raises(SourceError) as failed:
            list(stream("rtsp://10.0.0.9/live", fps=6, live=True, options=options))
        assert failed.value.fault is Fault.TIMEOUT
    assert len(decoders()) <= before + 3
    over.set()
    for thread in decoders():
        thread.join(5)


def test_a_recording_that_does_not_start_at_zero_is_not_captured_in_the_future(tmp_path: Path) -> None:
    path = write_video(tmp_path / "late.ts", "mpegts", output_ts_offset="3600")
    frames = [frame for frame in stream(path, fps=6, live=False) if frame]
    assert len(frames) == 30
    assert abs(age(frames[0])) < 5
    span = frames[-1].captured_at - frames[0].captured_at
    assert timedelta(seconds=4) < span < timedelta(seconds=6)


def test_a_recording_without_stamps_goes_by_its_rate(tmp_path: Path) -> None:
    path = write_video(tmp_path / "raw.h264", "h264", codec="libx264")
    frames = [frame for frame in stream(path, fps=5, live=False) if frame]
    assert len(frames) >= 10, "fifty pictures, at 10 or at the 25 a second taken for granted"
    assert all(frame.captured_at < later.captured_at for frame, later in pairwise(frames))


def test_stamps_that_jump_go_on_from_where_the_clock_was() -> None:
    stamps = [3600.0, 3600.1, 3600.2, 0.5, 0.6, None, 0.8, 99000.0, 99030.0]
    pictures = [SimpleNamespace(time=stamp) for stamp in stamps]
    times = [round(seconds, 3) for seconds, _ in recording._timed(pictures, 10)]
    assert times == [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 30.7]


def test_a_recording_joined_from_two_is_read_to_its_end(tmp_path: Path) -> None:
    first = Path(write_video(tmp_path / "one.ts", "mpegts", count=30, output_ts_offset="500"))
    second = Path(write_video(tmp_path / "two.ts", "mpegts", count=30, output_ts_offset="20"))
    joined = tmp_path / "joined.ts"
    joined.write_bytes(first.read_bytes() + second.read_bytes())
    frames = [frame for frame in stream(str(joined), fps=10, live=False) if frame]
    assert len(frames) >= 55
    assert frames[-1].captured_at - frames[0].captured_at < timedelta(seconds=7)


def test_a_file_played_live_leaves_out_what_a_slow_consumer_missed(tmp_path: Path) -> None:
    path = write_video(tmp_path / "clip.mp4", "mp4", count=60)
    ages: list[float] = []
    for frame in stream(path, fps=6, live=True):
        if frame:
            ages.append(age(frame))
            time.sleep(0.6)
    assert max(ages) < 0.45
    assert 6 <= len(ages) <= 11


def test_a_file_played_live_keeps_its_speed_and_ticks_in_its_pauses(
    tmp_path: Path,
) -> None:
    path = write_video(tmp_path / "clip.mp4", "mp4", count=20)
    started = time.monotonic()
    given = list(stream(path, fps=2, live=True, options=SourceOptions(tick=0.1)))
    assert 1.7 < time.monotonic() - started < 3
    assert sum(frame is not None for frame in given) == 4
    assert 8 <= sum(frame is None for frame in given) <= 25


def test_a_file_too_heavy_for_the_machine_is_shown_late_rather_than_never(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recording, "PATIENCE", 0.5)
    path = write_video(tmp_path / "clip.mp4", "mp4", count=20)
    timed = recording._timed

    def slowly(*args: Any) -> Iterator[Any]:
        for item in timed(*args):
            time.sleep(0.3)
            yield item

    monkeypatch.setattr(recording, "_timed", slowly)
    frames = [(frame, age(frame)) for frame in stream(path, fps=10, live=True) if frame]
    assert len(frames) >= 4
    assert max(seconds for _, seconds in frames) < 0.5


def test_reading_ticks_while_pictures_are_left_out(tmp_path: Path) -> None:
    path = write_video(tmp_path / "clip.mp4", "mp4")
    given = list(stream(path, fps=1, live=False, options=SourceOptions(tick=0.0)))
    assert sum(frame is not None for frame in given) == 5
    assert sum(frame is None for frame in given) >= 20


def test_a_file_without_pictures_is_an_error_and_not_an_endless_loop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = Path(write_video(tmp_path / "clip.mp4", "mp4", count=2))
    monkeypatch.setattr(recording, "_timed", lambda *_args: iter(()))
    camera = Camera(name="x", code="x", stream_url=path.as_uri(), settings={"loop": True})
    with pytest.raises(SourceError) as empty:
        next(frames_of(camera, live=True))
    assert empty.value.fault is Fault.EMPTY
