"""What is due is deleted, whole months of passages with their photos, with a certificate; nothing else is."""

import hashlib
import io
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.core.exceptions import ValidationError
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.management import CommandError, call_command
from django.db import IntegrityError, OperationalError, connection, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import AuditEvent, User
from accounts.services import audit
from alerts.models import Alert
from alerts.tasks import match_passages
from anpr_site import purging
from cameras.models import Camera
from conftest import picture
from detections import counting, partitions
from detections.corrections import correct
from detections.models import (
    LIMITS,
    Correction,
    DataKind,
    DeletionCertificate,
    Detection,
    HourlyCount,
    RetentionRule,
    SeenPlate,
    Stay,
    Submission,
    SubmissionStatus,
)
from detections.passages import NewPassage, check_time, times_taken
from detections.retention import certificates, months, pictures, records, rules
from detections.services import record, submit_photo
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
    assert list(counting.recount()) == []
    assert purging.purge() == []


def test_a_month_that_went_keeps_its_roll_ups_though_it_is_made_again(old: date, new_passage: New) -> None:
    consumed()
    purging.purge()
    rules.change(DataKind.READS, to=730, by=None)
    record([new_passage("ZZ0001RB", detected_at=moment_in(old))])
    consumed()
    assert old in partitions.months()
    assert list(counting.recount(repair=True)) == []
    assert sum(one.passages for one in HourlyCount.objects.all()) == 4


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
    assert client.get(reverse("alerts:frame", args=[alert.pk])).status_code == 200
    assert client.get(reverse("alerts:crop", args=[alert.pk])).status_code == 200
    assert "Pourquoi" in html or "characters" in html


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
    with pytest.raises(months.HeldError, match="has never run"):
        months.check_free(old)
    assert purging.purge(kinds={DataKind.READS}) == []
    consumed()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE detections_feedcursor SET xid = 0, detection_id = 0 WHERE consumer = 'alerts'")
    with pytest.raises(CommandError, match="alerts has not seen all of it"):
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
    asked.clear()
    settings.RETENTION_HOLDS = [f"{__name__}.copies_out"]
    assert len(purging.purge()) == 1
    assert asked == [months.bounds(old)]


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
    with pytest.raises(months.HeldError, match="has not seen all of it"):
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


def test_a_table_that_is_never_free_is_left(old: date, monkeypatch: pytest.MonkeyPatch) -> None:
    consumed()
    monkeypatch.setattr(months, "PAUSE_SECONDS", 0)
    monkeypatch.setattr(months, "ATTEMPTS", 2)

    def busy(_month: date, _contents: object) -> None:
        raise OperationalError("canceling statement due to lock timeout")

    monkeypatch.setattr(months, "_drop", busy)
    with pytest.raises(months.HeldError, match="never free"):
        months.drop(old, by=None)
    assert Detection.objects.count() == 3
    assert not DeletionCertificate.objects.exists()


# --- Photos, alerts, audit, photos sent in -----------------------------------------------------------------


def test_photos_may_go_before_their_passages(new_passage: New, logged_in: LogIn, viewer: User) -> None:
    now = timezone.now()
    days = {"frame": picture(), "bounding_box": [200, 200, 320, 230]}
    record([new_passage(f"AA000{n}RB", detected_at=now - timedelta(days=n * 20), **days) for n in (0, 1, 2)])
    # Left by a crash between file and COMMIT.
    orphan = default_storage.save(
        f"frames/x/{now - timedelta(days=40):%Y/%m/%d}/orphan.jpg", ContentFile(b"x")
    )
    rules.change(DataKind.IMAGES, to=30, by=None)
    [certificate] = purging.purge(kinds={DataKind.IMAGES})
    assert (certificate.kind, certificate.rows, certificate.images) == ("images", 0, 2)
    assert not default_storage.exists(orphan)
    kept = {one.plate_number: default_storage.exists(one.image_path) for one in Detection.objects.all()}
    assert kept == {"AA0000RB": True, "AA0001RB": True, "AA0002RB": False}
    gone = Detection.objects.get(plate_number="AA0002RB")
    assert gone.image_data, "the cut-out plate is part of the read"
    client = logged_in(viewer)
    assert client.get(reverse("detections:detail", args=[gone.pk])).status_code == 200
    assert client.get(reverse("detections:frame", args=[gone.pk])).status_code == 404
    assert purging.purge(kinds={DataKind.IMAGES}) == []


def test_resolved_alerts_go_with_their_own_photos(
    new_passage: New, theft: StolenVehicle, admin_user: User
) -> None:
    record(
        [
            new_passage("BB6232RB", frame=picture(), detected_at=timezone.now() - timedelta(hours=n))
            for n in (0, 9)
        ]
    )
    match_passages()
    resolved, still_open = Alert.objects.order_by("pk")
    long_ago = timezone.now() - timedelta(days=181)
    done = {"acknowledged_at": long_ago, "acknowledged_by": admin_user, "status": "resolved"}
    Alert.objects.filter(pk=resolved.pk).update(**done, resolved_at=long_ago, resolved_by=admin_user)
    Alert.objects.filter(pk=still_open.pk).update(created_at=timezone.now() - timedelta(days=900))
    [certificate] = purging.purge(kinds={DataKind.ALERTS})
    assert (certificate.rows, certificate.images) == (1, 1)
    assert not default_storage.exists(resolved.image_path)
    assert list(Alert.objects.all()) == [still_open]
    assert default_storage.exists(still_open.image_path)


def aged(action: str, days: int) -> AuditEvent:
    """A line of the audit trail that is so old."""
    event = audit(by=None, action=action)
    with connection.cursor() as cursor, transaction.atomic():
        cursor.execute("ALTER TABLE accounts_auditevent DISABLE TRIGGER append_only")
        cursor.execute(
            "UPDATE accounts_auditevent SET at = now() - make_interval(days => %s) WHERE id = %s",
            [days, event.pk],
        )
        cursor.execute("ALTER TABLE accounts_auditevent ENABLE TRIGGER append_only")
    return event


def test_the_audit_trail_goes_after_years_and_by_the_purge_alone(admin_user: User) -> None:
    aged("old.enough", 1900)
    young = aged("too.young", 1000)
    [certificate] = purging.purge(kinds={DataKind.AUDIT})
    assert certificate.rows == 1
    assert not AuditEvent.objects.filter(action="old.enough").exists()
    for setting in ("off", "on"):
        recent = aged("recent", 700)
        delete = (
            "SELECT set_config('anpr.purges_audit', %s, true); DELETE FROM accounts_auditevent WHERE id = %s"
        )
        with transaction.atomic(), connection.cursor() as cursor, pytest.raises(IntegrityError):
            cursor.execute(delete, [setting, recent.pk])
    with pytest.raises(IntegrityError), transaction.atomic():
        AuditEvent.objects.filter(pk=young.pk).delete()
    with pytest.raises(IntegrityError), transaction.atomic():
        AuditEvent.objects.filter(pk=young.pk).update(action="other")


def test_photos_sent_in_go_once_they_were_dealt_with(camera: Camera) -> None:
    long_ago = timezone.now() - timedelta(days=31)
    for number, status in enumerate(SubmissionStatus.values):
        path = default_storage.save(f"frames/{camera.code}/{status}.jpg", ContentFile(b"photo"))
        fields = {"camera": camera, "detected_at": long_ago, "image_path": path, "status": status}
        Submission.objects.create(event_id=f"00000000-0000-4000-8000-{number:012}", **fields)
    Submission.objects.update(updated_at=long_ago)
    [certificate] = purging.purge(kinds={DataKind.SUBMISSIONS})
    assert (certificate.rows, certificate.images, certificate.bytes) == (3, 2, 10)
    assert [one.status for one in Submission.objects.all()] == ["waiting"]
    left = sorted(default_storage.listdir(f"frames/{camera.code}")[1])
    assert left == ["read.jpg", "waiting.jpg"], "a photo that was read is its passage's"


def test_a_photo_that_waits_to_be_read_is_kept_however_late_it_was_sent(camera: Camera) -> None:
    rules.change(DataKind.IMAGES, to=1, by=None)
    fields = {"camera": camera, "detected_at": timezone.now() - timedelta(days=3)}
    waits, done = (submit_photo(photo=picture(), event_id=uuid4(), **fields) for _number in range(2))
    Submission.objects.filter(pk=done.pk).update(status=SubmissionStatus.READ)
    [certificate] = purging.purge(kinds={DataKind.IMAGES})
    assert certificate.images == 1
    assert default_storage.exists(waits.image_path)
    assert not default_storage.exists(done.image_path)
    Submission.objects.filter(pk=waits.pk).update(status=SubmissionStatus.READ)
    assert len(purging.purge(kinds={DataKind.IMAGES})) == 1
    assert not default_storage.exists(waits.image_path)


def test_the_photo_of_a_passage_stays_where_its_worker_died_before_saying_so(new_passage: New) -> None:
    long_ago = timezone.now() - timedelta(days=31)
    passage = new_passage(detected_at=long_ago)
    fields = {"camera": passage.camera, "detected_at": long_ago, "event_id": passage.event_id}
    photo = submit_photo(photo=picture(), **fields)
    record([replace(passage, frame_path=photo.image_path)])
    Submission.objects.update(status=SubmissionStatus.FAILED, updated_at=long_ago)
    [certificate] = purging.purge(kinds={DataKind.SUBMISSIONS})
    assert (certificate.rows, certificate.images) == (1, 0)
    assert default_storage.exists(Detection.objects.get().image_path)


# --- Rules --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", DataKind)
def test_limits_hold_in_the_database_and_in_the_service(kind: DataKind, admin_user: User) -> None:
    limits = LIMITS[kind]
    for days in (limits.least, limits.most):
        assert rules.change(kind, to=days, by=admin_user).days == days
    for days in (limits.least - 1, limits.most + 1):
        with pytest.raises(ValidationError):
            rules.change(kind, to=days, by=admin_user)
        with pytest.raises(IntegrityError), transaction.atomic():
            RetentionRule.objects.filter(kind=kind).update(days=days)
    told = AuditEvent.objects.filter(action="retention.change", target_id=kind.value)
    assert told.first().details["to"] == limits.most  # type: ignore[union-attr]


def test_a_rule_decides_what_is_taken(camera: Camera) -> None:
    moment = timezone.now() - timedelta(days=100)
    assert check_time(moment, times_taken()) is None
    rules.change(DataKind.READS, to=90, by=None)
    refusal = check_time(moment, times_taken())
    assert refusal is not None
    assert refusal.code == "too_old"


def test_photos_are_never_kept_longer_than_passages() -> None:
    rules.change(DataKind.IMAGES, to=365, by=None)
    rules.change(DataKind.READS, to=60, by=None)
    assert rules.days(DataKind.IMAGES) == 60


def test_rules_are_looked_up_once_for_many_passages(django_assert_num_queries: Any) -> None:
    rules.forget()
    with django_assert_num_queries(1):
        for _number in range(100):
            check_time(timezone.now(), times_taken())


def test_a_rule_is_changed_in_the_console_within_its_limits(
    logged_in: LogIn, admin_user: User, operator: User
) -> None:
    address = reverse("admin:detections_retentionrule_change", args=["reads"])
    RetentionRule.objects.get_or_create(kind="reads", defaults={"days": 365})
    assert logged_in(operator).get(address).status_code == 403
    client = logged_in(admin_user)
    assert "Entre 15 et 730" in client.post(address, {"days": "5"}).content.decode()
    assert client.post(address, {"days": "200"}).status_code == 302
    assert rules.days(DataKind.READS) == 200
    assert AuditEvent.objects.get(action="retention.change").actor == admin_user
    assert client.get(reverse("admin:detections_retentionrule_add")).status_code == 403


# --- Certificates -------------------------------------------------------------------------------------------


def issued(count: int) -> list[DeletionCertificate]:
    """So many certificates."""
    made = []
    for number in range(count):
        with transaction.atomic():
            made.append(
                certificates.issue(
                    kind=DataKind.AUDIT,
                    since=None,
                    until=timezone.now(),
                    rows=number,
                    digest=records.digest_of([str(number)]),
                    album=pictures.Album(),
                    by=None,
                    started_at=timezone.now(),
                    finished=False,
                )
            )
    return made


def test_certificates_are_append_only_and_finished_once() -> None:
    [one] = issued(1)
    for change in ({"rows": 7}, {"finished_at": timezone.now(), "rows": 7}, {"digest": "x"}):
        with pytest.raises(IntegrityError), transaction.atomic():
            DeletionCertificate.objects.filter(pk=one.pk).update(**change)
    certificates.finish(one)
    with pytest.raises(IntegrityError), transaction.atomic():
        DeletionCertificate.objects.filter(pk=one.pk).update(finished_at=timezone.now())
    with pytest.raises(IntegrityError), transaction.atomic():
        DeletionCertificate.objects.filter(pk=one.pk).delete()


def tamper(statement: str) -> None:
    """As somebody who may alter tables could."""
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE detections_deletioncertificate DISABLE TRIGGER append_only")
        cursor.execute(statement)
        cursor.execute("ALTER TABLE detections_deletioncertificate ENABLE TRIGGER append_only")


def test_a_broken_chain_is_noticed() -> None:
    first, second, third = issued(3)
    told = io.StringIO()
    call_command("purge", "--verify", stdout=told)
    assert "3 certificates, the chain is whole." in told.getvalue()
    tamper(f"UPDATE detections_deletioncertificate SET rows = 99 WHERE id = {second.pk}")
    with pytest.raises(CommandError, match=f"certificate {second.pk}: its seal does not fit"):
        call_command("purge", "--verify")
    tamper(f"DELETE FROM detections_deletioncertificate WHERE id = {second.pk}")
    with pytest.raises(CommandError, match=f"certificate {third.pk}: the one before it is missing"):
        call_command("purge", "--verify")
    assert first.previous == ""


def test_certificates_are_read_and_downloaded_in_the_console(
    logged_in: LogIn, admin_user: User, operator: User
) -> None:
    [one] = issued(1)
    pages = [
        reverse("admin:detections_deletioncertificate_changelist"),
        reverse("admin:detections_deletioncertificate_change", args=[one.pk]),
        reverse("admin:detections_deletioncertificate_json", args=[one.pk]),
    ]
    client = logged_in(admin_user)
    assert [client.get(page).status_code for page in pages] == [200] * 3
    assert client.get(pages[2]).json()["seal"] == one.seal
    assert client.post(pages[1], {"rows": 3}).status_code == 403
    assert logged_in(operator).get(pages[0]).status_code == 403
    assert logged_in(operator).get(pages[2]).status_code == 404


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
