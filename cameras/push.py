"""Tell open pages, after the commit. Losing a message loses nothing: pages look again every few seconds."""

import logging
from collections.abc import Mapping
from typing import Any, Literal, TypedDict

import redis.exceptions
from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.db import transaction

from cameras.models import CameraIncident

logger = logging.getLogger(__name__)

GROUP = "cameras"


class IncidentPayload(TypedDict):
    """An incident was opened, acknowledged or closed; the page fetches its own view, with its permissions."""

    type: Literal["camera.incident"]
    id: int


def incident(of: CameraIncident) -> None:
    """An incident changed: told once what is written now is committed."""
    payload: IncidentPayload = {"type": "camera.incident", "id": of.pk}
    transaction.on_commit(lambda: send(GROUP, "push_cameras", payload))


def send(group: str, handler: str, payload: Mapping[str, Any]) -> None:
    """Give a payload to the method `handler` of every open page of a group."""
    layer = get_channel_layer()
    assert layer is not None  # noqa: S101 (CHANNEL_LAYERS is set)
    try:
        async_to_sync(layer.group_send)(group, {"type": handler, "payload": payload})
    except (redis.exceptions.RedisError, OSError):
        logger.warning("no Redis: pages will ask for what they missed")
