"""/metrics for Prometheus: what the pages say, in its text format.

Every figure is read from the database when it is asked for, so that every process tells the same.
"""

import ipaddress
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import Error
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import constant_time_compare
from django.views.decorators.http import require_safe
from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.registry import Collector

from alerts.models import OPEN, Alert
from cameras.health import State
from cameras.models import Camera, Trouble
from detections import feed
from detections.camera_health import CameraHealth, health_of
from detections.models import FeedCursor, Submission, SubmissionStatus

Figure = Callable[[CameraHealth], float | None]


def _stamp(moment: datetime | None) -> float | None:
    return moment.timestamp() if moment else None


FIGURES: dict[str, tuple[str, Figure]] = {
    "state_since_timestamp_seconds": ("Since when it is so.", lambda h: _stamp(h.vitals.since)),
    "fps_asked": ("Frames a second asked for.", lambda h: h.vitals.fps_asked),
    "fps_captured": ("Frames a second that it sends.", lambda h: h.vitals.fps_captured),
    "fps_reached": ("Frames a second that recognition takes.", lambda h: h.vitals.fps_reached),
    "decode_seconds": ("Decoding a frame.", lambda h: h.vitals.decode_seconds),
    "read_seconds": ("Reading a frame.", lambda h: h.vitals.read_seconds),
    "queue_seconds": ("Age of a frame when its reading begins.", lambda h: h.vitals.delay_seconds),
    "clock_ahead_seconds": ("By how much its clock is ahead of ours.", lambda h: h.vitals.clock_ahead),
    "last_frame_timestamp_seconds": ("Its last frame.", lambda h: _stamp(h.vitals.last_frame_at)),
    "last_passage_timestamp_seconds": ("Its last passage.", lambda h: _stamp(h.traffic.last_passage)),
    "passages_last_hour": ("Passages of the last sixty minutes.", lambda h: h.traffic.actual),
    "passages_expected": ("Passages usual in these sixty minutes.", lambda h: h.traffic.expected),
}
"""Of each camera: the name after `anpr_camera_`, what it is, and where it comes from."""


class DatabaseCollector(Collector):
    """All metrics of the product."""

    def collect(self) -> Iterable[Metric]:
        """The figures of now."""
        found = health_of(list(Camera.objects.all()))
        yield from _cameras(found)
        yield from _feed()
        yield from _counts()

    def describe(self) -> Iterable[Metric]:
        """Nothing beforehand: the database is asked when somebody wants to know."""
        return ()


def _cameras(found: list[CameraHealth]) -> Iterator[Metric]:
    for name, (words, figure) in FIGURES.items():
        family = GaugeMetricFamily(f"anpr_camera_{name}", words, labels=["camera"])
        for health in found:
            value = figure(health)
            if value is not None:
                family.add_metric([health.camera.code], value)
        yield family
    state = GaugeMetricFamily("anpr_camera_state", "1 for the state it is in.", labels=["camera", "state"])
    trouble = GaugeMetricFamily("anpr_camera_incident", "1 while it is open.", labels=["camera", "kind"])
    for health in found:
        for one in State:
            state.add_metric([health.camera.code, one.value], float(health.vitals.state is one))
        kinds = {incident.kind for incident in health.incidents}
        for kind in Trouble:
            trouble.add_metric([health.camera.code, kind.value], float(kind.value in kinds))
    yield from (state, trouble)


def _feed() -> Iterator[Metric]:
    passages = GaugeMetricFamily(
        "anpr_feed_waiting_passages",
        f"Not consumed yet; counted up to {feed.LAG_COUNTED}.",
        labels=["consumer"],
    )
    seconds = GaugeMetricFamily("anpr_feed_lag_seconds", "Age of the oldest of them.", labels=["consumer"])
    stuck = GaugeMetricFamily("anpr_feed_stuck", "1 after a restore: rebase_feed.", labels=["consumer"])
    failures = GaugeMetricFamily(
        "anpr_feed_failures", "Attempts in a row at a row that it cannot take.", labels=["consumer"]
    )
    since = GaugeMetricFamily(
        "anpr_feed_failing_since_timestamp_seconds", "Since when it fails.", labels=["consumer"]
    )
    for cursor in FeedCursor.objects.order_by("consumer"):
        consumer = cursor.consumer
        failures.add_metric([consumer], cursor.failures)
        if cursor.failing_since:
            since.add_metric([consumer], cursor.failing_since.timestamp())
        try:
            lag = feed.lag(consumer)
        except feed.FeedMovedError:
            stuck.add_metric([consumer], 1.0)
            continue
        stuck.add_metric([consumer], 0.0)
        passages.add_metric([consumer], lag.passages)
        seconds.add_metric([consumer], lag.seconds)
    yield from (passages, seconds, stuck, failures, since)


def _counts() -> Iterator[Metric]:
    waiting = Submission.objects.filter(status=SubmissionStatus.WAITING).count()
    yield GaugeMetricFamily("anpr_photos_waiting", "Photos that wait to be read.", value=waiting)
    alerts = GaugeMetricFamily("anpr_alerts_open", "Open alerts.", labels=["status"])
    counts = Alert.objects.filter(status__in=OPEN).order_by().values_list("status").annotate(Count("pk"))
    known = dict(counts)
    for status in OPEN:
        alerts.add_metric([str(status.value)], known.get(status.value, 0))
    yield alerts


def _may_ask(request: HttpRequest) -> bool:
    """True for this machine itself, and for who has the token.

    A proxy on this machine speaks for others: what it forwards does not count as from here.
    """
    scheme, _space, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer" and settings.METRICS_TOKEN:
        return constant_time_compare(token.strip(), settings.METRICS_TOKEN)
    if any(request.headers.get(name) for name in ("X-Forwarded-For", "X-Real-IP", "Forwarded", "Via")):
        return False
    try:
        return ipaddress.ip_address(request.META.get("REMOTE_ADDR", "")).is_loopback
    except ValueError:
        return False


@login_not_required
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """The figures; 403 for who may not ask, 503 while the database is away."""
    if not _may_ask(request):
        return HttpResponse(
            "Only from this machine, or with the token.\n", status=403, content_type="text/plain"
        )
    registry = CollectorRegistry()
    registry.register(DatabaseCollector())
    try:
        body = generate_latest(registry)
    except Error:
        return HttpResponse("The database is away.\n", status=503, content_type="text/plain")
    return HttpResponse(body, content_type=CONTENT_TYPE_PLAIN_0_0_4)
