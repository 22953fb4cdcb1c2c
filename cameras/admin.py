"""Cameras in the console."""

from django.contrib import admin

from cameras.models import Camera


@admin.register(Camera)
class CameraAdmin(admin.ModelAdmin[Camera]):
    """Cameras with their place, source and state."""

    list_display = ("name", "location_name", "camera_type", "status", "status_since", "is_enabled")
    list_filter = ("status", "camera_type", "is_enabled")
    search_fields = ("name", "code", "location_name")
    readonly_fields = ("status", "status_reason", "status_since", "created_at", "updated_at")
    prepopulated_fields = {"code": ("name",)}
