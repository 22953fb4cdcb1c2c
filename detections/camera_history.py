"""How a camera fared over a day or a week: its figures by the half hour, or by three hours."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from django.db.models import Count, F, Value
from django.utils import timezone

from cameras import samples
from cameras.models import Camera
from detections.camera_health import usual
from detections.models import Detection
from detections.statistics import HOUR, WEEK, WEEKS, By, Span, tallies

FULLY, PARTLY = 0.95, 0.05
"""Shares of a stretch from which a camera counts as online, and as online now and then."""


class Period(NamedTuple):
    """So many stretches of such a length, up to now."""

    length: timedelta
    stretches: int


DAY = Period(timedelta(minutes=30), 48)
PERIODS = {"24h": DAY, "7j": Period(timedelta(hours=3), 56)}


@dataclass(frozen=True, slots=True)
class Point:
    """A camera in one stretch of time; None where nothing is known. `expected` is for the part gone by."""

    start: datetime
    fps: float | None
    fps_asked: float | None
    read_ms: float | None
    delay_seconds: float | None
    online: float
    passages: int
    expected: float | None


def _measured(now: datetime) -> datetime:
    """Until when workers have written their figures: the last full minute, and a moment to write it."""
    return samples.minute_of(now - timedelta(seconds=5))


def _starts(period: Period, until: datetime) -> list[datetime]:
    """Where the stretches begin, by the clock on the wall; the last one may not be over."""
    last_second = timezone.localtime(until - timedelta(seconds=1))
    midnight = last_second.replace(hour=0, minute=0, second=0, microsecond=0)
    last = midnight + (last_second - midnight) // period.length * period.length
    return [last - n * period.length for n in reversed(range(period.stretches))]


def history_of(camera: Camera, period: Period, *, now: datetime) -> list[Point]:
    """A camera's past, oldest first. Two queries."""
    measured = _measured(now)
    starts = _starts(period, measured)
    until = starts[-1] + period.length
    figures = {
        one.start: one
        for one in samples.stretches(camera.pk, since=starts[0], until=until, length=period.length)
    }
    counts = _counts(camera, starts[0], until, period.length)
    points = []
    for start in starts:
        known = figures.get(start)
        past = [
            counts.get(start - week * WEEK, 0)
            for week in range(1, WEEKS + 1)
            if camera.created_at <= start - week * WEEK
        ]
        gone = min(1.0, (measured - start) / period.length)
        expected = usual(past)
        points.append(
            Point(
                start,
                known.fps if known else None,
                known.fps_asked if known else None,
                known.read_seconds * 1000 if known and known.read_seconds is not None else None,
                known.delay_seconds if known else None,
                min(1.0, known.seconds_online / (gone * period.length.total_seconds())) if known else 0.0,
                counts.get(start, 0),
                None if expected is None else expected * gone,
            )
        )
    return points


def _counts(camera: Camera, since: datetime, until: datetime, length: timedelta) -> dict[datetime, int]:
    """Passages of these stretches, and of the same ones of past weeks."""
    if not length % HOUR:
        hours = tallies(Span(since - WEEKS * WEEK, until), By.HOUR, cameras=[camera.pk])
        counts: Counter[datetime] = Counter()
        for (hour,), tally in hours.items():
            counts[since + (hour - since) // length * length] += tally.passages
        return counts
    weeks = [
        Detection.objects.filter(
            camera=camera, detected_at__gte=since - week * WEEK, detected_at__lt=until - week * WEEK
        )
        .order_by()
        .annotate(start=samples.Bin(Value(length), F("detected_at"), Value(since)))
        .values_list("start")
        .annotate(count=Count("pk"))
        for week in range(WEEKS + 1)
    ]
    return dict(weeks[0].union(*weeks[1:], all=True))


# --- The strip of a day -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Strip:
    """The last day of a camera: its half hours (good, verify or off), and the share of it online."""

    cells: Sequence[tuple[int, str]]
    online: float


def strips_of(cameras: Collection[Camera], *, now: datetime) -> dict[int, Strip]:
    """The last day of each camera. One query."""
    measured = _measured(now)
    starts = _starts(DAY, measured)
    until = starts[-1] + DAY.length
    ids = [camera.pk for camera in cameras]
    seconds = samples.seconds_online(ids, since=starts[0], until=until, length=DAY.length)
    lengths = [min(measured - start, DAY.length).total_seconds() for start in starts]
    strips = {}
    for camera in cameras:
        online = [seconds.get((camera.pk, start), 0.0) for start in starts]
        shares = [part / length for part, length in zip(online, lengths, strict=True)]
        cells = [(index, _colour(share)) for index, share in enumerate(shares)]
        strips[camera.pk] = Strip(cells, min(1.0, sum(online) / sum(lengths)))
    return strips


def _colour(share: float) -> str:
    return "good" if share >= FULLY else "verify" if share >= PARTLY else "off"
