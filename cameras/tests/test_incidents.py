"""Incidents of cameras: one notice for what stays wrong, none for what comes and goes."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connections, transaction

from accounts.models import AuditEvent, User
from cameras import incidents, push
from cameras.incidents import WELL, Finding
from cameras.models import Camera, CameraIncident, CameraSample, Trouble
from conftest import at

pytestmark = pytest.mark.django_db

START = at("2026-11-21T10:00:00+00:00")
TICK = timedelta(seconds=10)

ERROR = {Trouble.ERROR: Finding("No answer in time.")}
OFFLINE = {Trouble.OFFLINE: Finding("No worker reads this camera.")}
GOOD = {Trouble.ERROR: WELL, Trouble.OFFLINE: WELL, Trouble.SLOW: WELL, Trouble.SILENT: WELL}
SLOW = GOOD | {Trouble.SLOW: Finding("1.0 frames a second are read; 6.0 are asked for.")}

Watch = Callable[..., list[tuple[str, str]]]


@pytest.fixture
def watch(camera: Camera) -> Watch:
    """Follows the camera through a sequence of (seconds, findings), every ten seconds; the notices."""
    moment = START

    def _watch(*sequence: tuple[float, Mapping[Trouble, Finding]]) -> list[tuple[str, str]]:
        nonlocal moment
        notices = []
        for seconds, findings in sequence:
            until = moment + timedelta(seconds=seconds)
            while moment < until:
                for incident in incidents.follow({camera.pk: findings}, now=moment):
                    notices.append((str(incident.kind), "closed" if incident.ended_at else "opened"))
                moment += TICK
        return notices

    return _watch


def test_what_stays_wrong_is_told_once_and_so_is_its_end(watch: Watch) -> None:
    assert watch((50, ERROR)) == [], "it may be over in a moment"
    assert watch((600, ERROR)) == [("error", "opened")]
    assert watch((50, GOOD)) == [], "it may come back in a moment"
    assert watch((600, GOOD)) == [("error", "closed")]
    incident = CameraIncident.objects.get()
    assert incident.since == START
    assert incident.noticed_at == START + timedelta(seconds=60)
    assert incident.ended_at == START + timedelta(seconds=650)


def test_each_worsening_has_a_notice_of_its_own(watch: Watch) -> None:
    day = 3600.0
    assert watch((300, ERROR), (day, GOOD), (300, SLOW), (day, GOOD), (300, ERROR)) == [
        ("error", "opened"),
        ("error", "closed"),
        ("slow", "opened"),
        ("slow", "closed"),
        ("error", "opened"),
    ]


def test_an_improvement_that_does_not_last_changes_nothing(watch: Watch) -> None:
    assert watch((120, ERROR), (40, GOOD), (120, ERROR), (300, GOOD)) == [
        ("error", "opened"),
        ("error", "closed"),
    ]


@pytest.mark.parametrize(("bad", "good"), [(30, 30), (10, 20), (50, 10), (20, 50)])
def test_a_camera_that_flaps_is_one_incident(watch: Watch, bad: float, good: float) -> None:
    flapping = [(bad, ERROR), (good, GOOD)] * 40
    assert watch(*flapping) == [("unstable", "opened")]
    assert list(CameraIncident.objects.open().values_list("kind", flat=True)) == ["unstable"]
    assert watch((3600, GOOD)) == [("unstable", "closed")]


def test_three_hiccups_are_no_flapping(watch: Watch) -> None:
    assert watch(*[(40, ERROR), (200, GOOD)] * 3, (3600, GOOD)) == []


def test_flapping_takes_over_from_the_incident_that_was_open(watch: Watch) -> None:
    notices = watch((120, ERROR), *[(80, GOOD), (50, ERROR)] * 20)
    assert notices[0] == ("error", "opened")
    assert notices.count(("unstable", "opened")) == 1
    after = notices[notices.index(("unstable", "opened")) :]
    assert after == [("unstable", "opened")], "and nothing more while it flaps"


def test_a_camera_that_flapped_and_then_stays_down_is_told_as_down(watch: Watch) -> None:
    watch(*[(30, ERROR), (30, GOOD)] * 20)
    assert watch((3600, ERROR)) == [("unstable", "closed"), ("error", "opened")]


def test_one_breakdown_that_shows_in_several_ways_is_no_flapping(watch: Watch) -> None:
    bad = GOOD | {kind: Finding("x") for kind in (Trouble.SLOW, Trouble.LATE, Trouble.CLOCK, Trouble.SILENT)}
    good = dict.fromkeys(bad, WELL)
    kinds = {kind for kind, _what in watch((300, bad), (300, good))}
    assert kinds == {"slow", "late", "clock", "silent"}


def test_drops_that_a_worker_mends_between_two_looks_count(watch: Watch, camera: Camera) -> None:
    CameraSample.objects.create(camera=camera, minute=START, drops=incidents.CHANGES)
    assert watch((60, GOOD)) == [("unstable", "opened")]


def test_error_and_offline_are_one_incident(watch: Watch) -> None:
    assert watch((120, ERROR), (120, OFFLINE), (120, ERROR)) == [("error", "opened")]
    assert watch((120, OFFLINE), (300, GOOD)) == [("offline", "closed")]
    assert CameraIncident.objects.get().since == START


def test_what_cannot_be_known_neither_opens_nor_closes(watch: Watch) -> None:
    assert watch((50, SLOW), (300, ERROR), (50, SLOW)) == [("error", "opened")]
    assert watch((300, SLOW)) == [("error", "closed"), ("slow", "opened")]
    assert watch((300, ERROR)) == [("error", "opened")]
    assert {row.kind for row in CameraIncident.objects.open()} == {"error", "slow"}


def test_a_camera_that_is_switched_off_has_no_incident(watch: Watch, camera: Camera) -> None:
    watch((300, ERROR))
    [closed] = incidents.follow({}, now=START + timedelta(hours=1))
    assert closed.ended_at is not None
    assert not CameraIncident.objects.open().exists()


def test_how_long_it_must_last_is_set(watch: Watch, settings: Any) -> None:
    settings.CAMERA_INCIDENT_SECONDS = 20
    assert watch((30, ERROR)) == [("error", "opened")]


def test_two_workers_do_not_judge_at_the_same_time(
    transactional_db: None, camera: Camera, django_db_blocker: Any
) -> None:
    other = connections.create_connection("default")
    try:
        other.set_autocommit(False)
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtext('cameras.incidents'))")
        assert incidents.follow({camera.pk: ERROR}, now=START) == []
        assert not CameraIncident.objects.exists()
        other.rollback()
        incidents.follow({camera.pk: ERROR}, now=START)
        assert CameraIncident.objects.count() == 1
    finally:
        other.close()


def test_pages_are_told_after_the_commit(
    watch: Watch, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> None:
    sent: list[Any] = []
    monkeypatch.setattr(push, "send", lambda *message: sent.append(message))
    with django_capture_on_commit_callbacks(execute=True):
        watch((300, ERROR))
        assert sent == []
    pk = CameraIncident.objects.get().pk
    assert sent == [("cameras", "push_cameras", {"type": "camera.incident", "id": pk})]


def test_who_acknowledges_first_is_kept_with_an_audit_row(
    watch: Watch, operator: User, admin_user: User
) -> None:
    watch((300, ERROR))
    incident = CameraIncident.objects.get()
    incidents.acknowledge(incident.pk, by=operator, ip_address="192.0.2.1")
    with pytest.raises(incidents.AlreadyAcknowledgedError):
        incidents.acknowledge(incident.pk, by=admin_user)
    incident.refresh_from_db()
    assert incident.acknowledged_by == operator
    [event] = AuditEvent.objects.filter(action="camera_incident.acknowledge")
    assert (event.actor, event.target_id) == (operator, str(incident.pk))


def test_what_was_never_told_cannot_be_acknowledged_and_is_thrown_away(watch: Watch, operator: User) -> None:
    watch((20, ERROR), (300, GOOD))
    blip = CameraIncident.objects.get()
    with pytest.raises(CameraIncident.DoesNotExist):
        incidents.acknowledge(blip.pk, by=operator)
    assert incidents.prune(START + timedelta(hours=1)) == 0
    assert incidents.prune(START + timedelta(days=2)) == 1


def test_what_began_before_anybody_looked_must_last_too(watch: Watch) -> None:
    """A camera that is switched on again, or was let go by its worker a moment ago, is no breakdown."""
    week_ago = START - timedelta(days=7)
    before = {Trouble.OFFLINE: Finding("It has not been read yet.", week_ago)}
    assert watch((50, before), (300, GOOD)) == []
    assert watch((120, before)) == [("offline", "opened")]
    assert CameraIncident.objects.open().get().since == week_ago


@pytest.mark.parametrize(
    "fields",
    [
        {"kind": "nonsense"},
        {"ended_at": START - timedelta(seconds=1)},
        {"acknowledged_at": START},
    ],
)
def test_the_database_refuses_impossible_incidents(camera: Camera, fields: dict[str, Any]) -> None:
    sound = {"camera": camera, "kind": "error", "since": START, "found_at": START}
    with pytest.raises(IntegrityError), transaction.atomic():
        CameraIncident.objects.create(**sound | fields)


def test_the_database_keeps_one_open_incident_of_a_kind(camera: Camera) -> None:
    CameraIncident.objects.create(camera=camera, kind="error", since=START, found_at=START, ended_at=START)
    CameraIncident.objects.create(camera=camera, kind="error", since=START, found_at=START)
    CameraIncident.objects.create(camera=camera, kind="slow", since=START, found_at=START)
    with pytest.raises(IntegrityError), transaction.atomic():
        CameraIncident.objects.create(camera=camera, kind="error", since=START, found_at=START)
