"""The purge: what retention makes due, over all apps, and its deletion. Every night; safe to break off."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from django.db import connection
from django.utils import timezone

import alerts.retention
from accounts.models import User
from detections import partitions
from detections.models import DataKind, DeletionCertificate
from detections.retention import months, pictures, records, rules

logger = logging.getLogger(__name__)


class BusyError(RuntimeError):
    """Another purge runs."""


@dataclass(frozen=True, slots=True)
class Due:
    """Something that would go now: rows or images where they are counted, `held` where it cannot go yet."""

    kind: DataKind
    until: datetime
    rows: int | None = None
    images: int | None = None
    bytes: int | None = None
    held: str = ""


def due(now: datetime) -> list[Due]:
    """All that would go now. Months are told with the planner's estimate of their rows."""
    found = [*_months_due(now)]
    album = records.images_due(now)
    if album.images:
        until = records.day_of(rules.cutoff(DataKind.IMAGES, now=now))
        held = _held(pictures.EVER, until)
        found.append(Due(DataKind.IMAGES, until, None, album.images, album.bytes, held))
    for kind, count in (
        (DataKind.SUBMISSIONS, len(list(records.submissions_due(now)))),
        (DataKind.ALERTS, alerts.retention.due(now).count()),
        (DataKind.AUDIT, records.audit_due(now)),
    ):
        if count:
            found.append(Due(kind, rules.cutoff(kind, now=now), rows=count))
    return found


def _months_due(now: datetime) -> Iterator[Due]:
    sizes = {one.month: one.rows for one in partitions.listed()}
    for month in months.due(now):
        since, until = months.bounds(month)
        album = pictures.album_of(since, until)
        yield Due(DataKind.READS, until, sizes.get(month), album.images, album.bytes, _held(since, until))


def _held(since: datetime, until: datetime) -> str:
    """Why passages of a time cannot go yet, as far as it is known without asking who would copy them out."""
    try:
        months.check_consumed(since, until)
    except months.HeldError as error:
        return str(error)
    return ""


def purge(*, kinds: set[DataKind] | None = None, by: User | None = None) -> list[DeletionCertificate]:
    """Delete what is due (of these kinds; None: of all); the certificates.

    First what an earlier run left unfinished. What is held is logged and left for the next night. Raises
    BusyError when another purge runs.
    """
    now, issued = timezone.now(), list[DeletionCertificate]()
    wanted = kinds or set(DataKind)
    with _alone():
        records.finish_all()
        if DataKind.READS in wanted:
            issued += _purge_months(now, by)
        steps: dict[DataKind, Callable[..., DeletionCertificate | None]] = {
            DataKind.IMAGES: records.purge_images,
            DataKind.SUBMISSIONS: records.purge_submissions,
            DataKind.ALERTS: alerts.retention.purge,
            DataKind.AUDIT: records.purge_audit,
        }
        for kind, step in steps.items():
            try:
                if kind in wanted and (certificate := step(now, by=by)):
                    issued.append(certificate)
            except months.HeldError as error:
                logger.error("%s are kept: %s", kind.value, error)  # noqa: TRY400 (the reason is the message)
        records.finish_all()
        if DataKind.IMAGES in wanted:
            _clean_folders(now)
    return issued


def _clean_folders(now: datetime) -> None:
    try:
        records.clean_folders(now)
    except OSError as error:
        # Somebody else's disk: away, or not ours to write.
        logger.warning("folders of cameras are not cleaned: %s", error.strerror)


def _purge_months(now: datetime, by: User | None) -> Iterator[DeletionCertificate]:
    for month in months.due(now):
        try:
            yield months.drop(month, by=by)
        except months.HeldError as error:
            logger.error("month %s is kept: %s", month, error)  # noqa: TRY400 (the reason is the message)
            continue
        # Before the next month: whatever breaks off leaves one month to finish.
        records.finish_all()


@contextmanager
def _alone() -> Iterator[None]:
    """One purge at a time, over all machines; the lock ends with the connection."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(hashtext('anpr purge'))")
        if not cursor.fetchone()[0]:
            raise BusyError("Another purge runs.")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(hashtext('anpr purge'))")
