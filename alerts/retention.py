"""Alerts that were closed long ago are deleted, with their own copies of photos."""

from datetime import datetime

from django.core.files.storage import default_storage
from django.db import transaction

from accounts.models import User
from alerts.models import Alert, AlertQuerySet
from detections.models import DataKind, DeletionCertificate
from detections.retention import certificates, rules
from detections.retention.pictures import Album
from detections.retention.records import digest_of


def due(now: datetime) -> AlertQuerySet:
    """Resolved alerts that are older than they are kept. Those that nobody has resolved stay."""
    cutoff = rules.cutoff(DataKind.ALERTS, now=now)
    found: AlertQuerySet = Alert.objects.filter(resolved_at__lt=cutoff).order_by("pk")
    return found


def purge(now: datetime, *, by: User | None) -> DeletionCertificate | None:
    """Delete them. Their photos first: a run that breaks off in between is finished by the next one."""
    rows = list(due(now).values_list("pk", "created_at", "plate_number", "image_path"))
    if not rows:
        return None
    keys = [pk for pk, _created, _plate, _path in rows]
    album = _delete_photos(keys, {path for *_rest, path in rows if path})
    with transaction.atomic():
        Alert.objects.filter(pk__in=keys).delete()
        return certificates.issue(
            kind=DataKind.ALERTS,
            since=None,
            until=rules.cutoff(DataKind.ALERTS, now=now),
            rows=len(rows),
            digest=digest_of(f"{pk} {created.isoformat()} {plate}" for pk, created, plate, _path in rows),
            album=album,
            by=by,
            started_at=now,
            finished=True,
        )


def _delete_photos(keys: list[int], paths: set[str]) -> Album:
    """Those that no other alert shows: two lists may have met one passage."""
    shared = set(
        Alert.objects.filter(image_path__in=paths).exclude(pk__in=keys).values_list("image_path", flat=True)
    )
    images = size = 0
    for path in paths - shared:
        if default_storage.exists(path):
            images, size = images + 1, size + default_storage.size(path)
            default_storage.delete(path)
    return Album(images, size)
