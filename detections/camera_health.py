"""How cameras are: what their workers know (`cameras.health`) and what their passages tell.

Expected are as many passages as in the same sixty minutes of the same weekday in past weeks: their median, so
that a week of works or of a feast does not count.
"""

import math
import statistics
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Count, OuterRef, Subquery, Sum
from django.utils import timezone, translation
from django.utils.formats import number_format
from django.utils.translation import gettext as _

from cameras import incidents
from cameras.health import State, Vitals, by_need, is_read_here, vitals_of
from cameras.incidents import Finding, Findings
from cameras.models import Camera, CameraIncident, CameraSample, Trouble
from cameras.samples import minute_of
from detections.models import Detection
from detections.statistics import FAR_BELOW, HOUR, WEEK, WEEKS

LOOK_BACK = timedelta(days=35)
"""How far back the last passage is looked for; further back it is as good as none."""

CHANCE = 1e-5
"""So improbable must so few passages be, if all were well. A camera is judged some thousand times a week."""

WATCHED = 0.95
"""Share of the hour in which a camera must have been online for its passages to be held against the usual."""

SLOW = 0.5
"""Share of the frames asked for below which a camera is too slow."""
LATE_SECONDS = 5.0
CLOCK_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Traffic:
    """Passages of the last hour against those expected; None: too little is known of past weeks.

    `online_seconds`: how long pictures of a camera that is read here came in that hour.
    """

    last_passage: datetime | None
    actual: int
    expected: float | None
    online_seconds: float = 0.0

    @property
    def too_few(self) -> bool:
        """True when so few passages are no chance."""
        return (
            self.expected is not None
            and self.actual < FAR_BELOW * self.expected
            and chance_of_at_most(self.actual, self.expected) < CHANCE
        )


@dataclass(frozen=True, slots=True)
class CameraHealth:
    """All that is known of a camera now; `incidents` are those open, newest first."""

    vitals: Vitals
    traffic: Traffic
    incidents: Sequence[CameraIncident]

    @property
    def camera(self) -> Camera:
        """Whose health it is."""
        return self.vitals.camera


def chance_of_at_most(actual: int, expected: float) -> float:
    """The chance of `actual` passages or fewer where `expected` are usual and independent (Poisson)."""
    if expected <= 0:
        return 1.0
    terms = (n * math.log(expected) - expected - math.lgamma(n + 1) for n in range(actual + 1))
    return min(1.0, math.fsum(math.exp(term) for term in terms))


def health_of(cameras: Collection[Camera], *, now: datetime | None = None) -> list[CameraHealth]:
    """How these cameras are, those in trouble first. Four queries, however many cameras there are."""
    now = now or timezone.now()
    vitals = vitals_of(cameras, now=now)
    traffic = _traffic_of(cameras, now=now)
    open_ones = incidents.open_of(vitals)
    return [
        CameraHealth(one, traffic[one.camera.pk], open_ones.get(one.camera.pk, ()))
        for one in by_need(vitals, open_ones)
    ]


def _passages(**bounds: datetime) -> Any:
    """Passages of a camera within bounds: the months and the part of "detection_camera" that hold them."""
    return Detection.objects.filter(
        camera=OuterRef("pk"), **{f"detected_at__{name}": moment for name, moment in bounds.items()}
    ).order_by()


def _online(until: datetime) -> Any:
    """Seconds for which a camera was online in the hour before."""
    samples = CameraSample.objects.filter(camera=OuterRef("pk"), minute__gte=until - HOUR, minute__lt=until)
    return samples.order_by().values("camera").annotate(online=Sum("seconds_online")).values("online")


def _traffic_of(cameras: Collection[Camera], *, now: datetime) -> dict[int, Traffic]:
    counts = {
        f"week_{week}": Subquery(
            _passages(gte=now - HOUR - week * WEEK, lt=now - week * WEEK)
            .values("camera")
            .annotate(count=Count("pk"))
            .values("count")
        )
        for week in range(WEEKS + 1)
    }
    last = _passages(gte=now - LOOK_BACK).order_by("-detected_at").values("detected_at")[:1]
    rows = (
        Camera.objects.filter(pk__in=[camera.pk for camera in cameras])
        .order_by()
        # Of the minute that has just begun nothing is known yet.
        .annotate(last_passage=Subquery(last), online=Subquery(_online(minute_of(now))), **counts)
        .values("pk", "created_at", "last_passage", "online", *counts)
    )
    return {
        row["pk"]: Traffic(
            last_passage=row["last_passage"],
            actual=row["week_0"] or 0,
            expected=usual(
                [
                    row[f"week_{week}"] or 0
                    for week in range(1, WEEKS + 1)
                    if row["created_at"] <= now - HOUR - week * WEEK
                ]
            ),
            online_seconds=row["online"] or 0.0,
        )
        for row in rows
    }


def usual(counts: Sequence[int]) -> float | None:
    """The number usual in an hour, by those of past weeks; None when they are too few to tell."""
    return float(statistics.median(counts)) if len(counts) >= 2 else None


# --- What is wrong ----------------------------------------------------------------------------------------


def judge(now: datetime | None = None) -> list[CameraIncident]:
    """Look at all cameras, open and close incidents; those that were told."""
    now = now or timezone.now()
    cameras = Camera.objects.filter(is_enabled=True)
    # Reasons are stored, like those of the cameras' status: in the language of the site.
    with translation.override(settings.LANGUAGE_CODE):
        return incidents.follow(
            {one.camera.pk: findings(one) for one in health_of(cameras, now=now)}, now=now
        )


def findings(health: CameraHealth) -> Findings:
    """What is wrong with a camera and what is well; nothing is said of what cannot be known now."""
    vitals = health.vitals
    if vitals.state in {State.ERROR, State.OFFLINE}:
        return {Trouble(vitals.state.value): Finding(vitals.reason, vitals.since)}
    found = dict.fromkeys((Trouble.ERROR, Trouble.OFFLINE), incidents.WELL)
    # Of the minute that has just begun nothing is known yet; of a camera that sends by itself never.
    if vitals.fps_reached is not None or vitals.state is State.SENDER:
        found |= _of_figures(vitals)
    # After an outage passages are missing that nobody saw.
    seen = not is_read_here(health.camera) or health.traffic.online_seconds >= WATCHED * HOUR.total_seconds()
    if health.traffic.expected is not None and seen:
        found[Trouble.SILENT] = _of_traffic(health.traffic)
    return found


def _of_figures(vitals: Vitals) -> dict[Trouble, Finding]:
    return {
        Trouble.SLOW: _of_pace(vitals),
        Trouble.LATE: _of_delay(vitals),
        Trouble.CLOCK: _of_clock(vitals),
    }


def _of_pace(vitals: Vitals) -> Finding:
    asked, reached = vitals.fps_asked, vitals.fps_reached
    if not asked or reached is None or reached >= SLOW * asked:
        return incidents.WELL
    figures = {"reached": number_format(reached, 1), "asked": number_format(asked, 1)}
    if vitals.fps_captured is not None and vitals.fps_captured < SLOW * asked:
        return Finding(_("The camera sends %(reached)s frames a second; %(asked)s are asked for.") % figures)
    return Finding(_("%(reached)s frames a second are read; %(asked)s are asked for.") % figures)


def _of_delay(vitals: Vitals) -> Finding:
    # The photos of a folder, which has no pace, are as old as they are.
    delay = vitals.delay_seconds or 0.0
    if not vitals.fps_asked or delay <= LATE_SECONDS:
        return incidents.WELL
    words = _("Pictures are read %(seconds)s s after they were taken.")
    return Finding(words % {"seconds": number_format(delay, 0)})


def _of_clock(vitals: Vitals) -> Finding:
    ahead = vitals.clock_ahead or 0.0
    if abs(ahead) <= CLOCK_SECONDS:
        return incidents.WELL
    words = (
        _("The camera's clock is %(seconds)s s ahead.")
        if ahead > 0
        else _("The camera's clock is %(seconds)s s behind.")
    )
    return Finding(words % {"seconds": number_format(abs(ahead), 0)})


def _of_traffic(traffic: Traffic) -> Finding:
    if not traffic.too_few:
        return incidents.WELL
    figures = {"actual": traffic.actual, "expected": number_format(traffic.expected or 0.0, 0)}
    return Finding(_("%(actual)d passages in the last hour; %(expected)s are usual.") % figures)
