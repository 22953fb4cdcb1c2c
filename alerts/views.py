"""Pages about alerts: the list, one alert, its pictures, and taking it."""

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.db.models import Case, Count, Q, Value, When
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts.models import User
from accounts.templatetags.wording import moment
from accounts.views import audit_look, client_address, person
from alerts import services
from alerts.models import Alert, AlertQuerySet, AlertStatus
from detections.models import Detection
from detections.views import crop_response, frame_response, frame_size, newest_slice

LIVE_SIZE = 20


@dataclass(frozen=True)
class LiveState:
    """What every page shows of alerts: how many nobody has taken, how many are open, the newest one."""

    new_count: int
    newest: Alert | None

    @property
    def last_id(self) -> int:
        """Where a page stands when it opens its socket; 0 before the first alert."""
        return self.newest.pk if self.newest else 0


def live_state(user: User) -> LiveState:
    """The state of alerts for the header of a page."""
    visible = _for_list(user)
    return LiveState(
        new_count=visible.filter(status=AlertStatus.NEW).count(), newest=visible.order_by("-pk").first()
    )


def _for_list(user: User) -> AlertQuerySet:
    visible = Alert.objects.visible_to(user)
    return visible.for_list().annotate(has_crop=Q(crop__isnull=False))


def open_alerts(user: User) -> dict[str, Any]:
    """Context of the fragment: how many alerts are open, how many nobody has, and the first of them.

    Those that nobody has come first, then the newest.
    """
    queryset = _for_list(user).open()
    untaken = Case(When(status=AlertStatus.NEW, then=Value(0)), default=Value(1))
    numbers = queryset.aggregate(open=Count("pk"), new=Count("pk", filter=Q(status=AlertStatus.NEW)))
    return {
        "alerts": queryset.order_by(untaken, "-created_at", "-pk")[:LIVE_SIZE],
        "open_count": numbers["open"],
        "new_count": numbers["new"],
    }


@require_safe
@permission_required("alerts.view_alert", raise_exception=True)
def alert_list(request: HttpRequest) -> HttpResponse:
    """Alerts, newest first: open ones, or all with `etat=toutes`."""
    show_all = request.GET.get("etat") == "toutes"
    before = request.GET.get("before", "")
    queryset = _for_list(person(request))
    if not show_all:
        queryset = queryset.open()
    page = newest_slice(queryset, field="created_at", before=before, size=30)
    return render(request, "alerts/list.html", {"page": page, "show_all": show_all, "first_page": not before})


@require_safe
@permission_required("alerts.view_alert", raise_exception=True)
def live(request: HttpRequest) -> HttpResponse:
    """Fragment: the open alerts; with `partie=compte`, the number beside the menu and the newest in words."""
    user = person(request)
    if request.GET.get("partie") == "compte":
        return render(request, "alerts/_count.html", {"live": live_state(user)})
    return render(request, "alerts/_live.html", open_alerts(user))


@require_safe
@permission_required("alerts.view_alert", raise_exception=True)
def detail(request: HttpRequest, pk: int) -> HttpResponse:
    """One alert: which plate, why, where; then the photo, the report and what happened since."""
    user = person(request)
    # The report's facts belong to the alert; its contact person only to who may see reports.
    alerts = _for_list(user).select_related("stolen_vehicle", "resolved_by")
    alert = get_object_or_404(alerts, pk=pk)
    audit_look(request, action="alert.view", target=alert)
    visible = Alert.objects.visible_to(user).order_by("pk")
    # The passage may be purged already: the alert has its own copy of all that counts.
    passages = Detection.objects.visible_to(user).newest().at(alert.detected_at)
    context = {
        "alert": alert,
        "report": alert.stolen_vehicle,
        "sees_contact": user.has_perm("vehicles.view_stolenvehicle"),
        "passage": passages.filter(pk=alert.detection_id).first(),
        "frame_size": frame_size(alert.image_path),
        "characters": _characters(alert),
        "newer": visible.filter(pk__gt=pk).values_list("pk", flat=True).first(),
        "older": visible.filter(pk__lt=pk).values_list("pk", flat=True).last(),
    }
    return render(request, "alerts/detail.html", context)


def _characters(alert: Alert) -> list[dict[str, Any]]:
    """The explanation, character by character, as the matcher stored it."""
    stored = alert.details.get("characters", [])
    return [entry for entry in stored if isinstance(entry, dict)] if isinstance(stored, list) else []


@require_POST
@permission_required("alerts.change_alert", raise_exception=True)
def acknowledge(request: HttpRequest, pk: int) -> HttpResponse:
    """Take an alert; whoever comes second reads who has it and since when."""
    user = person(request)
    get_object_or_404(Alert.objects.visible_to(user).only("pk"), pk=pk)
    try:
        services.acknowledge(pk, by=user, ip_address=client_address(request))
    except services.AlreadyTakenError as error:
        messages.warning(request, _taken_message(error.alert, user))
    else:
        messages.success(request, _("You have taken this alert."))
    return redirect(_next_page(request, pk))


def _taken_message(alert: Alert, user: User) -> str:
    if alert.acknowledged_by == user:
        return _("You had taken this alert already, on %(when)s.") % {"when": moment(alert.acknowledged_at)}
    return _("%(name)s took this alert first, on %(when)s. Nothing was changed.") % {
        "name": alert.acknowledged_by,
        "when": moment(alert.acknowledged_at),
    }


def _next_page(request: HttpRequest, pk: int) -> str:
    """The list that the button was on, else the alert itself; never another site."""
    wanted = request.POST.get("next", "")
    if url_has_allowed_host_and_scheme(
        wanted, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    ):
        return wanted
    return reverse("alerts:detail", args=[pk])


@require_safe
@permission_required("alerts.view_alert", raise_exception=True)
def frame(request: HttpRequest, pk: int) -> HttpResponseBase:
    """The whole photo, kept beside the alert."""
    visible = Alert.objects.visible_to(request.user)
    return frame_response(get_object_or_404(visible.only("image_path"), pk=pk).image_path)


@require_safe
@permission_required("alerts.view_alert", raise_exception=True)
def crop(request: HttpRequest, pk: int) -> HttpResponse:
    """The plate, cut out."""
    visible = Alert.objects.visible_to(request.user)
    return crop_response(get_object_or_404(visible.only("crop"), pk=pk).crop)
