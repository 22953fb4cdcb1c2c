"""Broken and huge requests over real connections, to the web process as it is deployed."""

import http.client
import json
import os
import secrets
import signal
import socket
import subprocess
import time
import uuid
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from accounts.models import ApiKey, Scope
from accounts.services import create_api_key
from cameras.models import Camera
from conftest import picture
from deploy.embedded import REPOSITORY
from deploy.processes import free_port, tied_to_parent, wait_until
from deploy.stack import status_of, web
from detections.models import Detection

pytestmark = pytest.mark.django_db(transaction=True)

HUGE = 200 * 1024 * 1024
INGEST, BATCH = "/api/v1/events/ingest", "/api/v1/events/batch"


@pytest.fixture
def port(camera: Camera, tmp_path: Path) -> Iterator[int]:
    """The web process on the test database, on a free port."""
    database = connection.settings_dict
    environment = {**os.environ} | {
        "DATABASE_URL": os.environ["DATABASE_URL"].replace("/anpr?", f"/{database['NAME']}?"),
        "MEDIA_ROOT": str(tmp_path / "media"),
        "SECRET_KEY": secrets.token_urlsafe(50),
        "DEBUG": "true",
    }
    chosen = free_port()
    process = subprocess.Popen(
        web(chosen, workers=1, threads=2),
        cwd=REPOSITORY,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        preexec_fn=tied_to_parent(signal.SIGTERM),
    )
    assert wait_until(lambda: status_of(f"http://127.0.0.1:{chosen}/liveness") == 200, 60, step=0.2)
    yield chosen
    process.terminate()
    process.wait(20)


@pytest.fixture
def key(db: None) -> str:
    """A token that may send."""
    _key, token = create_api_key(name=f"sensor-{uuid.uuid4()}", scopes=[Scope.EVENTS_WRITE], by=None)
    return token


def send(port: int, path: str, headers: dict[str, str], pieces: list[bytes]) -> tuple[int, dict[str, Any]]:
    """Send pieces as they are; status and body. A server may answer, and close, before all is sent."""
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as line:
        line.putrequest("POST", path)
        for name, value in headers.items():
            line.putheader(name, value)
        line.endheaders()
        # It may have answered before all of it was sent.
        with suppress(BrokenPipeError, ConnectionResetError):
            for piece in pieces:
                line.send(piece)
        answer = line.getresponse()
        return answer.status, json.loads(answer.read())


def assert_error(status: int, body: dict[str, Any], wanted: int) -> None:
    """The one error format."""
    assert status == wanted, body
    assert set(body) == {"detail", "timestamp", "errors"}
    assert body["detail"]


def test_bodies_of_200_mb_are_refused_and_the_server_lives_on(port: int, key: str, camera: Camera) -> None:
    started = time.monotonic()
    million = [b"x" * 1024 * 1024] * 200
    kinds = {
        INGEST: ("multipart/form-data; boundary=X", "application/json"),
        BATCH: ("application/x-ndjson", "application/json"),
    }
    for path, types in kinds.items():
        for kind in types:
            headers = {"X-API-Key": key, "Content-Type": kind, "Content-Length": str(HUGE)}
            assert_error(*send(port, path, headers, million), 413)
    good = json.dumps({"camera": camera.code, "plate_number": "BB6232RB"}).encode()
    headers = {"X-API-Key": key, "Content-Type": "application/json", "Content-Length": str(len(good))}
    status, _body = send(port, INGEST, headers, [good])
    assert status == 201
    assert Detection.objects.count() == 1
    assert time.monotonic() - started < 60


def test_a_body_in_chunks_without_a_length_is_no_way_around_the_limit(port: int, key: str) -> None:
    chunk = b"100000\r\n" + b"x" * 0x100000 + b"\r\n"
    headers = {"X-API-Key": key, "Content-Type": "application/x-ndjson", "Transfer-Encoding": "chunked"}
    status, body = send(port, BATCH, headers, [chunk] * 30 + [b"0\r\n\r\n"])
    assert status in (400, 413)
    assert set(body) == {"detail", "timestamp", "errors"}
    assert not Detection.objects.exists()


def test_a_form_that_breaks_off_stores_nothing(port: int, key: str, camera: Camera) -> None:
    head = (
        f'--X\r\nContent-Disposition: form-data; name="camera"\r\n\r\n{camera.code}\r\n'
        '--X\r\nContent-Disposition: form-data; name="plate_number"\r\n\r\nBB6232RB\r\n'
        '--X\r\nContent-Disposition: form-data; name="frame"; filename="a.jpg"\r\n\r\n'
    ).encode()
    cut = head + picture()[:-500]
    headers = {
        "X-API-Key": key,
        "Content-Type": "multipart/form-data; boundary=X",
        "Content-Length": str(len(cut)),
    }
    assert_error(*send(port, INGEST, headers, [cut]), 400)
    assert not Detection.objects.exists()


def test_a_sender_that_goes_away_in_the_middle_of_a_batch_finds_its_lines_stored(
    port: int, key: str, camera: Camera
) -> None:
    rows = [
        json.dumps({"camera": camera.code, "plate_number": "BB6232RB", "event_id": str(uuid.uuid4())})
        for _ in range(2500)
    ]
    body = "\n".join(rows).encode()
    head = (
        f"POST {BATCH} HTTP/1.1\r\nHost: 127.0.0.1\r\nX-API-Key: {key}\r\n"
        f"Content-Type: application/x-ndjson\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode()
    with socket.create_connection(("127.0.0.1", port)) as line:
        line.sendall(head + body[: len(body) * 9 // 10])
        line.shutdown(socket.SHUT_WR)
        line.settimeout(20)
        with suppress(TimeoutError, ConnectionResetError):
            line.recv(1000)
    headers = {
        "X-API-Key": key,
        "Content-Type": "application/x-ndjson",
        "Content-Length": str(len(body)),
    }
    status, told = send(port, BATCH, headers, [body])
    assert status == 200
    assert told["created"] + told["duplicates"] == 2500
    assert Detection.objects.count() == 2500


def test_a_key_that_is_revoked_is_refused_with_the_next_request(port: int, key: str, camera: Camera) -> None:
    body = json.dumps({"camera": camera.code, "plate_number": "BB6232RB"}).encode()
    headers = {"X-API-Key": key, "Content-Type": "application/json", "Content-Length": str(len(body))}
    assert send(port, INGEST, headers, [body])[0] == 201
    from django.utils import timezone

    ApiKey.objects.update(revoked_at=timezone.now())
    assert_error(*send(port, INGEST, headers, [body]), 401)
