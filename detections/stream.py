"""Passages as they come, for connections that stay open: one reader of the feed's tail, many listeners.

The reader asks the table itself (see `feed.Stream.page`), a few times a second while somebody listens, and
tells every listener of this process. Redis has no part in it. A place in the stream is a cursor: who comes
back with the last one it was given gets what it missed, in ingest order, none twice.
"""

import asyncio
import json
import logging
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, TypedDict

from channels.db import database_sync_to_async
from django.db import Error, connection
from rest_framework.fields import DateTimeField

from detections.corrections import with_corrections
from detections.feed import PASSAGES, Position
from detections.models import Detection

logger = logging.getLogger(__name__)

PAGE = 500
POLL_SECONDS = 0.3
AWAY_SECONDS = 1.0
"""How long to wait for a database that does not answer."""
QUEUE = 2000
"""Passages that wait for a slow listener; about two megabytes. Beyond that it is told to come back."""


class Reviewed(TypedDict):
    """An officer's word on a read (see `detections.api.serializers.ReviewedSerializer`)."""

    kind: str
    plate_number: str
    at: str
    by: str | None


class Event(TypedDict):
    """A passage, as `GET /api/v1/events` gives it; without images."""

    id: int
    event_id: str
    plate_number: str
    ocr_text: str
    confidence: float
    detection_confidence: float | None
    recognition_confidence: float | None
    candidates: list[dict[str, Any]]
    countries: list[dict[str, Any]]
    layout: str
    plate_color: str
    bounding_box: list[float] | None
    recognition_polygon: list[list[float]] | None
    processing_time: float | None
    vehicle_type: str
    vehicle_color: str
    vehicle_brand: str
    vehicle_model: str
    direction: str
    lane: str
    tpms: list[dict[str, Any]]
    metadata: dict[str, Any]
    source: str
    camera: str
    detected_at: str
    created_at: str
    reviewed: Reviewed | None


class PassageMessage(TypedDict):
    """One passage; who comes back with its cursor gets what came after it."""

    type: str
    cursor: str
    event: Event


_PLAIN = [name for name in Event.__annotations__ if name not in {"camera", "reviewed"}]
_moment = DateTimeField()


def as_event(passage: Detection) -> Event:
    """The passage as the API tells it; who corrected it is not told here."""
    event: dict[str, Any] = {name: getattr(passage, name) for name in _PLAIN}
    event["event_id"] = str(passage.event_id)
    event["camera"] = passage.camera.code
    for name in ("detected_at", "created_at"):
        event[name] = _moment.to_representation(event[name])
    correction = passage.correction
    event["reviewed"] = correction and {
        "kind": correction.kind,
        "plate_number": correction.plate_number,
        "at": correction.created_at.isoformat(),
        "by": None,
    }
    return event  # type: ignore[return-value]


@dataclass(frozen=True)
class Wanted:
    """Which passages a listener wants; what is empty or 0 does not filter."""

    cameras: frozenset[str] = frozenset()
    plate: str = ""
    confidence_min: float = 0.0
    vehicle_type: str = ""
    layout: str = ""
    country: str = ""

    def __contains__(self, passage: Detection) -> bool:
        """Whether the passage meets every filter; a plate as it was read, the likeliest country."""
        return (
            (not self.cameras or passage.camera.code in self.cameras)
            and self.plate in ("", passage.plate_number)
            and passage.confidence >= self.confidence_min
            and self.vehicle_type in ("", passage.vehicle_type)
            and self.layout in ("", passage.layout)
            and self.country in ("", *(entry.get("country") for entry in passage.countries[:1]))
        )


@dataclass(frozen=True)
class Item:
    """A passage with its place and the text of its message, made once for all listeners."""

    place: Position
    passage: Detection
    text: str


def cursor_text(place: Position) -> str:
    """A place as clients keep it."""
    return f"{place[0]}-{place[1]}"


def read_cursor(text: str) -> Position | None:
    """The place of a cursor; None for what is none."""
    xid, _dash, row = text.partition("-")
    if not (xid.isascii() and xid.isdecimal() and row.isascii() and row.isdecimal()):
        return None
    place = (int(xid), int(row))
    return place if max(place) < 2**63 else None


def _item(place: Position, passage: Detection) -> Item:
    message: PassageMessage = {"type": "passage", "cursor": cursor_text(place), "event": as_event(passage)}
    return Item(place, passage, json.dumps(message, ensure_ascii=False, separators=(",", ":")))


_LIGHT = replace(PASSAGES, rows=PASSAGES.rows.defer("image_data"))


def _page(after: Position) -> tuple[Position, list[Item], bool]:
    """The place where the next page begins, what is on this one, whether it was full."""
    places, found = _LIGHT.page(after, PAGE)
    with_corrections(found.values())
    items = [_item(place, found[place[1]]) for place in places if place[1] in found]
    return (places[-1] if places else after), items, len(places) == PAGE


page = database_sync_to_async(_page)


def _now() -> Position:
    """The place after everything that no running transaction can change any more."""
    with connection.cursor() as sql:
        sql.execute("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint - 1")
        return int(sql.fetchone()[0]), 2**63 - 1


def oldest() -> Position | None:
    """The place of the oldest passage that is kept; None without any."""
    places, _found = _LIGHT.page((0, 0), 1)
    return places[0] if places else None


@dataclass(eq=False)
class Listener:
    """A connection that hears of passages: `queue` holds what was not sent yet.

    `too_slow` once the queue was full: nothing more is put into it.
    """

    wanted: Wanted
    queue: asyncio.Queue[Item] = field(default_factory=lambda: asyncio.Queue(QUEUE))
    too_slow: bool = False

    def tell(self, items: Sequence[Item]) -> None:
        """Queue what is wanted."""
        for item in items:
            if self.too_slow or item.passage not in self.wanted:
                continue
            try:
                self.queue.put_nowait(item)
            except asyncio.QueueFull:
                self.too_slow = True


class Tail:
    """The one reader of this process. It reads while somebody listens."""

    def __init__(self) -> None:
        """Nobody listens yet."""
        self.place: Position = (0, 0)
        self._listeners: set[Listener] = set()
        self._task: asyncio.Task[None] | None = None
        self._starting = asyncio.Lock()

    async def join(self, listener: Listener) -> Position:
        """Begin to tell the listener of passages; the place after which it hears of all."""
        async with self._starting:
            if not self._listeners:
                self.place = await database_sync_to_async(_now)()
                self._task = asyncio.create_task(self._read())
            self._listeners.add(listener)
            return self.place

    async def leave(self, listener: Listener) -> None:
        """Tell the listener no more; the last one ends the reading."""
        self._listeners.discard(listener)
        if not self._listeners and self._task:
            task, self._task = self._task, None
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def _read(self) -> None:
        while self._task is asyncio.current_task():
            try:
                place, items, full = await page(self.place)
            except Error as error:
                # Whatever it is: without a reader all would hear heartbeats, and never a passage again.
                logger.warning("stream: the database is away (%s)", type(error).__name__)
                await asyncio.sleep(AWAY_SECONDS)
                continue
            # asgiref swallows a cancellation that meets the end of a query.
            if self._task is not asyncio.current_task():
                return
            # No await between these: who joins hears exactly what comes after `place`.
            self.place = place
            for listener in self._listeners:
                listener.tell(items)
            await asyncio.sleep(0 if full else POLL_SECONDS)
