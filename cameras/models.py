"""Cameras (document A: cameras) and the lease of the worker that reads each."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import PurePosixPath
from typing import Any, ClassVar, Self
from urllib.parse import urlsplit

from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import User, may
from recognition.engines import ENGINES, PARAMETERS

STREAM_SCHEMES = ("rtsp", "rtsps", "http", "https", "file")
MAX_PAUSE = 3600
"""Most seconds that a camera's settings may let it wait."""


def validate_source(value: str) -> None:
    """A source that the product can read: an address, or an absolute path as file:///..."""
    parts = urlsplit(value)
    if parts.scheme not in STREAM_SCHEMES or not (parts.netloc or parts.scheme == "file"):
        raise ValidationError(
            _("Give an address that starts with %(schemes)s."),
            params={"schemes": ", ".join(f"{scheme}://" for scheme in STREAM_SCHEMES)},
        )
    if parts.scheme == "file" and not PurePosixPath(parts.path).is_absolute():
        raise ValidationError(_("Give a file or a folder as file:///absolute/path."))


class CameraSettingsError(ValueError):
    """Settings of a camera of a kind that nothing can be done with; the message says which."""


@dataclass(frozen=True, slots=True)
class CameraSettings:
    """What `Camera.settings` may hold.

    `engine` reads this camera instead of the usual one, with `engine_parameters` (see
    `recognition.engines.PARAMETERS`); a video file is played again (`loop`) after `loop_pause` seconds; a
    source that failed is tried again after `retry_seconds`.
    """

    engine: str = ""
    loop: bool = False
    loop_pause: float = 0.0
    retry_seconds: float = 10.0
    engine_parameters: Mapping[str, str | float] = field(default_factory=dict)

    @classmethod
    def read(cls, value: object) -> Self:
        """The known ones of stored settings. Raises CameraSettingsError."""
        if not isinstance(value, Mapping):
            raise CameraSettingsError(_("The settings must be an object: {...}."))
        if "engine_parameters" in value:
            _check_parameters(value.get("engine"), value["engine_parameters"])
        return cls(**{key: _checked(key, value[key]) for key in cls.known() if key in value})

    @classmethod
    def known(cls) -> list[str]:
        """Their names."""
        return [one.name for one in fields(cls)]


def _check_parameters(engine: object, parameters: object) -> None:
    """Parameters that the engine named beside them takes. Raises CameraSettingsError."""
    known = PARAMETERS.get(engine) if isinstance(engine, str) else None
    if known is None:
        raise CameraSettingsError(_("Setting “engine_parameters” needs “engine” beside it."))
    if not isinstance(parameters, Mapping) or not all(
        key in known and isinstance(value, str | int | float) for key, value in parameters.items()
    ):
        raise CameraSettingsError(
            _("Setting “engine_parameters” must be texts or numbers by these names: %(names)s.")
            % {"names": ", ".join(known)}
        )


def _checked(key: str, value: Any) -> Any:
    """The value of a known setting. Raises CameraSettingsError."""
    if key == "engine" and value not in ("", *ENGINES):
        raise CameraSettingsError(
            _("Setting “engine” must be one of: %(names)s.") % {"names": ", ".join(ENGINES)}
        )
    if key == "loop" and not isinstance(value, bool):
        raise CameraSettingsError(_("Setting “loop” must be true or false."))
    if key in {"loop_pause", "retry_seconds"}:
        # For Python, true is a number.
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= MAX_PAUSE:
            raise CameraSettingsError(
                _("Setting “%(key)s” must be a number of seconds from 0 to %(most)d.")
                % {"key": key, "most": MAX_PAUSE}
            )
        return float(value)
    return value


def validate_settings(value: object) -> None:
    """Settings that the product knows, of the right kind. Stricter than reading: a typing error is told."""
    try:
        CameraSettings.read(value)
    except CameraSettingsError as error:
        raise ValidationError(str(error)) from error
    unknown = sorted(set(value) - set(CameraSettings.known())) if isinstance(value, Mapping) else []
    if unknown:
        raise ValidationError(
            _("Unknown settings: %(unknown)s. Known: %(known)s."),
            params={"unknown": ", ".join(unknown), "known": ", ".join(CameraSettings.known())},
        )


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


class CameraQuerySet(models.QuerySet["Camera"]):
    """Questions asked of cameras."""

    def visible_to(self, user: User | AnonymousUser) -> Self:
        """Cameras that `user` may see."""
        return self if may(user, "cameras.view_camera") else self.none()

    def to_read(self) -> Self:
        """Cameras that a worker should be reading."""
        return self.filter(is_enabled=True).exclude(stream_url="", rtsp_url="")


class Camera(models.Model):
    """A camera, where it stands and where its pictures come from."""

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
    stream_url = models.CharField(
        _("stream"),
        max_length=500,
        blank=True,
        validators=[validate_source],
        help_text=_("HTTP stream, video file, or a folder in which photos arrive (file:///...)."),
    )
    rtsp_url = models.CharField(_("RTSP stream"), max_length=500, blank=True, validators=[validate_source])
    is_enabled = models.BooleanField(_("read this camera"), default=True)
    fps = models.FloatField(
        _("frames per second to read"),
        default=6.0,
        validators=[MinValueValidator(0.1), MaxValueValidator(60)],
    )
    settings = models.JSONField(
        _("settings"),
        default=dict,
        blank=True,
        help_text=_('For instance {"loop": true, "engine": "rapidocr"}.'),
    )
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    updated_at = models.DateTimeField(_("updated"), auto_now=True)

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
        )

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """Refuse settings that nothing can be done with; an emptied field means none."""
        super().clean()
        if self.settings is None:
            self.settings = {}
        try:
            validate_settings(self.settings)
        except ValidationError as error:
            raise ValidationError({"settings": error}) from error

    @property
    def options(self) -> CameraSettings:
        """The settings, checked. Raises CameraSettingsError for a row that was written past `clean`."""
        return CameraSettings.read(self.settings)

    @property
    def source(self) -> str:
        """The address to read: RTSP first."""
        return self.rtsp_url or self.stream_url


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
