"""Addresses under /api/v1/events."""

from django.urls import path

from detections.api import views

urlpatterns = [
    path("events/ingest", views.IngestView.as_view(), name="event-ingest"),
    path("events/submissions/<uuid:pk>", views.SubmissionView.as_view(), name="event-submission"),
    path("events/<int:pk>", views.EventView.as_view(), name="event"),
    path("events", views.EventListView.as_view(), name="events"),
]
