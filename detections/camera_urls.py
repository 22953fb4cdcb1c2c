"""Addresses of the pages about cameras."""

from django.urls import path

from detections import camera_views

urlpatterns = [
    path("", camera_views.camera_list, name="list"),
    path("<slug:code>/", camera_views.camera_detail, name="detail"),
]
