"""Addresses of the pages about passages."""

from django.urls import path

from detections import correction_views, views

app_name = "detections"
urlpatterns = [
    path("", views.passage_list, name="list"),
    path("en-direct/", views.live, name="live"),
    path("camera/<int:pk>/photo", views.camera_frame, name="camera-frame"),
    path("<int:pk>/", views.detail, name="detail"),
    path("<int:pk>/corriger/", correction_views.correct, name="correct"),
    path("<int:pk>/photo", views.frame, name="frame"),
    path("<int:pk>/plaque", views.crop, name="crop"),
]
