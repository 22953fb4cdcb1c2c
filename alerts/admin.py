"""Alerts in the console: read, and acknowledged by an action."""

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from alerts import services
from alerts.models import Alert
from detections.admin import WatchedAdmin


@admin.register(Alert)
class AlertAdmin(WatchedAdmin[Alert]):
    """Alerts, newest first."""

    list_display = ("created_at", "title", "match_kind", "severity", "status", "camera", "repeat_count")
    list_filter = ("status", "severity", "match_kind", "type")
    list_select_related = ("camera",)
    look = "alert.view"
    exclude = ("crop",)
    actions = ("acknowledge",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Alert]:
        """Only what the role may see, without images."""
        return super().get_queryset(request).visible_to(request.user).defer("crop")  # type: ignore[attr-defined, no-any-return]

    def has_acknowledge_permission(self, request: HttpRequest) -> bool:
        """Who may handle alerts."""
        return request.user.has_perm("alerts.change_alert")

    @admin.action(description=_("Acknowledge"), permissions=["acknowledge"])
    def acknowledge(self, request: HttpRequest, queryset: QuerySet[Alert]) -> None:
        """Take the chosen alerts; those that somebody else has are left."""
        taken = 0
        for pk in queryset.values_list("pk", flat=True):
            try:
                services.acknowledge(pk, by=request.user)  # type: ignore[arg-type]
            except services.AlreadyTakenError:
                continue
            taken += 1
        text = ngettext("%d alert acknowledged.", "%d alerts acknowledged.", taken) % taken
        self.message_user(request, text, messages.SUCCESS)
