"""Addresses of the log-in."""

from django.urls import path

from accounts import views

urlpatterns = [
    path("connexion/", views.LogIn.as_view(), name="login"),
    path("deconnexion/", views.LogOut.as_view(), name="logout"),
]
