"""Photos that wait to be read."""

import uuid
from typing import ClassVar, Self

from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import ApiKey, User, may
from cameras.models import Camera


class SubmissionStatus(models.TextChoices):
    """Where a photo is on its way."""

    WAITING = "waiting", _("Waiting")
    READ = "read", _("Read")
    NO_PLATE = "no_plate", _("No plate found")
    FAILED = "failed", _("Failed")


class SubmissionQuerySet(models.QuerySet["Submission"]):
    """Questions asked of photos sent in."""

    def visible_to(self, caller: "User | AnonymousUser | ApiKey") -> Self:
        """A key sees what it sent, and so does a person; who has the permission sees all."""
        if isinstance(caller, ApiKey):
            return self.filter(api_key=caller)
        if may(caller, "detections.view_submission"):
            return self
        return self.filter(created_by=caller.pk) if caller.is_active and caller.pk else self.none()

    def waiting(self) -> Self:
        """To be read now: new, or left by a worker that died."""
        return self.filter(status=SubmissionStatus.WAITING, not_before__lte=timezone.now())


class Submission(models.Model):
    """A photo that came without a reading: this row is the queue of the recognition workers."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    event_id = models.UUIDField(_("event"), unique=True)
    camera = models.ForeignKey(Camera, on_delete=models.PROTECT, related_name="+", verbose_name=_("camera"))
    detected_at = models.DateTimeField(_("seen at"))
    image_path = models.CharField(_("photo"), max_length=255)
    status = models.CharField(
        _("status"), max_length=8, choices=SubmissionStatus, default=SubmissionStatus.WAITING
    )
    error = models.CharField(_("error"), max_length=255, blank=True)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    not_before = models.DateTimeField(_("not before"), default=timezone.now)
    detections = models.JSONField(_("passages"), default=list)
    metadata = models.JSONField(_("other data"), default=dict)
    extra = models.JSONField(_("what the sender knew"), default=dict)
    api_key = models.ForeignKey(ApiKey, on_delete=models.PROTECT, null=True, related_name="+")
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField(_("received"), auto_now_add=True)
    updated_at = models.DateTimeField(_("updated"), auto_now=True)

    objects: ClassVar[models.Manager["Submission"]] = SubmissionQuerySet.as_manager()

    class Meta:
        verbose_name = _("photo to read")
        verbose_name_plural = _("photos to read")
        ordering = ("-created_at",)
        indexes = (
            models.Index(
                fields=["not_before"], name="submission_waiting", condition=Q(status=SubmissionStatus.WAITING)
            ),
        )

    def __str__(self) -> str:
        return f"{self.event_id} {self.status}"
