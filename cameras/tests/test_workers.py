"""Reading a camera: passages come out, and the worker lets go when it has to."""

import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from django.db import connection

from cameras import services, workers
from cameras.models import Camera, CameraLease, CameraStatus
from recognition.images import to_jpeg
from recognition.synthesis import draw_photo, make_clip
from recognition.types import Passage

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.models]


@pytest.fixture(scope="module")
def empty_road(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small clip in which nothing happens."""
    path = tmp_path_factory.mktemp("clips") / "empty.mp4"
    make_clip(path, [], 1.0, fps=6, size=(320, 180), seed=1)
    return path


@pytest.fixture
def streaming(camera: Camera, empty_road: Path) -> Camera:
    """A camera that plays the empty road again and again."""
    camera.stream_url, camera.settings = empty_road.as_uri(), {"loop": True}
    camera.save()
    return camera


@pytest.fixture
def watching(streaming: Camera) -> Callable[[], threading.Thread]:
    """Starts a worker in a thread of its own; waits until it has the camera."""

    def _watching() -> threading.Thread:
        def work() -> None:
            try:
                workers.watch(streaming.pk, lambda _camera, _passage: None)
            finally:
                connection.close()

        thread = threading.Thread(target=work)
        thread.start()
        eventually(lambda: Camera.objects.get().status == CameraStatus.ONLINE)
        return thread

    return _watching


def eventually(condition: Callable[[], bool], seconds: float = 20) -> None:
    """Wait for a condition."""
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "it never came"
        time.sleep(0.05)


def test_a_clip_read_to_its_end_gives_its_vehicles(camera: Camera, tmp_path: Path) -> None:
    truth = make_clip(tmp_path / "clip.mp4", [("2A9402RB", "motorcycle", 0.5)], 8.0, seed=5)
    camera.stream_url = (tmp_path / "clip.mp4").as_uri()
    found = [passage.read.text for passage in workers.read_all(camera)]
    assert found == [vehicle.plate for vehicle in truth]


def test_photos_of_a_folder_are_passages_each(camera: Camera, tmp_path: Path) -> None:
    for number, plate in enumerate(("BB6232RB", "AN0674RB")):
        (tmp_path / f"{number}.jpg").write_bytes(to_jpeg(draw_photo(plate, "car", seed=number)))
    camera.stream_url = tmp_path.as_uri()
    assert {passage.read.text for passage in workers.read_all(camera)} == {"BB6232RB", "AN0674RB"}


def test_a_camera_being_read_is_nobody_elses(
    streaming: Camera, watching: Callable[[], threading.Thread]
) -> None:
    thread = watching()
    assert not workers.watch(streaming.pk, lambda _camera, _passage: None)
    assert services.free_cameras() == []
    Camera.objects.update(is_enabled=False)
    thread.join(10)
    assert not thread.is_alive()
    assert not CameraLease.objects.exists()


def test_an_edited_camera_is_let_go_within_five_seconds(
    streaming: Camera, watching: Callable[[], threading.Thread]
) -> None:
    thread = watching()
    Camera.objects.update(fps=2)
    thread.join(5)
    assert not thread.is_alive()
    assert services.free_cameras() == [streaming.pk]


def test_a_worker_that_lost_its_lease_stops(
    streaming: Camera, watching: Callable[[], threading.Thread]
) -> None:
    thread = watching()
    CameraLease.objects.all().delete()
    thread.join(5)
    assert not thread.is_alive()


def test_a_worker_asked_to_stop_lets_go(
    streaming: Camera, watching: Callable[[], threading.Thread], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers, "stopping", threading.Event())
    thread = watching()
    workers.stopping.set()
    thread.join(5)
    assert not thread.is_alive()
    assert not workers.watch(streaming.pk, lambda _camera, _passage: None)


def test_a_broken_source_is_told_by_the_status(camera: Camera, tmp_path: Path) -> None:
    camera.stream_url = (tmp_path / "missing.mp4").as_uri()
    camera.settings = {"retry_seconds": 0}
    camera.save()
    seen: list[Passage] = []
    assert workers.watch(camera.pk, lambda _camera, passage: seen.append(passage))
    camera.refresh_from_db()
    assert camera.status == CameraStatus.ERROR
    assert "No such file" in camera.status_reason
    assert seen == []
