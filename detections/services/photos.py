"""Photos that wait to be read."""

import uuid
from datetime import datetime
from typing import Any

from django.core.files.storage import default_storage
from django.db import transaction

from accounts.models import ApiKey, User
from cameras.models import Camera
from detections import feed, images
from detections.models import Submission
from detections.passages import Refusal, check_time, times_taken
from detections.services.recording import refusal_of
from recognition.images import ImageError


class PhotoRefusedError(Exception):
    """A photo cannot be taken; `refusal` says why."""

    def __init__(self, refusal: Refusal) -> None:
        """Carries the refusal to the caller."""
        super().__init__(refusal.message)
        self.refusal = refusal


def submit_photo(
    *,
    camera: Camera,
    photo: bytes,
    detected_at: datetime,
    event_id: uuid.UUID,
    metadata: dict[str, Any] | None = None,
    extra: dict[str, Any] | None = None,
    api_key: ApiKey | None = None,
    by: User | None = None,
) -> Submission:
    """Keep a photo for the recognition workers; the same `event_id` again gives the first submission.

    `extra`: what the sender knows of the vehicle (fields of NewPassage), kept for the passage to come.

    Raises PhotoRefusedError when the picture or the time breaks a rule; then nothing is stored.
    """
    found = Submission.objects.filter(event_id=event_id).first()
    if found:
        return found
    try:
        picture = images.check(photo)
    except ImageError as error:
        raise PhotoRefusedError(refusal_of(error, "frame")) from error
    refusal = check_time(detected_at, times_taken())
    if refusal:
        raise PhotoRefusedError(refusal)
    path = images.store(picture, folder=f"frames/{camera.code}", name=str(event_id), at=detected_at)
    with transaction.atomic():
        try:
            submission, created = Submission.objects.get_or_create(
                event_id=event_id,
                defaults={
                    "camera": camera,
                    "detected_at": detected_at,
                    "image_path": path,
                    "metadata": {**(metadata or {}), "frame_sha256": picture.digest},
                    "extra": extra or {},
                    "api_key": api_key,
                    "created_by": by,
                },
            )
        except BaseException:
            default_storage.delete(path)
            raise
        transaction.on_commit(feed.wake_readers, robust=True)
    if not created:
        default_storage.delete(path)
    return submission
