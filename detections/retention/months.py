"""Passages are deleted by whole months: the partition is dropped, and what belongs to it goes with it.

Roll-ups (`HourlyCount`) stay: they tell of no plate. An alert keeps its own copy of the read and its photo,
and so does whatever else needs a passage for longer: it is asked before (setting RETENTION_HOLDS).
"""

import hashlib
import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import OperationalError, connection, transaction
from django.utils import timezone
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _

from accounts.models import User
from detections import feed, partitions
from detections.corrections import forget_corrections
from detections.models import DataKind, DeletionCertificate, FeedCursor, Stay
from detections.retention import certificates, pictures, rules
from detections.search.dictionary import forget_plates

logger = logging.getLogger(__name__)

LOCK_TIMEOUT_MS = 2_000
"""Ingest waits behind the lock that dropping needs: rather give up and try again than make it wait longer."""
ATTEMPTS = 5
PAUSE_SECONDS = 3.0


class HeldError(Exception):
    """A month cannot be dropped now; the text says why, to be shown."""


class ChangedError(Exception):
    """Passages came into the month while it was read."""


@dataclass(frozen=True, slots=True)
class Contents:
    """How many passages a month has, and their SHA-256."""

    rows: int
    digest: str


def bounds(month: date) -> tuple[datetime, datetime]:
    """From when to when (UTC) a month lasts."""
    following = partitions.add_months(month, 1)
    return (
        datetime(month.year, month.month, 1, tzinfo=UTC),
        datetime(following.year, following.month, 1, tzinfo=UTC),
    )


def due(now: datetime) -> list[date]:
    """Months all of whose passages are older than they are kept, oldest first."""
    cutoff = rules.cutoff(DataKind.READS, now=now)
    return [month for month in partitions.months() if bounds(month)[1] <= cutoff]


# --- Who still needs a month --------------------------------------------------------------------------------


def check_free(since: datetime, until: datetime) -> None:
    """Let everything that needs passages of a time, or their photos, copy them out. Raises HeldError.

    Functions named in RETENTION_HOLDS get its bounds; what they raise holds all of it.
    """
    check_consumed(since, until)
    for name in settings.RETENTION_HOLDS:
        try:
            import_string(name)(since, until)
        except HeldError:
            raise
        except Exception as error:
            raise HeldError(f"{name}: {type(error).__name__}") from error


def check_consumed(since: datetime, until: datetime) -> None:
    """Every consumer of the feed has seen all passages of a time. Raises HeldError."""
    consumers = list(FeedCursor.objects.all())
    if sum(one.stream == feed.PASSAGES.name for one in consumers) < len(settings.FEED_CONSUMERS):
        raise HeldError(_("a consumer of the feed has never run"))
    with connection.cursor() as cursor:
        for one in consumers:
            cursor.execute(
                f"SELECT EXISTS (SELECT 1 FROM {feed.STREAMS[one.stream].table} "  # noqa: S608 (names of ours)
                "WHERE (ingest_xid, id) > (%s::text::xid8, %s) AND detected_at >= %s AND detected_at < %s)",
                [str(one.xid), one.row_id, since, until],
            )
            if cursor.fetchone()[0]:
                raise HeldError(_("the consumer %s has not seen all of it") % one.consumer)


# --- What goes with a month ---------------------------------------------------------------------------------


def _stays(month: date) -> None:
    """How long its vehicles stood."""
    table = partitions.name_of(month)
    with connection.cursor() as cursor:
        stays = Stay._meta.db_table
        cursor.execute(f"DELETE FROM {stays} USING {table} AS gone WHERE {stays}.event_id = gone.event_id")  # noqa: S608


def _corrections(month: date) -> None:
    """What officers said of its reads."""
    forget_corrections(month, partitions.add_months(month, 1) - timedelta(days=1))


def _plates(month: date) -> None:
    """Plates that no month which stays has seen."""
    forget_plates(min(other for other in partitions.months() if other != month))


GOES_WITH_A_MONTH = (_stays, _plates)
"""Called with the month, in the transaction that drops it, before its lock is taken: they take their time."""


# --- Dropping -----------------------------------------------------------------------------------------------


def drop(month: date, *, by: User | None) -> DeletionCertificate:
    """Drop a month with its certificate; its photos are deleted by `finish` or by the next run.

    Raises HeldError when something needs it, passages still came in, or the table was never free.
    """
    started, (since, until) = timezone.now(), bounds(month)
    album = pictures.album_of(since, until)
    for _attempt in range(ATTEMPTS):
        try:
            contents = read(month)
            # After the count: what comes in from here on is noticed by it.
            check_free(since, until)
            with transaction.atomic():
                _drop(month, contents)
                return certificates.issue(
                    kind=DataKind.READS,
                    since=since,
                    until=until,
                    rows=contents.rows,
                    digest=contents.digest,
                    album=album,
                    by=by,
                    started_at=started,
                    finished=False,
                )
        except (OperationalError, ChangedError) as error:
            logger.warning("month %s is not dropped yet: %s", month, type(error).__name__)
            time.sleep(PAUSE_SECONDS)
    raise HeldError(_("its table was never free to be dropped"))


def read(month: date) -> Contents:
    """Count and digest a month: a line "id event time plate" for each passage, by id. Memory stays flat."""
    digest, count = hashlib.sha256(), 0
    for block in _lines(partitions.name_of(month)):
        count += len(block)
        digest.update("".join(block).encode())
    return Contents(count, digest.hexdigest())


def _lines(table: str) -> Iterator[list[str]]:
    with transaction.atomic(), connection.chunked_cursor() as cursor:
        # Times in one form, whatever the session's zone.
        moment = "extract(epoch FROM detected_at)"
        line = f"concat(id, ' ', event_id, ' ', {moment}, ' ', plate_number, chr(10))"
        cursor.execute(f"SELECT {line} FROM {table} ORDER BY id")  # noqa: S608 (a name of ours)
        while rows := cursor.fetchmany(10_000):
            yield [line for (line,) in rows]


def _drop(month: date, contents: Contents) -> None:
    table = partitions.name_of(month)
    for also in GOES_WITH_A_MONTH:
        also(month)
    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL lock_timeout = {LOCK_TIMEOUT_MS}")
        # The parent first, as every query takes them: no deadlock.
        cursor.execute(f"LOCK TABLE ONLY {partitions.TABLE} IN ACCESS EXCLUSIVE MODE")
        cursor.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
        cursor.execute(f"SELECT count(*) FROM {table}")  # noqa: S608 (a name of ours)
        row: tuple[Any, ...] = cursor.fetchone()
        if row[0] != contents.rows:
            raise ChangedError
        # They are few; made by an officer until just now, they would stay behind.
        _corrections(month)
        cursor.execute(f"DROP TABLE {table}")
