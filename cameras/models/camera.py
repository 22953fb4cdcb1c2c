"""Cameras (document A: cameras) and the lease of the worker that reads each."""

from functools import cache
from typing import ClassVar, Self
from zoneinfo import available_timezones

from django.conf import settings as site
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from cameras.addresses import MAX_ADDRESS, validate_source
from cameras.models.base import Configured, ConfiguredQuerySet
from cameras.models.recognition_model import ModelConfig
from cameras.options import CameraSettings, CameraSettingsError, validate_settings
from cameras.sealed import SealedField, Unopened
from recognition.formats import all_formats

MAX_SIDE = 16384
"""Most pixels of a picture's side."""
MAX_LANES = 16
_SIDE = [MinValueValidator(16), MaxValueValidator(MAX_SIDE)]


@cache
def _time_zones() -> frozenset[str]:
    """Kept: looking them up walks through a folder of hundreds of files."""
    return frozenset(available_timezones())


def validate_time_zone(value: str) -> None:
    """A name of the IANA data base."""
    if value not in _time_zones():
        raise ValidationError(_("Give a time zone by its name, for instance Africa/Porto-Novo."))


def plate_countries() -> list[str]:
    """Codes of the countries whose plate formats are known, Benin first."""
    return list(dict.fromkeys(one.country for one in all_formats()))


class CameraType(models.TextChoices):
    """How a camera is mounted."""

    FIXED = "fixed", _("Fixed")
    MOBILE = "mobile", _("Mobile")
    PTZ = "ptz", _("Pan-tilt-zoom")


class CameraStatus(models.TextChoices):
    """What a camera's last contact was."""

    ONLINE = "online", _("Online")
    OFFLINE = "offline", _("Offline")
    ERROR = "error", _("Error")


class Direction(models.TextChoices):
    """Which way the traffic that a camera sees goes; named as passages name it."""

    APPROACHING = "approaching", _("Approaching")
    LEAVING = "leaving", _("Leaving")
    BOTH = "both", _("Both ways")


class CameraQuerySet(ConfiguredQuerySet["Camera"]):
    """Questions asked of cameras."""

    def to_read(self) -> Self:
        """Cameras that a worker should be reading."""
        return self.filter(is_enabled=True).exclude(stream_url="", rtsp_url="")

    def named(self, wanted: str) -> "Camera | None":
        """The camera of this code, name or number, as people type it."""
        query = Q(code=wanted) | Q(name=wanted)
        if wanted.isdecimal():
            query |= Q(pk=int(wanted))
        return self.filter(query).first()


class Camera(Configured):
    """A camera, where it stands and where its pictures come from."""

    noun = "camera"

    name = models.CharField(_("name"), max_length=100, unique=True)
    code = models.SlugField(_("code"), max_length=40, unique=True, help_text=_("What senders name it by."))
    location_name = models.CharField(_("place"), max_length=200, blank=True)
    latitude = models.DecimalField(_("latitude"), max_digits=9, decimal_places=6, null=True, blank=True)
    longitude = models.DecimalField(_("longitude"), max_digits=9, decimal_places=6, null=True, blank=True)
    address = models.CharField(_("address"), max_length=255, blank=True)
    camera_type = models.CharField(_("type"), max_length=8, choices=CameraType, default=CameraType.FIXED)
    status = models.CharField(
        _("status"), max_length=8, choices=CameraStatus, default=CameraStatus.OFFLINE, editable=False
    )
    status_reason = models.CharField(_("why"), max_length=255, blank=True, editable=False)
    status_since = models.DateTimeField(_("since"), null=True, blank=True, editable=False)
    stream_url = SealedField(
        _("stream"),
        max_length=MAX_ADDRESS,
        blank=True,
        validators=[validate_source],
        help_text=_("HTTP stream, video file, or a folder in which photos arrive (file:///...)."),
    )
    rtsp_url = SealedField(_("RTSP stream"), max_length=MAX_ADDRESS, blank=True, validators=[validate_source])
    is_enabled = models.BooleanField(_("read this camera"), default=True)
    fps = models.FloatField(
        _("frames per second to read"),
        default=6.0,
        validators=[MinValueValidator(0.1), MaxValueValidator(60)],
    )
    width = models.PositiveIntegerField(
        _("width of the picture"), null=True, blank=True, validators=_SIDE, help_text=_("In pixels.")
    )
    height = models.PositiveIntegerField(
        _("height of the picture"), null=True, blank=True, validators=_SIDE, help_text=_("In pixels.")
    )
    lanes = models.PositiveSmallIntegerField(
        _("lanes"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(MAX_LANES)],
        help_text=_("How many lanes it sees."),
    )
    direction = models.CharField(
        _("direction"),
        max_length=12,
        blank=True,
        choices=Direction,
        default="",
        db_default="",
        help_text=_("Which way the vehicles go as it sees them."),
    )
    heading = models.PositiveSmallIntegerField(
        _("heading"),
        null=True,
        blank=True,
        validators=[MaxValueValidator(359)],
        help_text=_("Where it looks: degrees from north, clockwise."),
    )
    time_zone = models.CharField(
        _("time zone"),
        max_length=64,
        blank=True,
        default=site.TIME_ZONE,
        db_default="Africa/Porto-Novo",
        validators=[validate_time_zone],
    )
    plate_formats = ArrayField(
        models.CharField(max_length=2),
        verbose_name=_("plates to expect"),
        default=list,
        db_default=[],
        blank=True,
        help_text=_("Countries, for instance BJ, TG; empty: all."),
    )
    model = models.ForeignKey(
        ModelConfig,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("recognition model"),
        help_text=_("Empty: the usual one."),
    )
    settings = models.JSONField(
        _("settings"),
        default=dict,
        blank=True,
        help_text=_('For instance {"loop": true, "engine": "rapidocr"}.'),
    )

    objects: ClassVar[models.Manager["Camera"]] = CameraQuerySet.as_manager()

    class Meta:
        verbose_name = _("camera")
        verbose_name_plural = _("cameras")
        ordering = ("name",)
        constraints = (
            models.CheckConstraint(condition=Q(camera_type__in=CameraType.values), name="camera_type_known"),
            models.CheckConstraint(condition=Q(status__in=CameraStatus.values), name="camera_status_known"),
            models.CheckConstraint(
                condition=Q(latitude=None, longitude=None)
                | Q(
                    latitude__isnull=False,
                    longitude__isnull=False,
                    latitude__range=(-90, 90),
                    longitude__range=(-180, 180),
                ),
                name="camera_place_on_earth",
            ),
            models.CheckConstraint(condition=Q(fps__gt=0, fps__lte=60), name="camera_fps_plausible"),
            models.CheckConstraint(
                condition=Q(width=None, height=None)
                | Q(
                    width__isnull=False,
                    height__isnull=False,
                    width__range=(16, MAX_SIDE),
                    height__range=(16, MAX_SIDE),
                ),
                name="camera_resolution_whole",
                violation_error_message=_("Give width and height of the picture, or neither."),
            ),
            models.CheckConstraint(
                condition=Q(lanes=None) | Q(lanes__range=(1, MAX_LANES)), name="camera_lanes_plausible"
            ),
            models.CheckConstraint(
                condition=Q(direction__in=["", *Direction.values]), name="camera_direction_known"
            ),
            models.CheckConstraint(
                condition=Q(heading=None) | Q(heading__range=(0, 359)), name="camera_heading_on_compass"
            ),
            models.CheckConstraint(condition=~Q(time_zone=""), name="camera_time_zone_given"),
        )

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """Refuse settings that nothing can be done with; an emptied field means none."""
        super().clean()
        if self.settings is None:
            self.settings = {}
        self.time_zone = self.time_zone or site.TIME_ZONE
        try:
            validate_settings(self.settings)
        except ValidationError as error:
            raise ValidationError({"settings": error}) from error
        lines = self.options.lane_lines
        if lines and self.lanes and len(lines) + 1 != self.lanes:
            raise ValidationError(
                {
                    "settings": _(
                        "The lines of “lane_lines” divide another number of lanes than the camera has."
                    )
                }
            )
        if self.model_id and self.settings.get("engine"):
            raise ValidationError(
                {"model": _("The settings name an engine already: take “engine” out of them.")}
            )
        self._clean_plate_formats()

    def _clean_plate_formats(self) -> None:
        self.plate_formats = list(dict.fromkeys(self.plate_formats or []))
        if unknown := sorted(set(self.plate_formats) - set(plate_countries())):
            raise ValidationError(
                {
                    "plate_formats": ValidationError(
                        _("Unknown countries: %(unknown)s. Known: %(known)s."),
                        params={"unknown": ", ".join(unknown), "known": ", ".join(plate_countries())},
                    )
                }
            )

    @property
    def options(self) -> CameraSettings:
        """The settings, checked. Raises CameraSettingsError for a row that was written past `clean`."""
        return CameraSettings.read(self.settings)

    @property
    def source(self) -> str:
        """The address to read: RTSP first. Raises CameraSettingsError for one that no key opens."""
        for address in (self.rtsp_url, self.stream_url):
            if isinstance(address, Unopened):
                raise CameraSettingsError(
                    _("The address cannot be decrypted: ENCRYPTION_KEYS lacks the key it was stored with.")
                )
            if address:
                return address
        return ""


class CameraLease(models.Model):
    """Which worker reads a camera: two never do, and a dead worker's lease runs out by itself."""

    camera = models.OneToOneField(Camera, on_delete=models.CASCADE, primary_key=True, related_name="+")
    holder = models.UUIDField()
    expires_at = models.DateTimeField()
    frames = models.PositiveBigIntegerField(default=0)
    last_frame_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("camera lease")
        verbose_name_plural = _("camera leases")

    def __str__(self) -> str:
        return f"{self.camera_id} until {self.expires_at:%H:%M:%S}"
