"""WebSocket routes, behind the allowed hosts and the session log-in."""

from channels.auth import AuthMiddlewareStack
from channels.routing import URLRouter
from channels.security.websocket import AllowedHostsOriginValidator
from django.urls import path

from alerts.consumers import AlertConsumer

# The stubs of Django know no ASGI application in path(); Channels documents exactly this use.
pages = URLRouter([path("ws/alerts/", AlertConsumer.as_asgi())])  # type: ignore[list-item, arg-type]
websocket = AllowedHostsOriginValidator(AuthMiddlewareStack(pages))
