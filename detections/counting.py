"""Keeps the roll-ups: counts what the feed brings, each passage once, and checks them against a recount.

The feed's cursor says which passages are in the roll-ups: those up to it are, the others are not. It moves in
the transaction that adds them, so that both are always of one mind.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection

from detections import feed, partitions
from detections.models import DataKind, DeletionCertificate, FeedCursor, HourlyCount, Layout

CONSUMER = "statistics"
BATCH = 5_000

FIRST, LAST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)

DOUBTFUL = 0.7
"""A confidence below this makes a read doubtful: an officer looks at the photo before acting on it."""

_COUNT = """
    WITH batch AS MATERIALIZED (
        SELECT detected_at, camera_id, vehicle_type, confidence, layout, ingest_xid, id
          FROM detections_detection
         WHERE ingest_xid < pg_snapshot_xmin(pg_current_snapshot())
           AND (ingest_xid, id) > (%(xid)s::text::xid8, %(id)s)
         ORDER BY ingest_xid, id LIMIT %(batch)s
    ), added AS (
        INSERT INTO detections_hourlycount AS stored
               (hour, camera_id, vehicle_type, passages, doubtful, two_line)
        SELECT date_trunc('hour', detected_at, 'UTC'), camera_id, vehicle_type, count(*),
               count(*) FILTER (WHERE confidence < %(doubtful)s),
               count(*) FILTER (WHERE layout = %(two_line)s)
          FROM batch GROUP BY 1, 2, 3
        ON CONFLICT (hour, camera_id, vehicle_type) DO UPDATE SET
               passages = stored.passages + EXCLUDED.passages,
               doubtful = stored.doubtful + EXCLUDED.doubtful,
               two_line = stored.two_line + EXCLUDED.two_line
    )
    SELECT count(*) OVER (), ingest_xid::text::bigint, id FROM batch ORDER BY ingest_xid DESC, id DESC LIMIT 1
"""
_DIFFERENT = """
    WITH counted AS (
        SELECT date_trunc('hour', detected_at, 'UTC') AS hour, camera_id, vehicle_type, count(*) AS passages,
               count(*) FILTER (WHERE confidence < %(doubtful)s) AS doubtful,
               count(*) FILTER (WHERE layout = %(two_line)s) AS two_line
          FROM detections_detection
         WHERE detected_at >= %(since)s AND detected_at < %(until)s
           AND (ingest_xid, id) <= (%(xid)s::text::xid8, %(id)s)
         GROUP BY 1, 2, 3
    ), stored AS (
        SELECT * FROM detections_hourlycount WHERE hour >= %(since)s AND hour < %(until)s
    )
    SELECT hour, camera_id, vehicle_type, coalesce(counted.passages, 0), coalesce(counted.doubtful, 0),
           coalesce(counted.two_line, 0), coalesce(stored.passages, 0), stored.id
      FROM counted FULL JOIN stored USING (hour, camera_id, vehicle_type)
     WHERE (counted.passages, counted.doubtful, counted.two_line)
           IS DISTINCT FROM (stored.passages, stored.doubtful, stored.two_line)
     ORDER BY hour, camera_id, vehicle_type
"""


def hour_of(moment: datetime) -> datetime:
    """Where its hour (UTC) begins."""
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def count_new() -> int:
    """Add to the roll-ups what the feed holds; the number of passages counted.

    One statement a batch, in the database: the rows themselves are not needed here.
    """
    total = 0
    while True:
        count = _count_batch()
        total += count
        if count < BATCH:
            return total


def _count_batch() -> int:
    with feed.hold(CONSUMER) as seen, connection.cursor() as cursor:
        # By the index, in order: the planner takes what was just stored for a few rows, and would sort all of
        # them for each batch. (The sorts that are left cost it so much on paper that it would compile them.)
        cursor.execute("SET LOCAL enable_sort = off; SET LOCAL jit = off")
        cursor.execute(_COUNT, _parameters(seen) | {"batch": BATCH})
        found = cursor.fetchone()
        if found is None:
            return 0
        count, seen.xid, seen.row_id = found
        seen.save()
        return int(count)


def _parameters(seen: FeedCursor) -> dict[str, Any]:
    return {
        "xid": str(seen.xid),
        "id": seen.row_id,
        "doubtful": DOUBTFUL,
        "two_line": str(Layout.TWO_LINE),
    }


@dataclass(frozen=True, slots=True)
class Difference:
    """An hour whose roll-up is not what its passages are. `stored_id` is None where there is none."""

    hour: datetime
    camera_id: int
    vehicle_type: str
    passages: int
    doubtful: int
    two_line: int
    stored: int
    stored_id: int | None


def recount(*, since: datetime = FIRST, until: datetime = LAST, repair: bool = False) -> Iterator[Difference]:
    """Count again from the passages, by full hours; where the roll-ups differ. `repair` makes them right.

    Exact while passages come in: the cursor is held for a day of passages at a time, and only those up to it
    are counted. Months that were deleted keep the roll-ups that they had, also where passages came in later.
    """
    for month in partitions.months():
        start, end = (
            datetime(day.year, day.month, 1, tzinfo=UTC) for day in (month, partitions.add_months(month, 1))
        )
        day, end = max(start, hour_of(since)), min(end, hour_of(until))
        while day < end:
            yield from _recount_day(day, min(day + timedelta(days=1), end), repair=repair)
            day += timedelta(days=1)


def _recount_day(since: datetime, until: datetime, *, repair: bool) -> list[Difference]:
    with feed.hold(CONSUMER) as seen, connection.cursor() as cursor:
        # From here on no month is dropped.
        cursor.execute(f"LOCK TABLE ONLY {partitions.TABLE} IN ACCESS SHARE MODE")
        if DeletionCertificate.objects.filter(
            kind=DataKind.READS, since__lte=since, until__gt=since
        ).exists():
            return []
        cursor.execute(_DIFFERENT, _parameters(seen) | {"since": since, "until": until})
        found = [Difference(*row) for row in cursor.fetchall()]
        if repair and found:
            _repair(found)
        return found


def _repair(found: Sequence[Difference]) -> None:
    HourlyCount.objects.filter(pk__in=[one.stored_id for one in found if one.stored_id]).delete()
    HourlyCount.objects.bulk_create(
        HourlyCount(
            hour=one.hour,
            camera_id=one.camera_id,
            vehicle_type=one.vehicle_type,
            passages=one.passages,
            doubtful=one.doubtful,
            two_line=one.two_line,
        )
        for one in found
        if one.passages
    )
