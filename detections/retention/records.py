"""Photos of days past, photos sent in that were dealt with, and lines of the audit trail."""

import hashlib
from collections.abc import Iterable
from datetime import UTC, datetime

from django.core.files.storage import default_storage
from django.db import connection, transaction
from django.utils import timezone

from accounts.models import AuditEvent, User
from cameras import folders
from detections.models import DataKind, DeletionCertificate, Detection, Submission, SubmissionStatus
from detections.retention import certificates, months, pictures, rules
from detections.retention.pictures import Album


def digest_of(lines: Iterable[str]) -> str:
    """SHA-256 of lines."""
    digest = hashlib.sha256()
    for line in lines:
        digest.update(f"{line}\n".encode())
    return digest.hexdigest()


def day_of(moment: datetime) -> datetime:
    """Where its day (UTC) begins: whole days of photos are deleted."""
    return moment.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def images_due(now: datetime) -> Album:
    """Photos older than they are kept, while their passages stay; the cut-out plate stays with the read."""
    return pictures.album_of(None, day_of(rules.cutoff(DataKind.IMAGES, now=now)))


def purge_images(now: datetime, *, by: User | None) -> DeletionCertificate | None:
    """Certify the photos that are due; `finish_all` deletes them. None when there are none.

    Raises months.HeldError while something needs them, like passages.
    """
    album, until = images_due(now), day_of(rules.cutoff(DataKind.IMAGES, now=now))
    if not album.images:
        return None
    months.check_free(pictures.EVER, until)
    with transaction.atomic():
        return certificates.issue(
            kind=DataKind.IMAGES,
            since=None,
            until=until,
            rows=0,
            digest=album.digest,
            album=album,
            by=by,
            started_at=now,
            finished=False,
        )


def clean_folders(now: datetime) -> int:
    """Delete photos that cameras of the kind "folder" put away once read; how many.

    They are the originals of photos that media storage has its copy of, so no certificate counts them.
    """
    paths = list(folders.put_away(rules.cutoff(DataKind.IMAGES, now=now)))
    for path in paths:
        path.unlink(missing_ok=True)
    return len(paths)


def submissions_due(now: datetime) -> Iterable[Submission]:
    """Photos sent in that were dealt with long ago."""
    cutoff = rules.cutoff(DataKind.SUBMISSIONS, now=now)
    done = Submission.objects.exclude(status=SubmissionStatus.WAITING)
    return done.filter(updated_at__lt=cutoff).order_by("created_at", "pk")


def _shows_a_passage(photo: Submission) -> bool:
    """Also where a worker stored the passage and died before it could say so."""
    passages = Detection.objects.filter(event_id=photo.event_id)
    return photo.status == SubmissionStatus.READ or passages.exists()


def purge_submissions(now: datetime, *, by: User | None) -> DeletionCertificate | None:
    """Delete them; the photo too unless a passage was read from it, whose it is then."""
    due = list(submissions_due(now))
    if not due:
        return None
    album = Album(0, 0)
    for one in due:
        if not _shows_a_passage(one) and default_storage.exists(one.image_path):
            album = Album(album.images + 1, album.bytes + default_storage.size(one.image_path))
            # Before the rows: a run that breaks off here is finished by the next one.
            default_storage.delete(one.image_path)
    with transaction.atomic():
        rows, _by_model = Submission.objects.filter(pk__in=[one.pk for one in due]).delete()
        return certificates.issue(
            kind=DataKind.SUBMISSIONS,
            since=None,
            until=rules.cutoff(DataKind.SUBMISSIONS, now=now),
            rows=rows,
            digest=digest_of(f"{one.pk} {one.event_id} {one.created_at.isoformat()}" for one in due),
            album=album,
            by=by,
            started_at=now,
            finished=True,
        )


def audit_due(now: datetime) -> int:
    """Lines of the audit trail that are older than they are kept."""
    return AuditEvent.objects.filter(at__lt=rules.cutoff(DataKind.AUDIT, now=now)).count()


def purge_audit(now: datetime, *, by: User | None) -> DeletionCertificate | None:
    """Delete them; the table lets go only of lines older than two years, and only here (accounts/0003)."""
    due = AuditEvent.objects.filter(at__lt=rules.cutoff(DataKind.AUDIT, now=now))
    with transaction.atomic():
        ids = list(due.order_by("pk").values_list("pk", "at", "action"))
        if not ids:
            return None
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL anpr.purges_audit = 'on'")
            cursor.execute(
                f"DELETE FROM {AuditEvent._meta.db_table} WHERE id = ANY(%s)",  # noqa: S608
                [[pk for pk, _at, _action in ids]],
            )
            cursor.execute("SET LOCAL anpr.purges_audit = 'off'")
        return certificates.issue(
            kind=DataKind.AUDIT,
            since=None,
            until=rules.cutoff(DataKind.AUDIT, now=now),
            rows=len(ids),
            digest=digest_of(f"{pk} {at.isoformat()} {action}" for pk, at, action in ids),
            album=Album(),
            by=by,
            started_at=now,
            finished=True,
        )


def finish_all() -> int:
    """Delete the photos of every certificate that is not finished; how many were finished."""
    count = 0
    for certificate in DeletionCertificate.objects.unfinished():
        pictures.delete(certificate.since, certificate.until)
        certificates.finish(certificate)
        count += 1
    return count


def stuck(now: datetime | None = None) -> int:
    """Certificates whose photos should be gone by now: a day is more than any run takes."""
    before = (now or timezone.now()) - pictures.DAY
    return DeletionCertificate.objects.unfinished().filter(started_at__lt=before).count()
