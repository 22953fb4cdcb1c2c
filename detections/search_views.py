"""The search page. What is searched is posted and kept in the session: no plate stands in any address."""

import secrets
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts.views import client_address, person
from cameras.models import Camera
from detections.models import SavedSearch
from detections.search import Criteria, Found, Match, Mode, Place, SearchRefusedError, find
from detections.search.outline import Pin, Spot, draw, spot
from detections.search.purpose import Purpose, note
from detections.search.wording import explain
from detections.search_forms import KEPT, SearchForm
from detections.views import for_list

KEPT_SEARCHES = 20
"""Searches of a session that can be gone back to."""
MOST_SAVED = 50


@dataclass(frozen=True)
class Group:
    """Passages of one plate, as read; `sentences` say where it differs from what was looked for."""

    plate: str
    score: float
    kind: str
    sentences: Sequence[str]
    matches: Sequence[Match]


@permission_required("detections.view_detection", raise_exception=True)
def page(request: HttpRequest) -> HttpResponse:
    """The form, empty or filled from a saved search; POST searches."""
    user = person(request)
    if request.method == "POST":
        form = SearchForm(request.POST, user=user)
        if form.is_valid():
            return redirect("search:results", _keep(request, form))
        return render(request, "search/page.html", _context(request, form), status=422)
    initial: dict[str, Any] = {}
    if chosen := request.GET.get("enregistree"):
        initial = get_object_or_404(SavedSearch.objects.visible_to(user), pk=_uuid(chosen)).criteria
    return render(request, "search/page.html", _context(request, SearchForm(initial=initial, user=user)))


@require_safe
@permission_required("detections.view_detection", raise_exception=True)
def results(request: HttpRequest, token: str) -> HttpResponse:
    """A page of results of a search that this session made; a reload leaves no second audit row."""
    kept = request.session.get("searches", {}).get(token)
    if kept is None:
        messages.warning(request, _("This search is no longer kept: make it again."))
        return redirect("search:page")
    try:
        place = Place.decode(request.GET["place"]) if "place" in request.GET else None
    except ValueError:
        return redirect("search:results", token)
    user = person(request)
    criteria, purpose = Criteria.from_json(kept["criteria"]), Purpose(*kept["purpose"])
    form = SearchForm(initial=kept["typed"], user=user)
    context = _context(request, form) | {"criteria": criteria, "purpose": purpose, "token": token}
    found: Found | None = None
    try:
        found = find(criteria, passages=for_list(user), place=place)
    except SearchRefusedError as error:
        context["refusal"] = error.message
    finally:
        note(criteria, purpose, caller=user, found=found, ip_address=client_address(request))
    if found:
        context |= {
            "found": found,
            "groups": _groups(found, criteria),
            "drawing": draw(_pins(found.matches)),
            "first_page": place is None or found.newer is None,
        }
    return render(request, "search/page.html", context)


@require_POST
@permission_required("detections.view_detection", raise_exception=True)
def save(request: HttpRequest, token: str) -> HttpResponse:
    """Keep the criteria of a search under a name, without its reason."""
    kept = request.session.get("searches", {}).get(token)
    name = request.POST.get("name", "").replace("\0", "").strip()[:80]
    if kept is None or not name:
        messages.warning(request, _("Give the search a name: nothing was saved."))
        return redirect("search:results", token)
    own = SavedSearch.objects.visible_to(person(request))
    criteria = {field: kept["typed"].get(field) for field in KEPT}
    try:
        if own.count() >= MOST_SAVED:
            messages.warning(request, _("You have saved 50 searches: delete one first."))
        else:
            with transaction.atomic():
                SavedSearch.objects.create(owner=person(request), name=name, criteria=criteria)
            messages.success(request, _("Search saved. The reason is asked again each time."))
    except IntegrityError:
        messages.warning(request, _("You have a saved search of this name: choose another one."))
    return redirect("search:results", token)


@require_POST
@permission_required("detections.view_detection", raise_exception=True)
def forget(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Delete one's saved search."""
    get_object_or_404(SavedSearch.objects.visible_to(person(request)), pk=pk).delete()
    messages.success(request, _("Saved search deleted."))
    return redirect("search:page")


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _keep(request: HttpRequest, form: SearchForm) -> str:
    """Keep a search in the session; its token."""
    token = secrets.token_urlsafe(12)
    kept = {
        "criteria": form.criteria.as_json(),
        "purpose": [form.purpose.reason, form.purpose.case_reference],
        "typed": form.typed(),
    }
    earlier = list(request.session.get("searches", {}).items())
    request.session["searches"] = dict([*earlier[-(KEPT_SEARCHES - 1) :], (token, kept)])
    return token


def _context(request: HttpRequest, form: SearchForm) -> dict[str, Any]:
    saved = SavedSearch.objects.visible_to(person(request))
    cameras: Any = form.fields["cameras"]
    pins = [Pin(0, str(camera), 0, _spot(camera)) for camera in cameras.queryset]
    return {"form": form, "saved": saved, "country": draw(pins, whole=True)}


def _spot(camera: Camera) -> Spot | None:
    if camera.latitude is None or camera.longitude is None:
        return None
    return spot(float(camera.latitude), float(camera.longitude), str(camera))


def _pins(matches: Sequence[Match]) -> list[Pin]:
    """The cameras of this page, numbered in the order in which the vehicle came by."""
    in_time = sorted(matches, key=lambda match: match.passage.detected_at)
    cameras = {match.passage.camera_id: match.passage.camera for match in in_time}
    counts = Counter(match.passage.camera_id for match in matches)
    return [
        Pin(number, str(camera), counts[pk], _spot(camera))
        for number, (pk, camera) in enumerate(cameras.items(), start=1)
    ]


def _groups(found: Found, criteria: Criteria) -> list[Group]:
    """Near misses plate by plate; other results are one group without a plate of its own."""
    if criteria.mode != Mode.FUZZY:
        return [Group("", 1.0, "", (), found.matches)] if found.matches else []
    groups = []
    for plate, same in groupby(found.matches, key=lambda match: match.plate):
        of_plate = list(same)
        first = of_plate[0]
        sentences = [words for one in first.characters if (words := explain(one))]
        best = max(match.score for match in of_plate)
        groups.append(Group(plate, best, first.kind, sentences, of_plate))
    return groups
