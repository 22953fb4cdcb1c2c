"""The live view: a picture a second of a camera being read, with what the reading sees.

It shows people's movements. So a view is opened by a POST, which leaves an audit row and hands out a mark;
pictures are given only with that mark, and only while the person still may see the camera.
"""

import base64
from datetime import UTC, datetime
from typing import Any

from django.contrib.auth.decorators import permission_required
from django.core import signing
from django.core.exceptions import PermissionDenied
from django.db.models.functions import Now
from django.http import HttpRequest, HttpResponse, HttpResponseGone, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.template.loader import render_to_string
from django.utils import formats, timezone
from django.utils.translation import gettext as _
from django.utils.translation import pgettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from accounts.services import audit
from accounts.views import client_address, person
from cameras import pictures
from cameras.models import Camera, CameraLease, CameraStatus

OPEN_SECONDS = 12 * 3600
"""A view that stays open for longer is opened, and noted, again."""
STALE_SECONDS = 3.0
"""A picture is late after this, or after two and a half times what its camera needs for one."""
_SALT = "cameras.live"


@require_safe
@permission_required("cameras.view_camera", raise_exception=True)
def page(request: HttpRequest, code: str) -> HttpResponse:
    """The live view as a page of its own."""
    camera = get_object_or_404(Camera.objects.visible_to(request.user), code=code)
    return render(request, "cameras/live.html", {"camera": camera, "autostart": True})


@require_POST
@permission_required("cameras.view_camera", raise_exception=True)
def open_view(request: HttpRequest, code: str) -> JsonResponse:
    """Begin to look: an audit row, and the mark to ask for pictures with."""
    camera = get_object_or_404(Camera.objects.visible_to(request.user), code=code)
    audit(by=person(request), action="camera.watch", target=camera, ip_address=client_address(request))
    return JsonResponse({"mark": signing.dumps([person(request).pk, camera.pk], salt=_SALT)})


@require_safe
@never_cache
@permission_required("cameras.view_camera", raise_exception=True)
def picture(request: HttpRequest, code: str) -> HttpResponse:
    """How the camera stands and its newest picture, unless the page has that one already (`seen`).

    410: the view has been open for too long and is to be opened again.
    """
    camera = get_object_or_404(Camera.objects.visible_to(request.user), code=code)
    if not _still_open(request, camera):
        return HttpResponseGone()
    try:
        pictures.keep_watched(camera.pk)
        shown = pictures.live(camera.pk)
    except pictures.PicturesAwayError:
        words = _("The live picture is away: the product's message service (Redis) does not answer.")
        return JsonResponse({"state": "away", "words": words, "why": "", "wait": 3000})
    if shown is None:
        return JsonResponse({**_without_picture(camera), "wait": 1000})
    return JsonResponse(_with_picture(camera, shown, request.GET.get("seen", "")))


def _still_open(request: HttpRequest, camera: Camera) -> bool:
    """False for a view opened too long ago. Raises PermissionDenied for one not opened, or by another."""
    mark = request.GET.get("mark", "")
    try:
        opened = signing.loads(mark, salt=_SALT)
    except signing.BadSignature as error:
        raise PermissionDenied("the view was not opened") from error
    if opened != [person(request).pk, camera.pk]:
        raise PermissionDenied("the view is another's")
    try:
        signing.loads(mark, salt=_SALT, max_age=OPEN_SECONDS)
    except signing.SignatureExpired:
        return False
    return True


def _without_picture(camera: Camera) -> dict[str, Any]:
    """Why there is nothing to see, and whether there may be soon."""
    if not camera.is_enabled:
        return {"state": "off", "words": _("This camera is switched off."), "why": ""}
    if not (camera.rtsp_url or camera.stream_url):
        return {"state": "off", "words": _("This camera has no stream to look at."), "why": ""}
    if not CameraLease.objects.filter(camera=camera, expires_at__gte=Now()).exists():
        return {"state": "idle", "words": _("Nobody reads this camera now."), "why": camera.status_reason}
    if camera.status == CameraStatus.ERROR:
        return {
            "state": "idle",
            "words": _("This camera gives no pictures now."),
            "why": camera.status_reason,
        }
    return {"state": "waiting", "words": _("Waiting for the next picture…"), "why": ""}


def _with_picture(camera: Camera, shown: pictures.Picture, seen: str) -> dict[str, Any]:
    captured = timezone.localtime(datetime.fromtimestamp(shown.facts["captured"], UTC))
    late = shown.age > max(STALE_SECONDS, 2.5 / camera.fps)
    at = formats.date_format(captured, pgettext("hours, minutes and seconds", "H:i:s"))
    answer: dict[str, Any] = {
        "state": "stale" if late else "live",
        "words": _("No new picture for %(seconds)d s") % {"seconds": shown.age} if late else _("Live"),
        "why": _("Picture of %(time)s") % {"time": at},
        "number": str(shown.facts["captured"]),
        "wait": _wait(shown.age),
    }
    if seen != answer["number"]:
        plates = shown.facts["plates"]
        answer |= {
            "picture": f"data:image/jpeg;base64,{base64.b64encode(shown.jpeg).decode()}",
            "width": shown.facts["width"],
            "height": shown.facts["height"],
            "plates": [{"text": plate["text"], "corners": plate["corners"]} for plate in plates],
            "list": render_to_string("cameras/_live_plates.html", {"plates": plates}),
        }
    return answer


def _wait(age: float) -> int:
    """Milliseconds until the next picture should be there, so that it is not a second old when it is seen."""
    left = 1000 * (pictures.EVERY - age) + 100
    return round(left) if left > 0 else 250 if age < STALE_SECONDS else 1000
