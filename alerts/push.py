"""Tell open pages, after the commit. Losing a message loses nothing: a page asks for what it missed."""

from typing import Literal, TypedDict

from alerts.models import Alert
from cameras import push

GROUP = "alerts"


class AlertPayload(TypedDict):
    """An alert was raised or changed; the page fetches its own view of it, with its own permissions."""

    type: Literal["alert.raised", "alert.changed"]
    id: int


class PassagesPayload(TypedDict):
    """New passages were stored: how many in this batch, and the newest id."""

    type: Literal["passages"]
    count: int
    newest_id: int


def alert_raised(alert: Alert) -> None:
    """A new alert: sound, title, list."""
    _send({"type": "alert.raised", "id": alert.pk})


def alert_changed(alert_id: int) -> None:
    """An alert was acknowledged or seen again."""
    _send({"type": "alert.changed", "id": alert_id})


def passages(*, count: int, newest_id: int) -> None:
    """Passages came in."""
    _send({"type": "passages", "count": count, "newest_id": newest_id})


def _send(payload: AlertPayload | PassagesPayload) -> None:
    push.send(GROUP, "push", payload)
