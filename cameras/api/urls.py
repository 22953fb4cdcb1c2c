"""Addresses under /api/v1/config."""

from django.urls import path

from cameras.api import views

urlpatterns = [
    path("config/cameras", views.CameraListView.as_view(), name="config-cameras"),
    path("config/cameras/<int:pk>", views.CameraView.as_view(), name="config-camera"),
    path("config/zones", views.ZoneListView.as_view(), name="config-zones"),
    path("config/zones/<int:pk>", views.ZoneView.as_view(), name="config-zone"),
    path("config/models", views.ModelListView.as_view(), name="config-models"),
    path("config/models/<int:pk>", views.ModelView.as_view(), name="config-model"),
    path("config/sensors", views.SensorListView.as_view(), name="config-sensors"),
    path("config/sensors/<int:pk>", views.SensorView.as_view(), name="config-sensor"),
]
