"""The live view's pages: who may look, what leaves a trace, and what is said when there is nothing to see."""

import base64
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
import redis
from django.db.models.functions import Now
from django.test import Client
from django.utils import timezone

from accounts.models import AuditEvent, User
from accounts.roles import Role
from cameras import pictures
from cameras.models import Camera, CameraLease, CameraStatus
from conftest import picture

pytestmark = pytest.mark.django_db

LogIn = Callable[[User], Client]
FACTS = {
    "captured": 1_763_730_000.0,
    "width": 640,
    "height": 360,
    "plates": [
        {
            "text": "BB6232RB", "confidence": 0.934, "characters": [], "layout": "one_line", "colour": "",
            "corners": [[0.1, 0.1], [0.2, 0.1], [0.2, 0.2], [0.1, 0.2]],
        }
    ],
}  # fmt: skip


@pytest.fixture(autouse=True)
def store(settings: Any) -> Iterator[redis.Redis]:
    """The real Redis, without what earlier tests left."""
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        for key in client.scan_iter("anpr:camera:*"):
            client.delete(key)
        yield client


@pytest.fixture
def read(camera: Camera) -> Camera:
    """A camera that a worker reads."""
    Camera.objects.update(rtsp_url="rtsp://officer:hunter2@10.0.0.1/x", status=CameraStatus.ONLINE)
    CameraLease.objects.create(
        camera=camera, holder="6f1c2b0e-5a0b-4d0c-9a57-0f6d4f1d7a35", expires_at=Now() + timedelta(seconds=12)
    )
    return camera


def address(camera: Camera, name: str) -> str:
    return f"/cameras/{camera.code}/direct/{name}"


def opened(client: Client, camera: Camera) -> str:
    """The mark of a view that was opened."""
    mark: str = client.post(address(camera, "ouvrir")).json()["mark"]
    return mark


def asked(client: Client, camera: Camera, mark: str, **more: str) -> dict[str, Any]:
    """What the page is told."""
    response = client.get(address(camera, "image"), {"mark": mark, **more})
    assert response.status_code == 200
    assert "no-store" in response.headers["Cache-Control"]
    told: dict[str, Any] = response.json()
    assert "hunter2" not in str(told)
    return told


@pytest.mark.parametrize("role", ["viewer", "operator", "admin_user"])
def test_those_who_may_see_cameras_get_the_picture_and_one_audit_row_an_opening(
    request: pytest.FixtureRequest, logged_in: LogIn, read: Camera, role: str, store: redis.Redis
) -> None:
    user = request.getfixturevalue(role)
    client = logged_in(user)
    assert client.get(address(read, "")).status_code == 200
    assert not AuditEvent.objects.exists()
    mark = opened(client, read)
    assert asked(client, read, mark)["state"] == "waiting"
    assert store.exists(f"anpr:camera:{read.pk}:watched")
    pictures.put_live(read.pk, picture(), FACTS)
    told = asked(client, read, mark)
    assert (told["state"], told["width"]) == ("live", 640)
    assert base64.b64decode(told["picture"].partition(",")[2]) == picture()
    assert told["plates"] == [{"text": "BB6232RB", "corners": FACTS["plates"][0]["corners"]}]  # type: ignore[index]
    assert "BB" in told["list"]
    assert "93" in told["list"]
    again = asked(client, read, mark, seen=told["number"])
    assert "picture" not in again
    assert 0 < again["wait"] <= 1100
    (row,) = AuditEvent.objects.all()
    assert (row.actor, row.action, row.target_id) == (user, "camera.watch", str(read.pk))
    opened(client, read)
    assert AuditEvent.objects.count() == 2


def test_no_picture_without_an_opening_of_ones_own(
    logged_in: LogIn, read: Camera, viewer: User, operator: User, store: redis.Redis
) -> None:
    pictures.put_live(read.pk, picture(), FACTS)
    client, other = logged_in(viewer), logged_in(operator)
    elsewhere = Camera.objects.create(name="Igolo", code="igolo")
    for mark in ("", "x", opened(other, read), opened(client, elsewhere)):
        assert client.get(address(read, "image"), {"mark": mark}).status_code == 403
    assert not store.exists(f"anpr:camera:{read.pk}:watched")
    assert client.get(address(read, "ouvrir")).status_code == 405
    assert Client(enforce_csrf_checks=True).post(address(read, "ouvrir")).status_code == 403


def test_a_view_open_for_too_long_is_to_be_opened_again_by_its_owner_only(
    logged_in: LogIn, read: Camera, viewer: User, operator: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    pictures.put_live(read.pk, picture(), FACTS)
    client, other = logged_in(viewer), logged_in(operator)
    mark = opened(client, read)
    with monkeypatch.context() as later:
        then = time.time() + 12 * 3600 + 1
        later.setattr("django.core.signing.time.time", lambda: then)
        gone = client.get(address(read, "image"), {"mark": mark})
        assert (gone.status_code, gone.content) == (410, b"")
        assert other.get(address(read, "image"), {"mark": mark}).status_code == 403
        assert client.get(address(read, "image"), {"mark": mark[:-1] + "~"}).status_code == 403
        assert asked(client, read, opened(client, read))["picture"]
    assert AuditEvent.objects.filter(action="camera.watch", actor=viewer).count() == 2


def test_whoever_loses_the_right_sees_nothing_more(
    logged_in: LogIn, read: Camera, viewer: User, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    pictures.put_live(read.pk, picture(), FACTS)
    watching = logged_in(viewer)
    mark = opened(watching, read)
    assert asked(watching, read, mark)["picture"]
    monkeypatch.setattr("accounts.roles.VIEWER", frozenset())
    for name in ("", "image"):
        assert watching.get(address(read, name), {"mark": mark}).status_code == 403
    assert watching.post(address(read, "ouvrir")).status_code == 403
    monkeypatch.undo()
    User.objects.filter(role=Role.VIEWER).update(is_active=False)
    for name in ("", "image"):
        assert watching.get(address(read, name), {"mark": mark}).status_code == 302
        assert client.get(address(read, name)).status_code == 302


def test_a_late_picture_says_so_and_goes_at_last(
    logged_in: LogIn, read: Camera, viewer: User, store: redis.Redis
) -> None:
    client = logged_in(viewer)
    mark = opened(client, read)
    pictures.put_live(read.pk, picture(), FACTS)
    store.pexpire(f"anpr:camera:{read.pk}:live", int((pictures.LIVE_SECONDS - 12.4) * 1000))
    told = asked(client, read, mark)
    assert told["state"] == "stale"
    assert "12" in told["words"]
    Camera.objects.update(fps=0.1)
    assert asked(client, read, mark)["state"] == "live", "a picture each ten seconds is what was asked for"
    store.pexpire(f"anpr:camera:{read.pk}:live", 1)
    time.sleep(0.05)
    assert asked(client, read, mark)["state"] == "waiting"


def test_what_keeps_the_picture_away_is_told(logged_in: LogIn, read: Camera, viewer: User) -> None:
    client = logged_in(viewer)
    mark = opened(client, read)
    Camera.objects.update(status=CameraStatus.ERROR, status_reason="No answer in time.")
    told = asked(client, read, mark)
    assert (told["state"], told["why"]) == ("idle", "No answer in time.")
    CameraLease.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert "Personne ne lit" in asked(client, read, mark)["words"]
    Camera.objects.update(rtsp_url="", stream_url="")
    assert asked(client, read, mark)["state"] == "off"
    Camera.objects.update(is_enabled=False)
    assert "éteinte" in asked(client, read, mark)["words"]


def test_without_redis_the_page_says_so_at_once(
    logged_in: LogIn, read: Camera, viewer: User, settings: Any
) -> None:
    client = logged_in(viewer)
    mark = opened(client, read)
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    started = time.monotonic()
    told = asked(client, read, mark)
    assert (told["state"], "Redis" in told["words"]) == ("away", True)
    assert time.monotonic() - started < 1
    assert client.get(address(read, "")).status_code == 200


def test_a_picture_costs_few_queries(
    logged_in: LogIn, read: Camera, viewer: User, django_assert_max_num_queries: Any
) -> None:
    client = logged_in(viewer)
    mark = opened(client, read)
    pictures.put_live(read.pk, picture(), FACTS)
    with django_assert_max_num_queries(3):
        asked(client, read, mark)
