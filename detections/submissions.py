"""The queue of photos that wait to be read: claim, read, record, settle."""

import logging
import uuid
from dataclasses import replace
from datetime import timedelta

from django.conf import settings
from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from cameras.models import Camera
from cameras.options import CameraSettingsError
from detections import services
from detections.models import Source, Submission, SubmissionStatus
from detections.reading import new_passage, stored
from recognition.engines import EngineError
from recognition.images import ImageError

logger = logging.getLogger(__name__)

CLAIM = timedelta(seconds=60)
"""A claimed photo is given to another worker after this: its worker died."""

MAX_ATTEMPTS = 3

SAME_SHAPE = 0.05
"""By so much the shape of a photo may differ from that of its camera's picture and still show its view."""

CROP_SIDE = 256
"""Pixels of the longest side up to which a photo is taken for a crop where its camera's shape is unknown."""


def claim() -> Submission | None:
    """The oldest waiting photo, taken for this worker; None when there is none."""
    with transaction.atomic():
        submission = (
            Submission.objects.waiting()
            .select_for_update(skip_locked=True, of=("self",))
            .select_related("camera", "created_by")
            .order_by("not_before")
            .first()
        )
        if submission is None:
            return None
        Submission.objects.filter(pk=submission.pk).update(
            attempts=F("attempts") + 1, not_before=timezone.now() + CLAIM, updated_at=timezone.now()
        )
        submission.attempts += 1
        return submission


def read(submission: Submission) -> SubmissionStatus:
    """Read a claimed photo and store what it shows; give up one that kills its worker again and again.

    While its camera's settings or the engine are out of order it waits, and says why.
    """
    from cameras.workers import engine_of
    from recognition.images import open_image
    from recognition.tracking import read_photo

    if submission.attempts > MAX_ATTEMPTS:
        return settle(submission, SubmissionStatus.FAILED, error="gave up after several attempts")
    try:
        with default_storage.open(submission.image_path) as photo:
            image = open_image(photo.read(), max_pixels=settings.MAX_IMAGE_PIXELS)
    except ImageError as error:
        return settle(submission, SubmissionStatus.FAILED, error=error.code)
    except FileNotFoundError:
        return settle(submission, SubmissionStatus.FAILED, error="the photo is missing from storage")
    try:
        zoned = is_view_of(submission.camera, *image.shape[1::-1])
        found = read_photo(image, submission.detected_at, engine_of(submission.camera, zoned=zoned))
    except (CameraSettingsError, EngineError) as error:
        return _postpone(submission, str(error))
    if not found:
        return settle(submission, SubmissionStatus.NO_PLATE)
    outcomes = services.record(
        [
            replace(
                new_passage(
                    passage,
                    camera=submission.camera,
                    source=Source.PHOTO,
                    event_id=submission.event_id
                    if not index
                    else uuid.uuid5(submission.event_id, str(index)),
                    frame_path=submission.image_path,
                    metadata=submission.metadata,
                    by=submission.created_by,
                ),
                # What the sender said of a vehicle is said of the plate that stands out.
                **(submission.extra if not index else {}),
            )
            for index, passage in enumerate(found)
        ]
    )
    ids = stored(outcomes)
    if not ids:
        refusals = {outcome.refusal.code for outcome in outcomes if outcome.refusal}
        return settle(submission, SubmissionStatus.NO_PLATE, error=", ".join(sorted(refusals)))
    return settle(submission, SubmissionStatus.READ, detections=ids)


def is_view_of(camera: Camera, width: int, height: int) -> bool:
    """Whether a photo of so many pixels shows the camera's whole picture, so that zones drawn there hold."""
    if camera.width and camera.height:
        return abs(width * camera.height / (height * camera.width) - 1) <= SAME_SHAPE
    return max(width, height) > CROP_SIDE


def _postpone(submission: Submission, reason: str) -> SubmissionStatus:
    """Leave it to be tried again: the camera's settings or the engine have to be mended, not the photo."""
    Submission.objects.filter(pk=submission.pk).update(
        attempts=F("attempts") - 1, error=reason[:255], updated_at=timezone.now()
    )
    logger.error("photo %s waits: %s", submission.pk, reason)
    return SubmissionStatus.WAITING


def settle(
    submission: Submission, status: SubmissionStatus, *, error: str = "", detections: list[int] | None = None
) -> SubmissionStatus:
    """Close the submission with its result."""
    Submission.objects.filter(pk=submission.pk).update(
        status=status, error=error, detections=detections or [], updated_at=timezone.now()
    )
    if status == SubmissionStatus.FAILED:
        logger.error("photo %s failed: %s", submission.pk, error)
    return status
