"""Deletion certificates: issued with the deletion, in one transaction, and chained by their seals."""

import hashlib
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from accounts.models import User
from accounts.services import audit
from detections.models import DataKind, DeletionCertificate
from detections.retention import rules
from detections.retention.pictures import Album

SEALED = (
    "kind",
    "since",
    "until",
    "rows",
    "images",
    "bytes",
    "digest",
    "days",
    "by",
    "started_at",
    "previous",
)
"""The fields that the seal covers; the database refuses to change any of them."""


def issue(
    *,
    kind: DataKind,
    since: datetime | None,
    until: datetime,
    rows: int,
    digest: str,
    album: Album,
    by: User | None,
    started_at: datetime,
    finished: bool,
) -> DeletionCertificate:
    """A certificate, with its audit row. Call it in the transaction that deletes.

    `finished`: nothing is left to be deleted after the commit. `by` None: the nightly task.
    """
    with connection.cursor() as cursor:
        # One after another: each is sealed with the one before.
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('detections_deletioncertificate'))")
    last = DeletionCertificate.objects.order_by("-pk").first()
    certificate = DeletionCertificate(
        kind=kind,
        since=since,
        until=until,
        rows=rows,
        images=album.images,
        bytes=album.bytes,
        digest=digest,
        days=rules.days(kind),
        by=str(by) if by else "nightly",
        started_at=started_at,
        previous=last.seal if last else "",
        finished_at=timezone.now() if finished else None,
    )
    certificate.seal = seal_of(certificate)
    certificate.save(force_insert=True)
    audit(
        by=by,
        action="retention.delete",
        target=certificate,
        details={"kind": str(kind), "rows": rows, "images": album.images},
    )
    return certificate


def finish(certificate: DeletionCertificate) -> None:
    """Its files are gone as well."""
    with transaction.atomic():
        DeletionCertificate.objects.filter(pk=certificate.pk, finished_at=None).update(
            finished_at=timezone.now()
        )


def told(certificate: DeletionCertificate) -> dict[str, Any]:
    """A certificate as JSON: what is sealed, the seal, and when it was finished."""
    values = {name: getattr(certificate, name) for name in (*SEALED, "seal", "finished_at")}
    return {
        name: value.astimezone(UTC).isoformat() if isinstance(value, datetime) else value
        for name, value in values.items()
    }


def seal_of(certificate: DeletionCertificate) -> str:
    """SHA-256 of the sealed fields as JSON, in their order."""
    facts = told(certificate)
    text = json.dumps([facts[name] for name in SEALED], ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def faults() -> Iterator[tuple[DeletionCertificate, str]]:
    """Certificates that are not as they were issued, with what is wrong; none where the chain is whole."""
    before = ""
    for certificate in DeletionCertificate.objects.order_by("pk").iterator():
        if certificate.seal != seal_of(certificate):
            yield certificate, "its seal does not fit what it says"
        if certificate.previous != before:
            yield certificate, "the one before it is missing or was replaced"
        before = certificate.seal
