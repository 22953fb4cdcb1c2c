"""Writes of cameras: leases of the workers that read them, and their state."""

import logging
import uuid
from datetime import timedelta

from django.db import connection
from django.db.models import Q
from django.utils import timezone

from cameras.models import Camera, CameraLease, CameraStatus

logger = logging.getLogger(__name__)

LEASE = timedelta(seconds=12)
"""A worker renews well within this; a dead worker's camera is free after it."""


def take_lease(camera_id: int) -> uuid.UUID | None:
    """Take the camera for this worker; None while another holds it. One statement, so that one wins."""
    holder, now = uuid.uuid4(), timezone.now()
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO cameras_cameralease (camera_id, holder, expires_at, frames)
            VALUES (%s, %s, %s, 0)
            ON CONFLICT (camera_id) DO UPDATE
               SET holder = EXCLUDED.holder, expires_at = EXCLUDED.expires_at, frames = 0
             WHERE cameras_cameralease.expires_at < %s
            """,
            [camera_id, str(holder), now + LEASE, now],
        )
        return holder if cursor.rowcount else None


def renew_lease(camera_id: int, holder: uuid.UUID, *, frames: int) -> bool:
    """Keep the camera; False when the lease was lost, upon which the worker must stop."""
    now = timezone.now()
    return bool(
        CameraLease.objects.filter(camera_id=camera_id, holder=holder).update(
            expires_at=now + LEASE, frames=frames, last_frame_at=now
        )
    )


def release_lease(camera_id: int, holder: uuid.UUID) -> None:
    """Give the camera back at once."""
    CameraLease.objects.filter(camera_id=camera_id, holder=holder).delete()


def free_cameras() -> list[int]:
    """Cameras that should be read and that no live worker holds."""
    held = CameraLease.objects.filter(expires_at__gte=timezone.now()).values("camera_id")
    return list(Camera.objects.to_read().exclude(pk__in=held).values_list("pk", flat=True))


def set_status(camera_id: int, status: CameraStatus, reason: str = "") -> bool:
    """Note a changed state and since when; True when it changed."""
    changed = (
        Camera.objects.filter(pk=camera_id)
        .exclude(Q(status=status) & Q(status_reason=reason))
        .update(status=status, status_reason=reason[:255], status_since=timezone.now())
    )
    if changed:
        logger.info("camera %s is %s", camera_id, status)
    return bool(changed)
