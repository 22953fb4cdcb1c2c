"""The queue of photos: read once, by a worker that may die."""

import threading
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.core.files.storage import default_storage
from django.utils import timezone

from cameras import workers
from cameras.models import Camera, Zone, ZoneType
from conftest import picture
from detections import submissions, tasks
from detections.models import Detection, Submission, SubmissionStatus
from detections.services import PhotoRefusedError, submit_photo
from recognition.images import to_jpeg
from recognition.synthesis import draw_photo

pytestmark = pytest.mark.django_db(transaction=True)

NOBODY_LISTENS = {"url": "http://127.0.0.1:9/", "timeout": 1}


def submit(camera: Camera, photo: bytes, **changes: Any) -> Submission:
    """A photo sent in now."""
    fields: dict[str, Any] = {"detected_at": timezone.now(), "event_id": uuid4()} | changes
    return submit_photo(camera=camera, photo=photo, **fields)


@pytest.mark.models
def test_a_photo_is_read_once_and_becomes_a_passage(camera: Camera) -> None:
    submission = submit(camera, to_jpeg(draw_photo("BB6232RB", "car", seed=3)))
    assert tasks.read_submissions() == 1
    submission.refresh_from_db()
    assert submission.status == SubmissionStatus.READ
    passage = Detection.objects.get(pk__in=submission.detections)
    assert (passage.plate_number, passage.event_id) == ("BB6232RB", submission.event_id)
    assert passage.image_path == submission.image_path
    assert passage.bounding_box
    assert passage.image_data
    assert tasks.read_submissions() == 0


@pytest.mark.models
def test_a_photo_without_plate_says_so(camera: Camera) -> None:
    submission = submit(camera, picture(colour="#345"))
    tasks.read_submissions()
    submission.refresh_from_db()
    assert submission.status == SubmissionStatus.NO_PLATE
    assert not Detection.objects.exists()


def test_a_claimed_photo_is_another_workers_only_after_the_first_died(camera: Camera) -> None:
    submission = submit(camera, picture())
    assert submissions.claim() == submission
    assert submissions.claim() is None
    Submission.objects.update(not_before=timezone.now() - timedelta(seconds=1))
    again = submissions.claim()
    assert again is not None
    assert again.attempts == 2


def test_a_photo_that_kills_its_worker_is_given_up(camera: Camera) -> None:
    submission = submit(camera, picture())
    Submission.objects.update(attempts=submissions.MAX_ATTEMPTS)
    claimed = submissions.claim()
    assert claimed is not None
    assert submissions.read(claimed) == SubmissionStatus.FAILED
    submission.refresh_from_db()
    assert submission.error


def test_a_photo_lost_from_storage_is_told(camera: Camera) -> None:
    submission = submit(camera, picture())
    default_storage.delete(submission.image_path)
    tasks.read_submissions()
    submission.refresh_from_db()
    assert submission.status == SubmissionStatus.FAILED


def lost(camera: Camera) -> None:
    """A photo that is soon done with: it is missing from storage."""
    default_storage.delete(submit(camera, picture()).image_path)


def test_one_thread_of_a_process_reads_photos_and_leaves_the_others_to_cameras(
    camera: Camera, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost(camera)
    lost(camera)
    read, meanwhile = submissions.read, []

    def reading(submission: Submission) -> SubmissionStatus:
        meanwhile.append(tasks.read_submissions())
        return read(submission)

    monkeypatch.setattr(submissions, "read", reading)
    assert tasks.read_submissions() == 2
    assert meanwhile == [0, 0]
    lost(camera)
    assert tasks.read_submissions() == 1, "it begins again after it ended"


def test_after_a_photo_that_fails_unforeseen_others_are_read(
    camera: Camera, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost(camera)
    with monkeypatch.context() as patch:
        patch.setattr(submissions, "read", lambda _submission: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            tasks.read_submissions()
    lost(camera)
    assert tasks.read_submissions() == 1


def test_a_worker_that_stops_leaves_the_photos_that_wait(
    camera: Camera, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        lost(camera)
    read = submissions.read
    monkeypatch.setattr(workers, "stopping", threading.Event())

    def asked_to_stop(submission: Submission) -> SubmissionStatus:
        workers.stopping.set()
        return read(submission)

    monkeypatch.setattr(submissions, "read", asked_to_stop)
    assert tasks.read_submissions() == 1
    assert Submission.objects.waiting().filter(attempts=0).count() == 2
    workers.stopping.clear()
    monkeypatch.setattr(submissions, "read", read)
    assert tasks.read_submissions() == 2


@pytest.mark.parametrize(
    ("camera_size", "size", "same"),
    [
        ((1920, 1080), (1280, 720), True),
        ((1920, 1080), (1280, 700), True),
        ((1920, 1080), (1280, 960), False),
        ((1920, 1080), (720, 1280), False),
        ((1920, 1080), (240, 135), True),
        ((None, None), (1280, 960), True),
        ((None, None), (257, 80), True),
        ((None, None), (256, 80), False),
    ],
)
def test_a_photo_of_another_shape_is_no_view_of_the_camera(
    camera_size: tuple[int | None, int | None], size: tuple[int, int], same: bool
) -> None:
    camera = Camera(width=camera_size[0], height=camera_size[1])
    assert submissions.is_view_of(camera, *size) is same


@pytest.mark.models
@pytest.mark.parametrize("shape", ["view", "crop"])
def test_zones_hold_in_views_of_the_camera_and_lose_no_plate_of_a_crop(camera: Camera, shape: str) -> None:
    everywhere = {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 1], [0, 0]]]}
    Zone.objects.create(
        name="all", camera=camera, zone_type=ZoneType.EXCLUSION, space="picture", geometry=everywhere
    )
    view = draw_photo("BB6232RB", "car", seed=3)
    height, width = view.shape[:2]
    camera.width, camera.height = width, height
    camera.save()
    submission = submit(camera, to_jpeg(view if shape == "view" else view[:, width // 8 : -width // 8]))
    assert tasks.read_submissions() == 1
    submission.refresh_from_db()
    read = list(Detection.objects.values_list("plate_number", flat=True))
    if shape == "view":
        assert (submission.status, read) == (SubmissionStatus.NO_PLATE, [])
    else:
        assert (submission.status, read) == (SubmissionStatus.READ, ["BB6232RB"])


def test_a_refused_photo_leaves_nothing(camera: Camera) -> None:
    with pytest.raises(PhotoRefusedError) as refused:
        submit(camera, picture()[:-900])
    assert refused.value.refusal.code == "truncated"
    with pytest.raises(PhotoRefusedError):
        submit(camera, picture(), detected_at=timezone.now() + timedelta(days=1))
    assert not Submission.objects.exists()
    assert not default_storage.exists("frames")


@pytest.mark.models
@pytest.mark.parametrize(
    ("broken", "why"),
    [
        ([1], "{...}"),
        ({"engine": "http", "engine_parameters": NOBODY_LISTENS}, "cannot be reached"),
    ],
)
def test_a_photo_waits_until_settings_and_engine_are_mended(camera: Camera, broken: Any, why: str) -> None:
    Camera.objects.update(settings=broken)
    submission = submit(camera, to_jpeg(draw_photo("BB6232RB", "car", seed=3)))
    for _ in range(submissions.MAX_ATTEMPTS + 1):
        Submission.objects.update(not_before=timezone.now())
        assert tasks.read_submissions() == 1
    submission.refresh_from_db()
    assert submission.status == SubmissionStatus.WAITING
    assert why in submission.error
    Camera.objects.update(settings={})
    Submission.objects.update(not_before=timezone.now())
    tasks.read_submissions()
    submission.refresh_from_db()
    assert (submission.status, submission.error) == (SubmissionStatus.READ, "")
