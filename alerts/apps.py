"""App configuration of alerts."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AlertsConfig(AppConfig):
    """Names the app in the console."""

    name = "alerts"
    verbose_name = _("Alerts")
