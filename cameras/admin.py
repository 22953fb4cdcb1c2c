"""Cameras, zones, recognition models and sensors in the console."""

from collections.abc import Sequence
from typing import Any, ClassVar, TypeVar, cast

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import URLPattern, path
from django.utils.translation import gettext_lazy as _

from cameras import console, services
from cameras.forms import CameraForm, ConfigForm, ModelConfigForm, SensorForm, ZoneForm
from cameras.models import Camera, Configured, ModelConfig, SensorSettings, Zone

Row = TypeVar("Row", bound=Configured)


class ConfigAdmin(admin.ModelAdmin[Row]):
    """Every write goes through the services, which leave an audit row."""

    readonly_fields: ClassVar[tuple[str, ...]] = ("created_at", "updated_at")
    show_full_result_count = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Row]:
        """Only what the role may see."""
        return cast(QuerySet[Row], super().get_queryset(request).visible_to(request.user))  # type: ignore[attr-defined]

    def get_fields(self, request: HttpRequest, obj: Row | None = None) -> list[Any]:
        """Django's `exclude` does not reach fields that a form declares itself."""
        left_out = set(self.get_exclude(request, obj) or ())
        if not self.has_change_permission(request, obj):
            left_out.add("seen_revision")
        return [name for name in super().get_fields(request, obj) if name not in left_out]

    def save_model(self, request: HttpRequest, obj: Row, form: forms.ModelForm[Row], change: bool) -> None:
        """Store what the person changed."""
        by: Any = request.user
        config = cast(ConfigForm, form)
        if change:
            services.change_config(obj, changes=config.changes(), by=by)
        else:
            services.create_config(obj, zones=config.cleaned_data.get("zones") or (), by=by)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Nothing is left to do: the service stores a sensor's zones too."""

    def delete_model(self, request: HttpRequest, obj: Row) -> None:
        """Delete one, with its audit row."""
        services.delete_config(obj, by=request.user)  # type: ignore[arg-type]

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Row]) -> None:
        """Delete the chosen ones, each with its audit row."""
        for row in queryset:
            try:
                self.delete_model(request, row)
            except services.InUseError:
                text = _("“%(name)s” is needed by others: it stays.") % {"name": row}
                self.message_user(request, text, messages.ERROR)


@admin.register(Camera)
class CameraAdmin(ConfigAdmin[Camera]):
    """Cameras with their place, source and state."""

    form = CameraForm
    list_display = (
        "name",
        "location_name",
        "camera_type",
        "status",
        "status_since",
        "is_enabled",
        "model",
    )
    list_filter = ("status", "camera_type", "is_enabled", "direction")
    list_select_related = ("model",)
    search_fields = ("name", "code", "location_name", "address")
    autocomplete_fields = ("model",)
    readonly_fields = ("status", "status_reason", "status_since", "created_at", "updated_at")

    def get_exclude(self, request: HttpRequest, obj: Camera | None = None) -> tuple[str, ...]:
        """Addresses of streams may hold a password: only who may change a camera sees them, masked."""
        may_change = self.has_change_permission(request, obj)
        return () if may_change else ("stream_url", "rtsp_url", "settings")

    def get_urls(self) -> list[URLPattern]:
        """Beside the forms: connecting now, and the picture that came of it."""
        view = self.admin_site.admin_view
        return [
            path("<int:pk>/connexion/", view(console.start_trial), name="cameras_camera_trial"),
            path("<int:pk>/connexion/<uuid:key>/", view(console.trial), name="cameras_camera_trial_state"),
            path(
                "<int:pk>/connexion/<uuid:key>/image",
                view(console.trial_picture),
                name="cameras_camera_trial_picture",
            ),
            path("<int:pk>/image", view(console.newest_picture), name="cameras_camera_newest"),
            path("<int:pk>/dessin/", view(console.drawing), name="cameras_camera_drawing"),
            *super().get_urls(),
        ]

    def get_prepopulated_fields(
        self, request: HttpRequest, obj: Camera | None = None
    ) -> dict[str, Sequence[str]]:
        """The code follows the name while a camera is being added; senders rely on it afterwards."""
        return {} if obj else {"code": ("name",)}


@admin.register(Zone)
class ZoneAdmin(ConfigAdmin[Zone]):
    """Zones, by camera."""

    form = ZoneForm
    list_display = ("name", "camera", "zone_type", "space", "is_enabled")
    list_filter = ("zone_type", "space", "is_enabled")
    list_select_related = ("camera",)
    search_fields = ("name", "camera__name", "camera__code")
    autocomplete_fields = ("camera",)

    def get_readonly_fields(self, request: HttpRequest, obj: Zone | None = None) -> tuple[str, ...]:
        """A zone stays with its camera: in another picture it would lie elsewhere."""
        return (*self.readonly_fields, "camera") if obj else self.readonly_fields


@admin.register(ModelConfig)
class ModelConfigAdmin(ConfigAdmin[ModelConfig]):
    """Recognition models."""

    form = ModelConfigForm
    list_display = ("name", "engine", "version", "weights_path", "is_default", "updated_at")
    list_filter = ("engine", "is_default")
    search_fields = ("name", "version")


@admin.register(SensorSettings)
class SensorSettingsAdmin(ConfigAdmin[SensorSettings]):
    """Sensors with their camera and key."""

    form = SensorForm
    list_display = ("name", "code", "camera", "api_key", "is_enabled", "updated_at")
    list_filter = ("is_enabled",)
    list_select_related = ("camera", "api_key")
    search_fields = ("name", "code", "camera__name", "camera__code")
    autocomplete_fields = ("camera", "zones", "api_key")

    def get_prepopulated_fields(
        self, request: HttpRequest, obj: SensorSettings | None = None
    ) -> dict[str, Sequence[str]]:
        """The code follows the name while a sensor is being added."""
        return {} if obj else {"code": ("name",)}
