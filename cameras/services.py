"""Writes of cameras: what people configure, leases of the workers that read them, and their state."""

import logging
import uuid
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, TypeVar

from django.db import IntegrityError, connection, transaction
from django.db.models import Case, F, ProtectedError, Q, When
from django.db.models.functions import Now
from django.utils import timezone

from accounts.models import User
from accounts.services import audit
from cameras import samples
from cameras.models import (
    Camera,
    CameraLease,
    CameraStatus,
    Configured,
    ModelConfig,
    SensorSettings,
    Zone,
    check_zones,
)
from cameras.sealed import Unopened

logger = logging.getLogger(__name__)

LEASE = timedelta(seconds=6)
"""A worker renews well within this; a dead worker's camera is free after it. Measured by the clock of the
database alone: those of the hosts may differ by more than this."""

NOBODY = uuid.UUID(int=0)
"""Holds the lease of a camera that rests: none is to try it before its lease has run out."""


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


def release_lease(camera_id: int, holder: uuid.UUID, *, rest: float = 0.0) -> None:
    """Give the camera back: at once, or to be tried by nobody for `rest` seconds, unless it is edited."""
    lease = CameraLease.objects.filter(camera_id=camera_id, holder=holder)
    if rest > 0:
        lease.update(holder=NOBODY, expires_at=Now() + timedelta(seconds=rest))
    else:
        lease.delete()


def free_cameras() -> list[int]:
    """Cameras that should be read now and that no live worker holds."""
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


def doubt_status(camera_id: int) -> None:
    """A camera that is online by the word of a worker long gone is so no more: nobody has read it since."""
    now = timezone.now()
    if not samples.latest([camera_id], now=now, within=samples.RECENT):
        Camera.objects.filter(pk=camera_id, status=CameraStatus.ONLINE).update(
            status=CameraStatus.OFFLINE, status_reason="", status_since=now
        )


# --- What people configure: cameras, zones, recognition models, sensors -----------------------------------

Row = TypeVar("Row", bound=Configured)


class StaleError(Exception):
    """Somebody else has changed the row since it was read: nothing was changed."""


class ConflictError(Exception):
    """Another row, written at the same moment, takes the name or the place of this one."""


class InUseError(Exception):
    """What is to be deleted is needed by others."""


@transaction.atomic
def create_config(
    row: Row, *, by: User | None, zones: Sequence[Zone] = (), ip_address: str | None = None
) -> Row:
    """Store a new row with its audit row; `zones` are those of a sensor.

    Raises ValidationError (fields and reasons) and ConflictError.
    """
    if getattr(row, "is_default", False):
        _lock_usual_model()
    _check(row, zones, by=by)
    _save(row)
    if isinstance(row, SensorSettings):
        row.zones.set(zones)
    _wake(row)
    audit(by=by, action=f"{row.noun}.create", target=row, details=_told(row, ()), ip_address=ip_address)
    return row


@transaction.atomic
def change_config(
    row: Row,
    *,
    by: User | None,
    changes: Mapping[str, Any],
    revision: int | None = None,
    ip_address: str | None = None,
) -> Row:
    """Change these fields of a row; the audit row names them, never what they hold.

    `revision` is the one that the writer has seen; None overwrites any. Without a difference nothing is
    written. Raises StaleError, ValidationError and ConflictError.
    """
    if changes.get("is_default"):
        _lock_usual_model()
    stored = type(row)._default_manager.select_for_update().get(pk=row.pk)
    if revision not in (None, stored.revision):
        raise StaleError
    zones = changes.get("zones") if isinstance(stored, SensorSettings) else None
    changed = [name for name, value in changes.items() if name != "zones" and _differs(stored, name, value)]
    for name in changed:
        setattr(stored, name, changes[name])
    if isinstance(stored, SensorSettings):
        before = list(stored.zones.all())
        zones = before if zones is None else list(zones)
        if {zone.pk for zone in zones} != {zone.pk for zone in before}:
            changed.append("zones")
    if not changed:
        return stored
    _check(stored, zones or (), by=by)
    stored.revision += 1
    _save(stored, [name for name in changed if name != "zones"])
    if isinstance(stored, SensorSettings) and "zones" in changed:
        stored.zones.set(zones or ())
    _wake(stored)
    details = _told(stored, sorted(changed))
    audit(by=by, action=f"{row.noun}.change", target=stored, details=details, ip_address=ip_address)
    return stored


@transaction.atomic
def delete_config(
    row: Configured, *, by: User | None, revision: int | None = None, ip_address: str | None = None
) -> None:
    """Delete a row, with its audit row; a camera takes its zones along.

    Raises StaleError, and InUseError where passages, sensors or cameras need it.
    """
    stored = type(row)._default_manager.select_for_update().get(pk=row.pk)
    if revision not in (None, stored.revision):
        raise StaleError
    if isinstance(stored, Zone):
        stored.sensors.update(revision=F("revision") + 1, updated_at=timezone.now())
    _wake(stored)
    audit(by=by, action=f"{row.noun}.delete", target=stored, details=_told(stored, ()), ip_address=ip_address)
    try:
        with transaction.atomic():
            stored.delete()
    except (ProtectedError, IntegrityError) as error:
        raise InUseError from error


def reseal_cameras() -> int:
    """Encrypt the addresses of all cameras with the first of the keys; how many were written.

    What no key opens stays as it is. Nothing that people configure changes, so neither does the revision.
    """
    count = 0
    for pk in Camera.objects.exclude(stream_url="", rtsp_url="").values_list("pk", flat=True):
        with transaction.atomic():
            camera = Camera.objects.select_for_update().filter(pk=pk).first()
            if camera and not any(isinstance(a, Unopened) for a in (camera.stream_url, camera.rtsp_url)):
                Camera.objects.filter(pk=pk).update(stream_url=camera.stream_url, rtsp_url=camera.rtsp_url)
                count += 1
    return count


def _wake(row: Configured) -> None:
    """Let cameras that rest be tried at once: what was changed may have mended them."""
    resting = CameraLease.objects.filter(holder=NOBODY)
    if isinstance(row, Camera | Zone):
        resting.filter(camera=row if isinstance(row, Camera) else row.camera).delete()
    elif isinstance(row, ModelConfig):
        resting.delete()


def _differs(stored: Configured, name: str, value: object) -> bool:
    before = getattr(stored, name)
    # Empty is not the same as what no key opens: whoever empties such an address means it.
    return before != value or isinstance(before, Unopened)


def _lock_usual_model() -> None:
    """Until the end of the transaction nobody else chooses the usual model. Before any row is locked."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('cameras.usual_model'))")


def _check(row: Configured, zones: Sequence[Zone], *, by: User | None) -> None:
    """All rules of the row. A new usual model takes the place of the former one, which is audited too."""
    if isinstance(row, ModelConfig) and row.is_default:
        for former in ModelConfig.objects.select_for_update().filter(is_default=True).exclude(pk=row.pk):
            ModelConfig.objects.filter(pk=former.pk).update(
                is_default=False, revision=F("revision") + 1, updated_at=timezone.now()
            )
            audit(by=by, action="model.change", target=former, details=_told(former, ["is_default"]))
    if isinstance(row, SensorSettings):
        check_zones(row.camera, zones)
    row.full_clean()


def _save(row: Configured, changed: Sequence[str] | None = None) -> None:
    """Write a new row, or these fields of a known one. Raises ConflictError."""
    fields = None if changed is None else [*changed, "revision", "updated_at"]
    try:
        with transaction.atomic():
            row.save(update_fields=fields)
    except IntegrityError:
        # Checked a moment ago: another writer was quicker. The chain is cut, since it tells the whole row.
        raise ConflictError from None


def _told(row: Configured, fields: Sequence[str]) -> dict[str, Any]:
    """What the audit trail tells of a row: its name and the names of changed fields."""
    return {"name": str(row)} | ({"fields": list(fields)} if fields else {})
