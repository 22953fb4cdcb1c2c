"""What whoever takes a camera over is told of it."""

import uuid
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone

from cameras.models import Camera
from detections import services
from detections.passages import NewPassage
from detections.reading import passages_lately

pytestmark = pytest.mark.django_db


def test_passages_of_the_last_minutes_and_of_parked_vehicles_may_still_be_in_view(
    camera: Camera, new_passage: Callable[..., NewPassage]
) -> None:
    now = timezone.now()
    other = Camera.objects.create(name="other", code="other")
    old, parked, elsewhere = (uuid.uuid4() for _ in range(3))
    services.record(
        [
            new_passage("AN0674RB", detected_at=now - timedelta(minutes=2)),
            new_passage("AN0674RB", detected_at=now - timedelta(minutes=1), event_id=old),
            new_passage("AB1111RB", detected_at=now - timedelta(minutes=11)),
            new_passage("AB2222RB", detected_at=now - timedelta(hours=3), event_id=parked),
            new_passage("AB3333RB", camera=other, detected_at=now, event_id=elsewhere),
        ]
    )
    for event_id in (parked, elsewhere):
        services.record_stay(
            camera=camera, event_id=event_id, started_at=now - timedelta(hours=3), ended_at=now
        )
    found = passages_lately(camera)
    assert {plate: event_id for plate, (event_id, _) in found.items()} == {
        "AN0674RB": old,
        "AB2222RB": parked,
    }
