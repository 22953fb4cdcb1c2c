"""The passages of a search, a page at a time, in both directions, without ever counting.

All statements name the time window by constants, so that PostgreSQL opens its months only.
"""

import base64
import binascii
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Any, Self

from django.db import connection, transaction

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
MANY = 40
"""Plates that are asked for at once; of one rank: from so many on the time window is asked in parts."""
_FIRST_PART = timedelta(days=7)


@dataclass(frozen=True)
class Place:
    """Between two passages of a result: `rank` of the plate (0 is best), then time, then key.

    `back` asks for what comes before it, else for what comes after.
    """

    rank: int
    detected_at: datetime
    pk: int
    back: bool = False

    def encode(self) -> str:
        """Opaque text for addresses and cursors; holds no plate."""
        parts = [self.rank, (self.detected_at - _EPOCH) // _MICROSECOND, self.pk, int(self.back)]
        return base64.urlsafe_b64encode(json.dumps(parts).encode()).decode().rstrip("=")

    @classmethod
    def decode(cls, text: str) -> Self:
        """Raises ValueError for what `encode` never gave."""
        try:
            parts = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
            rank, microseconds, pk, back = (int(part) for part in parts)
            moment = _EPOCH + microseconds * _MICROSECOND
        except (TypeError, OverflowError, RecursionError, binascii.Error) as error:
            raise ValueError("no place") from error
        if not (0 <= rank < 2**31 and 0 <= pk < 2**63):
            raise ValueError("no place")
        return cls(rank, moment, pk, bool(back))


@dataclass(frozen=True)
class Sighting:
    """One passage of a result: where it is, and the rank of its plate.

    `corrected` is the plate that it has by an officer's word, where it was found by that; else "".
    """

    pk: int
    detected_at: datetime
    rank: int
    corrected: str = ""

    def place(self, *, back: bool = False) -> Place:
        """The place just after it, or before it."""
        return Place(self.rank, self.detected_at, self.pk, back)


@dataclass(frozen=True, kw_only=True)
class Window:
    """Which passages count, whatever their plates: `since` included, `until` not; None: all cameras."""

    since: datetime
    until: datetime
    cameras: Sequence[int] | None = None


# Plates in force by an officer's word; `corrected` is put in by name into both statements below.
_CORRECTED = """
    SELECT id, detected_at, corrected FROM (
        SELECT seen.id, seen.detected_at, seen.camera_id, said.plate_number AS corrected
          FROM detections_correction AS said
          JOIN detections_detection AS seen
            ON seen.id = said.detection_id AND seen.detected_at = said.detected_at
         WHERE said.kind = 'corrected' AND {meets}
           AND said.detected_at >= %(since)s AND said.detected_at < %(until)s
           AND NOT EXISTS (
            SELECT FROM detections_correction AS later
             WHERE later.detection_id = said.detection_id AND later.id > said.id)
    ) AS words WHERE {window} AND {beyond}
"""
# For each plate no more than a page is read from its own index, however often it was seen.
_OF_PLATES = """
    SELECT seen.id, seen.detected_at, near.rank, seen.corrected
      FROM unnest(%(plates)s::text[], %(ranks)s::int[]) AS near (plate, rank)
     CROSS JOIN LATERAL (
         (SELECT id, detected_at, '' AS corrected FROM detections_detection
           WHERE plate_number = near.plate AND {window} AND {beyond}
           ORDER BY detected_at {order}, id {order} LIMIT %(size)s)
         UNION ALL
         (SELECT * FROM ({corrected}) AS words ORDER BY detected_at {order}, id {order} LIMIT %(size)s)
     ) AS seen
     ORDER BY near.rank {rank_order}, seen.detected_at {order}, seen.id {order} LIMIT %(size)s
"""
# OFFSET 0 keeps the planner from guessing how rare the pattern is, and reading whole months for it: the
# passages come by the index of their time until the page is full.
_LIKE = """
    (SELECT id, detected_at, 0 AS rank, '' AS corrected
       FROM (SELECT id, detected_at, plate_number FROM detections_detection WHERE {window} AND {beyond}
              ORDER BY detected_at {order}, id {order} OFFSET 0) AS newest
      WHERE {likes}
      ORDER BY detected_at {order}, id {order} LIMIT %(size)s)
    UNION ALL
    (SELECT id, detected_at, 0, corrected FROM ({corrected}) AS words
      ORDER BY detected_at {order}, id {order} LIMIT %(size)s)
    ORDER BY detected_at {order}, id {order} LIMIT %(size)s
"""


def of_plates(ranks: Mapping[str, int], window: Window, *, place: Place | None, size: int) -> list[Sighting]:
    """Passages of the plates: by rank (0 first), then newest first; `size` at most, from `place` on."""
    kept = {plate: rank for plate, rank in ranks.items() if place is None or _counts(rank, place)}
    if place and set(kept.values()) == {place.rank}:
        window = _narrowed(window, place)
    beyond = f"(near.rank <> %(rank)s OR {_beyond(place)})" if place else "TRUE"
    found: list[Sighting] = []
    for some, part in _portions(kept, window, place):
        rows = _ask(
            _OF_PLATES,
            part,
            place,
            size - len(found),
            {"plates": list(some), "ranks": list(some.values())},
            beyond=beyond,
            meets="said.plate_number = near.plate",
        )
        found = rows + found if place and place.back else found + rows
        if len(found) == size:
            break
    return found


def _portions(
    kept: Mapping[str, int], window: Window, place: Place | None
) -> Iterator[tuple[Mapping[str, int], Window]]:
    """What to ask for in turn until the page is full, in the order that results come in.

    Plates of one rank are ordered by time alone: the window in parts, where they are many. Others: some
    plates at a time, the best first; those of one rank stay together.
    """
    if len(set(kept.values())) == 1:
        parts = _parts(window, place) if len(kept) > MANY else [window]
        yield from ((kept, part) for part in parts)
        return
    some: dict[str, int] = {}
    back = bool(place and place.back)
    ordered = sorted(kept.items(), key=lambda item: item[1], reverse=back)
    for _rank, group in groupby(ordered, key=lambda item: item[1]):
        some.update(group)
        if len(some) >= MANY:
            yield some, window
            some = {}
    if some:
        yield some, window


def like(patterns: Sequence[str], window: Window, *, place: Place | None, size: int) -> list[Sighting]:
    """Passages whose plate fits a LIKE pattern, newest first, by reading the window until the page is full.

    For patterns that many plates meet: such passages are common, and the reading soon ends.
    """
    names = {f"like{number}": pattern for number, pattern in enumerate(patterns)}
    likes = " OR ".join(f"plate_number LIKE %({name})s" for name in names)
    meets = f"({likes.replace('plate_number', 'said.plate_number')})"
    narrowed = _narrowed(window, place)
    # Else the planner, who does not see that the reading soon ends, would sort a year of passages first.
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_sort = off; SET LOCAL enable_seqscan = off")
        found = _ask(_LIKE, narrowed, place, size, names, likes=likes, meets=meets, beyond=_beyond(place))
        cursor.execute("SET LOCAL enable_sort TO DEFAULT; SET LOCAL enable_seqscan TO DEFAULT")
    return found


def _parts(window: Window, place: Place | None) -> Iterator[Window]:
    """The window in parts, each twice as long as the one before, in the order that results come in.

    Of many plates some passed lately: the older months need not be asked for each of them.
    """
    span = _FIRST_PART
    if place and place.back:
        start = window.since
        while start < window.until:
            end = min(window.until, start + span)
            yield replace(window, since=start, until=end)
            start, span = end, 2 * span
        return
    end = window.until
    while end > window.since:
        start = max(window.since, end - span)
        yield replace(window, since=start, until=end)
        end, span = start, 2 * span


def _counts(rank: int, place: Place) -> bool:
    return rank <= place.rank if place.back else rank >= place.rank


def _beyond(place: Place | None) -> str:
    if place is None:
        return "TRUE"
    return f"(detected_at, id) {'>' if place.back else '<'} (%(at)s, %(pk)s)"


def _narrowed(window: Window, place: Place | None) -> Window:
    """Where time alone orders, the place ends the window, and the months beyond it are not opened."""
    if place is None:
        return window
    if place.back:
        return replace(window, since=max(window.since, place.detected_at))
    if place.detected_at >= window.until:
        return window
    return replace(window, until=place.detected_at + _MICROSECOND)


def _ask(
    sql: str,
    window: Window,
    place: Place | None,
    size: int,
    parameters: Mapping[str, Any],
    *,
    meets: str,
    **parts: str,
) -> list[Sighting]:
    back = bool(place and place.back)
    within = "detected_at >= %(since)s AND detected_at < %(until)s"
    if window.cameras is not None:
        within += " AND camera_id = ANY(%(cameras)s)"
    order = {"order": "ASC" if back else "DESC", "rank_order": "DESC" if back else "ASC"}
    corrected = _CORRECTED.format(window=within, meets=meets, beyond=parts["beyond"])
    with connection.cursor() as cursor:
        cursor.execute(
            sql.format(window=within, corrected=corrected, **order, **parts),
            {
                **parameters,
                "since": window.since,
                "until": window.until,
                "cameras": list(window.cameras or ()),
                "size": size,
                **({"rank": place.rank, "at": place.detected_at, "pk": place.pk} if place else {}),
            },
        )
        found = [Sighting(*row) for row in cursor.fetchall()]
    return found[::-1] if back else found
