"""The dashboard, and what every page gets."""

from functools import cache
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.functional import SimpleLazyObject
from django.views.decorators.http import require_safe

from accounts.models import User
from accounts.views import person
from alerts.views import live_state, open_alerts
from cameras import incidents
from cameras.health import State, by_need, vitals_of
from cameras.models import Camera
from cameras.views import open_count
from detections.views import newest_passages, passages_today


def _websocket_url(request: HttpRequest) -> str:
    """Address of the ASGI process when it has a port of its own; empty behind a proxy that joins both."""
    if not settings.WEBSOCKET_PORT:
        return ""
    host = urlsplit(f"//{request.get_host()}").hostname or ""
    return f"ws://{f'[{host}]' if ':' in host else host}:{settings.WEBSOCKET_PORT}"


def page_settings(request: HttpRequest) -> dict[str, Any]:
    """Context of every template. `live` costs two queries, `camera_incidents` one, where shown."""
    user = getattr(request, "user", None)
    context: dict[str, Any] = {"websocket_url": _websocket_url(request)}
    if isinstance(user, User) or (user is not None and user.is_authenticated):
        context["live"] = SimpleLazyObject(lambda: live_state(user))
        context["camera_incidents"] = cache(lambda: open_count(user))
    return context


def _cameras(user: User) -> dict[str, Any]:
    """Cameras that `user` may see, those in trouble first, with their open incidents."""
    found = vitals_of(list(Camera.objects.visible_to(user)), now=timezone.now())
    troubled = incidents.open_of(found)
    cameras = [(one, troubled.get(one.camera.pk, ())) for one in by_need(found, troubled)]
    states = [one.state for one in found.values()]
    return {
        "cameras": cameras,
        "cameras_online": states.count(State.ONLINE),
        "cameras_total": sum(state in {State.ONLINE, State.OFFLINE, State.ERROR} for state in states),
    }


@require_safe
@permission_required("alerts.view_alert", raise_exception=True)
def dashboard(request: HttpRequest) -> HttpResponse:
    """What needs somebody now: open alerts, passages as they come, cameras."""
    user = person(request)
    if request.headers.get("HX-Target") == "cameras-live":
        return render(request, "home/_cameras.html", _cameras(user))
    context = {
        **open_alerts(user),
        "passages": newest_passages(user),
        "passages_today": passages_today(user),
        **_cameras(user),
    }
    return render(request, "home/dashboard.html", context)
