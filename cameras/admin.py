"""Cameras in the console."""

from collections.abc import Sequence

from django.contrib import admin
from django.http import HttpRequest

from cameras.models import Camera


@admin.register(Camera)
class CameraAdmin(admin.ModelAdmin[Camera]):
    """Cameras with their place, source and state."""

    list_display = ("name", "location_name", "camera_type", "status", "status_since", "is_enabled")
    list_filter = ("status", "camera_type", "is_enabled")
    search_fields = ("name", "code", "location_name")
    readonly_fields = ("status", "status_reason", "status_since", "created_at", "updated_at")

    def get_exclude(self, request: HttpRequest, obj: Camera | None = None) -> tuple[str, ...]:
        """Addresses of streams may hold a password: only who may change a camera sees them."""
        return () if self.has_change_permission(request, obj) else ("stream_url", "rtsp_url", "settings")

    def get_prepopulated_fields(
        self, request: HttpRequest, obj: Camera | None = None
    ) -> dict[str, Sequence[str]]:
        """The code follows the name while a camera is being added; senders rely on it afterwards."""
        return {} if obj else {"code": ("name",)}
