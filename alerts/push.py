"""Tell open pages, after the commit. Losing a message loses nothing: a page asks for what it missed."""

import logging
from typing import Literal, TypedDict

import redis.exceptions
from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer

from alerts.models import Alert

logger = logging.getLogger(__name__)

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
    layer = get_channel_layer()
    assert layer is not None  # noqa: S101 (CHANNEL_LAYERS is set)
    try:
        async_to_sync(layer.group_send)(GROUP, {"type": "push", "payload": payload})
    except (redis.exceptions.RedisError, OSError):
        logger.warning("no Redis: pages will ask for what they missed")
