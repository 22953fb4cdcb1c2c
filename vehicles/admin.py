"""Register and theft reports in the console."""

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.forms import ModelForm
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from vehicles import services
from vehicles.models import StolenVehicle, Vehicle


@admin.register(Vehicle)
class VehicleAdmin(admin.ModelAdmin[Vehicle]):
    """The register."""

    list_display = ("plate_number", "brand", "model", "color", "vehicle_type", "country", "is_stolen")
    list_filter = ("is_stolen", "vehicle_type", "country")
    search_fields = ("plate_number", "brand", "model")
    readonly_fields = ("is_stolen", "stolen_reported_at", "created_at", "updated_at")

    def get_readonly_fields(self, request: HttpRequest, obj: Vehicle | None = None) -> tuple[str, ...]:
        """A plate is the vehicle's identity: passages, reports and alerts name it, so it stays."""
        return (*self.readonly_fields, "plate_number") if obj else self.readonly_fields

    def save_model(self, request: HttpRequest, obj: Vehicle, form: ModelForm[Vehicle], change: bool) -> None:
        """Each change of the register leaves an audit row."""
        services.save_vehicle(obj, changed=form.changed_data, created=not change, by=request.user)  # type: ignore[arg-type]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Vehicle]:
        """Only what the role may see."""
        return super().get_queryset(request).visible_to(request.user)  # type: ignore[attr-defined, no-any-return]


@admin.register(StolenVehicle)
class StolenVehicleAdmin(admin.ModelAdmin[StolenVehicle]):
    """Theft reports: filed here, closed by the action "recovered"."""

    list_display = ("report_number", "plate_number", "stolen_date", "police_station", "is_active")
    list_filter = ("is_active", "police_station")
    list_select_related = ("vehicle",)
    search_fields = ("plate_number", "report_number")
    autocomplete_fields = ("vehicle",)
    readonly_fields = (
        "is_active",
        "recovered_date",
        "recovered_location",
        "reported_by",
        "recovered_by",
        "created_at",
        "updated_at",
    )
    actions = ("mark_recovered",)

    def get_readonly_fields(self, request: HttpRequest, obj: StolenVehicle | None = None) -> tuple[str, ...]:
        """What a report is filed under stays: another vehicle or number is another report."""
        filed = ("vehicle", "plate_number", "report_number") if obj else ()
        return (*self.readonly_fields, *filed)

    def get_queryset(self, request: HttpRequest) -> QuerySet[StolenVehicle]:
        """Only what the role may see."""
        return super().get_queryset(request).visible_to(request.user)  # type: ignore[attr-defined, no-any-return]

    def has_delete_permission(self, request: HttpRequest, obj: StolenVehicle | None = None) -> bool:
        """A report is closed, never deleted."""
        return False

    def save_model(
        self, request: HttpRequest, obj: StolenVehicle, form: ModelForm[StolenVehicle], change: bool
    ) -> None:
        """The service marks the vehicle, and keeps apart what may be put right later."""
        if change:
            changes = {name: form.cleaned_data[name] for name in form.changed_data}
            services.amend_report(obj, by=request.user, **changes)  # type: ignore[arg-type]
        else:
            services.report_theft(report=obj, by=request.user)  # type: ignore[arg-type]

    @admin.action(description=_("Mark as recovered"), permissions=["change"])
    def mark_recovered(self, request: HttpRequest, queryset: QuerySet[StolenVehicle]) -> None:
        """Close the chosen reports."""
        closed = sum(services.recover(report, by=request.user) for report in queryset)  # type: ignore[arg-type]
        text = ngettext("%d vehicle recovered.", "%d vehicles recovered.", closed) % closed
        self.message_user(request, text, messages.SUCCESS)
