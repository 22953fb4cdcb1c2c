"""Reading a camera: passages come out, and the worker lets go when it has to."""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import pytest
from django.db import connection
from django.utils import timezone

from cameras import services, workers
from cameras.models import Camera, CameraLease, CameraStatus
from cameras.options import CameraSettings
from cameras.sources import Fault, Photo, SourceError, frames_of
from conftest import picture
from recognition.boxes import corners
from recognition.engines import Engine, EngineError
from recognition.images import to_jpeg
from recognition.synthesis import draw_photo, make_clip
from recognition.types import RGB, Candidate, Frame, Passage, PlateRead

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
                workers.watch(streaming.pk, ignore)
            finally:
                connection.close()

        thread = threading.Thread(target=work)
        thread.start()
        eventually(lambda: Camera.objects.get().status == CameraStatus.ONLINE)
        return thread

    return _watching


def ignore(_camera: Camera, _passage: Passage, _event_id: UUID | None) -> None:
    """Takes passages and does nothing."""


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
    assert not workers.watch(streaming.pk, ignore)
    assert services.free_cameras() == []
    Camera.objects.update(is_enabled=False)
    thread.join(10)
    assert not thread.is_alive()
    assert not CameraLease.objects.exists()


def test_an_edited_camera_is_read_anew_within_five_seconds_and_keeps_its_worker(
    streaming: Camera, watching: Callable[[], threading.Thread], monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[float] = []

    def noted(camera: Camera, *, live: bool) -> Iterator[Frame | None]:
        read.append(camera.fps)
        return frames_of(camera, live=live)

    monkeypatch.setattr(workers, "frames_of", noted)
    thread = watching()
    holder = CameraLease.objects.get().holder
    services.change_config(streaming, changes={"fps": 2.0}, by=None)
    eventually(lambda: read == [6.0, 2.0], seconds=5)
    assert thread.is_alive()
    assert CameraLease.objects.get().holder == holder
    services.change_config(streaming, changes={"is_enabled": False}, by=None)
    thread.join(5)
    assert not thread.is_alive()
    assert not CameraLease.objects.exists()


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
    thread.join(3)
    assert not thread.is_alive()
    assert not CameraLease.objects.exists(), "another may take it at once"
    with pytest.raises(workers.NoRoomError):
        workers.watch(streaming.pk, ignore)


def test_a_broken_source_is_told_by_the_status(camera: Camera, tmp_path: Path) -> None:
    camera.stream_url = (tmp_path / "missing.mp4").as_uri()
    camera.settings = {"retry_seconds": 0}
    camera.save()
    seen: list[Passage] = []
    assert workers.watch(camera.pk, lambda _camera, passage, _event_id: seen.append(passage))
    camera.refresh_from_db()
    assert camera.status == CameraStatus.ERROR
    assert camera.status_reason == str(Fault.NO_FILE.label)
    assert seen == []


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ([1], "{...}"),
        ({"engine": "nope"}, "engine"),
        ({"loop": "x"}, "loop"),
        ({"retry_seconds": "soon"}, "retry"),
    ],
)
def test_settings_that_slipped_in_are_told_by_the_status(
    streaming: Camera, value: object, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers, "CameraSettings", lambda: CameraSettings(retry_seconds=0))
    Camera.objects.update(settings=value)
    assert workers.watch(streaming.pk, ignore)
    streaming.refresh_from_db()
    assert streaming.status == CameraStatus.ERROR
    assert words in streaming.status_reason
    assert not CameraLease.objects.exists()


def test_an_engine_that_cannot_start_is_told_by_the_status(
    streaming: Camera, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(_name: str) -> Engine:
        raise EngineError("Engine needs a package that is not installed")

    monkeypatch.setattr(workers, "get_engine", missing)
    Camera.objects.update(settings={"retry_seconds": 0})
    assert workers.watch(streaming.pk, ignore)
    streaming.refresh_from_db()
    assert (streaming.status, streaming.status_reason) == (
        CameraStatus.ERROR, "Engine needs a package that is not installed",
    )  # fmt: skip


def test_a_remote_engine_that_is_away_is_told_by_the_status(streaming: Camera) -> None:
    remote = {"url": "http://127.0.0.1:9/read", "timeout": 0.5}
    Camera.objects.update(
        settings={"engine": "http", "engine_parameters": remote, "retry_seconds": 0},
    )
    assert workers.watch(streaming.pk, ignore)
    streaming.refresh_from_db()
    assert streaming.status == CameraStatus.ERROR
    assert "remote engine cannot be reached" in streaming.status_reason


def test_cameras_that_name_no_engine_have_the_usual_one_with_its_parameters(
    camera: Camera, settings: Any
) -> None:
    settings.RECOGNITION_ENGINE = "http"
    settings.RECOGNITION_ENGINE_PARAMETERS = {"url": "http://usual.example/read"}
    camera.settings = {}
    assert workers.engine_of(camera).version == "remote engine at usual.example"
    camera.settings = {"engine": "http", "engine_parameters": {"url": "http://own.example/read"}}
    assert workers.engine_of(camera).version == "remote engine at own.example"


def test_a_crash_is_told_and_raised_and_lets_go(
    streaming: Camera, monkeypatch: pytest.MonkeyPatch, blind: None
) -> None:
    def crash(_camera: Camera, *, live: bool) -> Iterator[Frame | None]:
        yield None
        raise LookupError("rtsp://officer:hunter2@10.0.0.1/")

    monkeypatch.setattr(workers, "frames_of", crash)
    with pytest.raises(LookupError):
        workers.watch(streaming.pk, ignore)
    streaming.refresh_from_db()
    assert (streaming.status, streaming.status_reason) == (
        CameraStatus.ERROR, "La lecture s’est interrompue\u00a0: LookupError.",
    )  # fmt: skip
    assert not CameraLease.objects.exists()
    assert services.free_cameras() == [streaming.pk]


def test_a_camera_is_online_with_its_first_frame_and_not_before(
    streaming: Camera, monkeypatch: pytest.MonkeyPatch, blind: None
) -> None:
    seen: list[str] = []

    def quiet(_camera: Camera, *, live: bool) -> Iterator[Frame | None]:
        for frame in (None, None, Frame(np.zeros((180, 320, 3), np.uint8), timezone.now())):
            yield frame
            seen.append(Camera.objects.get().status)

    monkeypatch.setattr(workers, "frames_of", quiet)
    monkeypatch.setattr(workers, "RENEW_EVERY", 0.0)
    Camera.objects.update(settings={"retry_seconds": 0})
    assert workers.watch(streaming.pk, ignore)
    assert seen == [CameraStatus.OFFLINE, CameraStatus.OFFLINE, CameraStatus.ONLINE]


def test_a_broken_camera_rests_without_its_worker_and_is_tried_at_once_when_edited(
    streaming: Camera, monkeypatch: pytest.MonkeyPatch, blind: None
) -> None:
    def broken(_camera: Camera, *, live: bool) -> Iterator[Frame | None]:
        yield None
        raise SourceError("refused")

    monkeypatch.setattr(workers, "frames_of", broken)
    Camera.objects.update(settings={"retry_seconds": 60})
    started = time.monotonic()
    assert workers.watch(streaming.pk, ignore)
    assert time.monotonic() - started < 5, "its place is free again"
    assert services.free_cameras() == []
    assert not workers.watch(streaming.pk, ignore), "it rests"
    services.change_config(Camera.objects.get(), changes={"fps": 3.0}, by=None)
    assert services.free_cameras() == [streaming.pk]


class TwoPlates:
    """An engine that sees two plates in every photo."""

    name, version = "two-plates", "1"

    def find(self, image: RGB, *, thorough: bool = True) -> list[PlateRead]:
        return [
            PlateRead(
                text=text, raw_text=text, confidence=0.9, detection_confidence=0.9,
                recognition_confidence=0.9, box=box, polygon=corners(box),
                layout="one_line", candidates=(Candidate(text, 0.9),),
            )
            for text, box in (("BB6232RB", (200, 200, 320, 230)), ("AN0674RB", (420, 200, 540, 230)))
        ]  # fmt: skip

    def warm_up(self) -> None:
        pass


@pytest.fixture
def blind(monkeypatch: pytest.MonkeyPatch) -> None:
    """Recognition without a model."""
    monkeypatch.setattr(workers, "get_engine", lambda _name: TwoPlates())


@pytest.fixture
def photos(camera: Camera, tmp_path: Path) -> Path:
    """The camera's folder, with one photo in it."""
    folder = tmp_path / "photos"
    folder.mkdir()
    (folder / "a.jpg").write_bytes(picture())
    Camera.objects.update(stream_url=folder.as_uri(), settings={"retry_seconds": 0})
    return folder


def test_a_photo_read_again_after_a_crash_has_the_same_events(
    camera: Camera, photos: Path, blind: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers, "stopping", threading.Event())
    rounds: list[list[UUID | None]] = [[], []]

    def dies(_camera: Camera, _passage: Passage, event_id: UUID | None) -> None:
        assert (photos / "a.jpg").exists()
        rounds[0].append(event_id)
        if len(rounds[0]) == 2:
            raise LookupError

    def lives(_camera: Camera, _passage: Passage, event_id: UUID | None) -> None:
        assert (photos / "a.jpg").exists(), "put away before its passages were handed over"
        rounds[1].append(event_id)
        if len(rounds[1]) == 2:
            threading.Timer(0.5, workers.stopping.set).start()

    with pytest.raises(LookupError):
        workers.watch(camera.pk, dies)
    assert (photos / "a.jpg").exists()
    monkeypatch.setattr(workers, "RENEW_EVERY", 0.0)
    assert workers.watch(camera.pk, lives)
    assert not (photos / "a.jpg").exists()
    assert (photos / "done" / "a.jpg").exists()
    assert rounds[0] == rounds[1]
    assert len({event for event in rounds[0] if event}) == 2


def test_events_of_photos_differ_by_camera_plate_and_photo(camera: Camera) -> None:
    shown = Photo(np.zeros((180, 320, 3), np.uint8), timezone.now(), name="a.jpg", modified_ns=1, size=2)
    strange = replace(shown, name="\udce9.jpg")
    events = {
        workers.event_of(camera, shown, 0),
        workers.event_of(camera, shown, 1),
        workers.event_of(Camera(pk=camera.pk + 1), shown, 0),
        workers.event_of(camera, replace(shown, modified_ns=2), 0),
        workers.event_of(camera, replace(shown, size=3), 0),
        workers.event_of(camera, strange, 0),
    }
    assert len(events) == 6
    assert workers.event_of(camera, replace(shown, number=9), 0) in events


def test_vehicles_in_view_when_the_source_breaks_off_are_handed_over(
    streaming: Camera, monkeypatch: pytest.MonkeyPatch, blind: None
) -> None:
    def broken(_camera: Camera, *, live: bool) -> Iterator[Frame | None]:
        yield Frame(np.zeros((360, 640, 3), np.uint8), timezone.now())
        raise SourceError("connection reset")

    monkeypatch.setattr(workers, "frames_of", broken)
    Camera.objects.update(settings={"retry_seconds": 0})
    seen: list[tuple[str, UUID | None]] = []
    assert workers.watch(
        streaming.pk, lambda _camera, passage, event_id: seen.append((passage.read.text, event_id))
    )
    assert sorted(seen) == [("AN0674RB", None), ("BB6232RB", None)]
    streaming.refresh_from_db()
    assert streaming.status_reason == "connection reset"


def test_vehicles_in_view_are_handed_over_before_a_stopping_worker_lets_the_camera_go(
    streaming: Camera, monkeypatch: pytest.MonkeyPatch, blind: None
) -> None:
    monkeypatch.setattr(workers, "stopping", threading.Event())

    def asked_to_stop(_camera: Camera, *, live: bool) -> Iterator[Frame | None]:
        yield Frame(np.zeros((360, 640, 3), np.uint8), timezone.now())
        workers.stopping.set()
        yield None
        pytest.fail("read on")

    monkeypatch.setattr(workers, "frames_of", asked_to_stop)
    seen: list[tuple[str, bool]] = []
    assert workers.watch(
        streaming.pk,
        lambda _camera, passage, _event: seen.append((passage.read.text, CameraLease.objects.exists())),
    )
    assert sorted(seen) == [("AN0674RB", True), ("BB6232RB", True)]
    assert not CameraLease.objects.exists()
