"""Statistics are what the passages are: at every moment, whatever is being stored, counted or repaired."""

import io
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, connections, transaction
from django.utils import timezone

from cameras.models import Camera
from conftest import at
from detections import counting, feed, services, statistics
from detections.models import Detection, FeedCursor, HourlyCount
from detections.passages import NewPassage
from detections.statistics import By, Span, Tally, check_zone, tallies, weeks_of
from detections.tests.test_camera_health import passing

New = Callable[..., NewPassage]
NOW = at("2026-11-21T10:20:00+00:00")

pytestmark = pytest.mark.django_db


@pytest.fixture
def other(camera: Camera) -> Camera:
    """A second camera."""
    return Camera.objects.create(name="Igolo", code="igolo")


def recounted() -> dict[tuple[datetime, int, str], int]:
    """What a plain count of the table says."""
    found: dict[tuple[datetime, int, str], int] = {}
    for one in Detection.objects.all():
        hour = one.detected_at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
        key = (hour, one.camera_id, one.vehicle_type)
        found[key] = found.get(key, 0) + 1
    return found


def rolled_up() -> dict[tuple[datetime, int, str], int]:
    """What the roll-ups say."""
    return {(one.hour, one.camera_id, one.vehicle_type): one.passages for one in HourlyCount.objects.all()}


def mixed(new_passage: New, other: Camera, count: int = 40) -> list[NewPassage]:
    """Passages of two cameras, several classes, over many hours."""
    now = timezone.now()
    return [
        new_passage(
            f"AA{number:04}",
            detected_at=now - timedelta(minutes=37 * number),
            confidence=0.5 if number % 5 == 0 else 0.9,
            layout="two_line" if number % 2 else "one_line",
            vehicle_type=("car", "motorcycle", "")[number % 3],
            **({"camera": other} if number % 4 == 0 else {}),
        )
        for number in range(count)
    ]


@pytest.mark.django_db(transaction=True)
def test_roll_ups_are_what_a_plain_count_says(new_passage: New, other: Camera) -> None:
    services.record(mixed(new_passage, other))
    assert counting.count_new() == 40
    assert counting.count_new() == 0
    assert rolled_up() == recounted()
    whole = statistics.total(tallies(Span.around(NOW - timedelta(days=400), timezone.now())))
    assert whole == Tally(passages=40, doubtful=8, two_line=20, waiting=0)
    assert list(counting.recount()) == []


@pytest.mark.django_db(transaction=True)
def test_a_late_passage_lands_in_its_own_hour(new_passage: New) -> None:
    late = timezone.now() - timedelta(hours=9)
    services.record([new_passage(), new_passage(detected_at=late)])
    counting.count_new()
    services.record([new_passage(detected_at=late)])
    counting.count_new()
    assert rolled_up() == recounted()
    assert tallies(Span.around(late, late + timedelta(seconds=1)))[()].passages == 2


@pytest.mark.django_db(transaction=True)
def test_figures_are_complete_before_anything_is_counted(new_passage: New, other: Camera) -> None:
    services.record(mixed(new_passage, other))
    period = Span.around(timezone.now() - timedelta(days=3), timezone.now())
    before = tallies(period, By.HOUR, By.CAMERA, By.VEHICLE)
    assert statistics.total(before).waiting == 40
    counting.count_new()
    services.record([new_passage("ZZ0001", vehicle_type="car")])
    after = tallies(period, By.HOUR, By.CAMERA, By.VEHICLE)
    assert statistics.total(after) == Tally(passages=41, doubtful=8, two_line=20, waiting=1)
    assert sum(tally.passages for tally in before.values()) == 40


@pytest.mark.django_db(transaction=True)
def test_figures_are_complete_while_a_long_transaction_holds_the_feed(new_passage: New) -> None:
    """The consumer may not read past a writer that still runs; what others committed is told all the same."""
    inserted, may_commit = threading.Event(), threading.Event()

    def slow() -> None:
        with transaction.atomic():
            services.record([new_passage("SLOW01")])
            inserted.set()
            may_commit.wait(10)
        connection.close()

    thread = threading.Thread(target=slow)
    thread.start()
    assert inserted.wait(10)
    services.record([new_passage("FAST01")])
    period = Span.around(timezone.now() - timedelta(hours=2), timezone.now() + timedelta(hours=1))
    assert counting.count_new() == 0
    assert tallies(period)[()] == Tally(passages=1, waiting=1)
    may_commit.set()
    thread.join()
    assert tallies(period)[()] == Tally(passages=2, waiting=2)
    assert counting.count_new() == 2
    assert tallies(period)[()] == Tally(passages=2)


@pytest.mark.django_db(transaction=True)
def test_a_count_that_fails_is_made_again(new_passage: New, monkeypatch: pytest.MonkeyPatch) -> None:
    assert counting.count_new() == 0
    services.record([new_passage(), new_passage()])

    def torn(*_arguments: Any, **_named: Any) -> None:
        raise RuntimeError("planted")

    with monkeypatch.context() as patched:
        patched.setattr(FeedCursor, "save", torn)
        with pytest.raises(RuntimeError):
            counting.count_new()
    assert not rolled_up()
    assert counting.count_new() == 2
    assert rolled_up() == recounted()


@pytest.mark.django_db(transaction=True)
def test_batches_are_counted_to_the_end(
    new_passage: New, other: Camera, monkeypatch: pytest.MonkeyPatch
) -> None:
    services.record(mixed(new_passage, other))
    monkeypatch.setattr(counting, "BATCH", 7)
    assert counting.count_new() == 40
    assert rolled_up() == recounted()


@pytest.mark.django_db(transaction=True)
def test_a_recount_finds_and_repairs_what_is_wrong(new_passage: New, other: Camera) -> None:
    services.record(mixed(new_passage, other))
    counting.count_new()
    true = rolled_up()
    first, second, third = HourlyCount.objects.order_by("pk")[:3]
    HourlyCount.objects.filter(pk=first.pk).update(passages=99)
    HourlyCount.objects.filter(pk=second.pk).delete()
    HourlyCount.objects.filter(pk=third.pk).update(vehicle_type="spaceship")
    with pytest.raises(CommandError, match="4 hours differ"):
        call_command("recount", stdout=io.StringIO())
    assert rolled_up() != true
    told = io.StringIO()
    call_command("recount", "--repair", stdout=told)
    assert "4 hours corrected" in told.getvalue()
    assert "99 in the roll-ups" in told.getvalue()
    assert rolled_up() == true
    call_command("recount", stdout=told)
    assert "The roll-ups are what the passages are." in told.getvalue()


def test_a_recount_looks_at_the_period_asked_for_only(new_passage: New) -> None:
    services.record([new_passage(detected_at=timezone.now() - timedelta(hours=30))])
    HourlyCount.objects.create(
        hour=Span.around(timezone.now(), timezone.now()).since - timedelta(hours=30),
        camera=Camera.objects.get(),
        vehicle_type="bus",
        passages=7,
        doubtful=0,
        two_line=0,
    )
    recent = timezone.localtime() - timedelta(hours=3)
    call_command("recount", "--from", recent.strftime("%Y-%m-%dT%H:%M"), stdout=io.StringIO())
    with pytest.raises(CommandError):
        call_command("recount", "--from", "2026-01-01", stdout=io.StringIO())


def closing(work: Callable[[], None]) -> Callable[[], None]:
    """Work of a thread, which leaves no connection behind."""

    def run() -> None:
        try:
            work()
        finally:
            connections.close_all()

    return run


@pytest.mark.django_db(transaction=True)
def test_a_recount_is_exact_while_passages_come_in_and_are_counted(new_passage: New, camera: Camera) -> None:
    """Writers, the consumer and a repairing recount at once: no hour is ever off."""
    done = threading.Event()
    wrong: list[Any] = []

    @closing
    def write() -> None:
        for number in range(60):
            moment = timezone.now() - timedelta(minutes=number % 200)
            services.record([new_passage(f"AA{number:04}", detected_at=moment) for _ in range(5)])

    @closing
    def count() -> None:
        while not done.is_set():
            counting.count_new()

    @closing
    def check() -> None:
        while not done.is_set():
            wrong.extend(counting.recount(since=timezone.now() - timedelta(days=2), repair=True))

    with ThreadPoolExecutor(4) as pool:
        others = [pool.submit(count), pool.submit(check)]
        for writer in [pool.submit(write), pool.submit(write)]:
            writer.result()
        done.set()
        for other in others:
            other.result()
    assert wrong == []
    counting.count_new()
    assert rolled_up() == recounted()
    assert sum(rolled_up().values()) == 600


@pytest.mark.django_db(transaction=True)
def test_after_a_restore_nothing_is_counted_twice(new_passage: New) -> None:
    services.record([new_passage("AA0001"), new_passage("AA0002")])
    counting.count_new()
    services.record([new_passage("AA0003")])
    with connection.cursor() as sql:
        # As dumped from a cluster that was a million transactions further. The second row is given again.
        sql.execute(
            "UPDATE detections_detection SET ingest_xid = (ingest_xid::text::bigint + 1000000)::text::xid8"
        )
        sql.execute("UPDATE detections_feedcursor SET xid = xid + 1000000, detection_id = detection_id - 1")
    call_command("rebase_feed", stdout=io.StringIO())
    counting.count_new()
    assert rolled_up() == recounted()


def test_an_old_cluster_is_not_counted(new_passage: New) -> None:
    services.record([new_passage()])
    feed.consume(counting.CONSUMER, lambda _passages: None)
    with connection.cursor() as sql:
        sql.execute("UPDATE detections_feedcursor SET xid = xid + 1000000")
    with pytest.raises(feed.FeedMovedError):
        counting.count_new()


# --- By the country's clock --------------------------------------------------------------------------------


def test_days_are_those_of_the_country(new_passage: New, camera: Camera) -> None:
    # 23:30 UTC is half past midnight of the next day there.
    passing(camera, 1, at("2026-11-20T23:59:59+00:00"), over=timedelta(minutes=59))
    passing(camera, 3, at("2026-11-20T22:59:59+00:00"), over=timedelta(minutes=59))
    period = Span.days(2, now=NOW)
    assert period.since == at("2026-11-20T00:00:00+01:00")
    hours = tallies(period, By.HOUR)
    assert [tally.passages for tally in statistics.by_day(hours, period).values()] == [3, 1]
    assert {str(day): tally.passages for (day,), tally in tallies(period, By.DAY).items()} == {
        "2026-11-20": 3,
        "2026-11-21": 1,
    }
    grid = statistics.by_week_hour(hours, period, now=NOW)
    assert grid[5][0] == 1, "Saturday, midnight"
    assert grid[4][23] == 3, "Friday, 23 h"
    assert grid[5][23] is None, "that hour has not begun"
    assert grid[0][0] is None, "no Monday in the period"


def test_the_zone_must_be_whole_hours_from_utc(settings: Any) -> None:
    assert check_zone("Africa/Porto-Novo")
    assert check_zone("Europe/Paris")
    assert not check_zone("Asia/Kolkata")
    settings.TIME_ZONE = "Asia/Kathmandu"
    with pytest.raises(CommandError, match="whole hours"):
        call_command("check")


def test_what_is_usual_is_the_median_of_past_weeks(camera: Camera, other: Camera) -> None:
    Camera.objects.filter(pk=camera.pk).update(created_at=NOW - timedelta(days=60))
    Camera.objects.filter(pk=other.pk).update(created_at=NOW - timedelta(days=10))
    camera.refresh_from_db()
    other.refresh_from_db()
    for week, count in enumerate((30, 10, 20, 90, 40)):
        passing(camera, count, NOW - timedelta(hours=2) - week * statistics.WEEK)
    passing(other, 5, NOW - timedelta(hours=2))
    found = weeks_of([camera, other], now=NOW)
    assert found[camera.pk] == statistics.Week(actual=30, expected=30.0)
    assert found[other.pk] == statistics.Week(actual=5, expected=None)
