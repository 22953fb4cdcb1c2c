"""WebSocket of a page: alerts as they come, and those it missed."""

from typing import Any, cast

from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncJsonWebsocketConsumer

from accounts.models import User
from alerts.models import Alert
from alerts.push import GROUP

MISSED_LIMIT = 100
NO_PERMISSION = 4403


class AlertConsumer(AsyncJsonWebsocketConsumer):
    """/ws/alerts/: the page says {"since": last alert it knows}; the server answers and then pushes.

    The account is looked up again at each event: a session whose account was closed or demoted is cut off.
    """

    groups = [GROUP]

    async def connect(self) -> None:
        """Accept whoever may see alerts; others are refused before the handshake ends."""
        if await self._allowed():
            await self.accept()
        else:
            await self.close(code=NO_PERMISSION)

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

    @database_sync_to_async
    def _allowed(self) -> bool:
        user = self.scope.get("user")
        if user is None or not user.is_authenticated:
            return False
        return any(account.has_perm("alerts.view_alert") for account in User.objects.filter(pk=user.pk))

    @database_sync_to_async
    def _missed(self, since: int) -> list[int]:
        user = cast(User, self.scope["user"])
        alerts = Alert.objects.visible_to(user).after(since)
        return list(alerts.values_list("pk", flat=True)[:MISSED_LIMIT])
