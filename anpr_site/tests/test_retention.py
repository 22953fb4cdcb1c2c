"""What is due is deleted, whole months of passages with their photos, with a certificate; nothing else is."""

import hashlib
import io
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.core.files.storage import default_storage
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import AuditEvent, User
from alerts.models import Alert
from alerts.tasks import match_passages
from anpr_site import purging
from anpr_site.tests.test_retention_rules import issued, tamper
from cameras.models import Camera
from conftest import picture
from deploy.embedded import REPOSITORY
from detections import counting, partitions
from detections.corrections import correct
from detections.models import (
    Correction,
    DataKind,
    DeletionCertificate,
    Detection,
    HourlyCount,
    SeenPlate,
    Stay,
)
from detections.passages import NewPassage
from detections.retention import certificates, months, pictures, rules
from detections.services import record
from detections.tasks import remember_plates
from vehicles.models import StolenVehicle

New = Callable[..., NewPassage]
LogIn = Callable[[User], Client]

pytestmark = pytest.mark.django_db(transaction=True)


def old_month() -> date:
    """A month all of whose passages are older than a year."""
    return partitions.add_months(partitions.month_of(timezone.now().date()), -14)


def moment_in(month: date) -> datetime:
    """A moment of the month."""
    return months.bounds(month)[0] + timedelta(days=9, hours=5)


@pytest.fixture
def old(new_passage: New) -> date:
    """A month that is due: three passages, two with photos, one that stood; each consumer has seen them."""
    for left in months.due(timezone.now()):
        # By another test: tables of months stay when it ends.
        with connection.cursor() as cursor:
            cursor.execute(f"DROP TABLE {partitions.name_of(left)}")
    rules.change(DataKind.READS, to=730, by=None)
    month = old_month()
    fields = {"frame": picture(), "bounding_box": [200, 200, 320, 230]}
    passages = [
        new_passage("BB6232RB", detected_at=moment_in(month), **fields),
        new_passage("AA0002RB", detected_at=moment_in(month) + timedelta(days=3), **fields),
        new_passage("AA0003RB", detected_at=moment_in(month)),
    ]
    assert {outcome.status for outcome in record(passages)} == {"created"}
    stood = {"camera": passages[0].camera, "started_at": moment_in(month)}
    Stay.objects.create(event_id=passages[0].event_id, ended_at=moment_in(month), **stood)
    rules.change(DataKind.READS, to=365, by=None)
    return month


def consumed() -> None:
    """Every consumer of the feed sees what there is."""
    match_passages()
    counting.count_new()
    remember_plates()


def test_a_month_goes_whole_with_its_photos_and_a_certificate(
    old: date, new_passage: New, admin_user: User
) -> None:
    record([new_passage("ZZ0001RB", frame=picture())])
    consumed()
    line = "".join(
        f"{one.pk} {one.event_id} {one.detected_at.timestamp():.6f} {one.plate_number}\n"
        for one in Detection.objects.filter(detected_at__lt=months.bounds(old)[1]).order_by("pk")
    )
    photos = [one.image_path for one in Detection.objects.filter(detected_at__lt=months.bounds(old)[1])]
    [certificate] = purging.purge(by=admin_user)
    assert (certificate.kind, certificate.rows, certificate.images) == ("reads", 3, 2)
    assert certificate.digest == hashlib.sha256(line.encode()).hexdigest()
    assert certificate.bytes > 1000
    assert (certificate.since, certificate.until) == months.bounds(old)
    assert old not in partitions.months()
    assert [one.plate_number for one in Detection.objects.all()] == ["ZZ0001RB"]
    assert default_storage.exists(Detection.objects.get().image_path)
    assert not any(default_storage.exists(path) for path in photos if path)
    assert not Stay.objects.exists()
    certificate.refresh_from_db()
    assert certificate.finished_at
    assert AuditEvent.objects.get(action="retention.delete").actor == admin_user
    assert sum(one.passages for one in HourlyCount.objects.all()) == 4, "roll-ups stay"
    partitions.ensure(old, old)
    assert list(counting.recount()) == [], "nor does a recount take them for wrong"
    assert len(purging.purge()) == 1, "an empty month goes too"
    assert purging.purge() == []


def test_a_month_is_kept_until_it_is_due(new_passage: New) -> None:
    consumed()
    cutoff = rules.reads_cutoff()
    due = months.due(timezone.now())
    assert partitions.month_of(cutoff.date()) not in due
    record([new_passage(detected_at=cutoff + timedelta(minutes=1))])
    consumed()
    assert all(months.bounds(month)[1] <= cutoff for month in months.due(timezone.now()))
    purging.purge()
    assert Detection.objects.count() == 1


def test_an_alert_outlives_its_month(old: date, theft: StolenVehicle, logged_in: LogIn, viewer: User) -> None:
    consumed()
    alert = Alert.objects.get()
    purging.purge()
    assert not Detection.objects.exists()
    client = logged_in(viewer)
    html = client.get(reverse("alerts:detail", args=[alert.pk])).content.decode()
    assert "BB6232RB" in html.replace(" ", "")
    photo = client.get(reverse("alerts:frame", args=[alert.pk]))
    assert photo.status_code == 200
    assert b"".join(photo) == picture()
    assert client.get(reverse("alerts:crop", args=[alert.pk])).status_code == 200
    assert 'class="characters' in html, "why it matched"


def test_corrections_and_the_dictionary_go_with_their_month(
    old: date, new_passage: New, operator: User
) -> None:
    record([new_passage("CD5678RB")])
    for passage in Detection.objects.all():
        correct(passage, plate_number="EF9012RB", reason="photo", by=operator)
    consumed()
    assert SeenPlate.objects.count() > 2
    assert len(purging.purge(kinds={DataKind.READS})) == 1
    kept = Detection.objects.get()
    assert list(Correction.objects.values_list("detection_id", flat=True)) == [kept.pk]
    assert set(SeenPlate.objects.values_list("plate_number", flat=True)) == {"CD5678RB", "EF9012RB"}


def test_a_month_is_kept_while_a_consumer_has_not_seen_it(old: date) -> None:
    counting.count_new()
    with pytest.raises(months.HeldError, match="jamais tourné"):
        months.check_free(*months.bounds(old))
    assert purging.purge(kinds={DataKind.READS}) == []
    consumed()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE detections_feedcursor SET xid = 0, detection_id = 0 WHERE consumer = 'alerts'")
    with pytest.raises(CommandError, match="alerts n’a pas encore tout vu"):
        call_command("purge", stdout=io.StringIO())
    assert old in partitions.months()
    match_passages()
    assert len(purging.purge()) == 1


asked: list[tuple[datetime, datetime]] = []


def copies_out(since: datetime, until: datetime) -> None:
    """A later app that needs nothing more once it was asked."""
    asked.append((since, until))


def refuses(since: datetime, until: datetime) -> None:
    """A legal hold."""
    raise months.HeldError("exhibit 12 is not copied yet")


def breaks(since: datetime, until: datetime) -> None:
    """An app whose storage is away."""
    raise OSError("planted")


def test_who_needs_a_month_is_asked_and_may_keep_it(old: date, settings: Any) -> None:
    consumed()
    for name, words in (("refuses", "exhibit 12 is not copied yet"), ("breaks", "OSError")):
        settings.RETENTION_HOLDS = [f"{__name__}.copies_out", f"{__name__}.{name}"]
        with pytest.raises(months.HeldError, match=words):
            months.drop(old, by=None)
        assert purging.purge() == []
    assert old in partitions.months()
    assert Detection.objects.count() == 3
    assert pictures.album_of(*months.bounds(old)).images == 2, "what is held keeps its photos"
    asked.clear()
    settings.RETENTION_HOLDS = [f"{__name__}.copies_out"]
    assert len(purging.purge()) == 1
    assert months.bounds(old) in asked


def test_a_run_that_was_killed_before_the_photos_is_finished_by_the_next(
    old: date, monkeypatch: pytest.MonkeyPatch
) -> None:
    consumed()

    def killed(*_bounds: object) -> int:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(pictures, "delete", killed)
        with pytest.raises(KeyboardInterrupt):
            purging.purge()
    [certificate] = DeletionCertificate.objects.all()
    assert certificate.finished_at is None
    assert old not in partitions.months()
    assert pictures.album_of(*months.bounds(old)).images == 2
    assert purging.purge() == []
    assert pictures.album_of(*months.bounds(old)).images == 0
    certificate.refresh_from_db()
    assert certificate.finished_at


def test_passages_that_come_in_while_a_month_is_read_keep_it(
    old: date, monkeypatch: pytest.MonkeyPatch
) -> None:
    consumed()
    monkeypatch.setattr(months, "PAUSE_SECONDS", 0)
    read, count = months.read, 0

    def then_one_more(month: date) -> months.Contents:
        nonlocal count
        found = read(month)
        count += 1
        if count <= 2:
            camera = Camera.objects.get()
            fields = {"plate_number": "XX0001", "plate_key": "XX0001", "confidence": 1, "source": "api"}
            Detection.objects.create(camera=camera, detected_at=moment_in(month), **fields)
            consumed()
        return found

    monkeypatch.setattr(months, "read", then_one_more)
    assert months.drop(old, by=None).rows == 5
    assert count == 3


def test_nothing_is_dropped_that_came_in_after_the_consumers_were_asked(
    old: date, monkeypatch: pytest.MonkeyPatch
) -> None:
    consumed()
    monkeypatch.setattr(months, "PAUSE_SECONDS", 0)
    read, come = months.read, iter([True])

    def one_more_first(month: date) -> months.Contents:
        if next(come, False):
            fields = {"plate_number": "XX0001", "plate_key": "XX0001", "confidence": 1, "source": "api"}
            Detection.objects.create(camera=Camera.objects.get(), detected_at=moment_in(month), **fields)
        return read(month)

    monkeypatch.setattr(months, "read", one_more_first)
    with pytest.raises(months.HeldError, match="pas encore tout vu"):
        months.drop(old, by=None)
    assert Detection.objects.count() == 4


def test_a_correction_made_while_the_month_goes_does_not_stay_behind(
    old: date, operator: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    consumed()
    passage = Detection.objects.all()[0]

    def an_officer_is_at_it(_month: date) -> None:
        correct(passage, plate_number="EF9012RB", reason="photo", by=operator)

    monkeypatch.setattr(months, "GOES_WITH_A_MONTH", (*months.GOES_WITH_A_MONTH, an_officer_is_at_it))
    assert months.drop(old, by=None).rows == 3
    assert not Correction.objects.exists()


def test_a_month_that_goes_during_a_recount_keeps_its_roll_ups(
    old: date, monkeypatch: pytest.MonkeyPatch
) -> None:
    consumed()
    recount_day, first = counting._recount_day, iter([True])

    def once_it_is_gone(*bounds: datetime, repair: bool) -> list[counting.Difference]:
        if next(first, False):
            assert len(purging.purge(kinds={DataKind.READS})) == 1
        return recount_day(*bounds, repair=repair)

    monkeypatch.setattr(counting, "_recount_day", once_it_is_gone)
    assert list(counting.recount(repair=True)) == []
    assert sum(one.passages for one in HourlyCount.objects.all()) == 3


def test_a_table_that_is_never_free_is_left(old: date, monkeypatch: pytest.MonkeyPatch) -> None:
    consumed()
    monkeypatch.setattr(months, "PAUSE_SECONDS", 0)
    monkeypatch.setattr(months, "ATTEMPTS", 2)

    def busy(_month: date, _contents: object) -> None:
        raise OperationalError("canceling statement due to lock timeout")

    monkeypatch.setattr(months, "_drop", busy)
    with pytest.raises(months.HeldError, match="jamais été libre"):
        months.drop(old, by=None)
    assert Detection.objects.count() == 3
    assert not DeletionCertificate.objects.exists()


# --- The command --------------------------------------------------------------------------------------------


def test_a_dry_run_tells_and_deletes_nothing(old: date) -> None:
    consumed()
    told = io.StringIO()
    call_command("purge", "--dry-run", stdout=told)
    assert f"reads        before {months.bounds(old)[1]:%Y-%m-%d}" in told.getvalue()
    assert "2 images" in told.getvalue()
    assert Detection.objects.count() == 3
    assert not DeletionCertificate.objects.exists()
    call_command("purge", "--dry-run", "--kind", "audit", stdout=told)
    assert "Nothing is due. Kept: audit 1826 days." in told.getvalue()


def test_two_purges_do_not_meet(old: date) -> None:
    consumed()
    other = connection.copy()
    try:
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(hashtext('anpr purge'))")
        with pytest.raises(CommandError, match="Another purge runs"):
            call_command("purge")
    finally:
        other.close()
    call_command("purge", stdout=io.StringIO())
    assert not Detection.objects.exists()


# --- The page -----------------------------------------------------------------------------------------------


def test_the_page_tells_rules_what_is_due_and_what_went(
    old: date, logged_in: LogIn, admin_user: User, operator: User, django_assert_max_num_queries: Any
) -> None:
    assert logged_in(operator).get(reverse("retention")).status_code == 403
    client = logged_in(admin_user)
    counting.count_new()
    html = client.get(reverse("retention")).content.decode()
    assert "Conservé pour l’instant" in html
    assert "jamais tourné" in html
    assert "Rien n’a encore été supprimé." in html
    consumed()
    purging.purge()
    issued(30)
    with django_assert_max_num_queries(20):
        html = client.get(reverse("retention")).content.decode()
    assert "Rien à supprimer" in html
    assert html.count("/json") == 20
    assert "photos encore à supprimer" in html
    tamper("UPDATE detections_deletioncertificate SET started_at = now() - interval '2 days'")
    assert "depuis plus d’un jour" in client.get(reverse("retention")).content.decode()


# --- Killed -------------------------------------------------------------------------------------------------


@pytest.mark.stack
def test_a_purge_that_is_killed_is_finished_by_the_next(old: date, settings: Any) -> None:
    """A real process, kill -9 while it deletes photos: the next one deletes the rest, once, and says so."""
    consumed()
    folder = Path(settings.MEDIA_ROOT) / f"frames/x/{moment_in(old):%Y/%m/%d}"
    folder.mkdir(parents=True)
    for number in range(20_000):
        (folder / f"{number}.jpg").write_bytes(b"")
    database = urlsplit(os.environ["DATABASE_URL"])
    name = f"/{connection.settings_dict['NAME']}"
    environment = os.environ | {
        "DATABASE_URL": database._replace(path=name).geturl(),
        "MEDIA_ROOT": str(settings.MEDIA_ROOT),
    }
    command = [sys.executable, "manage.py", "purge"]
    with subprocess.Popen(command, cwd=REPOSITORY, env=environment, stdout=subprocess.DEVNULL) as process:
        deadline = time.monotonic() + 60
        while not DeletionCertificate.objects.exists() and time.monotonic() < deadline:
            time.sleep(0.002)
        process.send_signal(signal.SIGKILL)
    [certificate] = DeletionCertificate.objects.all()
    left = pictures.album_of(*months.bounds(old)).images
    assert left > 0, "it was killed in the middle"
    assert certificate.finished_at is None
    assert certificate.images == 20_002
    assert old not in partitions.months()
    subprocess.run(command, cwd=REPOSITORY, env=environment, check=True, timeout=60)
    [certificate] = DeletionCertificate.objects.all()
    assert certificate.finished_at
    assert pictures.album_of(*months.bounds(old)).images == 0
    assert not folder.exists()
    assert list(certificates.faults()) == []
