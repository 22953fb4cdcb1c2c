"""Roll-ups: passages counted by the hour, so that statistics never look through the passages themselves."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from cameras.models import Camera


class HourlyCount(models.Model):
    """Passages of one camera and class of vehicle in one hour (UTC). Written by `detections.counting` only.

    No personal data: a plate leaves no trace here, and roll-ups outlive the passages that they count.
    """

    hour = models.DateTimeField(_("hour"))
    # No index of their own: "hourly_camera" serves the camera.
    camera = models.ForeignKey(
        Camera, on_delete=models.PROTECT, db_index=False, related_name="+", verbose_name=_("camera")
    )
    vehicle_type = models.CharField(_("vehicle type"), max_length=16, blank=True)
    passages = models.PositiveIntegerField(_("passages"))
    doubtful = models.PositiveIntegerField(_("doubtful reads"))
    two_line = models.PositiveIntegerField(_("plates of two lines"))

    class Meta:
        verbose_name = _("passages of an hour")
        verbose_name_plural = _("passages by the hour")
        ordering = ("hour", "camera", "vehicle_type")
        indexes = (models.Index(fields=["camera", "hour"], name="hourly_camera"),)
        constraints = (
            models.UniqueConstraint(fields=["hour", "camera", "vehicle_type"], name="hourly_once"),
            models.CheckConstraint(
                condition=Q(passages__gte=1)
                & Q(doubtful__lte=F("passages"))
                & Q(two_line__lte=F("passages")),
                name="hourly_parts_of_a_whole",
            ),
        )

    def __str__(self) -> str:
        return f"{self.hour:%Y-%m-%d %H}h {self.vehicle_type} {self.passages}"
