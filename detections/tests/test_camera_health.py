"""How cameras are: what workers and passages tell, what is made of it, and who hears of it."""

import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from cameras import services
from cameras.health import State, prune, vitals_of
from cameras.models import Camera, CameraIncident, CameraLease, CameraSample, CameraStatus, Trouble
from conftest import at
from detections import camera_health, partitions, tasks
from detections.camera_health import Traffic, chance_of_at_most, findings, health_of, judge, usual
from detections.models import Detection
from detections.statistics import WEEK

pytestmark = pytest.mark.django_db

NOW = at("2026-11-21T10:00:30+00:00")


@pytest.fixture
def read(camera: Camera) -> Camera:
    """A camera that a worker reads at five frames a second, known for two months."""
    camera.stream_url, camera.fps = "http://192.0.2.7/stream", 6
    camera.save()
    Camera.objects.filter(pk=camera.pk).update(created_at=NOW - timedelta(days=60), status_since=NOW)
    services.set_status(camera.pk, CameraStatus.ONLINE)
    CameraLease.objects.create(
        camera=camera, holder=uuid.uuid4(), expires_at=timezone.now() + timedelta(days=9), last_frame_at=NOW
    )
    measured(camera, NOW - timedelta(seconds=60))
    camera.refresh_from_db()
    return camera


def measured(camera: Camera, moment: datetime, **changes: Any) -> None:
    """A minute of a camera in good health."""
    fields = {
        "fps_asked": 6,
        "seconds": 60,
        "seconds_online": 60,
        "captured": 1500,
        "frames": 300,
        "reads": 300,
        "decode_seconds": 2.1,
        "read_seconds": 24,
        "delay_seconds": 60,
        "clock_ahead": -0.2,
    }
    minute = moment.replace(second=0, microsecond=0)
    CameraSample.objects.update_or_create(camera=camera, minute=minute, defaults=fields | changes)


def watched(camera: Camera, until: datetime = NOW, *, minutes: int = 60) -> None:
    """It was online all the time before, for so long."""
    for minute in range(1, minutes + 1):
        measured(camera, until - timedelta(minutes=minute))


def passing(camera: Camera, count: int, until: datetime, *, over: timedelta = timedelta(hours=1)) -> None:
    """So many passages, evenly spread over the time before."""
    partitions.ensure(until.date() - timedelta(days=31), until.date())
    Detection.objects.bulk_create(
        Detection(
            camera=camera,
            plate_number="BB6232RB",
            plate_key="BB6232RB",
            confidence=0.9,
            source="camera",
            detected_at=until - over * (n + 0.5) / count,
        )
        for n in range(count)
    )


def the(camera: Camera, now: datetime = NOW) -> camera_health.CameraHealth:
    """Its health."""
    [health] = health_of([Camera.objects.get(pk=camera.pk)], now=now)
    return health


def test_figures_are_means_of_the_last_minute(read: Camera) -> None:
    vitals = the(read).vitals
    assert vitals.state is State.ONLINE
    assert (vitals.fps_asked, vitals.fps_captured, vitals.fps_reached) == (6, 25, 5)
    assert vitals.decode_ms == pytest.approx(7)
    assert vitals.read_ms == pytest.approx(80)
    assert vitals.delay_seconds == pytest.approx(0.2)
    assert vitals.clock_ahead == -0.2
    watched(read)
    assert findings(the(read)).keys() == {*Trouble} - {Trouble.UNSTABLE}
    assert not any(finding.reason for finding in findings(the(read)).values())


def test_figures_of_long_ago_are_not_told(read: Camera) -> None:
    vitals = the(read, NOW + timedelta(minutes=10)).vitals
    assert vitals.state is State.ONLINE
    assert (vitals.fps_asked, vitals.fps_reached, vitals.read_ms) == (6, None, None)


def test_a_camera_whose_worker_died_is_not_online(read: Camera) -> None:
    ended = timezone.now() - timedelta(seconds=1)
    CameraLease.objects.update(expires_at=ended)
    vitals = the(read).vitals
    assert (vitals.state, vitals.since) == (State.OFFLINE, ended)
    assert vitals.reason == "Aucun processus ne lit cette caméra."
    assert vitals.fps_reached is None
    CameraLease.objects.all().delete()
    assert (the(read).vitals.state, the(read).vitals.since) == (State.OFFLINE, None)


@pytest.mark.parametrize(
    ("changes", "state", "reason"),
    [
        ({"status": "error", "status_reason": "Aucune réponse."}, State.ERROR, "Aucune réponse."),
        ({"status": "offline", "status_reason": "fin"}, State.OFFLINE, "fin"),
        ({"status": "offline"}, State.OFFLINE, "Elle n’a pas encore été lue."),
        ({"is_enabled": False}, State.OFF, ""),
        ({"stream_url": ""}, State.SENDER, ""),
    ],
)
def test_each_state_has_its_reason(read: Camera, changes: dict[str, Any], state: State, reason: str) -> None:
    Camera.objects.update(**changes)
    vitals = the(read).vitals
    assert (vitals.state, vitals.reason) == (state, reason)


@pytest.mark.parametrize(
    ("changes", "kind", "words"),
    [
        ({"frames": 90}, Trouble.SLOW, "1,5 images par seconde sont lues"),
        ({"frames": 60, "captured": 60}, Trouble.SLOW, "La caméra envoie 1,0 images"),
        ({"delay_seconds": 300 * 9.0}, Trouble.LATE, "9\N{NO-BREAK SPACE}s après"),
        ({"clock_ahead": 12.3}, Trouble.CLOCK, "avance de 12"),
        ({"clock_ahead": -8.0}, Trouble.CLOCK, "retarde de 8"),
    ],
)
def test_what_is_wrong_is_said(read: Camera, changes: dict[str, Any], kind: Trouble, words: str) -> None:
    measured(read, NOW - timedelta(seconds=60), **changes)
    wrong = {kind: finding.reason for kind, finding in findings(the(read)).items() if finding.reason}
    assert list(wrong) == [kind]
    assert words in wrong[kind]


def test_the_photos_of_a_folder_have_no_pace_and_no_hurry(read: Camera) -> None:
    measured(read, NOW - timedelta(seconds=60), fps_asked=None, frames=1, delay_seconds=7200)
    assert not any(finding.reason for finding in findings(the(read)).values())


def test_nothing_is_concluded_from_a_minute_that_has_just_begun(read: Camera) -> None:
    CameraSample.objects.update(seconds_online=3, frames=1)
    assert Trouble.SLOW not in findings(the(read))


# --- Passages expected ------------------------------------------------------------------------------------


def test_expected_is_the_median_of_the_same_hour_of_past_weeks(read: Camera) -> None:
    for week, count in enumerate((30, 40, 50, 0, 400)):
        if count:
            passing(read, count, NOW - week * WEEK)
    # Another hour of the same day, and another day, do not count.
    passing(read, 99, NOW - timedelta(hours=2))
    passing(read, 99, NOW - timedelta(days=6))
    traffic = the(read).traffic
    assert (traffic.actual, traffic.expected) == (30, 45.0)
    assert traffic.last_passage == NOW - timedelta(minutes=1)


def test_of_a_new_camera_nothing_is_expected(read: Camera) -> None:
    Camera.objects.update(created_at=NOW - timedelta(days=10))
    assert the(read).traffic == Traffic(None, 0, None, online_seconds=60)
    assert Trouble.SILENT not in findings(the(read))
    assert usual([3]) is None
    assert usual([3, 5]) == 4.0


@pytest.mark.parametrize(
    ("actual", "expected", "too_few"),
    [
        (0, 11, False),  # a quiet camera does not cry
        (0, 12, True),
        (4, 20, False),
        (2, 20, True),
        (0, 20, True),
        (60, 100, False),
        (51, 100, False),
        (45, 100, True),
        (1100, 2000, False),  # clear to statistics, but traffic alone may do that
        (900, 2000, True),
        (0, 0, False),
    ],
)
def test_too_few_is_said_only_when_it_is_no_chance(actual: int, expected: float, too_few: bool) -> None:
    assert Traffic(None, actual, expected).too_few is too_few


def test_chances_are_those_of_poisson() -> None:
    assert chance_of_at_most(0, 1) == pytest.approx(0.367879, abs=1e-6)
    assert chance_of_at_most(2, 3) == pytest.approx(0.423190, abs=1e-6)
    assert chance_of_at_most(5000, 3000) == pytest.approx(1)
    assert chance_of_at_most(3, 0) == 1


def test_a_silent_camera_is_told_and_one_that_is_down_is_told_as_down_alone(read: Camera) -> None:
    for week in (1, 2, 3, 4):
        passing(read, 60, NOW - week * WEEK)
    watched(read)
    assert findings(the(read))[Trouble.SILENT].reason.endswith("60 d’habitude.")
    services.set_status(read.pk, CameraStatus.ERROR, "Aucune réponse.")
    assert findings(the(read)).keys() == {Trouble.ERROR}


def test_a_camera_that_was_down_is_not_called_silent_for_what_nobody_saw(read: Camera) -> None:
    for week in (1, 2, 3, 4):
        passing(read, 60, NOW - week * WEEK)
    passing(read, 10, NOW, over=timedelta(minutes=10))
    watched(read, minutes=10)
    assert the(read).traffic.too_few
    assert Trouble.SILENT not in findings(the(read))
    watched(read, minutes=56)
    assert Trouble.SILENT not in findings(the(read)), "three minutes and more are missing"
    watched(read, minutes=57)
    assert findings(the(read))[Trouble.SILENT].reason


def test_a_camera_that_sends_by_itself_is_called_silent_by_its_passages_alone(read: Camera) -> None:
    Camera.objects.update(stream_url="")
    for week in (1, 2, 3, 4):
        passing(read, 60, NOW - week * WEEK)
    assert findings(the(read))[Trouble.SILENT].reason


# --- Judged by the clock ----------------------------------------------------------------------------------


def through(camera: Camera, *sequence: tuple[int, CameraStatus]) -> list[tuple[str, str]]:
    """Judge every ten seconds while the worker tells these states; the notices."""
    notices = []
    with time_machine.travel(NOW, tick=False) as clock:
        for seconds, status in sequence:
            services.set_status(camera.pk, status, "" if status == CameraStatus.ONLINE else "Aucune réponse.")
            for _tick in range(seconds // 10):
                measured(camera, timezone.now() - timedelta(minutes=1))
                notices += [(one.kind, "closed" if one.ended_at else "opened") for one in judge()]
                clock.shift(10)
    return notices


def test_a_breakdown_is_one_notice_and_one_when_it_is_over(read: Camera) -> None:
    assert through(
        read, (300, CameraStatus.ONLINE), (600, CameraStatus.ERROR), (600, CameraStatus.ONLINE)
    ) == [("error", "opened"), ("error", "closed")]
    incident = CameraIncident.objects.get()
    assert incident.since == NOW + timedelta(seconds=300), "since it began, not since it was told"
    assert incident.reason == "Aucune réponse."


def test_a_camera_that_flaps_is_told_once(read: Camera) -> None:
    flapping = [(30, CameraStatus.ERROR), (20, CameraStatus.ONLINE)] * 30
    assert through(read, *flapping) == [("unstable", "opened")]


def test_the_task_of_beat_judges(read: Camera) -> None:
    services.set_status(read.pk, CameraStatus.ERROR, "Aucune réponse.")
    with time_machine.travel(NOW, tick=False) as clock:
        assert tasks.judge_cameras() == 0
        clock.shift(60)
        assert [tasks.judge_cameras(), tasks.judge_cameras()] == [1, 0]
        Camera.objects.update(is_enabled=False)
        assert tasks.judge_cameras() == 1
    assert not CameraIncident.objects.open().exists()


def test_health_of_many_cameras_costs_as_much_as_of_one(
    read: Camera, django_assert_num_queries: Any, django_assert_max_num_queries: Any
) -> None:
    for number in range(20):
        camera = Camera.objects.create(name=f"c{number}", code=f"c{number}", stream_url="http://192.0.2.9/")
        measured(camera, NOW)
    cameras = list(Camera.objects.all())
    with django_assert_num_queries(4):
        assert len(health_of(cameras, now=NOW)) == 21
    judge(NOW)
    with django_assert_max_num_queries(11):
        judge(NOW + timedelta(seconds=10))


def test_old_figures_are_thrown_away(read: Camera) -> None:
    measured(read, NOW - timedelta(days=36))
    assert prune(NOW) == 1
    assert CameraSample.objects.count() == 1


def test_vitals_alone_ask_no_passages(read: Camera, django_assert_num_queries: Callable[..., Any]) -> None:
    with django_assert_num_queries(2):
        assert vitals_of([read], now=NOW)[read.pk].fps_reached == 5
