"""The page of statistics: how many passages, when, where and of what, from the roll-ups."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple

from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import formats, timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from accounts.models import User
from accounts.templatetags.wording import SPACE, number
from accounts.views import person
from cameras.models import Camera
from detections.camera_charts import Chart, Paper
from detections.statistics import (
    DAY,
    By,
    Span,
    Tally,
    Week,
    by_day,
    by_week_hour,
    hours_of,
    tallies,
    total,
    weeks_of,
)

PERIODS = {
    "24h": gettext_lazy("24 hours"),
    "7j": gettext_lazy("7 days"),
    "30j": gettext_lazy("30 days"),
    "90j": gettext_lazy("90 days"),
    "1an": gettext_lazy("1 year"),
}
_DAYS = {"7j": 7, "30j": 30, "90j": 90, "1an": 365}
CHART_WIDTH = 620
LEVELS = 5
"""Shades of the heat map besides none at all."""
_A_MONDAY = date(2024, 1, 1)

Found = Mapping[tuple[Any, ...], Tally]


class Cell(NamedTuple):
    """An hour of a weekday: what is written there, its shade (0 to LEVELS), and both in words."""

    text: str
    level: int
    words: str


@dataclass(frozen=True, slots=True)
class CameraRow:
    """A camera in the period, and its last seven days."""

    camera: Camera
    tally: Tally
    share: float
    week: Week


@dataclass(frozen=True, slots=True)
class KindRow:
    """A class of vehicle in the period; "" is unknown."""

    name: str
    passages: int
    share: float


@require_safe
@permission_required("detections.view_detection", raise_exception=True)
def statistics(request: HttpRequest) -> HttpResponse:
    """Passages by day, by hour of the week, by camera and by class of vehicle."""
    now, asked = timezone.now(), request.GET.get("periode", "7j")
    asked = asked if asked in PERIODS else "7j"
    period = Span.days(_DAYS[asked], now=now) if asked in _DAYS else Span.last(DAY, now=now)
    hours = tallies(period, By.HOUR)
    places = tallies(period, By.CAMERA, By.VEHICLE)
    context = {
        "period": asked,
        "periods": PERIODS,
        "since": period.since,
        "total": total(hours),
        "chart": _chart(hours, period, by_the_hour=asked not in _DAYS),
        "heat": _heat(hours, period, now) if asked in _DAYS else None,
        "weekdays": _weekdays("D"),
        "cameras": _cameras(places, person(request), now),
        "kinds": _kinds(places),
    }
    return render(request, "detections/statistics.html", context)


def _chart(hours: Found, period: Span, *, by_the_hour: bool) -> Chart:
    """A column for each day, or hour; and the mean, the least and the most in words."""
    if by_the_hour:
        starts = hours_of(period)
        values = [hours.get((start,), Tally()).passages for start in starts]
        title = _("Passages an hour")
    else:
        days = by_day(hours, period)
        starts = [period.since + index * DAY for index in range(len(days))]
        values = [tally.passages for tally in days.values()]
        title = _("Passages a day")
    paper = Paper(starts, [1.0, *values], CHART_WIDTH)
    bars, across, up = paper.bars(values), paper.across(), paper.up()
    return Chart("passages", title, _in_words(values), [], bars, across, up, CHART_WIDTH)


def _in_words(values: Sequence[int]) -> str:
    # The last one is not over yet.
    over = values[:-1]
    figures = {
        "mean": number(round(sum(over) / len(over))),
        "least": number(min(over)),
        "most": number(max(over)),
    }
    return _("%(mean)s on average, from %(least)s to %(most)s.") % figures


def _heat(hours: Found, period: Span, now: datetime) -> list[tuple[str, list[Cell]]]:
    """Rows of the heat map: the hour in words, and its cells from Monday to Sunday."""
    grid, names = by_week_hour(hours, period, now=now), _weekdays("l")
    most = max((value or 0.0 for weekday in grid for value in weekday), default=0.0)
    return [
        (
            f"{hour:02}{SPACE}h",
            [_cell(grid[index][hour], most, name, hour) for index, name in enumerate(names)],
        )
        for hour in range(24)
    ]


def _cell(value: float | None, most: float, weekday: str, hour: int) -> Cell:
    place = {"day": weekday, "hour": f"{hour}{SPACE}h"}
    if value is None:
        return Cell("", 0, _("%(day)s, %(hour)s: not yet in this period") % place)
    text = formats.number_format(value, 0 if value >= 10 or value == int(value) else 1)
    words = _("%(day)s, %(hour)s: %(passages)s passages on average") % {**place, "passages": text}
    return Cell(text, math.ceil(value / most * LEVELS) if most else 0, words)


def _weekdays(style: str) -> list[str]:
    """Names of the days from Monday on; `style` as Django's date format has it: l, or D when short."""
    return [formats.date_format(_A_MONDAY + index * DAY, style) for index in range(7)]


def _cameras(places: Found, user: User, now: datetime) -> list[CameraRow]:
    """Every camera that may be seen, the busiest first."""
    cameras = list(Camera.objects.visible_to(user))
    weeks, whole = weeks_of(cameras, now=now), total(places).passages
    sums: dict[int, Tally] = {}
    for (camera_id, _vehicle), tally in places.items():
        sums[camera_id] = sums.get(camera_id, Tally()) + tally
    rows = [
        CameraRow(camera, tally, tally.passages / whole if whole else 0.0, weeks[camera.pk])
        for camera in cameras
        if (tally := sums.get(camera.pk, Tally())).passages or camera.is_enabled
    ]
    return sorted(rows, key=lambda row: (-row.tally.passages, row.camera.name))


def _kinds(places: Found) -> list[KindRow]:
    """Classes of vehicles, the most frequent first."""
    sums: dict[str, int] = {}
    for (_camera, kind), tally in places.items():
        sums[kind] = sums.get(kind, 0) + tally.passages
    whole = sum(sums.values())
    rows = [KindRow(kind, passages, passages / whole) for kind, passages in sums.items() if passages]
    return sorted(rows, key=lambda row: -row.passages)
