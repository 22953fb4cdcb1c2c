"""`record` is the only way in: idempotent, all rules, images kept, nothing half-written."""

import io
import struct
import threading
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.db import IntegrityError, connection, transaction
from django.utils import timezone
from PIL import Image

from conftest import picture
from detections import images, partitions, services
from detections.models import Detection
from detections.passages import NewPassage
from detections.services import storing
from vehicles.models import Vehicle

pytestmark = pytest.mark.django_db

New = Callable[..., NewPassage]


def files() -> list[str]:
    """Every frame in storage."""
    found: list[str] = []

    def walk(folder: str) -> None:
        if not default_storage.exists(folder):
            return
        folders, names = default_storage.listdir(folder)
        found.extend(f"{folder}/{name}" for name in names)
        for name in folders:
            walk(f"{folder}/{name}")

    walk("frames")
    return found


def test_a_passage_is_stored_with_its_frame_and_a_crop_of_the_plate(new_passage: New) -> None:
    frame = picture()
    [outcome] = services.record(
        [new_passage("bb 6232-rb", frame=frame, bounding_box=[200, 200, 320, 230], layout="one_line")]
    )
    assert outcome.status == "created"
    assert outcome.detection_id
    stored = Detection.objects.get(pk=outcome.detection_id)
    assert (stored.plate_number, stored.plate_key) == ("BB6232RB", "886232")
    assert stored.ocr_text == "bb 6232-rb"
    with default_storage.open(stored.image_path) as kept:
        assert kept.read() == frame
    assert bytes(stored.image_data or b"").startswith(b"\xff\xd8")
    assert len(stored.metadata["frame_sha256"]) == 64


def test_the_vehicle_is_linked_whether_or_not_the_suffix_was_read(new_passage: New) -> None:
    vehicle = Vehicle.objects.create(plate_number="BB6232RB")
    outcomes = services.record([new_passage("BB6232RB"), new_passage("BB6232"), new_passage("AN0674RB")])
    stored = Detection.objects.in_bulk([outcome.detection_id for outcome in outcomes])
    linked = [stored[outcome.detection_id or 0].vehicle_id for outcome in outcomes]
    assert linked == [vehicle.pk, vehicle.pk, None]


def test_a_repeated_event_changes_nothing(new_passage: New) -> None:
    passage = new_passage(frame=picture())
    [first] = services.record([passage])
    [second] = services.record([passage])
    assert (first.status, second.status) == ("created", "duplicate")
    assert second.detection_id == first.detection_id
    assert Detection.objects.count() == 1
    assert len(files()) == 1


def test_a_repeated_event_with_another_time_is_still_the_same_event(new_passage: New) -> None:
    event = uuid.uuid4()
    services.record([new_passage(event_id=event)])
    [again] = services.record([new_passage(event_id=event, detected_at=timezone.now() - timedelta(days=40))])
    assert again.status == "duplicate"
    assert Detection.objects.count() == 1


def test_one_event_twice_in_one_call_is_stored_once(new_passage: New) -> None:
    passage = new_passage()
    assert [outcome.status for outcome in services.record([passage, passage])] == ["created", "duplicate"]
    assert Detection.objects.count() == 1


def test_the_good_passages_of_a_call_are_kept_and_the_bad_ones_refused(new_passage: New) -> None:
    outcomes = services.record([new_passage(), new_passage("X" * 40), new_passage("AN0674RB")])
    assert [outcome.status for outcome in outcomes] == ["created", "rejected", "created"]
    assert outcomes[1].refusal is not None
    assert outcomes[1].refusal.code == "too_long"


@pytest.mark.parametrize(
    ("changes", "field", "code"),
    [
        ({"plate_number": "🚗"}, "plate_number", "too_short"),
        ({"plate_number": "A" * 17}, "plate_number", "too_long"),
        ({"confidence": float("nan")}, "confidence", "not_a_share"),
        ({"confidence": 1.01}, "confidence", "not_a_share"),
        ({"recognition_confidence": -0.1}, "recognition_confidence", "not_a_share"),
        ({"detected_at": datetime(1970, 1, 1, tzinfo=UTC)}, "detected_at", "too_old"),
        ({"detected_at": datetime(2090, 1, 1, tzinfo=UTC)}, "detected_at", "in_the_future"),
        ({"bounding_box": [1, 2, 3]}, "bounding_box", "invalid_box"),
        ({"bounding_box": [False, False, True, True]}, "bounding_box", "invalid_box"),
        ({"bounding_box": [10, 10, 5, 20]}, "bounding_box", "invalid_box"),
        ({"bounding_box": [0, 0, 641.5, 20], "frame": picture()}, "bounding_box", "invalid_box"),
        ({"bounding_box": [0, 0, float("inf"), 20]}, "bounding_box", "invalid_box"),
        ({"frame": b""}, "frame", "empty"),
        ({"frame": b"this is no picture at all, whatever its name"}, "frame", "not_an_image"),
        ({"frame": picture()[:-800]}, "frame", "truncated"),
        ({"crop": b"no picture"}, "crop", "not_an_image"),
    ],
)
def test_a_passage_that_breaks_a_rule_is_refused_and_leaves_nothing(
    new_passage: New, changes: dict[str, Any], field: str, code: str
) -> None:
    passage = new_passage(
        changes.get("plate_number", "BB6232RB"),
        **{name: value for name, value in changes.items() if name != "plate_number"},
    )
    [outcome] = services.record([passage])
    assert outcome.status == "rejected"
    assert outcome.refusal is not None
    assert (outcome.refusal.field, outcome.refusal.code) == (field, code)
    assert not Detection.objects.exists()
    assert files() == []


def test_the_edges_of_the_rules_are_inside(new_passage: New) -> None:
    old = timezone.now() - timedelta(days=364)
    soon = timezone.now() + timedelta(seconds=280)
    outcomes = services.record(
        [
            new_passage("AB", detected_at=old),
            new_passage("A" * 16, detected_at=soon),
            new_passage(confidence=0.0, frame=picture(), bounding_box=[0, 0, 640, 360]),
            new_passage(confidence=1.0),
        ]
    )
    assert {outcome.status for outcome in outcomes} == {"created"}


def test_a_passage_of_a_month_without_partition_gets_one(new_passage: New) -> None:
    old = timezone.now() - timedelta(days=200)
    name = partitions.name_of(partitions.month_of(old.date()))
    assert name not in partitions.existing()
    assert services.record([new_passage(detected_at=old)])[0].status == "created"
    assert name in partitions.existing()


def test_frames_are_removed_when_the_database_refuses(new_passage: New, monkeypatch: Any) -> None:
    def broken(*_args: object) -> None:
        raise IntegrityError("planted")

    monkeypatch.setattr(storing, "write", broken)
    with pytest.raises(IntegrityError):
        services.record([new_passage(frame=picture())])
    assert files() == []


def test_the_database_itself_refuses_a_plate_that_is_not_normalised(new_passage: New) -> None:
    services.record([new_passage()])
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE detections_detection SET plate_number = 'bb 62'")


def test_the_last_minutes_of_a_month_here_are_the_month_before_in_utc(new_passage: New) -> None:
    half_past_midnight = datetime(timezone.now().year, timezone.now().month, 1, 0, 30)  # noqa: DTZ001
    for months in range(3, 6):
        edge = timezone.make_aware(half_past_midnight - timedelta(days=months * 31)).replace(day=1)
        assert services.record([new_passage(detected_at=edge)])[0].status == "created", edge


@pytest.mark.parametrize("name", ["frame", "crop"])
def test_odd_exif_costs_nothing(new_passage: New, name: str) -> None:
    """A picture on its side, whose resolution is no number: Pillow cannot write this again."""
    turned, odd = struct.pack("<HHIHH", 0x112, 3, 1, 6, 0), struct.pack("<HHI4s", 0x11A, 7, 4, b"odd!")
    exif = b"Exif\0\0II*\0" + struct.pack("<IH", 8, 2) + turned + odd + bytes(4)
    buffer = io.BytesIO()
    Image.new("RGB", (400, 300)).save(buffer, "JPEG", exif=exif)
    passage = new_passage(bounding_box=[10, 310, 60, 330], **{name: buffer.getvalue()})
    assert [outcome.status for outcome in services.record([passage])] == ["created"]
    with Image.open(io.BytesIO(Detection.objects.get().image_data or b"")) as crop:
        assert crop.size == ((66, 27) if name == "frame" else (240, 320))


def test_a_tiny_crop_costs_itself_not_the_passage(new_passage: New) -> None:
    frame, crop = picture(), picture((80, 14))
    [outcome] = services.record([new_passage(frame=frame, crop=crop, bounding_box=[200, 200, 280, 214])])
    assert outcome.status == "created"
    assert Detection.objects.get().image_data
    assert services.record([new_passage(crop=crop)])[0].status == "created"


def test_a_full_disk_costs_a_camera_the_frame_not_the_passage(
    new_passage: New, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_args: object, **_kwargs: object) -> str:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(images, "store", full)
    services.record_one(new_passage(frame=picture(), crop=picture((120, 30))), give_up=threading.Event())
    stored = Detection.objects.get()
    assert stored.image_path == ""
    assert stored.image_data
