"""Two workers never read one camera, and a dead worker's camera is free again."""

import threading
from contextlib import nullcontext
from datetime import timedelta
from uuid import UUID

import pytest
import time_machine
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from cameras import services
from cameras.models import Camera, CameraLease, CameraSample, CameraStatus, ModelConfig, Zone, ZoneType

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def streaming(camera: Camera) -> Camera:
    """A camera with a source."""
    camera.stream_url = "file:///tmp/clip.mp4"
    camera.save()
    return camera


def test_of_many_workers_at_once_one_gets_the_camera(streaming: Camera) -> None:
    taken: list[UUID] = []
    start = threading.Barrier(6)

    def take() -> None:
        try:
            start.wait()
            holder = services.take_lease(streaming.pk)
            if holder:
                taken.append(holder)
        finally:
            connection.close()

    threads = [threading.Thread(target=take) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(taken) == 1


def test_a_dead_workers_camera_is_taken_over_and_the_dead_one_cannot_renew(streaming: Camera) -> None:
    first = services.take_lease(streaming.pk)
    assert first is not None
    assert services.free_cameras() == []
    assert services.take_lease(streaming.pk) is None
    CameraLease.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert services.free_cameras() == [streaming.pk]
    second = services.take_lease(streaming.pk)
    assert second is not None
    assert not services.renew_lease(streaming.pk, first, frames=5)
    services.release_lease(streaming.pk, first)
    assert services.renew_lease(streaming.pk, second, frames=5)


@pytest.mark.parametrize("hours", [1, -1])
def test_a_lease_is_measured_by_the_clock_of_the_database(streaming: Camera, hours: int) -> None:
    def elsewhere() -> time_machine.travel:
        """On a host whose clock is wrong."""
        return time_machine.travel(timezone.now() + timedelta(hours=hours))

    with elsewhere() if hours < 0 else nullcontext():
        holder = services.take_lease(streaming.pk)
    assert holder is not None
    with elsewhere():
        assert services.take_lease(streaming.pk) is None
        assert services.free_cameras() == []
        assert services.renew_lease(streaming.pk, holder, frames=1)
    assert services.free_cameras() == []
    assert services.take_lease(streaming.pk) is None
    CameraLease.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    with elsewhere():
        assert services.free_cameras() == [streaming.pk]
        assert services.take_lease(streaming.pk) is not None


def test_the_time_of_the_last_frame_stands_still_without_frames(streaming: Camera) -> None:
    holder = services.take_lease(streaming.pk)
    assert holder is not None
    assert services.renew_lease(streaming.pk, holder, frames=0)
    assert CameraLease.objects.get().last_frame_at is None
    assert services.renew_lease(streaming.pk, holder, frames=3)
    seen = CameraLease.objects.get().last_frame_at
    assert seen is not None
    assert services.renew_lease(streaming.pk, holder, frames=3)
    assert CameraLease.objects.get().last_frame_at == seen


def test_cameras_without_source_or_disabled_are_not_read(camera: Camera) -> None:
    assert services.free_cameras() == []
    camera.rtsp_url = "rtsp://10.0.0.1/live"
    camera.is_enabled = False
    camera.save()
    assert services.free_cameras() == []
    camera.is_enabled = True
    camera.save()
    assert services.free_cameras() == [camera.pk]


def test_a_status_keeps_its_since_while_it_lasts(camera: Camera) -> None:
    long = "refused " * 50
    assert services.set_status(camera.pk, CameraStatus.ERROR, long)
    assert not services.set_status(camera.pk, CameraStatus.ERROR, long)
    assert services.set_status(camera.pk, CameraStatus.ERROR, "refused")
    since = Camera.objects.get().status_since
    assert not services.set_status(camera.pk, CameraStatus.ERROR, "refused")
    assert Camera.objects.get().status_since == since
    assert services.set_status(camera.pk, CameraStatus.ONLINE)


@pytest.mark.parametrize(
    "changes",
    [
        {"latitude": 91, "longitude": 0},
        {"latitude": 6, "longitude": None},
        {"fps": 0},
        {"camera_type": "drone"},
    ],
)
def test_the_database_refuses_impossible_cameras(camera: Camera, changes: dict[str, object]) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        Camera.objects.update(**changes)


def test_a_camera_that_rests_is_nobodys_until_it_is_due_or_edited(streaming: Camera) -> None:
    holder = services.take_lease(streaming.pk)
    assert holder is not None
    services.release_lease(streaming.pk, holder, rest=60)
    assert services.free_cameras() == []
    assert services.take_lease(streaming.pk) is None
    assert not services.renew_lease(streaming.pk, holder, frames=1)
    services.change_config(streaming, changes={"address": "Route 1"}, by=None)
    assert services.free_cameras() == [streaming.pk]
    again = services.take_lease(streaming.pk)
    assert again is not None
    services.release_lease(streaming.pk, again, rest=60)
    CameraLease.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert services.take_lease(streaming.pk) is not None


def test_a_zone_or_a_model_that_is_mended_wakes_the_cameras_it_may_have_broken(streaming: Camera) -> None:
    def rest() -> None:
        holder = services.take_lease(streaming.pk)
        assert holder is not None
        services.release_lease(streaming.pk, holder, rest=60)

    rest()
    square = {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 1], [0, 0]]]}
    zone = Zone(name="road", camera=streaming, zone_type=ZoneType.DETECTION, geometry=square)
    services.create_config(zone, by=None)
    assert services.free_cameras() == [streaming.pk]
    rest()
    services.delete_config(zone, by=None)
    assert services.free_cameras() == [streaming.pk]
    rest()
    services.create_config(ModelConfig(name="ours", engine="native"), by=None)
    assert services.free_cameras() == [streaming.pk]


def test_another_cameras_edit_lets_a_camera_rest(streaming: Camera) -> None:
    holder = services.take_lease(streaming.pk)
    assert holder is not None
    services.release_lease(streaming.pk, holder, rest=60)
    services.create_config(Camera(name="other", code="other"), by=None)
    assert services.free_cameras() == []


def test_online_by_the_word_of_a_worker_long_gone_is_doubted(camera: Camera) -> None:
    now = timezone.now()
    services.set_status(camera.pk, CameraStatus.ONLINE)
    CameraSample.objects.create(camera=camera, minute=now - timedelta(minutes=2))
    services.doubt_status(camera.pk)
    camera.refresh_from_db()
    assert camera.status == CameraStatus.ONLINE
    CameraSample.objects.update(minute=now - timedelta(hours=8))
    services.doubt_status(camera.pk)
    camera.refresh_from_db()
    assert camera.status == CameraStatus.OFFLINE
    assert camera.status_since
    assert camera.status_since >= now
    services.set_status(camera.pk, CameraStatus.ERROR, "x")
    services.doubt_status(camera.pk)
    camera.refresh_from_db()
    assert camera.status == CameraStatus.ERROR, "why it fails is not forgotten"
