"""From a stored passage to an alert that one officer takes."""

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage, default_storage
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from accounts.models import AuditEvent, User
from alerts import services, tasks
from alerts.models import Alert, AlertStatus, MatchKind, Severity
from cameras.models import Camera
from conftest import picture
from detections.corrections import correct
from detections.models import Detection, FeedCursor
from detections.passages import NewPassage
from detections.services import record
from vehicles.models import StolenVehicle
from vehicles.services import recover

pytestmark = pytest.mark.django_db(transaction=True)

New = Callable[..., NewPassage]


def test_a_stolen_vehicle_raises_one_alert_with_its_own_copy(new_passage: New, theft: StolenVehicle) -> None:
    record([new_passage("BB6232", frame=picture(), bounding_box=[200, 200, 320, 230])])
    assert tasks.match_passages() == 1
    alert = Alert.objects.get()
    assert (alert.match_kind, alert.severity) == (MatchKind.EXACT, Severity.CRITICAL)
    assert alert.stolen_vehicle == theft
    assert bytes(alert.crop or b"").startswith(b"\xff\xd8")
    passage = Detection.objects.get()
    default_storage.delete(passage.image_path)
    with default_storage.open(alert.image_path) as frame:
        assert frame.read() == picture()
    assert AuditEvent.objects.filter(action="alert.raise", target_id=str(alert.pk)).count() == 1


def test_matching_again_changes_nothing(new_passage: New, theft: StolenVehicle) -> None:
    record([new_passage()])
    tasks.match_passages()
    services.match_passages(list(Detection.objects.select_related("camera")))
    alert = Alert.objects.get()
    assert alert.repeat_count == 1


def test_a_near_hit_says_so_and_is_less_severe(new_passage: New, theft: StolenVehicle) -> None:
    record([new_passage("B86232RB")])
    tasks.match_passages()
    alert = Alert.objects.get()
    assert alert.is_near
    assert alert.severity == Severity.HIGH
    assert [row["kind"] for row in alert.details["characters"]][:2] == ["same", "confusable"]


def test_no_alert_for_another_plate_nor_for_a_recovered_vehicle(
    new_passage: New, theft: StolenVehicle, operator: User
) -> None:
    record([new_passage("AN0674RB")])
    recover(theft, by=operator)
    record([new_passage("BB6232RB")])
    assert tasks.match_passages() == 2
    assert not Alert.objects.exists()


def test_repeats_at_one_camera_fold_into_one_alert(new_passage: New, theft: StolenVehicle) -> None:
    now = timezone.now()
    record([new_passage(detected_at=now - timedelta(minutes=minutes)) for minutes in (8, 4, 0)])
    tasks.match_passages()
    alert = Alert.objects.get()
    assert alert.repeat_count == 3
    assert alert.last_seen_at == now


def test_an_exact_hit_is_not_swallowed_by_a_near_one(new_passage: New, theft: StolenVehicle) -> None:
    for plate in ("B86232RB", "BB6232RB", "B86232RB"):
        record([new_passage(plate)])
        tasks.match_passages()
    alerts = {alert.match_kind: alert.repeat_count for alert in Alert.objects.all()}
    assert set(alerts) == {MatchKind.NEAR, MatchKind.EXACT}
    assert sum(alerts.values()) == 3


def test_another_camera_or_a_later_hour_is_another_alert(new_passage: New, theft: StolenVehicle) -> None:
    other = Camera.objects.create(name="Igolo", code="igolo")
    now = timezone.now()
    record([new_passage(), new_passage(camera=other), new_passage(detected_at=now - timedelta(hours=2))])
    tasks.match_passages()
    assert Alert.objects.count() == 3


def test_two_officers_at_once_one_wins_and_the_other_is_told_who(
    new_passage: New, theft: StolenVehicle, operator: User, admin_user: User
) -> None:
    record([new_passage()])
    tasks.match_passages()
    alert = Alert.objects.get()
    results: dict[str, str] = {}
    start = threading.Barrier(2)

    def click(user: User) -> None:
        start.wait()
        try:
            services.acknowledge(alert.pk, by=user)
            results[user.email] = "won"
        except services.AlreadyTakenError as error:
            results[user.email] = str(error.alert.acknowledged_by)
        finally:
            connection.close()

    threads = [threading.Thread(target=click, args=(user,)) for user in (operator, admin_user)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    winner = next(email for email, result in results.items() if result == "won")
    loser = next(result for result in results.values() if result != "won")
    alert.refresh_from_db()
    assert alert.acknowledged_by is not None
    assert alert.acknowledged_by.email == winner
    assert loser == str(alert.acknowledged_by)
    assert AuditEvent.objects.filter(action="alert.acknowledge").count() == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"status": AlertStatus.ACKNOWLEDGED},
        {"acknowledged_at": timezone.now()},
        {"resolved_at": timezone.now()},
        {"confidence": 1.5},
    ],
)
def test_the_database_refuses_impossible_states(
    new_passage: New, theft: StolenVehicle, changes: dict[str, object]
) -> None:
    record([new_passage()])
    tasks.match_passages()
    with pytest.raises(IntegrityError), transaction.atomic():
        Alert.objects.update(**changes)


def test_a_full_disk_costs_the_copy_of_the_frame_not_the_alert(
    new_passage: New, theft: StolenVehicle, monkeypatch: pytest.MonkeyPatch
) -> None:
    record([new_passage(frame=picture(), bounding_box=[200, 200, 320, 230])])

    def full(*_args: object, **_kwargs: object) -> str:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(FileSystemStorage, "_save", full)
    tasks.match_passages()
    alert = Alert.objects.get()
    assert alert.image_path == ""
    assert alert.crop


def test_a_copy_that_a_killed_worker_left_half_is_written_anew(
    new_passage: New, theft: StolenVehicle
) -> None:
    record([new_passage(frame=picture())])
    passage = Detection.objects.get()
    left = default_storage.save(
        f"alerts/{passage.detected_at:%Y/%m}/{passage.event_id}.jpg", ContentFile(picture()[:100])
    )
    tasks.match_passages()
    alert = Alert.objects.get()
    assert alert.image_path == left
    with default_storage.open(alert.image_path) as frame:
        assert frame.read() == picture()


@pytest.mark.django_db(transaction=True)
def test_a_plate_corrected_by_hand_is_matched_once(
    new_passage: New, theft: StolenVehicle, operator: User
) -> None:
    record([new_passage("ZZ1111RB", char_confidences=[0.9] * 8)])
    passage = Detection.objects.get()
    tasks.match_passages()
    correct(passage, by=operator, plate_number="BB6232RB", reason="seen on the photo")
    assert tasks.match_corrections() == 1
    assert tasks.match_corrections() == 0
    alert = Alert.objects.get()
    assert (alert.match_kind, alert.plate_number) == ("exact", "BB6232RB")
    assert alert.details["corrected"] is True
    # As after a restore: given again, it changes nothing.
    FeedCursor.objects.update(xid=0, row_id=0)
    assert (tasks.match_passages(), tasks.match_corrections()) == (1, 1)
    assert Alert.objects.get().repeat_count == 1


@pytest.mark.django_db(transaction=True)
def test_only_the_correction_in_force_is_matched(
    new_passage: New, theft: StolenVehicle, operator: User
) -> None:
    record([new_passage("ZZ1111RB")])
    passage = Detection.objects.get()
    first = correct(passage, by=operator, plate_number="BB6232RB", reason="seen on the photo")
    correct(passage, by=operator, kind="confirmed", after=first.pk)
    assert tasks.match_corrections() == 2
    assert not Alert.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_probable_hit_corrected_to_the_reported_plate_becomes_exact(
    new_passage: New, theft: StolenVehicle, operator: User
) -> None:
    record([new_passage("B86232RB", char_confidences=[0.9] * 8)])
    tasks.match_passages()
    assert Alert.objects.get().is_near
    correct(Detection.objects.get(), by=operator, plate_number="BB6232RB", reason="seen on the photo")
    for _again in range(2):
        tasks.match_corrections()
        alert = Alert.objects.get()
        assert (alert.match_kind, alert.severity) == (MatchKind.EXACT, Severity.CRITICAL)
        assert (alert.plate_number, alert.details["corrected"]) == ("BB6232RB", True)
        assert AuditEvent.objects.filter(action="alert.sharpen").count() == 1
        FeedCursor.objects.update(xid=0, row_id=0)
