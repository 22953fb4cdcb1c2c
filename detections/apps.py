"""App configuration of detections."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class DetectionsConfig(AppConfig):
    """Names the app in the console."""

    name = "detections"
    verbose_name = _("Passages")
