"""Figures of cameras by the minute: added up by workers, read by health, thrown away after a while."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, models
from django.db.models import Avg, F, FloatField, Max, Sum
from django.db.models.functions import NullIf

from cameras.models import CameraSample

KEPT = timedelta(days=35)
"""How long samples are kept: four weeks and one, so that each hour has four of its kind before it."""

RECENT = timedelta(minutes=3)
"""Figures older than this tell nothing of now: a camera without newer ones is read by nobody."""

_GREATEST = {"decode_max", "read_max", "delay_max"}
_LATEST = {"fps_asked", "clock_ahead"}


@dataclass(slots=True)
class Tally:
    """What a worker has counted so far; the fields are those of `CameraSample`."""

    fps_asked: float | None = None
    seconds: float = 0.0
    seconds_online: float = 0.0
    captured: int = 0
    frames: int = 0
    reads: int = 0
    decode_seconds: float = 0.0
    decode_max: float = 0.0
    read_seconds: float = 0.0
    read_max: float = 0.0
    delay_seconds: float = 0.0
    delay_max: float = 0.0
    clock_ahead: float | None = None
    drops: int = 0
    failures: int = 0
    last_fault: str = ""


_COLUMNS = [one.name for one in fields(Tally)]


def _joined(name: str) -> str:
    """How a column of two tallies of the same minute becomes one."""
    if name in _GREATEST:
        return f"{name} = greatest(sample.{name}, EXCLUDED.{name})"
    if name in _LATEST:
        return f"{name} = coalesce(EXCLUDED.{name}, sample.{name})"
    if name == "last_fault":
        return f"{name} = coalesce(nullif(EXCLUDED.{name}, ''), sample.{name})"
    return f"{name} = sample.{name} + EXCLUDED.{name}"


_ADD = (
    f"INSERT INTO cameras_camerasample AS sample (camera_id, minute, {', '.join(_COLUMNS)}) "  # noqa: S608
    f"VALUES (%s, %s, {', '.join(['%s'] * len(_COLUMNS))}) "
    f"ON CONFLICT (camera_id, minute) DO UPDATE SET {', '.join(map(_joined, _COLUMNS))}"
)


def minute_of(moment: datetime) -> datetime:
    """The full minute that a moment lies in."""
    return moment.replace(second=0, microsecond=0)


def add(camera_id: int, minute: datetime, tally: Tally) -> None:
    """Store a tally, or add it to what the minute has already. One statement."""
    values = [getattr(tally, name) for name in _COLUMNS]
    with connection.cursor() as cursor:
        cursor.execute(_ADD, [camera_id, minute, *values])


def prune(now: datetime) -> int:
    """Delete samples older than `KEPT`; how many there were."""
    return CameraSample.objects.filter(minute__lt=now - KEPT).delete()[0]


# --- Read -------------------------------------------------------------------------------------------------


def latest(camera_ids: Collection[int], *, now: datetime, within: timedelta) -> dict[int, CameraSample]:
    """The newest sample of each camera that has one so recent."""
    newest = CameraSample.objects.filter(camera_id__in=camera_ids, minute__range=(now - within, now))
    return {
        sample.camera_id: sample for sample in newest.order_by("camera_id", "-minute").distinct("camera_id")
    }


class Bin(models.Func):
    """The start of the interval that a minute lies in, counted from an origin."""

    function = "date_bin"
    output_field = models.DateTimeField()


def _mean(total: str, count: str) -> Any:
    return Sum(total) / NullIf(Sum(count, output_field=FloatField()), 0.0, output_field=FloatField())


@dataclass(frozen=True, slots=True)
class Stretch:
    """Means of a camera over some minutes; None where nothing was measured. Times are seconds."""

    start: datetime
    fps: float | None
    fps_asked: float | None
    read_seconds: float | None
    delay_seconds: float | None
    delay_max: float
    seconds_online: float


def _binned(camera_ids: Collection[int], since: datetime, until: datetime, length: timedelta) -> Any:
    return (
        CameraSample.objects.filter(camera_id__in=camera_ids, minute__gte=since, minute__lt=until)
        .annotate(start=Bin(models.Value(length), F("minute"), models.Value(since)))
        .values("camera_id", "start")
    )


def seconds_online(
    camera_ids: Collection[int], *, since: datetime, until: datetime, length: timedelta
) -> dict[tuple[int, datetime], float]:
    """How long each camera was online in each stretch of `length`; those without figures are left out."""
    rows = _binned(camera_ids, since, until, length).annotate(online=Sum("seconds_online"))
    return {(row["camera_id"], row["start"]): row["online"] for row in rows}


def stretches(camera_id: int, *, since: datetime, until: datetime, length: timedelta) -> Sequence[Stretch]:
    """A camera's samples in stretches of `length`, oldest first; empty stretches are left out."""
    rows = (
        _binned([camera_id], since, until, length)
        .annotate(
            fps=_mean("frames", "seconds_online"),
            asked=Avg("fps_asked"),
            read=_mean("read_seconds", "reads"),
            delay=_mean("delay_seconds", "frames"),
            delay_most=Max("delay_max"),
            online=Sum("seconds_online"),
        )
        .order_by("start")
    )
    return [
        Stretch(
            row["start"],
            row["fps"],
            row["asked"],
            row["read"],
            row["delay"],
            row["delay_most"],
            row["online"],
        )
        for row in rows
    ]
