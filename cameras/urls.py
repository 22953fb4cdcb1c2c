"""Addresses about cameras that need no passages; those of the pages are in `detections.camera_urls`."""

from django.urls import path

from cameras import views

urlpatterns = [
    path("incidents/nombre", views.count, name="count"),
    path("incidents/<int:pk>/prendre-en-compte/", views.acknowledge, name="acknowledge"),
]
