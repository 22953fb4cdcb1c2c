"""GET /api/v1/events/stats: figures of every kind, errors, and who may ask."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import ApiKey, Scope, User
from accounts.services import create_api_key
from cameras.models import Camera
from detections import services
from detections.models import Detection
from detections.passages import NewPassage
from detections.tests.test_statistics import mixed

New = Callable[..., NewPassage]
LogIn = Callable[[User], Client]
STATS = "/api/v1/events/stats"

pytestmark = pytest.mark.django_db


@pytest.fixture
def other(camera: Camera) -> Camera:
    """A second camera."""
    return Camera.objects.create(name="Igolo", code="igolo")


@pytest.fixture
def counted(new_passage: New, other: Camera) -> None:
    """Forty passages, most of them in the roll-ups."""
    services.record(mixed(new_passage, other))


def stats(client: Client, **query: Any) -> Any:
    """The answer."""
    response = client.get(STATS, query)
    assert response.status_code == 200, response.content
    return response.json()


def test_the_last_day_by_the_hour(logged_in: LogIn, viewer: User, counted: None) -> None:
    body = stats(logged_in(viewer))
    since, until = datetime.fromisoformat(body["since"]), datetime.fromisoformat(body["until"])
    assert until - since == timedelta(days=1)
    assert until - timedelta(hours=1) <= timezone.now() <= until
    expected = Detection.objects.filter(detected_at__gte=since).count()
    assert 30 < body["totals"]["passages"] == expected
    assert sum(row["passages"] for row in body["rows"]) == expected
    assert body["rows"] == sorted(body["rows"], key=lambda row: row["key"])
    assert body["waiting"] == expected


@pytest.mark.parametrize("by", ["hour", "day", "camera", "vehicle"])
def test_figures_are_told_apart(logged_in: LogIn, viewer: User, counted: None, by: str) -> None:
    since = (timezone.now() - timedelta(days=3)).isoformat()
    body = stats(logged_in(viewer), since=since, by=by)
    assert body["totals"] == {"passages": 40, "doubtful": 8, "two_line": 20}
    keys = {row["key"]: row["passages"] for row in body["rows"]}
    assert sum(keys.values()) == 40
    if by == "camera":
        assert keys == {"igolo": 10, "seme-krake-1": 30}
    if by == "vehicle":
        assert keys == {"car": 14, "motorcycle": 13, "": 13}


def test_figures_of_some_cameras(logged_in: LogIn, viewer: User, counted: None) -> None:
    since = (timezone.now() - timedelta(days=3)).isoformat()
    assert stats(logged_in(viewer), since=since, camera="igolo")["totals"]["passages"] == 10
    both = stats(logged_in(viewer), since=since, camera=["igolo", "seme-krake-1"])
    assert both["totals"]["passages"] == 40


@pytest.mark.parametrize(
    ("query", "field", "code"),
    [
        ({"since": "yesterday"}, "since", "invalid"),
        ({"until": "nan"}, "until", "invalid"),
        ({"by": "plate"}, "by", "invalid_choice"),
        ({"camera": "nowhere"}, "camera", "unknown"),
        ({"camera": "\0"}, "camera", "null_characters_not_allowed"),
        ({"since": "2026-11-21T00:00:00Z", "until": "2026-11-20T00:00:00Z"}, "since", "not_in_order"),
        ({"since": "2026-01-01T00:00:00Z", "until": "2026-11-20T00:00:00Z"}, "since", "too_long"),
        ({"until": "0001-01-01T00:00:00Z"}, "since", "invalid"),
        ({"until": "9999-12-31T23:59:59Z"}, "until", "overflow"),
    ],
)
def test_what_cannot_be_counted_is_refused(
    logged_in: LogIn, viewer: User, camera: Camera, query: dict[str, str], field: str, code: str
) -> None:
    response = logged_in(viewer).get(STATS, query)
    assert response.status_code == 400, response.content
    body = response.json()
    assert set(body) == {"detail", "timestamp", "errors"}
    assert [(error["field"].split(".")[0], error["code"]) for error in body["errors"]] == [(field, code)]


def test_who_may_ask(
    client: Client, viewer: User, sensor_key: tuple[ApiKey, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert client.get(STATS).status_code == 401
    assert client.get(STATS, headers={"X-API-Key": sensor_key[1]}).status_code == 403, "it may only write"
    _key, token = create_api_key(name="reader", scopes=[Scope.EVENTS_READ], by=None)
    assert client.get(STATS, headers={"X-API-Key": token}).status_code == 200
    monkeypatch.setattr("accounts.roles.VIEWER", frozenset({"alerts.view_alert"}))
    client.force_login(viewer)
    assert client.get(STATS).status_code == 403


def test_the_answer_costs_few_queries(
    logged_in: LogIn, viewer: User, counted: None, django_assert_max_num_queries: Any
) -> None:
    client = logged_in(viewer)
    with django_assert_max_num_queries(5):
        stats(client, by="camera")


@pytest.mark.parametrize("by", ["hour", "day", "camera", "vehicle"])
def test_a_program_gets_by_the_short_way_what_the_long_one_gives(
    client: Client, counted: None, by: str, django_assert_max_num_queries: Any
) -> None:
    _key, token = create_api_key(name="reader", scopes=[Scope.EVENTS_READ], by=None)
    _other, may_only_send = create_api_key(name="sensor", scopes=[Scope.EVENTS_WRITE], by=None)
    client.get(STATS, headers={"X-API-Key": token})  # notes that the key was used
    until = timezone.now().isoformat()
    long = client.get(STATS, {"by": by, "until": until}, headers={"X-API-Key": token}).json()
    with django_assert_max_num_queries(4):
        short = client.get(STATS, {"by": by}, headers={"X-API-Key": token}).json()
    assert {**short, "as_of": None} == {**long, "as_of": None}
    assert client.get(STATS, {"by": by}, headers={"X-API-Key": may_only_send}).status_code == 403
    assert client.get(STATS, {"by": by}).status_code == 401
    assert client.get(STATS, {"by": "plate"}, headers={"X-API-Key": token}).status_code == 400
