"""App configurations of the project itself and of its console (the Django admin)."""

from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig


class SiteConfig(AppConfig):
    """Makes the project's management commands known."""

    name = "anpr_site"


class ConsoleConfig(AdminConfig):
    """The operator console replaces Django's default admin site."""

    default_site = "anpr_site.admin.Console"
