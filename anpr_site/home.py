"""The dashboard, and what every page gets."""

from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth.decorators import permission_required
from django.db.models import Case, QuerySet, Value, When
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.functional import SimpleLazyObject
from django.views.decorators.http import require_safe

from accounts.models import User
from accounts.views import person
from alerts.views import live_state, open_alerts
from cameras.models import Camera, CameraStatus
from detections.views import newest_passages, passages_today


def _websocket_url(request: HttpRequest) -> str:
    """Address of the ASGI process when it has a port of its own; empty behind a proxy that joins both."""
    if not settings.WEBSOCKET_PORT:
        return ""
    host = urlsplit(f"//{request.get_host()}").hostname or ""
    return f"ws://{f'[{host}]' if ':' in host else host}:{settings.WEBSOCKET_PORT}"


def page_settings(request: HttpRequest) -> dict[str, Any]:
    """Context of every template. `live` costs two queries, on the pages that show it."""
    user = getattr(request, "user", None)
    context: dict[str, Any] = {"websocket_url": _websocket_url(request)}
    if isinstance(user, User) or (user is not None and user.is_authenticated):
        context["live"] = SimpleLazyObject(lambda: live_state(user))
    return context


def cameras_by_need(user: User) -> QuerySet[Camera]:
    """Cameras that `user` may see: those in trouble first, those switched off last."""
    trouble = Case(
        When(is_enabled=False, then=Value(3)),
        When(status=CameraStatus.ERROR, then=Value(0)),
        When(status=CameraStatus.OFFLINE, then=Value(1)),
        default=Value(2),
    )
    return Camera.objects.visible_to(user).order_by(trouble, "name")


def _cameras(user: User) -> dict[str, Any]:
    cameras = list(cameras_by_need(user))
    online = sum(camera.is_enabled and camera.status == CameraStatus.ONLINE for camera in cameras)
    return {"cameras": cameras, "cameras_online": online, "cameras_total": len(cameras)}


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
