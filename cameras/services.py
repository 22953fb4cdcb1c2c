"""Writes of cameras: leases of the workers that read them, and their state."""

import logging
import uuid
from datetime import timedelta

from django.db import connection
from django.db.models import Case, F, Q, When
from django.db.models.functions import Now
from django.utils import timezone

from cameras.models import Camera, CameraLease, CameraStatus

logger = logging.getLogger(__name__)

LEASE = timedelta(seconds=12)
"""A worker renews well within this; a dead worker's camera is free after it. Measured by the clock of the
database alone: those of the hosts may differ by more than this."""


def take_lease(camera_id: int) -> uuid.UUID | None:
    """Take the camera for this worker; None while another holds it. One statement, so that one wins."""
    holder = uuid.uuid4()
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO cameras_cameralease (camera_id, holder, expires_at, frames)
            VALUES (%s, %s, statement_timestamp() + make_interval(secs => %s), 0)
            ON CONFLICT (camera_id) DO UPDATE
               SET holder = EXCLUDED.holder, expires_at = EXCLUDED.expires_at, frames = 0
             WHERE cameras_cameralease.expires_at < statement_timestamp()
            """,
            [camera_id, str(holder), LEASE.total_seconds()],
        )
        return holder if cursor.rowcount else None


def renew_lease(camera_id: int, holder: uuid.UUID, *, frames: int) -> bool:
    """Keep the camera; False when the lease was lost, upon which the worker must stop.

    `frames`: how many came since the lease was taken.
    """
    return bool(
        CameraLease.objects.filter(camera_id=camera_id, holder=holder).update(
            expires_at=Now() + LEASE,
            frames=frames,
            last_frame_at=Case(When(frames__lt=frames, then=Now()), default=F("last_frame_at")),
        )
    )


def release_lease(camera_id: int, holder: uuid.UUID) -> None:
    """Give the camera back at once."""
    CameraLease.objects.filter(camera_id=camera_id, holder=holder).delete()


def free_cameras() -> list[int]:
    """Cameras that should be read and that no live worker holds."""
    held = CameraLease.objects.filter(expires_at__gte=Now()).values("camera_id")
    return list(Camera.objects.to_read().exclude(pk__in=held).values_list("pk", flat=True))


def set_status(camera_id: int, status: CameraStatus, reason: str = "") -> bool:
    """Note a changed state and since when; True when it changed."""
    reason = reason[:255]
    changed = (
        Camera.objects.filter(pk=camera_id)
        .exclude(Q(status=status) & Q(status_reason=reason))
        .update(status=status, status_reason=reason, status_since=timezone.now())
    )
    if changed:
        logger.info("camera %s is %s", camera_id, status)
    return bool(changed)
