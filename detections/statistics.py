"""Figures about passages, from the roll-ups and the few passages that are not in them yet.

Figures are complete: one statement reads the roll-ups, the cursor of their consumer, and the passages beyond
that cursor (the feed's tail), so that each passage counts once, whatever is being stored meanwhile.
Hours are UTC; days and weekdays are those of the country, whose clock differs by whole hours (`check_zone`).
"""

import zoneinfo
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import Enum
from statistics import median
from typing import Any, Self

from django.conf import settings
from django.db import connection
from django.utils import timezone

from cameras.models import Camera
from detections.counting import CONSUMER, DOUBTFUL, hour_of
from detections.models import FeedCursor, Layout

HOUR, DAY, WEEK = timedelta(hours=1), timedelta(days=1), timedelta(weeks=1)
WEEKS = 4
"""Past weeks whose median is what is usual."""
FAR_BELOW = 0.5
"""Share of what is usual below which something is wrong with a camera rather than with the traffic."""

_COUNTED = """
    SELECT hour, camera_id, vehicle_type, passages, doubtful, two_line, 0 AS waiting
      FROM detections_hourlycount
     WHERE hour >= %(since)s AND hour < %(until)s AND {cameras}
    UNION ALL
    SELECT date_trunc('hour', detected_at, 'UTC'), camera_id, vehicle_type, 1,
           (confidence < %(doubtful)s)::int, (layout = %(two_line)s)::int, 1
      FROM detections_detection
     WHERE detected_at >= %(since)s AND detected_at < %(until)s AND {cameras}
       -- The first lets the planner know how few they are; the second is the cursor of this very snapshot.
       AND (ingest_xid, id) > (%(xid)s::text::xid8, %(id)s)
       AND (ingest_xid, id) > (SELECT coalesce(max(xid), 0)::text::xid8, coalesce(max(detection_id), 0)
                                 FROM detections_feedcursor WHERE consumer = %(consumer)s)
"""


class By(Enum):
    """What figures are told apart by, as SQL over the rows above."""

    HOUR = "hour"
    DAY = "(hour AT TIME ZONE %(zone)s)::date"
    CAMERA = "camera_id"
    VEHICLE = "vehicle_type"
    WEEK = "floor(extract(epoch FROM %(until)s - hour - interval '1 hour') / 604800)::int"


@dataclass(frozen=True, slots=True)
class Span:
    """Full hours, from `since` up to and without `until`."""

    since: datetime
    until: datetime

    @classmethod
    def around(cls, since: datetime, until: datetime) -> Self:
        """The full hours that hold the time between two moments."""
        last = hour_of(until)
        return cls(hour_of(since), last if last == until else last + HOUR)

    @classmethod
    def last(cls, length: timedelta, *, now: datetime) -> Self:
        """The hour that is not over yet, and those before it, of this length in all."""
        until = cls.around(now, now).until
        return cls(until - length, until)

    @classmethod
    def days(cls, count: int, *, now: datetime) -> Self:
        """Today and the days before it, by the country's clock: `count` in all."""
        midnight = timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)
        return cls(midnight - (count - 1) * DAY, midnight + DAY)


@dataclass(frozen=True, slots=True)
class Tally:
    """Passages; of them, reads in doubt and plates of two lines; `waiting`: not in the roll-ups yet."""

    passages: int = 0
    doubtful: int = 0
    two_line: int = 0
    waiting: int = 0

    def __add__(self, other: "Tally") -> "Tally":
        """Both together."""
        return Tally(
            self.passages + other.passages,
            self.doubtful + other.doubtful,
            self.two_line + other.two_line,
            self.waiting + other.waiting,
        )


def total(tallies: Mapping[Any, Tally]) -> Tally:
    """All together."""
    return sum(tallies.values(), Tally())


def tallies(period: Span, *by: By, cameras: Collection[int] | None = None) -> dict[tuple[Any, ...], Tally]:
    """The passages of a period, told apart `by` these, in their order; `cameras` None: of all cameras."""
    at = FeedCursor.objects.filter(consumer=CONSUMER).first()
    counted = _COUNTED.format(cameras="TRUE" if cameras is None else "camera_id = ANY(%(cameras)s)")
    keys = "".join(f"{one.value}, " for one in by)
    places = ", ".join(str(number) for number in range(1, len(by) + 1))
    order = f"GROUP BY {places} ORDER BY {places}" if by else ""
    sums = "sum(passages), sum(doubtful), sum(two_line), sum(waiting)"
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {keys}{sums} FROM ({counted}) AS counted {order}",  # noqa: S608 (constants only)
            {
                "since": period.since,
                "until": period.until,
                "cameras": list(cameras or ()),
                "xid": str(at.xid if at else 0),
                "id": at.row_id if at else 0,
                "consumer": CONSUMER,
                "zone": settings.TIME_ZONE,
                "doubtful": DOUBTFUL,
                "two_line": str(Layout.TWO_LINE),
            },
        )
        return {row[: len(by)]: Tally(*(int(value or 0) for value in row[len(by) :])) for row in cursor}


def passages_in(period: Span) -> int:
    """How many passages there were."""
    return tallies(period)[()].passages


# --- By the country's clock --------------------------------------------------------------------------------


def by_day(hours: Mapping[tuple[Any, ...], Tally], period: Span) -> dict[date, Tally]:
    """Tallies by hour as those of days, with the days on which there was nothing."""
    days: dict[date, Tally] = defaultdict(Tally)
    for moment in hours_of(period):
        days[timezone.localtime(moment).date()] += hours.get((moment,), Tally())
    return dict(days)


def by_week_hour(
    hours: Mapping[tuple[Any, ...], Tally], period: Span, *, now: datetime
) -> list[list[float | None]]:
    """Passages usual in each hour (0 to 23) of each weekday (Monday first): the mean over the period.

    None where no such hour has begun in the period.
    """
    sums, counts = Counter[tuple[int, int]](), Counter[tuple[int, int]]()
    for moment in hours_of(period):
        if moment < now:
            local = timezone.localtime(moment)
            sums[local.weekday(), local.hour] += hours.get((moment,), Tally()).passages
            counts[local.weekday(), local.hour] += 1
    return [
        [sums[day, hour] / counts[day, hour] if counts[day, hour] else None for hour in range(24)]
        for day in range(7)
    ]


def hours_of(period: Span) -> list[datetime]:
    """Where its hours begin, in UTC."""
    count = (period.until - period.since) // HOUR
    first = period.since.astimezone(UTC)
    return [first + number * HOUR for number in range(count)]


@dataclass(frozen=True, slots=True)
class Week:
    """Passages of a camera in the last seven days, and what is usual; None: too little is known of it."""

    actual: int
    expected: float | None

    @property
    def too_few(self) -> bool:
        """True when traffic alone does not explain so few."""
        return self.expected is not None and self.actual < FAR_BELOW * self.expected


def weeks_of(cameras: Sequence[Camera], *, now: datetime) -> dict[int, Week]:
    """The last seven days of each camera against the median of the four times seven days before.

    A camera is expected only what it did in weeks in which it was there from the beginning, at least two.
    """
    until = Span.around(now, now).since
    found = tallies(Span(until - (WEEKS + 1) * WEEK, until), By.CAMERA, By.WEEK)
    weeks = {}
    for camera in cameras:
        counts = [found.get((camera.pk, week), Tally()).passages for week in range(WEEKS + 1)]
        known = [
            counts[week] for week in range(1, WEEKS + 1) if camera.created_at <= until - (week + 1) * WEEK
        ]
        weeks[camera.pk] = Week(counts[0], float(median(known)) if len(known) >= 2 else None)
    return weeks


def check_zone(name: str, years: range = range(2015, 2041)) -> bool:
    """True where the clock of a zone differs from UTC by whole hours, all year, in all these years."""
    zone = zoneinfo.ZoneInfo(name)
    offsets = {
        datetime(year, month, day, tzinfo=UTC).astimezone(zone).utcoffset()
        for year in years
        for month in range(1, 13)
        for day in (1, 15)
    }
    return all(offset is not None and not offset % HOUR for offset in offsets)
