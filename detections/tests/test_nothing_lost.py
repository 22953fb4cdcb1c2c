"""kill -9 of each part of the product while passages come in: what was acknowledged is stored once and told.

Real servers and processes, as `make run` starts them. Times are logged: pytest --log-cli-level INFO.
"""

import json
import logging
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx
import psycopg2
import pytest
from django.conf import settings
from websockets.exceptions import ConnectionClosed, InvalidHandshake
from websockets.sync.client import connect

from deploy.processes import wait_until
from deploy.stack import Stack

logger = logging.getLogger(__name__)
logging.getLogger("httpx").setLevel(logging.WARNING)

pytestmark = [pytest.mark.stack, pytest.mark.timeout(240)]

SETUP = """
from django.utils import timezone
from accounts.models import Scope
from accounts.services import create_api_key
from cameras.models import Camera
from vehicles.services import report_theft_of
Camera.objects.create(name="Post", code="post")
for number in range(40):
    report_theft_of(plate_number=f"ST{number:04}RB", by=None, vehicle={}, report_number=f"PV-{number}",
        stolen_date=timezone.now(), stolen_location="x", police_station="x", contact_person="x")
print(create_api_key(name="all", scopes=[Scope.EVENTS_WRITE, Scope.EVENTS_READ], by=None)[1])
"""
SENDERS = 4
PER_REQUEST = 5
"""Events of one request, and of one connection before it is asked for anew."""

Event = dict[str, Any]


@dataclass
class Product:
    """The running product, with a key, and what was read from its tables."""

    stack: Stack
    token: str
    stolen: Iterator[int] = field(default_factory=lambda: iter(range(40)))

    def events(self, count: int) -> list[Event]:
        """New passages; each fortieth is of a plate reported stolen that has not passed before."""
        return [
            {
                "event_id": str(uuid.uuid4()),
                "camera": "post",
                "plate_number": f"AB{number:04}RB" if number % 40 else f"ST{next(self.stolen):04}RB",
                "detected_at": datetime.now(UTC).isoformat(),
                "confidence": 0.9,
            }
            for number in range(count)
        ]

    def send(self, events: Sequence[Event]) -> list[str]:
        """Send until each event is acknowledged; what was answered. Each has its id, so repeats are safe."""
        answers: list[str] = []
        with httpx.Client(base_url=self.stack.url, headers={"X-API-Key": self.token}, timeout=5) as client:
            for event in events:
                while True:
                    try:
                        response = client.post("/api/v1/events/ingest", json=event)
                    except httpx.HTTPError:
                        time.sleep(0.05)
                        continue
                    if response.status_code < 500:
                        assert response.status_code in (200, 201), response.text
                        answers.append(response.json()["status"])
                        break
                    time.sleep(0.1)
        return answers

    def rows(self, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """What the tables hold."""
        database = psycopg2.connect(self.stack.servers.database_url)
        try:
            with database, database.cursor() as cursor:
                cursor.execute(sql, parameters)
                return list(cursor.fetchall()) if cursor.description else []
        finally:
            database.close()

    def waiting(self) -> dict[str, float]:
        """Rows that each consumer has not seen, as /metrics tells it."""
        name = "anpr_feed_waiting_passages"
        found = {}
        for line in httpx.get(f"{self.stack.url}/metrics", timeout=10).text.splitlines():
            if line.startswith(f'{name}{{consumer="'):
                consumer, value = line[len(name) + 11 :].split('"} ')
                found[consumer] = float(value)
        return found

    def check(self, events: Sequence[Event]) -> None:
        """Each event is stored once and reached every consumer; each planted one raised one alert."""
        ids = [event["event_id"] for event in events]
        known = "SELECT event_id::text FROM detections_detection WHERE event_id = ANY(%s::uuid[])"
        stored = self.rows(known, ids)
        assert sorted(row[0] for row in stored) == sorted(ids)
        begun = time.monotonic()
        assert wait_until(self._all_consumed, 40), self.waiting()
        logger.info("every consumer was through after %.1f s", time.monotonic() - begun)
        planted = sorted(event["plate_number"] for event in events if event["plate_number"].startswith("ST"))
        alerts = self.rows("SELECT plate_number FROM alerts_alert WHERE plate_number = ANY(%s)", planted)
        assert planted
        assert sorted(row[0] for row in alerts) == planted

    def _all_consumed(self) -> bool:
        waiting = self.waiting()
        consumers = len(settings.FEED_CONSUMERS) + len(settings.CORRECTION_CONSUMERS)
        return len(waiting) >= consumers and not any(waiting.values())


@pytest.fixture(scope="module")
def product() -> Iterator[Product]:
    """The product without recognition, which has no photo to read here."""
    stack = Stack.throwaway()
    stack.left_out = frozenset({"recognition"})
    try:
        stack.start(demo=False)
        token = stack.manage("shell", "--no-imports", "-c", SETUP).split()[-1]
        yield Product(stack, token)
    finally:
        stack.stop()


def kill_web(stack: Stack) -> None:
    stack.kill("web")


def kill_worker(stack: Stack) -> None:
    stack.kill("default")


def kill_redis(stack: Stack) -> None:
    stack.servers.kill_redis()
    time.sleep(0.5)
    stack.servers.start_redis()


def kill_postgres(stack: Stack) -> None:
    stack.servers.stop_postgres("kill")
    time.sleep(0.5)
    stack.servers.start_postgres()


def restart_postgres(stack: Stack) -> None:
    stack.servers.stop_postgres("fast")
    stack.servers.start_postgres()


@pytest.mark.parametrize("accident", [kill_web, kill_worker, kill_redis, kill_postgres, restart_postgres])
def test_what_was_acknowledged_is_stored_once_and_reaches_every_consumer(
    product: Product, accident: Callable[[Stack], None]
) -> None:
    events = product.events(240)
    done = threading.Semaphore(0)

    def send(part: Sequence[Event]) -> list[str]:
        answers = []
        for start in range(0, len(part), PER_REQUEST):
            answers += product.send(part[start : start + PER_REQUEST])
            done.release()
        return answers

    with ThreadPoolExecutor(SENDERS) as senders:
        sending = [senders.submit(send, events[number::SENDERS]) for number in range(SENDERS)]
        for _request in range(len(events) // PER_REQUEST // 3):
            assert done.acquire(timeout=60)
        accident(product.stack)
        assert not all(one.done() for one in sending), "it must happen in the middle"
        answers = [answer for one in sending for answer in one.result(timeout=90)]
    assert len(answers) == len(events)
    product.check(events)

    # The same batch again changes nothing.
    counts = "SELECT (SELECT count(*) FROM detections_detection), (SELECT count(*) FROM alerts_alert)"
    before = product.rows(counts)
    assert set(product.send(events[:50])) == {"duplicate"}
    assert wait_until(lambda: not any(product.waiting().values()), 10)
    assert product.rows(counts) == before


def test_a_body_cut_off_on_the_way_stores_nothing_half_and_can_be_sent_again(product: Product) -> None:
    [event] = product.events(1)
    body = json.dumps(event).encode()
    head = (
        f"POST /api/v1/events/ingest HTTP/1.1\r\nHost: 127.0.0.1\r\nX-API-Key: {product.token}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode()
    for cut in (1, len(body) // 2, len(body) - 1):
        with socket.create_connection(("127.0.0.1", product.stack.port), timeout=5) as line:
            line.sendall(head + body[:cut])
    time.sleep(0.5)
    known = "SELECT count(*) FROM detections_detection WHERE event_id = %s"
    assert product.rows(known, event["event_id"]) == [(0,)]
    assert product.send([event]) == ["created"]
    product.check([event])


# --- the stream ------------------------------------------------------------------------------------------


class Follower:
    """A client of the stream that comes back with its last cursor, whatever happens."""

    def __init__(self, product: Product, cursor: str) -> None:
        self.cursor = cursor
        self.seen: list[str] = []
        self.codes: list[int] = []
        self.connections = 0
        self.stopping = threading.Event()
        self._product = product
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def gets(self, count: int, seconds: float) -> bool:
        """Wait until it has seen so many."""
        return wait_until(lambda: len(self.seen) >= count, seconds)

    def stop(self) -> None:
        """Leave."""
        self.stopping.set()
        self._thread.join(10)

    def _run(self) -> None:
        while not self.stopping.is_set():
            port = self._product.stack.websocket_port
            address = f"ws://127.0.0.1:{port}/api/v1/events/stream?since={self.cursor}"
            try:
                with connect(address, additional_headers={"X-API-Key": self._product.token}) as line:
                    self.connections += 1
                    self._listen(line)
            except ConnectionClosed as error:
                self.codes.append(error.rcvd.code if error.rcvd else 0)
            except (OSError, InvalidHandshake, EOFError):
                self.codes.append(0)
            time.sleep(0.1)

    def _listen(self, line: Any) -> None:
        taken = 0
        while not self.stopping.is_set():
            try:
                message = json.loads(line.recv(timeout=0.2))
            except TimeoutError:
                continue
            self.cursor = message.get("cursor", self.cursor)
            if message["type"] == "passage":
                self.seen.append(message["event"]["event_id"])
                taken += 1
            if taken >= 150:  # and now and then it leaves by itself
                return


def test_a_client_of_the_stream_gets_every_passage_once_in_order_whatever_is_killed(product: Product) -> None:
    [(start,)] = product.rows("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint - 1")
    follower = Follower(product, f"{start}-{2**63 - 1}")
    events = [
        {
            "event_id": str(uuid.uuid4()),
            "camera": "post",
            "plate_number": f"CD{number:04}RB",
            "detected_at": datetime.now(UTC).isoformat(),
            "confidence": 0.9,
        }
        for number in range(1000)
    ]
    try:
        with ThreadPoolExecutor(SENDERS) as senders:
            sending = [senders.submit(product.send, events[number::SENDERS]) for number in range(SENDERS)]
            for seen in (100, 400):
                assert follower.gets(seen, 60)
                product.stack.kill("websocket")
            for one in sending:
                one.result(timeout=90)
        wanted = [
            row[0]
            for row in product.rows(
                "SELECT event_id::text FROM detections_detection WHERE ingest_xid > %s::text::xid8 "
                "ORDER BY ingest_xid, id",
                str(start),
            )
        ]
        assert len(wanted) == 1000
        assert follower.gets(1000, 30), (len(follower.seen), follower.codes)
        time.sleep(0.7)
        assert follower.seen == wanted
        assert follower.connections >= 4
        _interleaved(product, follower)
        _without_redis(product, follower)
        _revoked(product, follower)
    finally:
        follower.stop()


def _interleaved(product: Product, follower: Follower) -> None:
    """A transaction that inserts first and commits last is not skipped, and comes first."""
    columns = ", ".join(
        name
        for (name,) in product.rows(
            "SELECT column_name FROM information_schema.columns WHERE table_name = 'detections_detection' "
            "AND column_name NOT IN ('id', 'event_id', 'ingest_xid')"
        )
    )
    before, late = len(follower.seen), str(uuid.uuid4())
    database = psycopg2.connect(product.stack.servers.database_url)
    try:
        with database, database.cursor() as cursor:
            cursor.execute(
                f"INSERT INTO detections_detection (event_id, {columns}) SELECT %s, {columns} "
                "FROM detections_detection LIMIT 1",
                [late],
            )
            [event] = [product.events(1)[0] | {"plate_number": "EF0001RB"}]
            product.send([event])
            time.sleep(1)
            assert len(follower.seen) == before, "nothing comes past a transaction that still runs"
    finally:
        database.close()
    assert follower.gets(before + 2, 10)
    assert follower.seen[before:] == [late, event["event_id"]]


def _without_redis(product: Product, follower: Follower) -> None:
    """The stream reads the table: Redis has no part in it."""
    before, event = len(follower.seen), product.events(1)[0] | {"plate_number": "EF0002RB"}
    product.stack.servers.kill_redis()
    try:
        product.send([event])
        assert follower.gets(before + 1, 10)
        assert follower.seen[before:] == [event["event_id"]]
    finally:
        product.stack.servers.start_redis()


def _revoked(product: Product, follower: Follower) -> None:
    """A revoked key is cut off within seconds and does not come in again."""
    follower.codes.clear()
    product.rows("UPDATE accounts_apikey SET revoked_at = now() RETURNING id")
    begun = time.monotonic()
    assert wait_until(lambda: 4403 in follower.codes, 10), (follower.codes, follower.connections)
    logger.info("the revoked key was cut off after %.1f s", time.monotonic() - begun)
    connections = follower.connections
    time.sleep(0.5)
    assert follower.connections == connections
    product.rows("UPDATE accounts_apikey SET revoked_at = NULL RETURNING id")
