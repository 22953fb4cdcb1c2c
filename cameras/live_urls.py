"""Addresses of the live view, under /cameras/."""

from django.urls import path

from cameras import live_views

app_name = "live"
urlpatterns = [
    path("<slug:code>/direct/", live_views.page, name="page"),
    path("<slug:code>/direct/ouvrir", live_views.open_view, name="open"),
    path("<slug:code>/direct/image", live_views.picture, name="picture"),
]
