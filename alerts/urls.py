"""Addresses of the pages about alerts."""

from django.urls import path

from alerts import views

app_name = "alerts"
urlpatterns = [
    path("", views.alert_list, name="list"),
    path("en-cours/", views.live, name="live"),
    path("<int:pk>/", views.detail, name="detail"),
    path("<int:pk>/prendre-en-compte/", views.acknowledge, name="acknowledge"),
    path("<int:pk>/photo", views.frame, name="frame"),
    path("<int:pk>/plaque", views.crop, name="crop"),
]
