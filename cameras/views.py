"""What people do about incidents of cameras, and how many there are."""

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts.models import User
from accounts.views import client_address, person
from cameras import incidents
from cameras.models import CameraIncident


def open_count(user: User) -> int:
    """Open incidents that nobody has acknowledged, for the header of a page."""
    return CameraIncident.objects.visible_to(user).open().filter(acknowledged_at=None).count()


@require_safe
@permission_required("cameras.view_camera", raise_exception=True)
def count(request: HttpRequest) -> HttpResponse:
    """Fragment: the number beside the menu."""
    return render(request, "cameras/_count.html", {"camera_incidents": open_count(person(request))})


@require_POST
@permission_required("cameras.change_cameraincident", raise_exception=True)
def acknowledge(request: HttpRequest, pk: int) -> HttpResponse:
    """Note that somebody knows of an incident."""
    user = person(request)
    told = CameraIncident.objects.visible_to(user).noticed().select_related("camera")
    incident = get_object_or_404(told, pk=pk)
    try:
        incidents.acknowledge(pk, by=user, ip_address=client_address(request))
    except incidents.AlreadyAcknowledgedError:
        messages.warning(request, _("Somebody had acknowledged this incident already. Nothing was changed."))
    else:
        messages.success(request, _("You have acknowledged this incident."))
    return redirect("cameras:detail", incident.camera.code)
