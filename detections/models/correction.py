"""What officers say of a read: corrected, confirmed, or unreadable for everybody."""

from collections.abc import Iterable
from typing import ClassVar, Self

from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import User, may
from detections.models.passage import Detection
from vehicles.models import PLATE_REGEX, PlateField


class CorrectionKind(models.TextChoices):
    """What an officer saw on the photo."""

    CORRECTED = "corrected", _("Corrected")
    CONFIRMED = "confirmed", _("Confirmed")
    UNREADABLE = "unreadable", _("Unreadable")


class CorrectionQuerySet(models.QuerySet["Correction"]):
    """Questions asked of corrections."""

    def visible_to(self, user: User | AnonymousUser) -> Self:
        """Corrections, with who made them: for those who handle passages."""
        return self if may(user, "detections.view_correction") else self.none()

    def of(self, passage: Detection) -> Self:
        """The history of one passage, newest first."""
        return self.filter(detection_id=passage.pk).select_related("created_by").order_by("-pk")

    def newest_of(self, passages: Iterable[int]) -> "dict[int, Correction]":
        """The correction in force of each passage (by key) that has one, by passage; one query."""
        wanted = list(passages)
        if not wanted:
            return {}
        found = self.filter(detection_id__in=wanted).select_related("created_by")
        newest = found.order_by("detection_id", "-pk").distinct("detection_id")
        return {one.detection_id: one for one in newest}


class Correction(models.Model):
    """An officer's word on one passage, beside the read, which stays as it is. The newest is in force.

    Append-only: the database refuses to change a row, and to delete one outside
    `corrections.forget_corrections`. A hidden column `ingest_xid` makes the table a stream of the feed.
    `plate_number` is empty for an unreadable plate. No foreign key: whole months of passages are dropped.
    """

    detection_id = models.BigIntegerField(_("passage"))
    detected_at = models.DateTimeField(_("seen at"))
    event_id = models.UUIDField(_("event"))
    kind = models.CharField(_("verdict"), max_length=10, choices=CorrectionKind)
    plate_number = PlateField(_("plate"), blank=True)
    plate_key = models.CharField(max_length=16, blank=True)
    reason = models.CharField(_("reason"), max_length=500, blank=True)
    case_reference = models.CharField(_("case reference"), max_length=64, blank=True)
    created_by = models.ForeignKey(
        User, on_delete=models.PROTECT, db_index=False, related_name="+", verbose_name=_("by")
    )
    created_at = models.DateTimeField(_("said at"), auto_now_add=True)

    objects: ClassVar[models.Manager["Correction"]] = CorrectionQuerySet.as_manager()

    class Meta:
        verbose_name = _("correction")
        verbose_name_plural = _("corrections")
        ordering = ("-created_at", "-pk")
        indexes = (
            models.Index(fields=["detection_id", "-id"], name="correction_passage"),
            models.Index(fields=["plate_number", "-detected_at"], name="correction_plate"),
            models.Index(fields=["detected_at"], name="correction_month"),
        )
        constraints = (
            models.CheckConstraint(
                condition=Q(kind=CorrectionKind.UNREADABLE, plate_number="")
                | Q(~Q(kind=CorrectionKind.UNREADABLE), plate_number__regex=PLATE_REGEX),
                name="correction_plate_normalised",
            ),
        )

    def __str__(self) -> str:
        return f"{self.detection_id} {self.kind} {self.plate_number}".strip()
