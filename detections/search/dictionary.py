"""The dictionary of plates seen: kept by a consumer of the feed, asked by patterns and near misses.

A search must find a passage the moment it is stored, and the dictionary lags behind by seconds. So each
question also looks at the passages beyond the consumer's cursor, in the same statement: one snapshot of both.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from django.db import connection, transaction
from psycopg2.extras import execute_values

from detections import feed
from detections.models import Detection, FeedCursor, SeenPlate
from recognition import plates

CONSUMER = "plates"
FRESH_MOST = 5000
"""Passages beyond the cursor that a search looks at; with more it says that the newest may be missing."""

PASSAGES = feed.Stream(feed.PASSAGES.name, Detection.objects.only("detected_at", "plate_number", "plate_key"))
"""The stream of passages without what the dictionary does not need."""

_REMEMBER = """
    INSERT INTO detections_seenplate AS seen (plate_number, plate_key, first_seen, last_seen) VALUES %s
    ON CONFLICT (plate_number) DO UPDATE
       SET first_seen = least(seen.first_seen, excluded.first_seen),
           last_seen = greatest(seen.last_seen, excluded.last_seen)
     WHERE excluded.first_seen < seen.first_seen OR excluded.last_seen > seen.last_seen
"""
_REBUILD = """
    INSERT INTO detections_seenplate AS seen (plate_number, plate_key, first_seen, last_seen)
    SELECT plate_number, min(plate_key), min(detected_at AT TIME ZONE 'UTC')::date,
           max(detected_at AT TIME ZONE 'UTC')::date
      FROM detections_detection WHERE ingest_xid < %s::text::xid8
     GROUP BY plate_number
    ON CONFLICT (plate_number) DO UPDATE
       SET first_seen = least(seen.first_seen, excluded.first_seen),
           last_seen = greatest(seen.last_seen, excluded.last_seen)
"""
_FRESH = """
    place AS MATERIALIZED (
        SELECT coalesce(max(xid), 0)::text::xid8 AS xid, coalesce(max(detection_id), 0) AS id
          FROM detections_feedcursor WHERE consumer = %(consumer)s
    ), fresh AS MATERIALIZED (
        SELECT plate_number, plate_key FROM detections_detection
         WHERE (ingest_xid, id) > ((SELECT xid FROM place), (SELECT id FROM place))
           AND detected_at >= %(since)s AND detected_at < %(until)s
         ORDER BY ingest_xid, id LIMIT %(fresh_most)s + 1
    )
"""
_LAGS = "SELECT NULL, NULL FROM fresh HAVING count(*) > %(fresh_most)s"
_WINDOW = "last_seen >= %(since_day)s AND first_seen <= %(until_day)s"
_LIKE = """
    WITH {fresh}
    (SELECT plate_number, plate_key FROM detections_seenplate WHERE ({likes}) AND {window} LIMIT %(most)s)
    UNION SELECT plate_number, plate_key FROM fresh WHERE {likes}
    UNION ALL {lags}
"""
# The inner LIMIT keeps it a look-up of each key in the index, however many there are; texts of one key are
# its confusions, of which no plate has that many.
_NEAR = """
    WITH near AS MATERIALIZED (
        SELECT * FROM unnest(%(keys)s::text[], %(edits)s::int[]) AS near (plate_key, edits)
    ), {fresh}
    (SELECT plate_number, plate_key FROM (
        SELECT seen.*, near.edits FROM near CROSS JOIN LATERAL (
            SELECT plate_number, plate_key FROM detections_seenplate
             WHERE detections_seenplate.plate_key = near.plate_key AND {window} LIMIT %(most)s
        ) AS seen
        UNION SELECT fresh.*, near.edits FROM fresh JOIN near USING (plate_key)
    ) AS found ORDER BY edits, plate_number LIMIT %(most)s)
    UNION ALL {lags}
"""


@dataclass(frozen=True)
class Known:
    """Plates that meet a search. `lags`: newer ones may be missing, the dictionary is far behind."""

    plates: Sequence[str]
    lags: bool = False


def remember(passages: Sequence[Detection]) -> None:
    """Consumer of the feed: enter the plates of `passages`. A repeat changes nothing."""
    days: dict[str, tuple[str, date, date]] = {}
    for passage in passages:
        day = passage.detected_at.astimezone(UTC).date()
        _key, first, last = days.get(passage.plate_number, ("", day, day))
        days[passage.plate_number] = (passage.plate_key, min(first, day), max(last, day))
    rows = [(plate, *known) for plate, known in sorted(days.items())]
    with connection.cursor() as cursor:
        execute_values(cursor.cursor, _REMEMBER, rows)


def enter(plate_number: str, seen: datetime) -> None:
    """Enter one plate, seen at that moment: an officer says so."""
    day = seen.astimezone(UTC).date()
    with connection.cursor() as cursor:
        execute_values(cursor.cursor, _REMEMBER, [(plate_number, plates.fold(plate_number), day, day)])


@transaction.atomic
def rebuild() -> int:
    """Enter the plates of all passages at once, after an import of millions; how many plates there are.

    The consumer goes on behind them.
    """
    FeedCursor.objects.get_or_create(consumer=CONSUMER)
    place = FeedCursor.objects.select_for_update().get(consumer=CONSUMER)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint")
        oldest_running = cursor.fetchone()[0]
        cursor.execute(_REBUILD, [str(oldest_running)])
    if place.xid < oldest_running:
        place.xid, place.row_id = oldest_running, 0
        place.save()
    return SeenPlate.objects.count()


def forget_plates(before: date) -> int:
    """Retention: delete the plates last seen before that day (UTC); how many."""
    return SeenPlate.objects.filter(last_seen__lt=before).delete()[0]


def like(patterns: Sequence[str], *, since: datetime, until: datetime, most: int) -> Known:
    """Plates that one of the LIKE patterns fits, seen on days of that time; `most` or a few more."""
    names = {f"like{number}": pattern for number, pattern in enumerate(patterns)}
    # A LIKE for each, not LIKE ANY: only so an index serves it.
    likes = " OR ".join(f"plate_number LIKE %({name})s" for name in names)
    return _ask(
        _LIKE.format(fresh=_FRESH, window=_WINDOW, lags=_LAGS, likes=likes), since, until, most, names
    )


def near(keys: Mapping[str, int], *, since: datetime, until: datetime, most: int) -> Known:
    """Plates of one of the keys (with the edits each takes), seen then: the nearest `most`."""
    sql = _NEAR.format(fresh=_FRESH, window=_WINDOW, lags=_LAGS)
    # As one literal each: as a list PostgreSQL would parse every one of 55,000 texts as an expression.
    edits = ",".join(map(str, keys.values()))
    literals = {"keys": "{" + ",".join(keys) + "}", "edits": "{" + edits + "}"}
    return _ask(sql, since, until, most, literals)


def _ask(sql: str, since: datetime, until: datetime, most: int, parameters: Mapping[str, Any]) -> Known:
    fixed: dict[str, Any] = {
        "consumer": CONSUMER,
        "fresh_most": FRESH_MOST,
        "since": since,
        "until": until,
        "since_day": since.astimezone(UTC).date(),
        "until_day": until.astimezone(UTC).date(),
        "most": most,
    }
    with connection.cursor() as cursor:
        cursor.execute(sql, {**fixed, **parameters})
        found = [row[0] for row in cursor.fetchall()]
    return Known([plate for plate in found if plate is not None], lags=None in found)
