"""WebSocket of a page: alerts as they come, and those it missed."""

import json
from typing import Any, cast

from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncJsonWebsocketConsumer

from accounts.models import User
from accounts.sessions import account_of
from alerts.models import Alert
from alerts.push import GROUP
from cameras.push import GROUP as CAMERAS

MISSED_LIMIT = 100
NO_PERMISSION = 4403


class AlertConsumer(AsyncJsonWebsocketConsumer):
    """/ws/alerts/: the page says {"since": last alert it knows}; the server answers and then pushes.

    Incidents of cameras come the same way, to those who may see cameras.

    Session and account are looked up again at each event: who logged out, and whose account was closed or
    demoted or got another password, is cut off.
    """

    groups = [GROUP, CAMERAS]

    async def connect(self) -> None:
        """Accept whoever may see alerts; others are refused before the handshake ends."""
        if await self._allowed():
            await self.accept()
        else:
            await self.close(code=NO_PERMISSION)

    async def receive(
        self, text_data: str | None = None, bytes_data: bytes | None = None, **_kwargs: Any
    ) -> None:
        """Whatever is no JSON is answered like any other nonsense."""
        try:
            content = json.loads(text_data or "")
        except (ValueError, RecursionError):
            content = None
        await self.receive_json(content)

    async def receive_json(self, content: Any, **_kwargs: Any) -> None:
        """A page asks for what it missed; the newest id tells a page that has none yet where it stands."""
        since = content.get("since") if isinstance(content, dict) else None
        if not isinstance(since, int) or isinstance(since, bool) or not 0 <= since < 2**63:
            await self.send_json({"type": "error", "detail": 'Send {"since": <alert id>}.'})
            return
        if not await self._allowed():
            await self.close(code=NO_PERMISSION)
            return
        await self.send_json({"type": "missed", "ids": await self._missed(since)})

    async def push(self, event: dict[str, Any]) -> None:
        """An event of the group."""
        if await self._allowed():
            await self.send_json(event["payload"])
        else:
            await self.close(code=NO_PERMISSION)

    async def push_cameras(self, event: dict[str, Any]) -> None:
        """An event of cameras: whoever may not see them hears nothing of it."""
        if await self._allowed("cameras.view_camera"):
            await self.send_json(event["payload"])

    @database_sync_to_async
    def _allowed(self, permission: str = "alerts.view_alert") -> bool:
        user = account_of(self.scope["session"].session_key)
        return user is not None and user == self.scope["user"] and user.has_perm(permission)

    @database_sync_to_async
    def _missed(self, since: int) -> list[int]:
        user = cast(User, self.scope["user"])
        alerts = Alert.objects.visible_to(user).after(since)
        return list(alerts.values_list("pk", flat=True)[:MISSED_LIMIT])
