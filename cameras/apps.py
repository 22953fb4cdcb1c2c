"""App configuration of cameras."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class CamerasConfig(AppConfig):
    """Names the app in the console."""

    name = "cameras"
    verbose_name = _("Cameras")
