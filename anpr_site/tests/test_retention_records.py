"""Photos of days past, alerts that were closed, old audit lines and photos sent in are deleted when due."""

import os
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import AuditEvent, User
from accounts.services import audit
from alerts.models import Alert
from alerts.tasks import match_passages
from anpr_site import purging
from anpr_site.tests.test_retention import consumed
from cameras.models import Camera
from conftest import picture
from detections.models import (
    DataKind,
    Detection,
    Submission,
    SubmissionStatus,
)
from detections.passages import NewPassage
from detections.retention import rules
from detections.services import record, submit_photo
from vehicles.models import StolenVehicle

New = Callable[..., NewPassage]
LogIn = Callable[[User], Client]

pytestmark = pytest.mark.django_db(transaction=True)


# --- Photos, alerts, audit, photos sent in ------------------------------------------------------------------


def test_photos_may_go_before_their_passages(new_passage: New, logged_in: LogIn, viewer: User) -> None:
    now = timezone.now()
    days = {"frame": picture(), "bounding_box": [200, 200, 320, 230]}
    record([new_passage(f"AA000{n}RB", detected_at=now - timedelta(days=n * 20), **days) for n in (0, 1, 2)])
    # Left by a crash between file and COMMIT.
    orphan = default_storage.save(
        f"frames/x/{now - timedelta(days=40):%Y/%m/%d}/orphan.jpg", ContentFile(b"x")
    )
    rules.change(DataKind.IMAGES, to=30, by=None)
    assert purging.purge(kinds={DataKind.IMAGES}) == [], "no consumer has seen them"
    consumed()
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


def test_photos_of_folders_go_once_they_were_read(camera: Camera, tmp_path: Path) -> None:
    inbox = tmp_path / "inbox é"
    long_ago = (timezone.now() - timedelta(days=400)).timestamp()
    for name in ("done/old.jpg", "failed/old.jpg", "waiting.jpg", "other/old.jpg", "done/new.jpg"):
        path = inbox / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"photo")
        if "new" not in name:
            os.utime(path, (long_ago, long_ago))
    Camera.objects.create(name="In", code="in", stream_url=inbox.as_uri())
    Camera.objects.create(name="Away", code="away", stream_url="file:///nowhere/at/all")
    purging.purge(kinds={DataKind.AUDIT})
    assert (inbox / "done/old.jpg").exists()
    purging.purge(kinds={DataKind.IMAGES})
    left = {str(path.relative_to(inbox)) for path in inbox.rglob("*.jpg")}
    assert left == {"waiting.jpg", "other/old.jpg", "done/new.jpg"}


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
    consumed()
    rules.change(DataKind.IMAGES, to=1, by=None)
    fields: dict[str, Any] = {"camera": camera, "detected_at": timezone.now() - timedelta(days=3)}
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
    camera, event = passage.camera, passage.event_id
    photo = submit_photo(photo=picture(), camera=camera, detected_at=long_ago, event_id=event)
    record([replace(passage, frame_path=photo.image_path)])
    Submission.objects.update(status=SubmissionStatus.FAILED, updated_at=long_ago)
    [certificate] = purging.purge(kinds={DataKind.SUBMISSIONS})
    assert (certificate.rows, certificate.images) == (1, 0)
    assert default_storage.exists(Detection.objects.get().image_path)
