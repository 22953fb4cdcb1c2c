"""Cameras on HTTP: single pictures fetched again and again, passwords, and answers that are no video."""

import base64
import http.server
import itertools
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import pytest

from cameras.models import Camera
from cameras.options import CameraSettingsError, SourceOptions
from cameras.sources import Fault, SourceError, frames_of, is_endless, stream, usb
from cameras.sources.opening import Way
from conftest import picture
from recognition.types import Frame

QUICK = SourceOptions(connect=2.0, read=2.0, silence=2.0, tick=0.2)


class Answer(NamedTuple):
    """What the camera says to one request."""

    body: bytes = b""
    kind: str = "image/jpeg"
    status: int = 200


@pytest.fixture
def serve() -> Iterator[Callable[..., str]]:
    """Starts a camera that answers each request as the function says; `password` as "user:password"."""
    servers: list[http.server.ThreadingHTTPServer] = []

    def _serve(answer: Callable[[], Answer], *, password: str = "") -> str:
        expected = "Basic " + base64.b64encode(password.encode()).decode()

        class Handler(http.server.BaseHTTPRequestHandler):
            def log_message(self, *_args: object) -> None:
                pass

            def do_GET(self) -> None:
                given = answer()
                if password and self.headers.get("Authorization") != expected:
                    given = Answer(status=401, kind="text/plain")
                self.send_response(given.status)
                self.send_header("Content-Type", given.kind)
                self.send_header("Content-Length", str(len(given.body)))
                if given.status == 401:
                    self.send_header("WWW-Authenticate", 'Basic realm="camera"')
                self.end_headers()
                self.wfile.write(given.body)

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        servers.append(server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return f"http://{password + '@' if password else ''}127.0.0.1:{server.server_port}/snap.jpg"

    yield _serve
    for server in servers:
        server.shutdown()
        server.server_close()


def first(url: str, count: int, *, fps: float = 10, options: SourceOptions = QUICK) -> list[Frame]:
    """So many frames."""
    with closing(stream(url, fps=fps, live=True, options=options)) as frames:
        return list(itertools.islice((frame for frame in frames if frame), count))


def fault(url: str) -> Fault:
    with pytest.raises(SourceError) as failed:
        list(stream(url, fps=10, live=True, options=QUICK))
    assert "127.0.0.1" not in str(failed.value)
    return failed.value.fault


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_a_picture_is_fetched_again_and_again(serve: Callable[..., str], kind: str) -> None:
    greys = itertools.cycle(range(20, 200, 20))
    url = serve(lambda: Answer(picture((320, 180), kind, colour=f"#{next(greys):02x}0000")))
    seen = first(url, 5)
    assert {frame.image.shape for frame in seen} == {(180, 320, 3)}
    reds = [int(frame.image[0, 0, 0]) for frame in seen]
    assert len(set(reds)) == 5
    assert (datetime.now(UTC) - seen[-1].captured_at).total_seconds() < 1
    numbers = [frame.number for frame in seen]
    assert numbers == sorted(set(numbers))


def test_a_picture_is_fetched_no_oftener_than_asked_for(serve: Callable[..., str]) -> None:
    asked: list[float] = []

    def answer() -> Answer:
        asked.append(time.monotonic())
        return Answer(picture())

    first(serve(answer), 4, fps=30, options=SourceOptions(poll=0.5, tick=0.2))
    assert 4 <= len(asked) <= 5
    assert min(later - earlier for earlier, later in pairwise(asked)) > 0.4


def test_the_password_of_a_picture(serve: Callable[..., str]) -> None:
    url = serve(lambda: Answer(picture()), password="officer:hunter2")
    assert first(url, 1)
    assert fault(url.replace("hunter2", "wrong")) is Fault.PASSWORD
    assert fault(url.replace("officer:hunter2@", "")) is Fault.PASSWORD


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (Answer(status=404), Fault.NOT_FOUND),
        (Answer(status=403), Fault.PASSWORD),
        (Answer(status=500), Fault.SERVER),
        (Answer(b"<html>Welcome to your camera</html>", "text/html"), Fault.NOT_VIDEO),
        (Answer(picture()[:900]), Fault.CORRUPT),
    ],
)
def test_answers_that_are_no_picture_are_told_apart(
    serve: Callable[..., str], answer: Answer, expected: Fault
) -> None:
    started = time.monotonic()
    assert fault(serve(lambda: answer)) is expected
    assert time.monotonic() - started < 10


def test_a_camera_that_fails_after_some_pictures_is_told(serve: Callable[..., str]) -> None:
    answers = iter([Answer(picture())] * 3)
    url = serve(lambda: next(answers, Answer(status=500)))
    frames = stream(url, fps=10, live=True, options=QUICK)
    assert next(frame for frame in frames if frame)
    with pytest.raises(SourceError) as failed:
        list(frames)
    assert failed.value.fault is Fault.SERVER


def test_an_address_cannot_lead_to_files_of_this_machine(serve: Callable[..., str], tmp_path: Path) -> None:
    (tmp_path / "secret.jpg").write_bytes(picture())
    for body, kind in (
        (f"#EXTM3U\n#EXTINF:1,\nfile://{tmp_path}/secret.jpg\n", "application/vnd.apple.mpegurl"),
        (f"ffconcat version 1.0\nfile 'file:{tmp_path}/secret.jpg'\n", "text/plain"),
    ):
        assert fault(serve(lambda body=body, kind=kind: Answer(body.encode(), kind))) is not Fault.SILENT


def test_a_file_cannot_lead_into_the_network(serve: Callable[..., str], tmp_path: Path) -> None:
    asked: list[int] = []

    def answer() -> Answer:
        asked.append(1)
        return Answer(picture())

    url = serve(answer)
    playlist = tmp_path / "clip.mp4"
    playlist.write_text(f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{url}\n#EXT-X-ENDLIST\n")
    with pytest.raises(SourceError):
        list(stream(str(playlist), fps=10, live=False))
    assert asked == []


def test_a_usb_camera_that_is_not_plugged_in(tmp_path: Path) -> None:
    camera = Camera(name="x", code="x", stream_url="file:///dev/video99")
    assert is_endless(camera)
    with pytest.raises(SourceError) as missing:
        next(frames_of(camera, live=True))
    assert missing.value.fault is Fault.NO_DEVICE
    assert not is_endless(Camera(name="x", code="x", stream_url=tmp_path.as_uri()))


def test_raw_pictures_of_a_device_are_read_as_they_come(monkeypatch: pytest.MonkeyPatch) -> None:
    """FFmpeg's own test picture in the place of a driver, which no machine of ours has."""
    drawn = Way("testsrc=size=320x180:rate=15,realtime", format="lavfi", stamped=True)
    monkeypatch.setattr(usb, "way", lambda _path: drawn)
    # It marks no picture as a key picture, so that one is waited for first.
    seen = first("/dev/video0", 12, fps=6, options=SourceOptions(silence=10.0, tick=0.2))
    assert {frame.image.shape for frame in seen} == {(180, 320, 3)}
    gaps = [(b.captured_at - a.captured_at).total_seconds() for a, b in pairwise(seen)]
    assert 0.12 < sum(gaps) / len(gaps) < 0.3
    assert seen[-1].number > 20


WRONG = [[1], {"transport": "pigeon"}, {"read": 0}, {"read": True}, {"silence": "long"}, {"frozen": -1}]


@pytest.mark.parametrize("value", WRONG)
def test_wrong_options_of_a_source_are_an_error_of_the_settings(value: object) -> None:
    camera = Camera(name="x", code="x", rtsp_url="rtsp://127.0.0.1:9/live", settings={"source": value})
    with pytest.raises(CameraSettingsError):
        next(frames_of(camera, live=True))


def test_options_of_a_source_that_are_known_are_taken() -> None:
    read = SourceOptions.read_from({"transport": "udp", "read": 3, "frozen": 0, "colour": "blue", "tick": 99})
    assert read == SourceOptions(transport="udp", read=3.0, frozen=0.0)
