"""The queue of photos: read once, by a worker that may die."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.core.files.storage import default_storage
from django.utils import timezone

from cameras.models import Camera
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
