"""Addresses under /api/v1/events, and health of cameras, which counts passages."""

from django.urls import path

from detections.api import (
    batch,
    camera_health,
    corrections,
    events,
    export,
    ingest,
    search,
    statistics,
    views,
)

urlpatterns = [
    path("config/cameras/health", camera_health.CameraHealthListView.as_view(), name="cameras-health"),
    path("config/cameras/<int:pk>/health", camera_health.CameraHealthView.as_view(), name="camera-health"),
    path("events/batch", batch.BatchView.as_view(), name="event-batch"),
    path("events/ingest", ingest.IngestView.as_view(), name="event-ingest"),
    path("events/export.csv", export.ExportView.as_view(), name="event-export"),
    path("events/submissions/<uuid:pk>", views.SubmissionView.as_view(), name="event-submission"),
    path("events/<int:pk>/corrections", corrections.CorrectionsView.as_view(), name="event-corrections"),
    path("events/stats", statistics.StatsView.as_view(), name="event-stats"),
    path("events/<int:pk>", views.EventView.as_view(), name="event"),
    path("events/search", search.SearchView.as_view(), name="event-search"),
    path("events", events.EventListView.as_view(), name="events"),
]
