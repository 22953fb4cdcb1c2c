"""The stream of passages: catching up, filters, refusals; the consumer spoken to as the server does."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlencode

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from asgiref.testing import ApplicationCommunicator
from channels.routing import get_default_application
from django.contrib.sessions.backends.db import SessionStore
from django.db import ProgrammingError
from django.test import Client
from django.urls import reverse

from accounts.models import ApiKey, AuditEvent, Scope, User
from accounts.services import create_api_key, revoke_api_key
from cameras.models import Camera
from detections import consumers, feed, stream
from detections.corrections import correct, with_corrections
from detections.models import Detection
from detections.passages import NewPassage
from detections.services import record

pytestmark = pytest.mark.django_db(transaction=True)

New = Callable[..., NewPassage]
Sent = dict[str, Any]


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(consumers, "RECHECK_SECONDS", 0.2)
    monkeypatch.setattr(stream, "POLL_SECONDS", 0.02)


@pytest.fixture
def reader_key(db: None) -> tuple[ApiKey, str]:
    return create_api_key(name="reader", scopes=[Scope.EVENTS_READ], by=None)


def run(scenario: Callable[[], Coroutine[Any, Any, None]]) -> None:
    async_to_sync(scenario)()


class Socket:
    """A client of the stream, through the product's own routing."""

    def __init__(self, headers: dict[str, str], query: dict[str, Any]) -> None:
        scope = {
            "type": "websocket",
            "path": "/api/v1/events/stream",
            "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
            "query_string": urlencode(query, doseq=True).encode(),
            "client": ("192.0.2.7", 5000),
            "subprotocols": [],
        }
        self._server = ApplicationCommunicator(get_default_application(), scope)

    async def open(self) -> bool:
        """False when it was refused."""
        await self._server.send_input({"type": "websocket.connect"})
        return bool((await self._server.receive_output(timeout=5))["type"] == "websocket.accept")

    async def next(self) -> Sent:
        """The next message, or how it was closed."""
        output = await self._server.receive_output(timeout=5)
        if output["type"] == "websocket.close":
            return {"type": "closed", "code": output["code"]}
        message: Sent = json.loads(output["text"])
        return message

    async def until(self, kind: str) -> list[Sent]:
        """All messages up to one of this kind."""
        found = [await self.next()]
        while found[-1]["type"] != kind:
            found.append(await self.next())
        return found

    async def leave(self) -> None:
        """Disconnect."""
        await self._server.send_input({"type": "websocket.disconnect", "code": 1000})
        await self._server.wait(timeout=5)


@asynccontextmanager
async def listening(token: str, **query: Any) -> AsyncIterator[Socket]:
    socket = Socket({"X-API-Key": token}, query)
    assert await socket.open()
    yield socket
    await socket.leave()


def plates(messages: list[Sent]) -> list[str]:
    return [message["event"]["plate_number"] for message in messages if message["type"] == "passage"]


def test_without_since_it_begins_now(reader_key: Any, new_passage: New) -> None:
    record([new_passage("AA0001")])

    async def scenario() -> None:
        async with listening(reader_key[1]) as socket:
            assert (await socket.next())["type"] == "ready"
            await sync_to_async(record)([new_passage("AA0002")])
            assert plates([await socket.next()]) == ["AA0002"]

    run(scenario)


def test_a_client_that_comes_back_gets_what_it_missed_in_order_and_nothing_twice(
    reader_key: Any, new_passage: New, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "PAGE", 3)

    async def scenario() -> None:
        async with listening(reader_key[1], since="0-0") as socket:
            await sync_to_async(record)([new_passage(f"AA{number:04}") for number in range(10)])
            seen = await socket.until("passage")
            while len(plates(seen)) < 4:
                seen.append(await socket.next())
        await sync_to_async(record)([new_passage(f"AA{number:04}") for number in range(10, 20)])
        cursor = [message["cursor"] for message in seen if message["type"] == "passage"][-1]
        async with listening(reader_key[1], since=cursor) as socket:
            seen += await socket.until("ready")
            await sync_to_async(record)([new_passage("AA0020")])
            seen.append(await socket.next())
        assert plates(seen) == [f"AA{number:04}" for number in range(21)]

    run(scenario)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"camera": ["seme-krake-1", "other"]}, ["AA0001", "AA0002", "AA0003"]),
        ({"camera": "other"}, ["AA0003"]),
        ({"plate": "aa 0002", "reason": "PV 12", "case_reference": "PV-12"}, ["AA0002"]),
        ({"confidence_min": "0.9"}, ["AA0001", "AA0003"]),
        ({"vehicle_type": "truck"}, ["AA0001"]),
        ({"layout": "two_line"}, ["AA0002"]),
        ({"country": "ng"}, ["AA0002"]),
    ],
)
def test_filters(reader_key: Any, new_passage: New, query: Any, expected: list[str]) -> None:
    other = Camera.objects.create(name="Other", code="other")
    record(
        [
            new_passage("AA0001", vehicle_type="truck", countries=[{"country": "BJ", "likelihood": 0.9}]),
            new_passage("AA0002", confidence=0.5, layout="two_line", countries=[{"country": "NG"}]),
            new_passage("AA0003", camera=other),
        ]
    )

    async def scenario() -> None:
        async with listening(reader_key[1], since="0-0", **query) as socket:
            assert plates(await socket.until("ready")) == expected

    run(scenario)
    row = AuditEvent.objects.get(action="passage.stream")
    assert row.details["api_key"] == reader_key[0].prefix
    assert set(query) - {"reason", "case_reference"} < set(row.details)
    assert (row.reason, row.ip_address) == (query.get("reason", ""), "192.0.2.7")


@pytest.mark.parametrize(
    ("query", "field", "code"),
    [
        ({"plate": "AA0001"}, "reason", "required"),
        ({"plate": "AA0001", "reason": "PV 12"}, "case_reference", "required"),
        ({"camera": "nowhere"}, "camera", "unknown_camera"),
        ({"confidence_min": "2"}, "confidence_min", "max_value"),
        ({"confidence_min": "NaN"}, "confidence_min", "invalid"),
        ({"layout": "round"}, "layout", "invalid_choice"),
        ({"since": "yesterday"}, "since", "invalid_cursor"),
        ({"since": f"{2**63}-1"}, "since", "invalid_cursor"),
        ({"since": f"{2**62}-1"}, "since", "cursor_moved"),
        ({"plate": "A\0", "reason": "x"}, "plate", "null_characters_not_allowed"),
    ],
)
def test_nonsense_is_told_in_the_one_error_format(
    reader_key: Any, query: dict[str, str], field: str, code: str
) -> None:
    async def scenario() -> None:
        socket = Socket({"X-API-Key": reader_key[1]}, query)
        assert await socket.open()
        error = await socket.next()
        assert {"detail", "timestamp", "errors"} < set(error)
        assert (error["errors"][0]["field"], error["errors"][0]["code"]) == (field, code)
        assert await socket.next() == {"type": "closed", "code": consumers.BAD_REQUEST}

    run(scenario)
    assert not AuditEvent.objects.filter(action="passage.stream").exists()


@pytest.mark.parametrize(
    "headers",
    [{}, {"X-API-Key": "wrong.key"}, {"Authorization": "Api-Key wrong"}, {"Origin": "http://localhost"}],
)
def test_nobody_without_a_key_or_a_session_gets_in(db: None, headers: dict[str, str]) -> None:
    async def scenario() -> None:
        assert not await Socket(headers, {}).open()

    run(scenario)


def test_a_key_that_only_sends_does_not_read(sensor_key: Any) -> None:
    async def scenario() -> None:
        assert not await Socket({"X-API-Key": sensor_key[1]}, {}).open()

    run(scenario)


def cookie(client: Client) -> dict[str, str]:
    return {"Cookie": f"sessionid={client.cookies['sessionid'].value}"}


@pytest.mark.parametrize(("origin", "enters"), [("http://localhost", True), ("http://evil.example", False)])
def test_a_browser_gets_in_from_our_own_pages_only(
    logged_in: Callable[[User], Client], viewer: User, origin: str, enters: bool
) -> None:
    headers = cookie(logged_in(viewer)) | {"Origin": origin}

    async def scenario() -> None:
        socket = Socket(headers, {})
        assert await socket.open() is enters
        if enters:
            await socket.leave()

    run(scenario)


def test_a_revoked_key_is_cut_off(reader_key: Any, admin_user: User, new_passage: New) -> None:
    async def scenario() -> None:
        async with listening(reader_key[1]) as socket:
            await socket.until("ready")
            await sync_to_async(revoke_api_key)(reader_key[0], by=admin_user)
            assert await socket.next() == {"type": "closed", "code": consumers.NO_PERMISSION}

    run(scenario)


@pytest.mark.parametrize("ending", ["log-out", "closed account", "another password"])
def test_an_account_is_cut_off_when_it_ends(
    logged_in: Callable[[User], Client], viewer: User, ending: str
) -> None:
    client = logged_in(viewer)
    headers = cookie(client) | {"Origin": "http://localhost"}

    def end() -> None:
        if ending == "log-out":
            SessionStore(client.cookies["sessionid"].value).delete()
        elif ending == "closed account":
            viewer.is_active = False
            viewer.save()
        else:
            viewer.set_password("something else entirely")
            viewer.save()

    async def scenario() -> None:
        socket = Socket(headers, {})
        assert await socket.open()
        await socket.until("ready")
        await sync_to_async(end)()
        assert await socket.next() == {"type": "closed", "code": consumers.NO_PERMISSION}
        await socket.leave()

    run(scenario)


def test_silence_is_broken_by_a_heartbeat_whose_cursor_goes_on(
    reader_key: Any, new_passage: New, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consumers, "HEARTBEAT_SECONDS", 0.1)

    async def scenario() -> None:
        async with listening(reader_key[1], plate="ZZ9999", reason="PV 12", case_reference="PV-12") as socket:
            [ready] = await socket.until("ready")
            await sync_to_async(record)([new_passage("AA0001")])
            newest = stream.cursor_text((await stream.page((0, 0)))[0])
            assert newest != ready["cursor"]
            # What is not wanted need not be read again.
            while (beat := await socket.next())["cursor"] != newest:
                assert beat["type"] == "heartbeat"

    run(scenario)


def test_a_slow_client_is_told_to_come_back_and_misses_nothing(
    reader_key: Any, new_passage: New, monkeypatch: pytest.MonkeyPatch
) -> None:
    listener = stream.Listener(stream.Wanted(), queue=asyncio.Queue(5))
    record([new_passage(f"AA{number:04}") for number in range(12)])
    monkeypatch.setattr(consumers, "Listener", lambda _wanted: listener)

    async def scenario() -> None:
        async with listening(reader_key[1]) as socket:
            await socket.until("ready")
            _place, items, _full = await stream.page((0, 0))
            # The client takes nothing while twelve passages come for its queue of five.
            consumer_place = items[4].place
            for item in items:
                listener.tell([stream.Item((2**62, item.place[1]), item.passage, item.text)])
            seen = await socket.until("closed")
            assert plates(seen) == [f"AA{number:04}" for number in range(5)]
            assert seen[-2]["type"] == "closing"
            assert seen[-2]["cursor"].endswith(f"-{consumer_place[1]}")
            assert seen[-1]["code"] == consumers.TOO_SLOW

    run(scenario)


def test_a_cursor_older_than_what_is_kept_is_said(reader_key: Any, new_passage: New) -> None:
    record([new_passage("AA0001"), new_passage("AA0002")])
    first, second = feed.PASSAGES.page((0, 0), 2)[0]
    Detection.objects.filter(pk=first[1]).delete()

    async def scenario() -> None:
        async with listening(reader_key[1], since=stream.cursor_text((first[0], first[1] - 1))) as socket:
            gap = await socket.next()
            assert (gap["type"], gap["oldest"]) == ("gap", stream.cursor_text(second))
            assert plates(await socket.until("ready")) == ["AA0002"]

    run(scenario)


def test_an_event_is_the_one_of_the_api(
    logged_in: Callable[[User], Client], viewer: User, operator: User, new_passage: New
) -> None:
    record([new_passage("B86232RB", bounding_box=[1, 2, 3, 4], metadata={"a": 1})])
    correct(Detection.objects.get(), by=operator, plate_number="BB6232RB", reason="on the photo")
    [listed] = logged_in(viewer).get(reverse("api:events")).json()["results"]
    [passage] = with_corrections(Detection.objects.select_related("camera"))
    event = json.loads(json.dumps(stream.as_event(passage)))
    assert event == listed


def test_a_reader_that_stumbles_goes_on(
    reader_key: Any, new_passage: New, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else all listeners would get heartbeats, and never a passage again."""
    real, stumbled = stream.page, asyncio.Event()
    monkeypatch.setattr(stream, "AWAY_SECONDS", 0.02)

    async def once(after: Any) -> Any:
        if not stumbled.is_set():
            stumbled.set()
            raise ProgrammingError("planted: a column is being added")
        return await real(after)

    async def scenario() -> None:
        async with listening(reader_key[1]) as socket:
            await socket.until("ready")
            monkeypatch.setattr(stream, "page", once)
            await stumbled.wait()
            await sync_to_async(record)([new_passage("AA0001")])
            assert (await socket.next())["type"] == "passage"

    run(scenario)


def test_a_connection_that_fails_is_closed(reader_key: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fails(_after: Any) -> Any:
        raise ProgrammingError("planted: a column is being added")

    monkeypatch.setattr(stream, "page", fails)

    async def scenario() -> None:
        async with listening(reader_key[1], since="0-0") as socket:
            assert (await socket.until("closed"))[-1]["code"] == consumers.TRY_AGAIN

    run(scenario)


def test_nobody_is_listened_for_when_nobody_listens(reader_key: Any) -> None:
    async def scenario() -> None:
        async with listening(reader_key[1]) as socket:
            await socket.until("ready")
            assert consumers.tail._task is not None
        assert consumers.tail._task is None

    run(scenario)
