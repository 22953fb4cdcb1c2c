"""WebSocket routes: people behind the allowed origins and the session log-in, API keys without either."""

from typing import Any

from channels.auth import AuthMiddlewareStack
from channels.routing import URLRouter
from channels.security.websocket import AllowedHostsOriginValidator
from django.urls import path

from alerts.consumers import AlertConsumer
from detections.consumers import EventStreamConsumer

# The stubs of Django know no ASGI application in path(); Channels documents exactly this use.
stream = path("api/v1/events/stream", EventStreamConsumer.as_asgi())  # type: ignore[arg-type]
alerts = path("ws/alerts/", AlertConsumer.as_asgi())  # type: ignore[arg-type]

people = AllowedHostsOriginValidator(AuthMiddlewareStack(URLRouter([alerts, stream])))  # type: ignore[list-item]
machines = URLRouter([stream])  # type: ignore[list-item]

STREAM_PATH = "/api/v1/events/stream"
KEY_HEADERS = {b"x-api-key", b"authorization"}


async def websocket(scope: Any, receive: Any, send: Any) -> None:
    """A page elsewhere can make a browser send its cookies, never a key: without one the origin counts."""
    keyed = scope["path"] == STREAM_PATH and any(name in KEY_HEADERS for name, _value in scope["headers"])
    await (machines if keyed else people)(scope, receive, send)
