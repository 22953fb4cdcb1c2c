"""/metrics says what pages and API say, and to nobody else than it should."""

import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families

from accounts.models import User
from alerts.services import match_passages
from cameras.models import Camera, CameraIncident, CameraLease, CameraSample
from detections.models import Detection, FeedCursor
from detections.passages import NewPassage
from detections.services import record
from vehicles.models import StolenVehicle

pytestmark = pytest.mark.django_db

LogIn = Callable[[User], Client]
TOKEN = "t" * 40


@pytest.fixture
def online(camera: Camera) -> Camera:
    """A camera that is read, somewhat slowly."""
    now = timezone.now()
    camera.stream_url, camera.status, camera.status_since = "http://192.0.2.7/stream", "online", now
    camera.save()
    CameraLease.objects.create(
        camera=camera, holder=uuid.uuid4(), expires_at=now + timedelta(days=1), last_frame_at=now
    )
    CameraSample.objects.create(
        camera=camera,
        minute=(now - timedelta(minutes=1)).replace(second=0, microsecond=0),
        fps_asked=6,
        seconds=60,
        seconds_online=60,
        captured=1500,
        frames=150,
        reads=150,
        decode_seconds=1.5,
        read_seconds=18.45,
        delay_seconds=45,
        clock_ahead=1.5,
    )
    CameraIncident.objects.create(camera=camera, kind="slow", since=now, found_at=now, noticed_at=now)
    return camera


def scraped(client: Client, **headers: Any) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """What Prometheus makes of the answer."""
    response = client.get("/metrics", **headers)
    assert response.status_code == 200
    assert response["Content-Type"].startswith("text/plain; version=0.0.4")
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(response.content.decode())
        for sample in family.samples
    }


def test_metrics_api_and_page_say_the_same(
    client: Client,
    online: Camera,
    viewer: User,
    logged_in: LogIn,
    new_passage: Callable[..., NewPassage],
) -> None:
    record([new_passage(f"BB{n}RB") for n in range(1001, 1008)])
    metrics, browser = scraped(client), logged_in(viewer)
    api = browser.get(reverse("api:camera-health", args=[online.pk])).json()
    page = browser.get(reverse("cameras:detail", args=[online.code])).content.decode()
    row = browser.get(reverse("cameras:list")).content.decode()
    for metric, field, words in (
        ("fps_asked", "fps_asked", "sur 6,0"),
        ("fps_reached", "fps_reached", "2,5"),
        ("fps_captured", "fps_captured", "25,0"),
        ("decode_seconds", "decode_seconds", "10,0 ms"),
        ("read_seconds", "read_seconds", "123 ms"),
        ("queue_seconds", "queue_seconds", "0,30 s"),
        ("clock_ahead_seconds", "clock_ahead_seconds", "1,5\N{NO-BREAK SPACE}s"),
        ("passages_last_hour", "passages", "7"),
    ):
        value = metrics[f"anpr_camera_{metric}", frozenset({("camera", online.code)})]
        assert value == api[field], metric
        assert words in page, metric
    assert "123 ms" in row
    assert "2,5" in row
    state = {labels: value for (name, labels), value in metrics.items() if name == "anpr_camera_state"}
    assert [dict(labels)["state"] for labels, value in state.items() if value] == [api["state"]] == ["online"]
    assert metrics["anpr_camera_incident", frozenset({("camera", online.code), ("kind", "slow")})] == 1
    assert [incident["kind"] for incident in api["incidents"]] == ["slow"]
    assert "Trop lente" in page
    assert "Trop lente" in row
    assert ("anpr_camera_passages_expected", frozenset({("camera", online.code)})) not in metrics
    assert api["passages_expected"] is None


def test_feed_photos_and_alerts_are_counted(
    client: Client, theft: StolenVehicle, new_passage: Callable[..., NewPassage]
) -> None:
    record([new_passage()])
    FeedCursor.objects.create(consumer="behind")
    match_passages(list(Detection.objects.select_related("camera")))
    metrics = scraped(client)
    assert metrics["anpr_photos_waiting", frozenset()] == 0
    assert metrics["anpr_alerts_open", frozenset({("status", "new")})] == 1
    assert metrics["anpr_feed_waiting_passages", frozenset({("consumer", "behind")})] == 1
    # Within one transaction the clock of the database stands still.
    lag = metrics["anpr_feed_lag_seconds", frozenset({("consumer", "behind")})]
    assert lag == pytest.approx(0, abs=60)


@pytest.mark.parametrize(
    ("address", "headers", "token", "status"),
    [
        ("127.0.0.1", {}, "", 200),
        ("::1", {}, "", 200),
        ("192.0.2.1", {}, "", 403),
        ("", {}, "", 403),
        # A proxy on this machine speaks for somebody else.
        ("127.0.0.1", {"X-Forwarded-For": "127.0.0.1"}, "", 403),
        ("127.0.0.1", {"Forwarded": "for=127.0.0.1"}, "", 403),
        ("192.0.2.1", {"Authorization": f"Bearer {TOKEN}"}, TOKEN, 200),
        ("192.0.2.1", {"Authorization": f"bearer {TOKEN}", "X-Forwarded-For": "192.0.2.9"}, TOKEN, 200),
        ("192.0.2.1", {"Authorization": f"Bearer {TOKEN}x"}, TOKEN, 403),
        ("127.0.0.1", {"Authorization": "Bearer wrong"}, TOKEN, 403),
        ("192.0.2.1", {"Authorization": "Bearer "}, TOKEN, 403),
        ("192.0.2.1", {"Authorization": "Bearer "}, "", 403),
        ("192.0.2.1", {"Authorization": f"Basic {TOKEN}"}, TOKEN, 403),
        ("192.0.2.1", {"Authorization": "Bearer é"}, TOKEN, 403),
    ],
)
def test_only_this_machine_and_the_token_may_ask(
    client: Client, settings: Any, address: str, headers: dict[str, str], token: str, status: int
) -> None:
    settings.METRICS_TOKEN = token
    assert client.get("/metrics", headers=headers, REMOTE_ADDR=address).status_code == status


def test_a_session_opens_nothing(logged_in: LogIn, admin_user: User) -> None:
    assert logged_in(admin_user).get("/metrics", REMOTE_ADDR="192.0.2.1").status_code == 403
    assert logged_in(admin_user).post("/metrics").status_code == 405


def test_without_the_database_it_says_so(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(_cameras: object) -> None:
        raise OperationalError("planted")

    monkeypatch.setattr("anpr_site.metrics.health_of", away)
    assert client.get("/metrics").status_code == 503


def test_no_address_of_a_stream_is_told(client: Client, online: Camera) -> None:
    assert b"192.0.2.7" not in client.get("/metrics").content
