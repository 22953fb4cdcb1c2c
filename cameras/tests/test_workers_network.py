"""A camera on the network that goes away and comes back stays its worker's, and its state tells."""

import threading
import time
from collections.abc import Callable, Iterator
from uuid import UUID

import pytest
from django.db import connection

from cameras import workers
from cameras.models import Camera, CameraLease, CameraStatus
from cameras.sources import Fault
from cameras.tests.rtsp import AccessUnit, RtspServer, Stream
from recognition.types import RGB, Passage, PlateRead

pytestmark = pytest.mark.django_db(transaction=True)


class Nothing:
    """An engine that sees no plate."""

    name, version = "nothing", "1"

    def find(self, image: RGB, *, thorough: bool = True) -> list[PlateRead]:
        return []

    def warm_up(self) -> None:
        pass


@pytest.fixture
def watching(camera: Camera, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], threading.Thread]]:
    """Starts a worker that reads the camera; it is asked to stop when the test is over."""
    monkeypatch.setattr(workers, "stopping", threading.Event())
    monkeypatch.setattr(workers, "get_engine", lambda _name: Nothing())
    monkeypatch.setattr(workers, "RENEW_EVERY", 0.2)
    threads: list[threading.Thread] = []

    def ignore(_camera: Camera, _passage: Passage, _event_id: UUID | None) -> None:
        pass

    def work() -> None:
        try:
            workers.watch(camera.pk, ignore)
        finally:
            connection.close()

    def _watching() -> threading.Thread:
        threads.append(threading.Thread(target=work))
        threads[-1].start()
        return threads[-1]

    yield _watching
    workers.stopping.set()
    for thread in threads:
        thread.join(10)
        assert not thread.is_alive()


def eventually(condition: Callable[[], bool], seconds: float = 20) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "it never came"
        time.sleep(0.05)


def state() -> tuple[str, str]:
    camera = Camera.objects.get()
    return camera.status, camera.status_reason


def test_a_camera_that_goes_away_is_told_and_found_again_by_the_same_worker(
    units: list[AccessUnit], camera: Camera, watching: Callable[[], threading.Thread]
) -> None:
    server = RtspServer({"live": Stream(units)})
    Camera.objects.update(rtsp_url=server.url())
    watching()
    eventually(lambda: state() == (CameraStatus.ONLINE, ""))
    holder = CameraLease.objects.get().holder
    server.kill()
    eventually(lambda: state() == (CameraStatus.ERROR, str(Fault.REFUSED.label)))
    with RtspServer({"live": Stream(units)}, port=server.port):
        eventually(lambda: state() == (CameraStatus.ONLINE, ""), seconds=30)
        assert CameraLease.objects.get().holder == holder


def test_a_wrong_password_is_told_without_it_and_a_right_one_taken_at_once(
    units: list[AccessUnit],
    camera: Camera,
    watching: Callable[[], threading.Thread],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("DEBUG")
    with RtspServer({"live": Stream(units)}, password="officer:hunter2") as server:
        Camera.objects.update(rtsp_url=server.url(user="officer:hunter3"))
        first = watching()
        eventually(lambda: state() == (CameraStatus.ERROR, str(Fault.PASSWORD.label)))
        Camera.objects.update(rtsp_url=server.url(user="officer:hunter2"))
        first.join(5)
        assert not first.is_alive(), "an edited camera does not wait for its next try"
        watching()
        eventually(lambda: state() == (CameraStatus.ONLINE, ""))
    assert "hunter" not in caplog.text


def test_a_worker_stops_at_once_while_its_camera_is_away(
    camera: Camera, watching: Callable[[], threading.Thread]
) -> None:
    Camera.objects.update(rtsp_url="rtsp://127.0.0.1:9/live", settings={"retry_seconds": 3600})
    thread = watching()
    eventually(lambda: state() == (CameraStatus.ERROR, str(Fault.REFUSED.label)))
    workers.stopping.set()
    thread.join(3)
    assert not thread.is_alive()
    assert not CameraLease.objects.exists()
