"""Addresses under /api/v1/alerts."""

from django.urls import path

from alerts.api import views

urlpatterns = [
    path("alerts", views.AlertListView.as_view(), name="alerts"),
    path("alerts/<int:pk>/acknowledge", views.AcknowledgeView.as_view(), name="alert-acknowledge"),
]
