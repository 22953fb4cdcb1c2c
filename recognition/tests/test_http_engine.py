"""The remote engine, against a real server on this machine: good answers, bad ones, and none."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np
import pytest

from recognition.boxes import corners
from recognition.engines import Engine, EngineError, get_engine
from recognition.engines.http import MAX_ANSWER
from recognition.images import ImageError, open_image
from recognition.types import RGB

GOOD = {
    "text": "BB 6232 RB",
    "confidence": 0.93,
    "box": [10, 20, 110.5, 50],
    "layout": "one_line",
    "candidates": [{"text": "BB6232RB", "likelihood": 0.93}, {"text": "B86232RB", "likelihood": 0.04}],
}
PICTURE = np.full((100, 200, 3), (200, 100, 50), np.uint8)


class Service(BaseHTTPRequestHandler):
    """Answers as the test says, and keeps what it was asked."""

    server: "Remote"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.asked.append((self.path, dict(self.headers), body))
        self.server.answer(self)

    def log_message(self, *_arguments: Any) -> None:
        pass

    def send(self, body: bytes, status: int = 200, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class Remote(ThreadingHTTPServer):
    """The other machine."""

    daemon_threads = True
    answer: "Callable[[Service], object]"

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Service)
        self.asked: list[tuple[str, dict[str, str], bytes]] = []
        self.done = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/read"

    def reads(self, *rows: Any) -> None:
        self.answer = lambda service: service.send(json.dumps({"reads": list(rows)}).encode())

    def handle_error(self, *_arguments: Any) -> None:
        """Clients that gave up are part of these tests."""


@pytest.fixture
def remote(monkeypatch: pytest.MonkeyPatch) -> Iterator[Remote]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    server = Remote()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server
    server.done.set()
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def engine(remote: Remote) -> Engine:
    return get_engine("http", url=remote.url, timeout=1.0)


def test_the_picture_is_posted_and_the_reads_come_back_best_first(remote: Remote, engine: Engine) -> None:
    remote.reads({**GOOD, "confidence": 0.5, "text": "AN0674RB"}, GOOD)
    engine.warm_up()
    first, second = engine.find(PICTURE)
    assert (first.text, second.text) == ("BB6232RB", "AN0674RB")
    assert (first.confidence, first.box, first.layout) == (0.93, (10, 20, 110.5, 50), "one_line")
    assert first.polygon == corners(first.box)
    assert [one.text for one in first.candidates] == ["BB6232RB", "B86232RB"]
    assert first.countries[0].country == "BJ"
    [(path, headers, body)] = remote.asked
    assert path == "/read"
    assert headers["Content-Type"].startswith("multipart/form-data; boundary=")
    assert "Authorization" not in headers
    boundary = headers["Content-Type"].partition("boundary=")[2].encode()
    _, part, end = body.split(b"--" + boundary)
    assert b'name="image"' in part
    assert end == b"--\r\n"
    jpeg = part.partition(b"\r\n\r\n")[2].removesuffix(b"\r\n")
    assert np.abs(open_image(jpeg).astype(int) - PICTURE).max() < 8


def test_what_the_command_may_tell_besides_is_taken_too(remote: Remote, engine: Engine) -> None:
    polygon = [[11, 21], [109, 22], [109, 49], [-4, 48]]
    vehicle = {"kind": "car", "confidence": 0.8, "box": [0, 0, 200, 100]}
    remote.reads({**GOOD, "polygon": polygon, "plate_colour": "orange", "vehicle": vehicle, "new": 1})
    [read] = engine.find(PICTURE)
    assert read.polygon[3] == (-4.0, 48.0)
    assert read.plate_colour == "orange"
    assert read.vehicle is not None
    assert read.vehicle.kind == "car"
    assert read.countries[0].category == "commercial_taxi_trailer"


def test_reads_below_the_least_confidence_are_dropped(remote: Remote) -> None:
    remote.reads(GOOD)
    assert get_engine("http", url=remote.url, min_confidence=0.95).find(PICTURE) == []


def test_the_token_comes_from_the_environment(remote: Remote, monkeypatch: pytest.MonkeyPatch) -> None:
    remote.reads()
    monkeypatch.setenv("RECOGNITION_TOKEN_NORTH", "s3cret\n")
    engine = get_engine("http", url=remote.url, token_env="RECOGNITION_TOKEN_NORTH")
    assert engine.find(PICTURE) == []
    assert remote.asked[0][1]["Authorization"] == "Bearer s3cret"
    assert "s3cret" not in engine.version


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"text": ""}, r"reads\[0\].text"),
        ({"text": 7}, r"reads\[0\].text"),
        ({"text": "A" * 17}, r"reads\[0\].text"),
        ({"confidence": 1.2}, "confidence"),
        ({"confidence": True}, "confidence"),
        ({"confidence": "0.9"}, "confidence"),
        ({"confidence": float("nan")}, "confidence"),
        ({"confidence": None}, "confidence"),
        ({"box": [1, 2, 3]}, "box"),
        ({"box": [50, 20, 10, 50]}, "box"),
        ({"box": [300, 20, 400, 50]}, "box"),
        ({"box": [1e999, 0, 1, 1]}, "box"),
        ({"layout": "three_line"}, "layout"),
        ({"layout": None}, "layout"),
        ({"candidates": {}}, "candidates"),
        ({"candidates": [{"text": "A1"}]}, "likelihood"),
        ({"candidates": [{"text": "A1", "likelihood": 0.9}] * 2}, "more than 1"),
        ({"polygon": [[1, 2], [3, 4], [5, 6]]}, "polygon"),
        ({"polygon": [[1, 2], [3, 4], [5, 6], [9999, 8]]}, "polygon"),
        ({"plate_colour": "mauve"}, "plate_colour"),
        ({"plate_colour": ["white"]}, "plate_colour"),
        ({"vehicle": {"kind": "tank", "confidence": 1, "box": [0, 0, 1, 1]}}, "kind"),
        ({"vehicle": "car"}, "vehicle"),
    ],
)
def test_every_wrong_field_is_refused_by_name(
    remote: Remote, engine: Engine, change: dict[str, Any], field: str
) -> None:
    remote.reads({**GOOD, **change})
    with pytest.raises(EngineError, match=field):
        engine.find(PICTURE)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "not JSON"),
        (b"<html>", "not JSON"),
        (b"\xff\xfe\x00", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b"[]", "no field"),
        (b'{"error": "busy"}', "no field"),
        (b'{"reads": {}}', "reads is not a list"),
        (b'{"reads": [1]}', r"reads\[0\] is not an object"),
        (json.dumps({"reads": [GOOD] * 101}).encode(), "at most 100"),
        (b" " * (MAX_ANSWER + 1), "longer than"),
    ],
    ids=["empty", "html", "bytes", "deep", "list", "error", "object", "number", "many", "long"],
)
def test_garbage_is_refused(remote: Remote, engine: Engine, body: bytes, words: str) -> None:
    remote.answer = lambda service: service.send(body)
    with pytest.raises(EngineError, match=words):
        engine.find(PICTURE)


@pytest.mark.parametrize("status", [400, 401, 500, 503])
def test_an_error_status_is_told(remote: Remote, engine: Engine, status: int) -> None:
    remote.answer = lambda service: service.send(b"no", status)
    with pytest.raises(EngineError, match=f"status {status}"):
        engine.find(PICTURE)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_refused(remote: Remote, engine: Engine, status: int) -> None:
    remote.answer = lambda service: service.send(b"", status, Location=f"{remote.url}/elsewhere")
    with pytest.raises(EngineError, match=f"status {status}"):
        engine.find(PICTURE)
    assert len(remote.asked) == 1


def test_a_silent_server_and_one_that_drips_are_given_up(remote: Remote) -> None:
    def drip(service: Service) -> None:
        service.send_response(200)
        service.send_header("Content-Length", "100000")
        service.end_headers()
        while not remote.done.wait(0.05):
            service.wfile.write(b" ")

    engine = get_engine("http", url=remote.url, timeout=0.3)

    def silent(_service: Service) -> None:
        remote.done.wait(5)

    for answer in (silent, drip):
        remote.answer = answer
        started = time.monotonic()
        with pytest.raises(EngineError, match=r"more than 0\.3 s"):
            engine.find(PICTURE)
        assert time.monotonic() - started < 2


def test_an_answer_that_breaks_off_and_a_machine_that_is_away_are_told(remote: Remote) -> None:
    def cut_off(service: Service) -> None:
        service.send_response(200)
        service.send_header("Content-Length", "100000")
        service.end_headers()
        service.wfile.write(b'{"reads": [')

    remote.answer = cut_off
    with pytest.raises(EngineError, match="not JSON"):
        get_engine("http", url=remote.url, timeout=1.0).find(PICTURE)
    away = get_engine("http", url="http://127.0.0.1:9/read", timeout=1.0)
    with pytest.raises(EngineError, match="cannot be reached"):
        away.find(PICTURE)


def test_what_is_no_picture_is_not_sent(remote: Remote, engine: Engine) -> None:
    broken: RGB = np.full((100, 100, 3), np.nan)
    with pytest.raises(ImageError):
        engine.find(broken)
    assert remote.asked == []


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({}, "needs parameter url"),
        ({"url": "ftp://example.org/x"}, "needs parameter url"),
        ({"url": "file:///etc/passwd"}, "needs parameter url"),
        ({"url": "http://"}, "needs parameter url"),
        ({"url": "http://[::1"}, "needs parameter url"),
        ({"url": "http://a:b"}, "needs parameter url"),
        ({"url": "http://a/\r\nX: y"}, "needs parameter url"),
        ({"url": 7}, "needs parameter url"),
        ({"url": "https://user:secret@example.org/"}, "token_env"),
        ({"url": "http://a", "timeout": 0}, "timeout"),
        ({"url": "http://a", "timeout": "soon"}, "timeout"),
        ({"url": "http://a", "min_confidence": 2}, "min_confidence"),
        ({"url": "http://a", "token_env": "SECRET_KEY"}, "RECOGNITION_TOKEN"),
        ({"url": "http://a", "token_env": "RECOGNITION_TOKEN_UNSET"}, "holds no token"),
        ({"url": "http://a", "token": "s3cret"}, "no parameters token. It takes url, timeout"),
        ({"url": "http://a", "image_size": 640}, "no parameters image_size"),
    ],
)
def test_wrong_parameters_are_refused(parameters: dict[str, Any], words: str) -> None:
    with pytest.raises(EngineError, match=words):
        get_engine("http", **parameters)
