"""Alerts reach open pages; a page that was away asks for what it missed."""

import json
from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Any

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from asgiref.testing import ApplicationCommunicator
from channels.layers import channel_layers
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone

from accounts.models import User
from alerts import push, tasks
from alerts.consumers import AlertConsumer
from alerts.models import Alert
from cameras import incidents
from cameras.incidents import Finding
from cameras.models import Camera, CameraIncident, Trouble
from detections.passages import NewPassage
from detections.services import record
from vehicles.models import StolenVehicle

pytestmark = pytest.mark.django_db(transaction=True)

New = Callable[..., NewPassage]


def run(scenario: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run a scenario in one event loop, with a fresh connection to Redis."""
    channel_layers.backends.clear()
    async_to_sync(scenario)()
    channel_layers.backends.clear()


class Page:
    """An open page of `user`: the consumer, spoken to as the server does, with a session in the database."""

    def __init__(self, user: Any) -> None:
        """Not connected yet."""
        self.user = user
        self.browser = Client()

    def log_in(self) -> SessionStore:
        """The session of the page's account; an empty one for nobody."""
        if not self.user.is_authenticated:
            return SessionStore()
        self.browser.force_login(self.user)
        return SessionStore(self.browser.cookies["sessionid"].value)

    async def connect(self) -> bool:
        """Open the socket; False when it was refused."""
        scope = {"type": "websocket", "path": "/ws/alerts/", "headers": [], "subprotocols": []}
        session = await sync_to_async(self.log_in)()
        self.socket = ApplicationCommunicator(
            AlertConsumer.as_asgi(), scope | {"user": self.user, "session": session}
        )
        await self.socket.send_input({"type": "websocket.connect"})
        answer = await self.socket.receive_output(timeout=5)
        return bool(answer["type"] == "websocket.accept")

    async def send(self, message: Any) -> None:
        """Send JSON."""
        await self.socket.send_input({"type": "websocket.receive", "text": json.dumps(message)})

    async def receive(self, kind: str) -> dict[str, Any]:
        """The next message of a kind."""
        while True:
            output = await self.socket.receive_output(timeout=5)
            message: dict[str, Any] = json.loads(output["text"])
            if message["type"] == kind:
                return message

    async def closed(self) -> bool:
        """True when the server closes next."""
        output = await self.socket.receive_output(timeout=5)
        return bool(output["type"] == "websocket.close")

    async def leave(self) -> None:
        """Close the page."""
        await self.socket.send_input({"type": "websocket.disconnect", "code": 1000})
        await self.socket.wait(timeout=5)


def test_an_alert_is_pushed_to_an_open_page(viewer: User, new_passage: New, theft: StolenVehicle) -> None:
    async def scenario() -> None:
        page = Page(viewer)
        assert await page.connect()
        await sync_to_async(record)([new_passage()])
        await sync_to_async(tasks.match_passages)()
        message = await page.receive("alert.raised")
        alert = await Alert.objects.aget()
        assert message == {"type": "alert.raised", "id": alert.pk}
        await page.leave()

    run(scenario)


def test_a_page_that_was_away_gets_what_it_missed(
    viewer: User, new_passage: New, theft: StolenVehicle
) -> None:
    record([new_passage()])
    tasks.match_passages()
    alert = Alert.objects.get()

    async def scenario() -> None:
        page = Page(viewer)
        await page.connect()
        await page.send({"since": 0})
        assert await page.receive("missed") == {"type": "missed", "ids": [alert.pk]}
        await page.send({"since": alert.pk})
        assert await page.receive("missed") == {"type": "missed", "ids": []}
        await page.leave()

    run(scenario)


@pytest.mark.parametrize("message", [{"since": "x"}, {"since": -1}, {"since": True}, {}, []])
def test_nonsense_is_answered_with_an_error(viewer: User, message: Any) -> None:
    async def scenario() -> None:
        page = Page(viewer)
        await page.connect()
        await page.send(message)
        assert await page.receive("error")
        await page.leave()

    run(scenario)


@pytest.mark.parametrize("text", ["", "{", "NaN]", "[" * 100_000])
def test_what_is_no_json_is_answered_with_an_error(viewer: User, text: str) -> None:
    async def scenario() -> None:
        page = Page(viewer)
        await page.connect()
        for message in ({"text": text}, {"bytes": b"\xff"}):
            await page.socket.send_input({"type": "websocket.receive"} | message)
            assert await page.receive("error")
        await page.send({"since": 0})
        assert await page.receive("missed"), "the page goes on"
        await page.leave()

    run(scenario)


@pytest.mark.parametrize("ending", ["log-out", "another account", "another password", "run out"])
def test_a_session_that_ended_gets_no_further_alert(operator: User, viewer: User, ending: str) -> None:
    def end(page: Page) -> None:
        if ending == "log-out":
            page.browser.post("/deconnexion/")
        elif ending == "another account":
            page.browser.force_login(viewer)
        elif ending == "another password":
            operator.set_password("something else")
            operator.save()
        else:
            Session.objects.update(expire_date=timezone.now())

    async def scenario() -> None:
        page, asking = Page(operator), Page(operator)
        for each in (page, asking):
            assert await each.connect()
            await sync_to_async(end)(each)
        await sync_to_async(push.alert_changed)(7)
        assert await page.closed()
        await asking.send({"since": 0})
        assert await asking.closed()

    run(scenario)


def test_incidents_of_cameras_reach_who_may_see_cameras(
    viewer: User, camera: Camera, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = timezone.now()
    worse = {camera.pk: {Trouble.ERROR: Finding("No answer in time.")}}

    async def scenario() -> None:
        page = Page(viewer)
        assert await page.connect()
        for moment in (now - timedelta(seconds=60), now):
            await sync_to_async(incidents.follow)(worse, now=moment)
        message = await page.receive("camera.incident")
        incident = await CameraIncident.objects.aget()
        assert message == {"type": "camera.incident", "id": incident.pk}
        monkeypatch.setattr("accounts.roles.VIEWER", frozenset({"alerts.view_alert"}))
        await sync_to_async(incidents.follow)({}, now=now)
        await sync_to_async(push.alert_changed)(7)
        output = await page.socket.receive_output(timeout=5)
        assert json.loads(output["text"])["type"] == "alert.changed", "of the camera it hears nothing more"
        await page.leave()

    run(scenario)


def test_nobody_without_an_account_gets_in(db: None) -> None:
    async def scenario() -> None:
        assert not await Page(AnonymousUser()).connect()

    run(scenario)


def test_an_account_that_is_closed_meanwhile_is_cut_off(operator: User) -> None:
    async def scenario() -> None:
        page = Page(operator)
        await page.connect()
        operator.is_active = False
        await operator.asave()
        await sync_to_async(push.alert_changed)(7)
        assert await page.closed()

    run(scenario)


def test_without_redis_nothing_breaks(settings: Any, new_passage: New, theft: StolenVehicle) -> None:
    settings.CHANNEL_LAYERS = {
        "default": {
            "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
            "CONFIG": {"hosts": ["redis://127.0.0.1:1/0"]},
        }
    }
    channel_layers.backends.clear()
    record([new_passage()])
    assert tasks.match_passages() == 1
    assert Alert.objects.count() == 1
    channel_layers.backends.clear()
