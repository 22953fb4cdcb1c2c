"""WebSocket /api/v1/events/stream: passages as they come, for people and for API keys."""

import asyncio
import json
import logging
from contextlib import suppress
from typing import Any, cast

from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer
from django.db import Error
from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext as _
from rest_framework import serializers

from accounts.api.authentication import sent_token, usable_key
from accounts.api.errors import body, flatten
from accounts.api.serializers import refused
from accounts.models import ApiKey, Scope, User, may
from accounts.services import audit
from accounts.sessions import account_of
from accounts.views import address_behind
from cameras.models import Camera
from detections import feed, stream
from detections.feed import Position
from detections.models import Layout
from detections.search import SearchRefusedError
from detections.search.purpose import check_case
from detections.stream import Item, Listener, Tail, Wanted
from recognition import plates

logger = logging.getLogger(__name__)

RECHECK_SECONDS = 2.0
"""How often a connection's key or session is looked up again: a revoked one is cut off within this time."""
HEARTBEAT_SECONDS = 15.0
SEND_SECONDS = 20.0
"""A client that does not take a message within this time is too slow."""
DATABASE_AWAY = Error
"""Whatever it is: a connection that went on without an answer would be silent, or never be cut off."""

BAD_REQUEST, NO_PERMISSION, TOO_SLOW, TRY_AGAIN = 4400, 4403, 4408, 1013

FILTERS = ("camera", "plate", "confidence_min", "vehicle_type", "layout", "country")

tail = Tail()


class StreamQuery(serializers.Serializer[Any]):
    """What a stream is asked for: all filters of its address."""

    since = serializers.CharField(default="", allow_blank=True, max_length=64)
    camera = serializers.ListField(child=serializers.CharField(max_length=64), default=list, max_length=200)
    plate = serializers.CharField(default="", allow_blank=True, max_length=64)
    reason = serializers.CharField(default="", allow_blank=True, max_length=500)
    case_reference = serializers.CharField(default="", allow_blank=True, max_length=64)
    confidence_min = serializers.FloatField(default=0.0, min_value=0, max_value=1)
    vehicle_type = serializers.CharField(default="", allow_blank=True, max_length=16)
    layout = serializers.ChoiceField(choices=Layout.choices, default="", allow_blank=True)
    country = serializers.CharField(default="", allow_blank=True, max_length=2)

    def validate_since(self, text: str) -> Position | None:
        """A cursor of this stream, or nothing: from now."""
        place = stream.read_cursor(text) if text else None
        if text and place is None:
            raise serializers.ValidationError(_("This is no cursor of the stream."), code="invalid_cursor")
        if place:
            try:
                feed.check_same_cluster(place[0], "stream")
            except feed.FeedMovedError as error:
                raise serializers.ValidationError(
                    _("This cursor comes from before data were restored: read /events, then begin anew."),
                    code="cursor_moved",
                ) from error
        return place

    def validate_camera(self, codes: list[str]) -> list[str]:
        """Codes of cameras that exist: a misspelt one would give a stream on which nothing ever comes."""
        unknown = set(codes) - set(Camera.objects.filter(code__in=codes).values_list("code", flat=True))
        if unknown:
            raise serializers.ValidationError(
                _("No such camera: %(codes)s.") % {"codes": ", ".join(sorted(unknown))}, code="unknown_camera"
            )
        return codes

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Who follows a plate says why: it goes to the audit trail."""
        attrs["plate"] = plates.normalise(attrs["plate"])
        if attrs["plate"] and not attrs["reason"].strip():
            raise refused("reason", "required", _("A search by plate needs a reason."))
        return attrs


class EventStreamConsumer(AsyncWebsocketConsumer):
    """One connection: catches up from `since` by itself, then hears of passages from the shared reader."""

    channel_layer_alias = "none"
    """No layer has this name: with one, every connection would fall when Redis does."""
    _sending: asyncio.Task[None] | None = None
    _cut_off = _gone = False
    """Looked at in every loop: a cancellation that meets the end of a query is swallowed by asgiref."""

    async def connect(self) -> None:
        """Refuse who may not, say what is wrong with the filters, else begin."""
        try:
            if not await self._identify():
                await self.close(code=NO_PERMISSION)
                return
            await self.accept()
            query, errors = await self._parse()
        except DATABASE_AWAY:
            await self.close(code=TRY_AGAIN)
            return
        if errors:
            await self._say({"type": "error", **body(_("The stream cannot be opened like this."), errors)})
            await self.close(code=BAD_REQUEST)
            return
        self._place: Position = query["since"] or (0, 0)
        self._sending = asyncio.create_task(self._run(query))

    async def disconnect(self, code: int) -> None:
        """The client left, or was told to."""
        self._gone = True
        if self._sending:
            self._sending.cancel()
            with suppress(asyncio.CancelledError):
                await self._sending

    async def receive(
        self, text_data: str | None = None, bytes_data: bytes | None = None, **_kwargs: Any
    ) -> None:
        """What a client says is not listened to: its filters are in the address."""

    async def _run(self, query: dict[str, Any]) -> None:
        """Send until the client goes, may no longer listen, or is too slow."""
        listener = Listener(_wanted(query))
        recheck = asyncio.create_task(self._recheck())
        try:
            if query["since"]:
                await self._say_gap()
                await self._catch_up(listener.wanted, None)
            joined = await tail.join(listener)
            if query["since"]:
                await self._catch_up(listener.wanted, joined)
            self._place = max(self._place, joined)
            if not self._gone:
                await self._say({"type": "ready", "cursor": stream.cursor_text(self._place)})
            await self._follow(listener)
        except TimeoutError:
            await self._end(TOO_SLOW)
        except DATABASE_AWAY as error:
            logger.warning("stream: the database is away (%s)", type(error).__name__)
            await self._end(TRY_AGAIN)
        finally:
            if not self._cut_off:
                recheck.cancel()
            await tail.leave(listener)

    async def _catch_up(self, wanted: Wanted, until: Position | None) -> None:
        """Send what came after the client's place: to the end, or at least as far as `until`."""
        while not self._gone and (until is None or self._place < until):
            place, items, full = await stream.page(self._place)
            for item in items:
                if item.passage in wanted:
                    await self._send_item(item)
            if until and not full:
                # All up to `until` was there to be read.
                place = max(place, until)
            self._place = place
            if until is None and not full:
                return

    async def _follow(self, listener: Listener) -> None:
        """Send what the shared reader tells, leaving out what catching up has sent."""
        while not self._gone:
            if listener.too_slow and listener.queue.empty():
                await self._end(TOO_SLOW)
                return
            try:
                item = await asyncio.wait_for(listener.queue.get(), HEARTBEAT_SECONDS)
            except TimeoutError:
                # With an empty queue all up to the reader's place was sent, or is not wanted.
                if listener.queue.empty() and not listener.too_slow:
                    self._place = max(self._place, tail.place)
                await self._say({"type": "heartbeat", "cursor": stream.cursor_text(self._place)})
                continue
            if item.place > self._place:
                await self._send_item(item)

    async def _send_item(self, item: Item) -> None:
        async with asyncio.timeout(SEND_SECONDS):
            await self.send(text_data=item.text)
        self._place = item.place

    async def _say(self, message: dict[str, Any]) -> None:
        async with asyncio.timeout(SEND_SECONDS):
            await self.send(text_data=json.dumps(message, ensure_ascii=False))

    async def _say_gap(self) -> None:
        """Tell a client that comes back after so long that passages may have been purged meanwhile."""
        first = await database_sync_to_async(stream.oldest)()
        if first and (0, 0) < self._place < first:
            detail = _("Passages before the oldest one that is kept may be missing.")
            await self._say({"type": "gap", "detail": detail, "oldest": stream.cursor_text(first)})

    async def _end(self, code: int) -> None:
        """Say where to go on, and close."""
        with suppress(TimeoutError):
            await self._say({"type": "closing", "code": code, "cursor": stream.cursor_text(self._place)})
        await self.close(code=code)

    async def _recheck(self) -> None:
        while True:
            await asyncio.sleep(RECHECK_SECONDS)
            with suppress(DATABASE_AWAY):
                if not await self._still_allowed():
                    # First silence, then the end: what sends would end this task with itself.
                    self._gone = self._cut_off = True
                    if self._sending:
                        self._sending.cancel()
                    await self.close(code=NO_PERMISSION)
                    return

    @database_sync_to_async
    def _identify(self) -> bool:
        """Find the key or the account; False for nobody, and for who may not read passages."""
        headers = {
            f"HTTP_{name.decode('latin-1').upper().replace('-', '_')}": value.decode("latin-1")
            for name, value in self.scope["headers"]
        }
        remote = (self.scope.get("client") or ("",))[0]
        self._address = address_behind(remote, headers.get("HTTP_X_FORWARDED_FOR", ""))
        token = sent_token(headers)
        self._key: ApiKey | None = usable_key(token) if token else None
        self._user: User | None = None
        if self._key:
            return Scope.EVENTS_READ in self._key.scopes
        if token or "session" not in self.scope:
            return False
        self._user = account_of(self.scope["session"].session_key)
        return self._user is not None and may(self._user, "detections.view_detection")

    @database_sync_to_async
    def _still_allowed(self) -> bool:
        if self._key:
            usable = ApiKey.objects.usable().filter(pk=self._key.pk, scopes__contains=[Scope.EVENTS_READ])
            return bool(usable.exists())
        user = account_of(self.scope["session"].session_key)
        return user is not None and user == self._user and may(user, "detections.view_detection")

    @database_sync_to_async
    def _parse(self) -> tuple[dict[str, Any], list[dict[str, str]]]:
        """The filters and what is wrong with them; an open stream leaves an audit row."""
        given = QueryDict(self.scope["query_string"])
        serializer = StreamQuery(data={**given.dict(), "camera": given.getlist("camera")})
        if not serializer.is_valid():
            return {}, flatten(serializer.errors)
        query = cast(dict[str, Any], serializer.validated_data)
        caller = self._key or self._user
        if query["plate"] and caller:
            try:
                check_case(query["case_reference"], since=timezone.now(), caller=caller)
            except SearchRefusedError as error:
                return {}, [{"field": error.field, "code": error.code, "message": error.message}]
        details = {name: query[name] for name in FILTERS if query[name]}
        audit(
            by=self._user,
            action="passage.stream",
            reason=query["reason"],
            case_reference=query["case_reference"],
            details=details | ({"api_key": self._key.prefix} if self._key else {}),
            ip_address=self._address,
        )
        return query, []


def _wanted(query: dict[str, Any]) -> Wanted:
    return Wanted(
        cameras=frozenset(query["camera"]),
        plate=query["plate"],
        confidence_min=query["confidence_min"],
        vehicle_type=query["vehicle_type"],
        layout=query["layout"],
        country=query["country"].upper(),
    )
