"""The pages about passages: newest first, looked at with a trace."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.core.files.storage import default_storage
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import AuditEvent, User
from conftest import picture
from detections.models import Detection
from detections.passages import NewPassage
from detections.services import record

pytestmark = pytest.mark.django_db

LogIn = Callable[[User], Client]
New = Callable[..., NewPassage]


def page(client: Client, name: str, *args: int, **query: str) -> str:
    response = client.get(reverse(name, args=args), query)
    assert response.status_code == 200
    return response.content.decode()


@pytest.fixture
def stored(new_passage: New) -> Callable[..., Detection]:
    """Stores a passage with a photo."""

    def _stored(plate: str = "BB6232RB", **changes: Any) -> Detection:
        fields = {"frame": picture(), "bounding_box": [200, 200, 320, 230]} | changes
        [outcome] = record([new_passage(plate, **fields)])
        return Detection.objects.get(pk__in=[outcome.detection_id])

    return _stored


@pytest.mark.parametrize(("language", "words"), [("fr", "Chercher une plaque"), ("en", "Search for a plate")])
def test_the_list_speaks_both_languages(
    logged_in: LogIn, viewer: User, stored: Callable[..., Detection], language: str, words: str
) -> None:
    passage = stored(char_confidences=[0.99, 0.41, *[0.99] * 6], confidence=0.5, vehicle_type="car")
    client = logged_in(viewer)
    client.cookies.load({"django_language": language})
    html = page(client, "detections:list")
    assert words in html
    assert f'data-passage-id="{passage.pk}"' in html
    assert 'B<span class="plate__doubt">B</span>' in html
    assert 'class="state state--verify"' in html


def test_no_passage_yet_is_said(logged_in: LogIn, viewer: User) -> None:
    client = logged_in(viewer)
    assert "Aucun passage pour l’instant." in page(client, "detections:list")
    assert "Aucun passage pour l’instant." in page(client, "detections:live")


def test_the_detail_shows_the_read_and_is_noted_once_an_hour(
    logged_in: LogIn, viewer: User, stored: Callable[..., Detection]
) -> None:
    passage = stored(
        "2A9402RB",
        layout="two_line",
        plate_color="white",
        countries=[{"country": "BJ", "category": "motorcycle", "likelihood": 0.9}],
        candidates=[{"text": "2A9402RB", "likelihood": 0.8}, {"text": "2A9408RB", "likelihood": 0.1}],
        char_confidences=[0.9] * 8,
    )
    client = logged_in(viewer)
    html = page(client, "detections:detail", passage.pk)
    for words in ("Plaque 2 A 9 4 0 2 R B", "plate--two", "Bénin, moto", "2A", "Deux lignes", "Sèmè-Kraké 1"):
        assert words in html
    page(client, "detections:detail", passage.pk)
    looks = AuditEvent.objects.filter(action="passage.view", target_id=str(passage.pk))
    assert looks.count() == 1
    with time_machine.travel(timezone.now() + timedelta(minutes=61)):
        page(client, "detections:detail", passage.pk)
    assert looks.count() == 2


def test_pictures_are_private_typed_and_404_when_gone(
    logged_in: LogIn, viewer: User, stored: Callable[..., Detection]
) -> None:
    passage = stored(frame=picture(kind="PNG"))
    client = logged_in(viewer)
    for name, kind in (("frame", "image/png"), ("crop", "image/jpeg")):
        response = client.get(reverse(f"detections:{name}", args=[passage.pk]))
        assert response["Content-Type"] == kind
        assert response["Cache-Control"] == "private, max-age=3600"
        assert response["X-Content-Type-Options"] == "nosniff"
        assert b"".join(response)
    default_storage.delete(passage.image_path)
    assert client.get(reverse("detections:frame", args=[passage.pk])).status_code == 404
    assert "Il n’y a pas de photo." in page(client, "detections:detail", passage.pk)
    for name in ("detail", "frame", "crop"):
        assert client.get(reverse(f"detections:{name}", args=[10**12])).status_code == 404


def test_pages_of_the_list_show_each_passage_once(logged_in: LogIn, viewer: User, new_passage: New) -> None:
    now = timezone.now()
    record(
        [
            new_passage(f"BK{number:04d}", detected_at=now - timedelta(seconds=number // 3))
            for number in range(120)
        ]
    )
    client = logged_in(viewer)
    address, shown = reverse("detections:list"), []
    while address:
        response = client.get(address)
        shown += [passage.plate_number for passage in response.context["page"].rows]
        older = response.context["page"].older
        address = f"{reverse('detections:list')}?before={older}" if older else ""
    assert len(shown) == len(set(shown)) == 120
    assert shown[0] in {"BK0000", "BK0001", "BK0002"}


@pytest.mark.parametrize(("name", "most"), [("detections:list", 7), ("detections:live", 6)])
def test_lists_cost_the_same_however_many_passages(
    logged_in: LogIn, viewer: User, new_passage: New, django_assert_max_num_queries: Any, name: str, most: int
) -> None:
    record([new_passage(f"BK{number:04d}") for number in range(70)])
    client = logged_in(viewer)
    with django_assert_max_num_queries(most):
        page(client, name)


def test_today_begins_at_midnight_in_porto_novo(logged_in: LogIn, viewer: User, new_passage: New) -> None:
    moment = timezone.now().replace(hour=0, minute=30, second=0)  # 01:30 in Porto-Novo
    with time_machine.travel(moment, tick=False):
        record(
            [
                new_passage("BK0001", detected_at=moment - timedelta(minutes=minutes))
                for minutes in (0, 80, 100)
            ]
        )
        response = logged_in(viewer).get(reverse("detections:live"))
    assert response.context["passages_today"] == 2


def test_the_newest_photo_of_a_camera_is_shown_to_those_who_may_see_passages(
    logged_in: LogIn, viewer: User, stored: Callable[..., Detection], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = timezone.now()
    passage = stored(detected_at=now - timedelta(days=2))
    stored("AN0674RB", detected_at=now - timedelta(days=1), frame=None)
    client, address = logged_in(viewer), reverse("detections:camera-frame", args=[passage.camera_id])
    shown = b"".join(client.get(address).streaming_content)  # type: ignore[attr-defined]
    assert shown == picture()
    assert AuditEvent.objects.get(action="passage.view").target_id == str(passage.pk)
    with time_machine.travel(now + timedelta(days=40)):
        assert logged_in(viewer).get(address).status_code == 404
    monkeypatch.setattr("accounts.roles.VIEWER", frozenset())
    assert client.get(address).status_code == 403
