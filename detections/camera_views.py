"""Pages about cameras: all of them, and one with its past. They count passages, hence their floor."""

from typing import Any

from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.models import User
from accounts.views import person
from cameras.health import State
from cameras.models import Camera, CameraIncident
from detections.camera_charts import charts_of
from detections.camera_health import health_of
from detections.camera_history import PERIODS, history_of, strips_of
from detections.statistics import WEEK

INCIDENTS = 20


def _all(user: User) -> dict[str, Any]:
    now = timezone.now()
    cameras = list(Camera.objects.visible_to(user))
    strips = strips_of(cameras, now=now)
    rows = [(health, strips[health.camera.pk]) for health in health_of(cameras, now=now)]
    states = [health.vitals.state for health, _strip in rows]
    return {
        "rows": rows,
        "online": states.count(State.ONLINE),
        "read_here": sum(state in {State.ONLINE, State.OFFLINE, State.ERROR} for state in states),
        "in_trouble": sum(bool(health.incidents) for health, _strip in rows),
    }


@require_safe
@permission_required("cameras.view_camera", raise_exception=True)
def camera_list(request: HttpRequest) -> HttpResponse:
    """All cameras, those in trouble first."""
    template = "_list" if request.headers.get("HX-Target") == "cameras-list" else "list"
    return render(request, f"cameras/{template}.html", _all(person(request)))


@require_safe
@permission_required("cameras.view_camera", raise_exception=True)
def camera_detail(request: HttpRequest, code: str) -> HttpResponse:
    """One camera: how it is now, its incidents, its last day or week."""
    user, now = person(request), timezone.now()
    camera = get_object_or_404(Camera.objects.visible_to(user), code=code)
    period = request.GET.get("periode", "24h")
    period = period if period in PERIODS else "24h"
    context: dict[str, Any] = {"camera": camera, "period": period}
    part = request.headers.get("HX-Target", "")
    if part != "camera-past":
        [context["health"]] = health_of([camera], now=now)
        told = CameraIncident.objects.visible_to(user).noticed().filter(camera=camera)
        context["incidents"] = told.touching(now - WEEK).select_related("acknowledged_by")[:INCIDENTS]
    if part != "camera-now":
        context["points"] = history_of(camera, PERIODS[period], now=now)
        context["charts"] = charts_of(context["points"])
    template = {"camera-now": "_now", "camera-past": "_past"}.get(part, "detail")
    return render(request, f"cameras/{template}.html", context)
