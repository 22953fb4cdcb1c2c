"""The feed: every stored passage, in ingest order, to each named consumer exactly once.

The table is the queue. Each row carries the number of the transaction that inserted it (`ingest_xid`). A
consumer reads only rows of transactions below the oldest one still running
(`pg_snapshot_xmin(pg_current_snapshot())`): any transaction below it has ended, so nothing can still appear
behind the cursor, and a late commit is never skipped. The cursor moves in the transaction of the consumer's
own writes: after a crash the batch is read again and its writes were rolled back.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from celery import current_app
from django.conf import settings
from django.db import connection, transaction
from kombu.exceptions import OperationalError

from detections.models import Detection, FeedCursor

logger = logging.getLogger(__name__)

BATCH = 500

_NEXT = """
    SELECT id, detected_at, ingest_xid::text::bigint
      FROM detections_detection
     WHERE ingest_xid < pg_snapshot_xmin(pg_current_snapshot())
       AND (ingest_xid, id) > (%s::text::xid8, %s)
     ORDER BY ingest_xid, id
     LIMIT %s
"""


Handler = Callable[[Sequence[Detection]], object]
"""What a consumer does with a batch, in the transaction that moves its cursor."""


class FeedMovedError(RuntimeError):
    """The cursor belongs to another PostgreSQL cluster; see `rebase`."""


@dataclass(frozen=True)
class Lag:
    """How far behind a consumer is: passages waiting, and seconds since the oldest of them was stored."""

    passages: int
    seconds: float


def consume(consumer: str, handle: Handler, *, batch: int = BATCH) -> int:
    """Give `handle` all passages that the consumer has not seen, in batches; the number of passages given.

    One consumer of a name runs at a time: a second call waits for the first and then sees what is new.
    """
    total = 0
    while True:
        count = _consume_batch(consumer, handle, batch)
        total += count
        if count < batch:
            return total


@transaction.atomic
def _consume_batch(consumer: str, handle: Handler, batch: int) -> int:
    FeedCursor.objects.get_or_create(consumer=consumer)
    cursor = FeedCursor.objects.select_for_update().get(consumer=consumer)
    with connection.cursor() as sql:
        _check_same_cluster(sql, cursor)
        sql.execute(_NEXT, [str(cursor.xid), cursor.detection_id, batch])
        rows = sql.fetchall()
    if not rows:
        return 0
    ids, moments = [row[0] for row in rows], [row[1] for row in rows]
    found = (
        Detection.objects.filter(pk__in=ids, detected_at__range=(min(moments), max(moments)))
        .select_related("camera")
        .in_bulk()
    )
    handle([found[pk] for pk in ids if pk in found])
    cursor.xid, cursor.detection_id = rows[-1][2], rows[-1][0]
    cursor.save()
    return len(rows)


def _check_same_cluster(sql: Any, cursor: FeedCursor) -> None:
    """A cursor ahead of every transaction of this cluster was made in another one: data were restored."""
    sql.execute("SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint")
    if cursor.xid > sql.fetchone()[0]:
        raise FeedMovedError(
            f"The feed of {cursor.consumer!r} comes from another PostgreSQL cluster (restored data): nothing "
            "would be matched. Run: manage.py rebase_feed"
        )


@transaction.atomic
def rebase() -> int:
    """After data were restored into another cluster: make rows and cursors fit; the number of rows touched.

    Transaction numbers of the old cluster mean nothing in the new one. Restored rows become the oldest of the
    feed, in the order of their ids; a cursor stands before the first row that its consumer had not seen, so
    that some are given again (consumers take repeats) and none is skipped.
    """
    with connection.cursor() as sql:
        sql.execute("SELECT pg_snapshot_xmax(pg_current_snapshot())")
        newest = sql.fetchone()[0]
        for cursor in FeedCursor.objects.select_for_update():
            if cursor.xid <= int(newest):
                continue
            sql.execute(
                """
                SELECT coalesce(min(id) FILTER (WHERE (ingest_xid, id) > (%s::text::xid8, %s)) - 1,
                                max(id), 0)
                  FROM detections_detection WHERE ingest_xid > %s::text::xid8
                """,
                [str(cursor.xid), cursor.detection_id, str(newest)],
            )
            cursor.xid, cursor.detection_id = 0, sql.fetchone()[0]
            cursor.save()
        sql.execute(
            "UPDATE detections_detection SET ingest_xid = '0'::xid8 WHERE ingest_xid > %s::text::xid8",
            [str(newest)],
        )
        return int(sql.rowcount)


def lag(consumer: str) -> Lag:
    """What the consumer has not seen yet. Raises FeedMovedError after a restore into another cluster."""
    cursor = FeedCursor.objects.filter(consumer=consumer).first()
    with connection.cursor() as sql:
        if cursor:
            _check_same_cluster(sql, cursor)
        sql.execute(
            """
            SELECT count(*), coalesce(extract(epoch FROM now() - min(created_at)), 0)
              FROM detections_detection WHERE (ingest_xid, id) > (%s::text::xid8, %s)
            """,
            [str(cursor.xid if cursor else 0), cursor.detection_id if cursor else 0],
        )
        passages, seconds = sql.fetchone()
    return Lag(passages, float(seconds))


def wake() -> None:
    """Tell the consumers (setting FEED_CONSUMERS: names of tasks) that passages came in."""
    for task in settings.FEED_CONSUMERS:
        _send(task)


def wake_readers() -> None:
    """Tell the recognition workers that a photo waits."""
    _send("detections.tasks.read_submissions")


def _send(task: str) -> None:
    """Send a wake-up. Without a broker it is only noted: the next sweep of beat finds what is stored."""
    try:
        current_app.send_task(task, retry=False, ignore_result=True, expires=30)
    except (OperationalError, OSError):
        logger.warning("no broker: %s waits for the next sweep", task)


# --- Consumers that count in the database ------------------------------------------------------------------


@contextmanager
def hold(consumer: str) -> Iterator[FeedCursor]:
    """The cursor of a consumer, held until the end of the transaction: what it has seen stays as it is.

    Who has seen more moves it and saves it within. Raises FeedMovedError after a restore.
    """
    with transaction.atomic():
        FeedCursor.objects.get_or_create(consumer=consumer)
        cursor = FeedCursor.objects.select_for_update().get(consumer=consumer)
        with connection.cursor() as sql:
            _check_same_cluster(sql, cursor)
        yield cursor
