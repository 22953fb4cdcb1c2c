"""One row per passage, and how long its vehicle stood there."""

import uuid
from datetime import datetime
from typing import TYPE_CHECKING, ClassVar, Self

from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import User, may
from cameras.models import Camera
from vehicles.models import PLATE_REGEX, PlateField, Vehicle

if TYPE_CHECKING:
    from detections.models.correction import Correction


class Source(models.TextChoices):
    """How a passage came in."""

    CAMERA = "camera", _("Camera worker")
    API = "api", _("Sensor or integration")
    PHOTO = "photo", _("Photo read here")
    COMMAND = "command", _("Command line")


class Layout(models.TextChoices):
    """Lines of a plate."""

    ONE_LINE = "one_line", _("One line")
    TWO_LINE = "two_line", _("Two lines")


class DetectionQuerySet(models.QuerySet["Detection"]):
    """Questions asked of passages."""

    def visible_to(self, user: User | AnonymousUser) -> Self:
        """Passages that `user` may see."""
        return self if may(user, "detections.view_detection") else self.none()

    def newest(self) -> Self:
        """Newest first, without the images, which are served one by one."""
        return self.defer("image_data").order_by("-detected_at", "-pk")

    def at(self, detected_at: datetime) -> Self:
        """Passages of one instant; names the month's partition, so that the others are not opened."""
        return self.filter(detected_at=detected_at)


class Detection(models.Model):
    """A passage: one vehicle, one camera, one moment (document A: detections; B: PlateEvent).

    The table is partitioned by month of `detected_at`; its primary key is (id, detected_at) in the database.
    A hidden column `ingest_xid` (the inserting transaction) orders the feed: see `feed.py`. Rows are written
    by `services.record` only, and never changed.
    """

    id = models.BigAutoField(primary_key=True)
    event_id = models.UUIDField(_("event"), default=uuid.uuid4)
    plate_number = PlateField(_("plate"))
    plate_key = models.CharField(max_length=16)
    ocr_text = models.CharField(_("text as read"), max_length=64, blank=True)
    confidence = models.FloatField(_("confidence"))
    detection_confidence = models.FloatField(_("confidence of the plate's place"), null=True)
    recognition_confidence = models.FloatField(_("confidence of the text"), null=True)
    char_confidences = models.JSONField(_("confidence of each character"), default=list)
    candidates = models.JSONField(_("other readings"), default=list)
    countries = models.JSONField(_("likely countries"), default=list)
    layout = models.CharField(_("layout"), max_length=8, choices=Layout, blank=True)
    plate_color = models.CharField(_("plate colour"), max_length=16, blank=True)
    bounding_box = models.JSONField(_("box [x1, y1, x2, y2]"), null=True)
    recognition_polygon = models.JSONField(_("corners"), null=True)
    image_path = models.CharField(_("frame"), max_length=255, blank=True)
    image_data = models.BinaryField(_("plate crop (JPEG)"), null=True)
    processing_time = models.FloatField(_("processing time (ms)"), null=True)
    vehicle_type = models.CharField(_("vehicle type"), max_length=16, blank=True)
    vehicle_color = models.CharField(_("vehicle colour"), max_length=50, blank=True)
    vehicle_brand = models.CharField(_("vehicle brand"), max_length=100, blank=True)
    vehicle_model = models.CharField(_("vehicle model"), max_length=100, blank=True)
    direction = models.CharField(_("direction"), max_length=16, blank=True)
    lane = models.CharField(_("lane"), max_length=16, blank=True)
    tpms = models.JSONField(_("tyre sensors"), default=list)
    metadata = models.JSONField(_("other data"), default=dict)
    source = models.CharField(_("source"), max_length=8, choices=Source)
    # No indexes of their own: "detection_vehicle" is for those few that are known, "detection_camera" serves
    # the camera, and accounts are never deleted.
    vehicle = models.ForeignKey(
        Vehicle,
        on_delete=models.SET_NULL,
        null=True,
        db_index=False,
        related_name="+",
        verbose_name=_("vehicle"),
    )
    camera = models.ForeignKey(
        Camera, on_delete=models.PROTECT, db_index=False, related_name="+", verbose_name=_("camera")
    )
    created_by = models.ForeignKey(
        User,
        on_delete=models.PROTECT,
        null=True,
        db_index=False,
        related_name="+",
        verbose_name=_("created by"),
    )
    detected_at = models.DateTimeField(_("seen at"))
    created_at = models.DateTimeField(_("stored at"), auto_now_add=True)
    updated_at = models.DateTimeField(_("updated"), auto_now=True)

    objects: ClassVar[models.Manager["Detection"]] = DetectionQuerySet.as_manager()

    correction: "Correction | None" = None
    """The officer's word in force, where `corrections.with_corrections` looked it up. Not a column."""

    class Meta:
        verbose_name = _("passage")
        verbose_name_plural = _("passages")
        ordering = ("-detected_at", "-id")
        indexes = (
            models.Index(fields=["plate_number", "-detected_at"], name="detection_plate"),
            models.Index(fields=["vehicle"], name="detection_vehicle", condition=Q(vehicle__isnull=False)),
            models.Index(fields=["-detected_at", "-id"], name="detection_newest"),
            models.Index(fields=["camera", "-detected_at"], name="detection_camera"),
        )
        constraints = (
            models.UniqueConstraint(fields=["event_id", "detected_at"], name="detection_event_once"),
            models.CheckConstraint(
                condition=Q(plate_number__regex=PLATE_REGEX), name="detection_plate_normalised"
            ),
            models.CheckConstraint(condition=Q(confidence__range=(0, 1)), name="detection_confidence_share"),
        )

    def __str__(self) -> str:
        return f"{self.plate_number} {self.detected_at:%Y-%m-%d %H:%M:%S}"

    @property
    def plate_in_force(self) -> str:
        """The plate as an officer corrected it (see `correction`), else as it was read."""
        return (self.correction.plate_number if self.correction else "") or self.plate_number


class StayQuerySet(models.QuerySet["Stay"]):
    """Questions asked of stays."""

    def of_passage(self, passage: Detection) -> Self:
        """Those of one passage, in order."""
        return self.filter(event_id=passage.event_id).order_by("started_at")


class Stay(models.Model):
    """How long the vehicle of a passage stood in a parking zone; `ended_at` grows while it stands.

    Apart from the passage, whose row is never changed.
    """

    event_id = models.UUIDField(_("event"))
    camera = models.ForeignKey(
        Camera, on_delete=models.PROTECT, db_index=False, related_name="+", verbose_name=_("camera")
    )
    started_at = models.DateTimeField(_("stood from"))
    ended_at = models.DateTimeField(_("stood until"))

    objects: ClassVar[models.Manager["Stay"]] = StayQuerySet.as_manager()

    class Meta:
        verbose_name = _("stay")
        verbose_name_plural = _("stays")
        ordering = ("-started_at",)
        indexes = (models.Index(fields=["camera", "-ended_at"], name="stay_lately"),)
        constraints = (
            models.UniqueConstraint(fields=["event_id", "started_at"], name="stay_once"),
            models.CheckConstraint(condition=Q(ended_at__gte=models.F("started_at")), name="stay_in_order"),
        )

    def __str__(self) -> str:
        return f"{self.event_id} {self.started_at:%Y-%m-%d %H:%M:%S}"

    @property
    def seconds(self) -> int:
        """How long it stood there by now."""
        return round((self.ended_at - self.started_at).total_seconds())
