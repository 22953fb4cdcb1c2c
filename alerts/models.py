"""Alerts: what an officer has to look at (document A: alerts)."""

from typing import ClassVar, Self

from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import User, may
from cameras.models import Camera
from detections.models import Detection
from vehicles.models import PlateField, StolenVehicle, Vehicle


class AlertType(models.TextChoices):
    """What an alert is about."""

    STOLEN = "stolen", _("Stolen vehicle")


class Severity(models.TextChoices):
    """How urgent."""

    LOW = "low", _("Low")
    MEDIUM = "medium", _("Medium")
    HIGH = "high", _("High")
    CRITICAL = "critical", _("Critical")


class AlertStatus(models.TextChoices):
    """Where an alert is in its life: new, then taken, then judged, then closed."""

    NEW = "new", _("New")
    ACKNOWLEDGED = "acknowledged", _("Acknowledged")
    VERIFIED = "verified", _("Verified")
    REJECTED = "rejected", _("False alarm")
    RESOLVED = "resolved", _("Resolved")


class MatchKind(models.TextChoices):
    """How the read met the list: exact, or near (confusable characters)."""

    EXACT = "exact", _("Exact match")
    NEAR = "near", _("Probable match")


OPEN = (AlertStatus.NEW, AlertStatus.ACKNOWLEDGED)


class AlertQuerySet(models.QuerySet["Alert"]):
    """Questions asked of alerts."""

    def visible_to(self, user: User | AnonymousUser) -> Self:
        """Alerts that `user` may see."""
        return self if may(user, "alerts.view_alert") else self.none()

    def open(self) -> Self:
        """Alerts that still need somebody."""
        return self.filter(status__in=OPEN)

    def for_list(self) -> Self:
        """With what a list shows, in one query, without the images."""
        return self.defer("crop").select_related("camera", "vehicle", "acknowledged_by")

    def after(self, pk: int) -> Self:
        """Alerts raised after alert `pk`, oldest first: what a browser missed."""
        return self.filter(pk__gt=pk).order_by("pk")


class Alert(models.Model):
    """A hit on a list. It keeps its own copy of the read and its images, so that it outlives retention."""

    type = models.CharField(_("type"), max_length=16, choices=AlertType)
    severity = models.CharField(_("severity"), max_length=8, choices=Severity)
    status = models.CharField(_("status"), max_length=12, choices=AlertStatus, default=AlertStatus.NEW)
    title = models.CharField(_("title"), max_length=200)
    message = models.TextField(_("message"), blank=True)
    details = models.JSONField(_("details"), default=dict)
    match_kind = models.CharField(_("match"), max_length=8, choices=MatchKind)
    plate_number = PlateField(_("plate read"))
    layout = models.CharField(_("layout"), max_length=8, blank=True)
    plate_color = models.CharField(_("plate colour"), max_length=16, blank=True)
    listed_plate = PlateField(_("plate on the list"))
    confidence = models.FloatField(_("confidence"))
    detected_at = models.DateTimeField(_("seen at"))
    crop = models.BinaryField(_("plate crop (JPEG)"), null=True)
    image_path = models.CharField(_("frame"), max_length=255, blank=True)
    bounding_box = models.JSONField(_("box [x1, y1, x2, y2]"), null=True)
    repeat_count = models.PositiveIntegerField(_("times seen"), default=1)
    last_seen_at = models.DateTimeField(_("last seen"))
    # The passage is in a partitioned table and may be purged: no constraint, the copy above is what counts.
    detection = models.ForeignKey(
        Detection,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        related_name="+",
        verbose_name=_("passage"),
    )
    stolen_vehicle = models.ForeignKey(
        StolenVehicle, on_delete=models.PROTECT, null=True, related_name="+", verbose_name=_("theft report")
    )
    vehicle = models.ForeignKey(
        Vehicle, on_delete=models.PROTECT, null=True, related_name="+", verbose_name=_("vehicle")
    )
    camera = models.ForeignKey(Camera, on_delete=models.PROTECT, related_name="+", verbose_name=_("camera"))
    created_by = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, related_name="+", verbose_name=_("created by")
    )
    acknowledged_at = models.DateTimeField(_("acknowledged"), null=True)
    acknowledged_by = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, related_name="+", verbose_name=_("acknowledged by")
    )
    resolved_at = models.DateTimeField(_("resolved"), null=True)
    resolved_by = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, related_name="+", verbose_name=_("resolved by")
    )
    created_at = models.DateTimeField(_("raised"), auto_now_add=True)
    updated_at = models.DateTimeField(_("updated"), auto_now=True)

    objects: ClassVar[models.Manager["Alert"]] = AlertQuerySet.as_manager()

    class Meta:
        verbose_name = _("alert")
        verbose_name_plural = _("alerts")
        ordering = ("-created_at", "-pk")
        indexes = (
            models.Index(fields=["-created_at"], name="alert_created"),
            models.Index(fields=["status", "-created_at"], name="alert_status"),
            models.Index(fields=["plate_number"], name="alert_plate"),
            models.Index(fields=["stolen_vehicle", "camera", "-created_at"], name="alert_fold"),
        )
        constraints = (
            models.UniqueConstraint(fields=["detection", "stolen_vehicle"], name="alert_once_per_hit"),
            models.CheckConstraint(
                condition=Q(acknowledged_at=None, acknowledged_by=None)
                | Q(acknowledged_at__isnull=False, acknowledged_by__isnull=False),
                name="alert_acknowledged_by_somebody",
            ),
            models.CheckConstraint(
                condition=~Q(status=AlertStatus.NEW) | Q(acknowledged_at=None), name="alert_new_is_untouched"
            ),
            models.CheckConstraint(
                condition=Q(status=AlertStatus.NEW) | Q(acknowledged_at__isnull=False),
                name="alert_taken_by_somebody",
            ),
            models.CheckConstraint(
                condition=Q(resolved_at=None, resolved_by=None)
                | Q(resolved_at__isnull=False, resolved_by__isnull=False),
                name="alert_resolved_by_somebody",
            ),
            models.CheckConstraint(condition=Q(confidence__range=(0, 1)), name="alert_confidence_share"),
        )

    def __str__(self) -> str:
        return self.title

    @property
    def is_near(self) -> bool:
        """True when characters differ: the photo decides, not the match."""
        return self.match_kind == MatchKind.NEAR

    @property
    def can_be_acknowledged(self) -> bool:
        """True while nobody has taken the alert."""
        return self.status == AlertStatus.NEW
