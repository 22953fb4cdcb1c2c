"""How long a vehicle stood in a parking zone: noted beside its passage, which is one, and shown with it."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from cameras import workers
from cameras.models import Camera, Zone, ZoneType
from conftest import at
from detections import services, tasks
from detections.models import Detection, Stay
from detections.passages import NewPassage
from recognition.synthesis import draw_photo
from recognition.types import Frame

START = at("2026-11-21T10:00:00+01:00")
EVERYWHERE = {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 1], [0, 0]]]}


def noted(passage: NewPassage, minutes: float, start: float = 0) -> None:
    """Its vehicle stands from `start` for so many minutes."""
    first = START + timedelta(minutes=start)
    services.record_stay(
        camera=passage.camera,
        event_id=passage.event_id,
        started_at=first,
        ended_at=first + timedelta(minutes=minutes),
    )


@pytest.mark.django_db
def test_a_stay_told_again_gets_longer_and_a_second_one_is_its_own(
    new_passage: Callable[..., NewPassage],
) -> None:
    passage = new_passage()
    for minutes in (1, 2, 65.5):
        noted(passage, minutes)
    noted(passage, 3, start=90)
    assert [stay.seconds for stay in Stay.objects.order_by("started_at")] == [3930, 180]


@pytest.mark.django_db
def test_a_stay_does_not_end_before_it_begins(new_passage: Callable[..., NewPassage]) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        noted(new_passage(), -1)


@pytest.mark.django_db
def test_page_and_api_show_the_stay_of_the_passage(
    new_passage: Callable[..., NewPassage], logged_in: Callable[[User], Client], operator: User
) -> None:
    stood, passed = new_passage("BB6232RB"), new_passage("AN0674RB")
    ids = [outcome.detection_id for outcome in services.record([stood, passed])]
    noted(stood, 65)
    client = logged_in(operator)
    html = client.get(reverse("detections:detail", args=[ids[0]])).content.decode()
    assert "1\N{NO-BREAK SPACE}h\N{NO-BREAK SPACE}05" in html
    assert "Stationnement" in html
    assert "Stationnement" not in client.get(reverse("detections:detail", args=[ids[1]])).content.decode()
    told: list[Any] = client.get(f"/api/v1/events/{ids[0]}").json()["stays"]
    assert [stay["seconds"] for stay in told] == [3900]
    assert client.get(f"/api/v1/events/{ids[1]}").json()["stays"] == []


@pytest.mark.models
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("foreground", [False, True])
def test_a_camera_with_a_parking_zone_stores_one_passage_and_its_stay(
    camera: Camera, monkeypatch: pytest.MonkeyPatch, foreground: bool
) -> None:
    Zone.objects.create(camera=camera, name="place", zone_type=ZoneType.PARKING, geometry=EVERYWHERE)
    photo = draw_photo("BB6232RB", "car", seed=3)
    start = timezone.now() - timedelta(seconds=90)

    def standing(_camera: Camera, *, live: bool) -> Iterator[Frame | None]:
        for number in range(180):
            yield Frame(photo, start + timedelta(seconds=number / 2), number)

    monkeypatch.setattr(workers, "frames_of", standing)
    camera.stream_url, camera.settings = "file:///standing.mp4", {"retry_seconds": 0}
    camera.save()
    try:
        if foreground:
            call_command("run_camera", camera.code)
        else:
            assert tasks.run_camera(camera.pk)
    finally:
        connection.close()
    passage, stay = Detection.objects.get(), Stay.objects.get()
    assert passage.plate_number == "BB6232RB"
    assert stay.event_id == passage.event_id
    assert stay.seconds == pytest.approx(89.5, abs=1)
