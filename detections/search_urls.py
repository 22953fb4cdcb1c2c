"""Addresses of the search page."""

from django.urls import path

from detections import search_views

app_name = "search"
urlpatterns = [
    path("", search_views.page, name="page"),
    path("resultats/<slug:token>/", search_views.results, name="results"),
    path("resultats/<slug:token>/enregistrer", search_views.save, name="save"),
    path("enregistrees/<uuid:pk>/supprimer", search_views.forget, name="forget"),
]
