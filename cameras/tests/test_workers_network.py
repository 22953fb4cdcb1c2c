"""A camera on the network that goes away and comes back stays its worker's, and its state tells."""

import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from uuid import UUID

import pytest
from django.db import connection
from django.utils import timezone

from cameras import services, workers
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
def watching(camera: Camera, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., threading.Thread]]:
    """Starts a worker that reads the camera; it is asked to stop when the test is over."""
    monkeypatch.setattr(workers, "stopping", threading.Event())
    monkeypatch.setattr(workers, "get_engine", lambda _name: Nothing())
    monkeypatch.setattr(workers, "RENEW_EVERY", 0.2)
    threads: list[threading.Thread] = []

    def work(pk: int) -> None:
        try:
            workers.watch(pk, ignore)
        finally:
            connection.close()

    def _watching(pk: int = camera.pk) -> threading.Thread:
        threads.append(threading.Thread(target=work, args=(pk,)))
        threads[-1].start()
        return threads[-1]

    yield _watching
    workers.stopping.set()
    for thread in threads:
        thread.join(10)
        assert not thread.is_alive()


def ignore(_camera: Camera, _passage: Passage, _event_id: UUID | None) -> None:
    """Takes passages and does nothing."""


def eventually(condition: Callable[[], bool], seconds: float = 20) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "it never came"
        time.sleep(0.05)


def state() -> tuple[str, str]:
    camera = Camera.objects.get()
    return camera.status, camera.status_reason


def test_a_camera_that_goes_away_is_told_and_found_again_by_the_same_worker(
    units: list[AccessUnit], camera: Camera, watching: Callable[..., threading.Thread]
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
    watching: Callable[..., threading.Thread],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("DEBUG")
    with RtspServer({"live": Stream(units)}, password="officer:hunter2") as server:
        Camera.objects.update(rtsp_url=server.url(user="officer:hunter3"))
        watching()
        eventually(lambda: state() == (CameraStatus.ERROR, str(Fault.PASSWORD.label)))
        right = {"rtsp_url": server.url(user="officer:hunter2")}
        services.change_config(Camera.objects.get(), changes=right, by=None)
        eventually(lambda: services.free_cameras() != [] or state()[0] == CameraStatus.ONLINE, seconds=5)
        watching()
        eventually(lambda: state() == (CameraStatus.ONLINE, ""))
    assert "hunter" not in caplog.text


def test_a_worker_stops_at_once_while_its_camera_is_away(
    camera: Camera, watching: Callable[..., threading.Thread]
) -> None:
    Camera.objects.update(rtsp_url="rtsp://127.0.0.1:9/live", settings={"retry_seconds": 3600})
    thread = watching()
    eventually(lambda: state() == (CameraStatus.ERROR, str(Fault.REFUSED.label)))
    workers.stopping.set()
    thread.join(3)
    assert not thread.is_alive()
    assert not CameraLease.objects.exists()


def test_a_dead_camera_gives_its_place_to_a_living_one_and_is_tried_again(
    units: list[AccessUnit],
    camera: Camera,
    watching: Callable[..., threading.Thread],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(workers, "_slots", threading.BoundedSemaphore(1))
    monkeypatch.setattr(workers, "PATIENCE", 2.0)
    Camera.objects.update(rtsp_url="rtsp://127.0.0.1:9/live", settings={"retry_seconds": 4})
    with RtspServer({"live": Stream(units)}) as server:
        living = Camera.objects.create(name="living", code="living", rtsp_url=server.url())
        dead = watching()
        eventually(lambda: Camera.objects.get(pk=camera.pk).status == CameraStatus.ERROR)
        with pytest.raises(workers.NoRoomError):
            workers.watch(living.pk, ignore)
        dead.join(10)
        assert not dead.is_alive()
        rests = CameraLease.objects.get(camera=camera)
        assert rests.holder == services.NOBODY
        assert services.free_cameras() == [living.pk]
        watching(living.pk)
        eventually(lambda: Camera.objects.get(pk=living.pk).status == CameraStatus.ONLINE)
        eventually(lambda: services.free_cameras() == [camera.pk], seconds=6)


def test_a_frozen_camera_stays_in_error_and_is_not_read_again_and_again(
    units: list[AccessUnit],
    camera: Camera,
    watching: Callable[..., threading.Thread],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(workers, "PATIENCE", 1.0)
    still = Stream(units[:1])
    with RtspServer({"live": still}) as server:
        Camera.objects.update(rtsp_url=server.url(), settings={"retry_seconds": 1, "source": {"frozen": 1.5}})
        thread = watching()
        eventually(lambda: Camera.objects.get().status == CameraStatus.ERROR)
        until = time.monotonic() + 6
        while time.monotonic() < until:
            assert Camera.objects.get().status == CameraStatus.ERROR
            assert thread.is_alive()
            time.sleep(0.1)
        still.units = units
        eventually(lambda: Camera.objects.get().status == CameraStatus.ONLINE)


def test_a_camera_known_to_be_dead_has_its_place_for_one_try_only(
    camera: Camera, watching: Callable[..., threading.Thread]
) -> None:
    Camera.objects.update(
        rtsp_url="rtsp://127.0.0.1:9/live",
        settings={"retry_seconds": 3600},
        status=CameraStatus.ERROR,
        status_reason=str(Fault.REFUSED.label),
        status_since=timezone.now() - timedelta(minutes=10),
    )
    thread = watching()
    thread.join(5)
    assert not thread.is_alive()
    left = CameraLease.objects.get().expires_at - timezone.now()
    assert timedelta(minutes=4) < left < timedelta(minutes=11), "about as long again as it has been dead"


def test_a_camera_without_room_for_it_is_not_read(camera: Camera, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "_slots", threading.BoundedSemaphore(1))
    assert workers._slots.acquire()
    with pytest.raises(workers.NoRoomError):
        workers.watch(camera.pk, ignore)
    assert not CameraLease.objects.exists()
