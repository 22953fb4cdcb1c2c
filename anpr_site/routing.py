"""WebSocket routes, behind the allowed hosts and the session log-in."""

from channels.auth import AuthMiddlewareStack
from channels.routing import URLRouter
from channels.security.websocket import AllowedHostsOriginValidator
from django.urls import path

from alerts.consumers import AlertConsumer

websocket = AllowedHostsOriginValidator(
    AuthMiddlewareStack(URLRouter([path("ws/alerts/", AlertConsumer.as_asgi())]))
)
