"""The feed: every stored passage, and every correction, in ingest order, to each named consumer exactly once.

The tables are the queues. Each row carries the number of the transaction that inserted it (`ingest_xid`). A
consumer reads only rows of transactions below the oldest one still running
(`pg_snapshot_xmin(pg_current_snapshot())`): any transaction below it has ended, so nothing can still appear
behind the cursor, and a late commit is never skipped. The cursor moves in the transaction of the consumer's
own writes: after a crash the batch is read again and its writes were rolled back.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from django.conf import settings
from django.db import InterfaceError, OperationalError, connection, models, transaction
from django.db.models import F
from django.db.models.functions import Coalesce, Now

from accounts.services import audit
from detections import wake_ups
from detections.models import Correction, Detection, FeedCursor

logger = logging.getLogger(__name__)

BATCH = 500
LAG_COUNTED = 10_000
"""More passages than this are not counted one by one."""

_BY_INDEX = "SET LOCAL enable_sort = off; SET LOCAL jit = off"
_AS_EVER = "SET LOCAL enable_sort TO DEFAULT; SET LOCAL jit TO DEFAULT"

RowT = TypeVar("RowT", bound=models.Model)
Position = tuple[int, int]
"""A place in a stream: transaction and row; what stands there has been seen."""


@dataclass(frozen=True)
class Stream(Generic[RowT]):
    """Rows that only come, in a table with the columns `detected_at`, `created_at` and `ingest_xid`."""

    name: str
    rows: models.QuerySet[RowT]

    @property
    def table(self) -> str:
        """Its table."""
        return str(self.rows.model._meta.db_table)

    def page(self, after: Position, limit: int) -> tuple[list[Position], dict[int, RowT]]:
        """Places of the rows after one, oldest first, and what is there; all below the oldest transaction.

        A row that retention takes away in between has its place, but nothing is there.
        """
        with transaction.atomic(), connection.cursor() as sql:
            # Right after millions of rows came in, the planner does not know of them: it would sort all that
            # wait, for each page.
            sql.execute(_BY_INDEX)
            sql.execute(
                f"""
                SELECT id, detected_at, ingest_xid::text::bigint FROM {self.table}
                 WHERE ingest_xid < pg_snapshot_xmin(pg_current_snapshot())
                   AND (ingest_xid, id) > (%s::text::xid8, %s)
                 ORDER BY ingest_xid, id LIMIT %s
                """,  # noqa: S608 (the table's name is ours)
                [str(after[0]), after[1], limit],
            )
            found = sql.fetchall()
            sql.execute(_AS_EVER)
        if not found:
            return [], {}
        moments = [moment for _pk, moment, _xid in found]
        rows = self.rows.filter(
            pk__in=[pk for pk, _moment, _xid in found], detected_at__range=(min(moments), max(moments))
        )
        return [(xid, pk) for pk, _moment, xid in found], rows.in_bulk()


PASSAGES = Stream("passages", Detection.objects.select_related("camera"))
CORRECTIONS = Stream("corrections", Correction.objects.select_related("created_by"))
STREAMS: dict[str, Stream[Any]] = {stream.name: stream for stream in (PASSAGES, CORRECTIONS)}

Handler = Callable[[Sequence[RowT]], object]
"""What a consumer does with a batch, in the transaction that moves its cursor."""


class FeedMovedError(RuntimeError):
    """The cursor belongs to another PostgreSQL cluster; see `rebase`."""


@dataclass(frozen=True)
class Lag:
    """How far behind a consumer is: passages (or corrections) waiting, seconds since the oldest was stored.

    `more`: there are more of them than `passages`, where counting ended.
    """

    passages: int
    seconds: float
    more: bool = False


def consume(consumer: str, handle: Handler[Detection], *, batch: int = BATCH) -> int:
    """`follow` for passages."""
    return follow(PASSAGES, consumer, handle, batch=batch)


def follow(stream: Stream[RowT], consumer: str, handle: Handler[RowT], *, batch: int = BATCH) -> int:
    """Give `handle` all rows that the consumer has not seen, in batches; the number of rows given.

    One consumer of a name runs at a time: a second call waits for the first and then sees what is new.

    A batch that fails is tried again in halves, until one row alone fails: what came before it is through,
    the cursor says since when the consumer stands still, and what `handle` raised is raised.
    """
    FeedCursor.objects.get_or_create(consumer=consumer, defaults={"stream": stream.name})
    total = 0
    while True:
        try:
            count = _give_batch(stream, consumer, handle, batch)
        except (FeedMovedError, OperationalError, InterfaceError):
            raise
        except Exception as error:
            if batch == 1:
                _note_failure(consumer, error)
                raise
            batch = max(1, batch // 2)
            continue
        total += count
        if count < batch:
            return total


def _give_batch(stream: Stream[RowT], consumer: str, handle: Handler[RowT], batch: int) -> int:
    with hold(consumer) as cursor:
        places, found = stream.page((cursor.xid, cursor.row_id), batch)
        if places:
            handle([found[pk] for _xid, pk in places if pk in found])
            _move(cursor, places[-1])
        return len(places)


@contextmanager
def hold(consumer: str) -> Iterator[FeedCursor]:
    """The cursor of a consumer, held until the end of the transaction: what it has seen stays as it is.

    For consumers that work in the database alone: who has seen more moves it and saves it within. Raises
    FeedMovedError after a restore.
    """
    with transaction.atomic():
        FeedCursor.objects.get_or_create(consumer=consumer)
        cursor = FeedCursor.objects.select_for_update().get(consumer=consumer)
        check_same_cluster(cursor.xid, consumer)
        yield cursor


def _note_failure(consumer: str, error: Exception) -> None:
    """On the cursor, for /health, /metrics and the console. Not the error's text: it may name a plate."""
    kind = type(error).__name__
    FeedCursor.objects.filter(consumer=consumer).update(
        failures=F("failures") + 1, failing_since=Coalesce("failing_since", Now()), error=kind[:100]
    )
    place = FeedCursor.objects.values_list("xid", "row_id").get(consumer=consumer)
    logger.error("feed: %s cannot take the row after %s-%s: %s", consumer, *place, kind)


def check_same_cluster(xid: int, reader: str) -> None:
    """A place ahead of every transaction of this cluster was taken in another one: data were restored.

    Raises FeedMovedError.
    """
    with connection.cursor() as sql:
        sql.execute("SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint")
        if xid > sql.fetchone()[0]:
            raise FeedMovedError(
                f"The feed of {reader!r} comes from another PostgreSQL cluster (restored data): nothing "
                "would be matched. Run: manage.py rebase_feed"
            )


@transaction.atomic
def rebase() -> int:
    """After data were restored into another cluster: make rows and cursors fit; the number of rows touched.

    Transaction numbers of the old cluster mean nothing in the new one. Restored rows become the oldest of
    their stream, in the order of their ids; a cursor stands before the first row that its consumer had not
    seen, so that some are given again (consumers take repeats) and none is skipped.
    """
    with connection.cursor() as sql:
        sql.execute("SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint")
        newest = sql.fetchone()[0]
        for cursor in FeedCursor.objects.select_for_update().filter(xid__gt=newest):
            sql.execute(
                f"""
                SELECT coalesce(min(id) FILTER (WHERE (ingest_xid, id) > (%s::text::xid8, %s)) - 1,
                                max(id), 0)
                  FROM {STREAMS[cursor.stream].table} WHERE ingest_xid > %s::text::xid8
                """,  # noqa: S608 (the table's name is ours)
                [str(cursor.xid), cursor.row_id, str(newest)],
            )
            cursor.xid, cursor.row_id = 0, sql.fetchone()[0]
            cursor.save()
        return sum(_rebase_rows(sql, stream, newest) for stream in STREAMS.values())


def _rebase_rows(sql: Any, stream: Stream[Any], newest: int) -> int:
    sql.execute(
        f"UPDATE {stream.table} SET ingest_xid = '0'::xid8 WHERE ingest_xid > %s::text::xid8",  # noqa: S608
        [str(newest)],
    )
    return int(sql.rowcount)


def lag(consumer: str) -> Lag:
    """What the consumer has not seen yet. Raises FeedMovedError after a restore into another cluster."""
    cursor = FeedCursor.objects.filter(consumer=consumer).first() or FeedCursor(consumer=consumer)
    check_same_cluster(cursor.xid, consumer)
    with connection.cursor() as sql:
        sql.execute(
            f"""
            SELECT count(*), coalesce(extract(epoch FROM now() - min(created_at)), 0) FROM (
                SELECT created_at FROM {STREAMS[cursor.stream].table}
                 WHERE (ingest_xid, id) > (%s::text::xid8, %s)
                 ORDER BY ingest_xid, id LIMIT %s
            ) AS waiting
            """,  # noqa: S608 (the table's name is ours)
            [str(cursor.xid), cursor.row_id, LAG_COUNTED + 1],
        )
        rows, seconds = sql.fetchone()
    return Lag(min(rows, LAG_COUNTED), float(seconds), more=rows > LAG_COUNTED)


def position_before(stream: Stream[Any], moment: datetime) -> Position | None:
    """The place before the first row that was stored at `moment` or later; None when there is none.

    Looks through the whole table: minutes at twenty million rows.
    """
    with connection.cursor() as sql:
        sql.execute(
            f"SELECT ingest_xid::text::bigint, id - 1 FROM {stream.table} WHERE created_at >= %s "  # noqa: S608
            "ORDER BY ingest_xid, id LIMIT 1",
            [moment],
        )
        found: Position | None = sql.fetchone()
    return found


@transaction.atomic
def replay(consumer: str, *, after: Position, reason: str) -> FeedCursor:
    """Give the consumer again what comes after a place behind its cursor; leaves an audit row.

    Raises FeedCursor.DoesNotExist, and ValueError for a place ahead of the cursor: that would skip passages.
    """
    cursor = FeedCursor.objects.select_for_update().get(consumer=consumer)
    before = (cursor.xid, cursor.row_id)
    if not (0, 0) <= after <= before:
        raise ValueError("That place is ahead of the cursor: passages would be skipped.")
    _move(cursor, after)
    audit(
        by=None,
        action="feed.replay",
        target=cursor,
        reason=reason,
        details={"from": list(before), "to": list(after)},
    )
    return cursor


@transaction.atomic
def skip(consumer: str, *, reason: str) -> FeedCursor:
    """Let a consumer that fails pass over the one row at which it stands still; leaves an audit row.

    Raises FeedCursor.DoesNotExist, and ValueError for a consumer that does not fail.
    """
    cursor = FeedCursor.objects.select_for_update().get(consumer=consumer)
    places, _found = STREAMS[cursor.stream].page((cursor.xid, cursor.row_id), 1)
    if not cursor.failures or not places:
        raise ValueError("This consumer does not fail: nothing is to be passed over.")
    _move(cursor, places[0])
    audit(by=None, action="feed.skip", target=cursor, reason=reason, details={"row": list(places[0])})
    return cursor


def _move(cursor: FeedCursor, to: Position) -> None:
    cursor.xid, cursor.row_id = to
    cursor.failures, cursor.failing_since, cursor.error = 0, None, ""
    cursor.save()


def wake() -> None:
    """Tell the consumers (setting FEED_CONSUMERS: names of tasks) that passages came in."""
    wake_ups.ring(settings.FEED_CONSUMERS)


def wake_for_corrections() -> None:
    """Tell the consumers of corrections (setting CORRECTION_CONSUMERS) that an officer made one."""
    wake_ups.ring(settings.CORRECTION_CONSUMERS)


def wake_readers() -> None:
    """Tell the recognition workers that a photo waits."""
    wake_ups.ring(["detections.tasks.read_submissions"])
