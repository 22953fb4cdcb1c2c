"""App configuration of detections."""

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core import checks
from django.utils.translation import gettext_lazy as _


class DetectionsConfig(AppConfig):
    """Names the app in the console."""

    name = "detections"
    verbose_name = _("Passages")

    def ready(self) -> None:
        """Its own checks."""
        checks.register(zone_of_statistics)


def zone_of_statistics(app_configs: Sequence[AppConfig] | None, **_kwargs: Any) -> list[checks.CheckMessage]:
    """Roll-ups by the hour of UTC become days of the country only where clocks differ by whole hours."""
    from detections.statistics import check_zone

    if check_zone(settings.TIME_ZONE):
        return []
    words = f"TIME_ZONE {settings.TIME_ZONE} is not whole hours from UTC: statistics by day would be wrong."
    return [checks.Error(words, id="detections.E001")]
