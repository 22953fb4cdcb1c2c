"""How cameras fare: figures of each minute, and what has gone wrong for how long."""

from datetime import datetime
from typing import ClassVar, Self

from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from accounts.models import User, may
from cameras.models.camera import Camera


class CameraSample(models.Model):
    """Figures of a camera and a minute, as its worker took them.

    Sums and counts rather than means, so that two workers who had the camera in the same minute add up.
    `seconds` is how long it was being read, `seconds_online` how much of that pictures came; `captured` are
    the pictures that it sent, `frames` those given to recognition, `reads` those that the engine looked at.
    `delay_*` is the age of a frame when it is given to recognition: what waits, waits there. `fps_asked` is
    empty for a folder, which has no pace. `clock_ahead`: seconds by which the camera's clock is ahead of
    ours, where it tells. `drops`: how often pictures came and then failed; `failures` also counts what was
    tried in vain since.
    """

    camera = models.ForeignKey(Camera, on_delete=models.CASCADE, db_index=False, related_name="+")
    minute = models.DateTimeField()
    fps_asked = models.FloatField(null=True)
    seconds = models.FloatField(default=0)
    seconds_online = models.FloatField(default=0)
    captured = models.PositiveIntegerField(default=0)
    frames = models.PositiveIntegerField(default=0)
    reads = models.PositiveIntegerField(default=0)
    decode_seconds = models.FloatField(default=0)
    decode_max = models.FloatField(default=0)
    read_seconds = models.FloatField(default=0)
    read_max = models.FloatField(default=0)
    delay_seconds = models.FloatField(default=0)
    delay_max = models.FloatField(default=0)
    clock_ahead = models.FloatField(null=True)
    drops = models.PositiveIntegerField(default=0)
    failures = models.PositiveIntegerField(default=0)
    last_fault = models.CharField(max_length=32, blank=True)

    class Meta:
        verbose_name = _("figures of a camera")
        verbose_name_plural = _("figures of cameras")
        constraints = (
            # With what the strips of a day need: they are drawn from the index alone.
            models.UniqueConstraint(
                fields=["camera", "minute"], include=["seconds_online"], name="camera_sample_once"
            ),
        )
        indexes = (
            models.Index(fields=["minute"], name="camera_sample_drops", condition=models.Q(drops__gt=0)),
        )

    def __str__(self) -> str:
        return f"{self.camera_id} {self.minute:%Y-%m-%d %H:%M}"


class Trouble(models.TextChoices):
    """What can be wrong with a camera."""

    OFFLINE = "offline", _("Offline")
    ERROR = "error", _("Error")
    SLOW = "slow", _("Too slow")
    LATE = "late", _("Pictures read late")
    CLOCK = "clock", _("Clock wrong")
    SILENT = "silent", _("Far fewer passages than usual")
    UNSTABLE = "unstable", _("Unstable")


class CameraIncidentQuerySet(models.QuerySet["CameraIncident"]):
    """Questions asked of incidents."""

    def visible_to(self, user: User | AnonymousUser) -> Self:
        """Those of the cameras that `user` may see."""
        return self if may(user, "cameras.view_camera") else self.none()

    def noticed(self) -> Self:
        """Those that lasted long enough to be told."""
        return self.filter(noticed_at__isnull=False)

    def open(self) -> Self:
        """Those told and not over."""
        return self.noticed().filter(ended_at=None)

    def touching(self, since: datetime) -> Self:
        """Those that were going on at some time after `since`."""
        return self.filter(Q(ended_at=None) | Q(ended_at__gte=since))


class CameraIncident(models.Model):
    """Something wrong with a camera, from when to when; see `cameras.incidents` for what opens and closes it.

    A row whose `noticed_at` is empty was never told to anybody: it has not lasted long enough, or it was over
    before. `found_at`: when it was first seen, which may be later than it began. `better_since`: since when
    it has been well again, while that may not last.
    """

    camera = models.ForeignKey(
        Camera, on_delete=models.CASCADE, db_index=False, related_name="+", verbose_name=_("camera")
    )
    kind = models.CharField(_("kind"), max_length=8, choices=Trouble)
    reason = models.CharField(_("why"), max_length=255, blank=True)
    since = models.DateTimeField(_("since"))
    found_at = models.DateTimeField(_("found"))
    noticed_at = models.DateTimeField(_("noticed"), null=True)
    better_since = models.DateTimeField(_("better since"), null=True)
    ended_at = models.DateTimeField(_("ended"), null=True)
    acknowledged_at = models.DateTimeField(_("acknowledged"), null=True)
    acknowledged_by = models.ForeignKey(
        User,
        on_delete=models.PROTECT,
        null=True,
        db_index=False,
        related_name="+",
        verbose_name=_("acknowledged by"),
    )

    objects: ClassVar[models.Manager["CameraIncident"]] = CameraIncidentQuerySet.as_manager()

    class Meta:
        verbose_name = _("camera incident")
        verbose_name_plural = _("camera incidents")
        ordering = ("-since", "-pk")
        indexes = (
            models.Index(fields=["camera", "-since"], name="camera_incident_history"),
            models.Index(fields=["ended_at"], name="camera_incident_ended"),
        )
        constraints = (
            models.UniqueConstraint(
                fields=["camera", "kind"], condition=Q(ended_at=None), name="camera_incident_open_once"
            ),
            models.CheckConstraint(condition=Q(kind__in=Trouble.values), name="camera_incident_kind_known"),
            models.CheckConstraint(
                condition=Q(ended_at=None) | Q(ended_at__gte=F("since")), name="camera_incident_ends_after"
            ),
            models.CheckConstraint(
                condition=Q(acknowledged_at=None, acknowledged_by=None)
                | Q(acknowledged_at__isnull=False, acknowledged_by__isnull=False, noticed_at__isnull=False),
                name="camera_incident_acknowledged_by_somebody",
            ),
        )

    def __str__(self) -> str:
        return f"{self.camera_id} {self.kind} since {self.since:%Y-%m-%d %H:%M:%S}"
