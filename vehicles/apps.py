"""App configuration of vehicles."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class VehiclesConfig(AppConfig):
    """Names the app in the console."""

    name = "vehicles"
    verbose_name = _("Vehicles and thefts")
