"""Views of the console beside its forms: trying a camera's connection, and what a zone is drawn on."""

from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import permission_required
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from accounts.views import audit_look, client_address, person
from cameras import pictures, trials
from cameras.forms import CameraForm
from cameras.geometry import Space
from cameras.models import Camera, Zone

_SOURCE = ("rtsp_url", "stream_url", "settings")
"""What decides how a camera is connected to."""


@require_POST
@permission_required("cameras.change_camera", raise_exception=True)
def start_trial(request: HttpRequest, pk: int) -> HttpResponse:
    """Connect now: as the form stands, saved or not, where it was sent along."""
    camera = get_object_or_404(Camera.objects.visible_to(request.user), pk=pk)
    try:
        typed = _take_typed(request, camera)
        key = trials.start(camera, typed=typed, by=person(request), ip_address=client_address(request))
    except trials.NoTrialError as error:
        return render(request, "cameras/_trial.html", {"refused": str(error)})
    return render(request, "cameras/_trial.html", {"camera": camera, "trial": trials.Trial(key, "waiting")})


def _take_typed(request: HttpRequest, camera: Camera) -> bool:
    """Put what was typed into this object, which nobody saves; True when it differs. Raises NoTrialError.

    The mask of a password stands for the stored one (`cameras.addresses`), and for no other address.
    """
    if "rtsp_url" not in request.POST:
        return False
    stored = [getattr(camera, name) for name in _SOURCE]
    form = CameraForm(request.POST, instance=camera)
    with transaction.atomic():  # the form locks the row to look at its revision
        errors = form.errors
    for name in _SOURCE:
        if name in errors:
            raise trials.NoTrialError(f"{form.fields[name].label} : {' '.join(map(str, errors[name]))}")
    return [getattr(camera, name) for name in _SOURCE] != stored


@require_safe
@permission_required("cameras.change_camera", raise_exception=True)
def trial(request: HttpRequest, pk: int, key: UUID) -> HttpResponse:
    """Fragment: how the trial stands; it asks for itself again until the trial is over."""
    camera = get_object_or_404(Camera.objects.visible_to(request.user), pk=pk)
    try:
        found = trials.find(str(key), camera)
    except pictures.PicturesAwayError:
        return render(request, "cameras/_trial.html", {"away": True})
    return render(request, "cameras/_trial.html", {"camera": camera, "trial": found})


@require_safe
@permission_required("cameras.change_camera", raise_exception=True)
def trial_picture(request: HttpRequest, pk: int, key: UUID) -> HttpResponse:
    """The picture of a trial."""
    camera = get_object_or_404(Camera.objects.visible_to(request.user), pk=pk)
    try:
        found = trials.find(str(key), camera)
    except pictures.PicturesAwayError as error:
        raise Http404("Redis does not answer") from error
    if found is None:
        raise Http404("no such trial now")
    return picture_response(found.jpeg)


def picture_response(jpeg: bytes) -> HttpResponse:
    """A picture that nobody keeps. Raises Http404 for an empty one."""
    if not jpeg:
        raise Http404("no picture")
    headers = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
    return HttpResponse(jpeg, content_type="image/jpeg", headers=headers)


@require_safe
@permission_required(["cameras.view_camera", "cameras.change_zone"], raise_exception=True)
def drawing(request: HttpRequest, pk: int) -> JsonResponse:
    """What the drawing of a zone needs to know of its camera: its shape, its other zones, its pictures."""
    camera = get_object_or_404(Camera.objects.visible_to(request.user), pk=pk)
    zones = Zone.objects.visible_to(request.user).filter(camera=camera, space=Space.PICTURE)
    return JsonResponse(
        {
            "width": camera.width or 16,
            "height": camera.height or 9,
            "zones": [_drawn(zone) for zone in zones],
            # The newest first; the page takes the first one that is there.
            "pictures": [
                reverse("admin:cameras_camera_newest", args=[pk]),
                reverse("detections:camera-frame", args=[pk]),
            ],
            "trial": reverse("admin:cameras_camera_trial", args=[pk]),
        }
    )


def _drawn(zone: Zone) -> dict[str, Any]:
    return {
        "id": zone.pk,
        "name": zone.name,
        "type": zone.zone_type,
        "geometry": zone.geometry,
    }


@require_safe
@permission_required(["cameras.view_camera", "cameras.change_zone"], raise_exception=True)
def newest_picture(request: HttpRequest, pk: int) -> HttpResponse:
    """The camera's newest picture of this minute, live or of a trial. A look at it is audited."""
    camera = get_object_or_404(Camera.objects.visible_to(request.user), pk=pk)
    try:
        shown = pictures.live(pk) or trials.newest(camera)
    except pictures.PicturesAwayError as error:
        raise Http404("Redis does not answer") from error
    response = picture_response(shown.jpeg if shown else b"")
    audit_look(request, action="camera.picture", target=camera)
    return response
