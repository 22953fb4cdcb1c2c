"""Zones of a camera and the sensors at the roadside (document B: Zone, SensorSettings)."""

from collections.abc import Iterable
from typing import ClassVar

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import ApiKey
from cameras.geometry import Space, check_geometry
from cameras.models.base import Configured, ConfiguredQuerySet
from cameras.models.camera import Camera


class ZoneType(models.TextChoices):
    """What a zone does to the plates in it."""

    DETECTION = "detection", _("Detection: only plates in such zones count")
    EXCLUSION = "exclusion", _("Exclusion: plates in it are dropped")
    PARKING = "parking", _("Parking: a vehicle that stays is one passage")


class ZoneQuerySet(ConfiguredQuerySet["Zone"]):
    """Questions asked of zones."""


class Zone(Configured):
    """An area of a camera (document B: Zone): GeoJSON in its picture or on the map (`cameras.geometry`)."""

    noun = "zone"

    name = models.CharField(_("name"), max_length=100)
    camera = models.ForeignKey(
        Camera, on_delete=models.CASCADE, related_name="zones", verbose_name=_("camera")
    )
    zone_type = models.CharField(_("type"), max_length=12, choices=ZoneType, default=ZoneType.DETECTION)
    space = models.CharField(_("drawn on"), max_length=8, choices=Space, default=Space.PICTURE)
    geometry = models.JSONField(
        _("geometry"),
        help_text=_(
            "GeoJSON, Polygon or MultiPolygon. In the picture [0, 0] is its upper left corner and [1, 1] its"
            " lower right one; on the map points are [longitude, latitude]."
        ),
    )
    is_enabled = models.BooleanField(_("enabled"), default=True)

    objects: ClassVar[models.Manager["Zone"]] = ZoneQuerySet.as_manager()

    class Meta:
        verbose_name = _("zone")
        verbose_name_plural = _("zones")
        ordering = ("camera", "name")
        constraints = (
            models.UniqueConstraint(
                fields=["camera", "name"],
                name="zone_name_once_a_camera",
                violation_error_message=_("This camera has a zone of this name."),
            ),
            models.CheckConstraint(condition=Q(zone_type__in=ZoneType.values), name="zone_type_known"),
            models.CheckConstraint(condition=Q(space__in=Space.values), name="zone_space_known"),
            models.CheckConstraint(
                condition=Q(geometry__type__in=["Polygon", "MultiPolygon"], geometry__has_key="coordinates"),
                name="zone_geometry_of_area",
            ),
        )

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """Refuse a geometry that is no sound area."""
        super().clean()
        if self.space not in Space.values:
            return  # the field's own error says so
        try:
            check_geometry(self.geometry, self.space)
        except ValidationError as error:
            raise ValidationError({"geometry": error}) from error


class SensorSettingsQuerySet(ConfiguredQuerySet["SensorSettings"]):
    """Questions asked of sensors."""


class SensorSettings(Configured):
    """A device at the roadside (document B: SensorSettings): its camera and zones, its settings, its key."""

    noun = "sensor"

    name = models.CharField(_("name"), max_length=100, unique=True)
    code = models.SlugField(_("code"), max_length=40, unique=True)
    camera = models.ForeignKey(Camera, on_delete=models.PROTECT, related_name="+", verbose_name=_("camera"))
    zones = models.ManyToManyField(
        Zone,
        blank=True,
        related_name="sensors",
        verbose_name=_("zones"),
        help_text=_("Zones of its camera; none: all of them."),
    )
    api_key = models.OneToOneField(
        ApiKey, on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("API key")
    )
    settings = models.JSONField(
        _("settings"), default=dict, blank=True, help_text=_("What the device is told; no passwords.")
    )
    is_enabled = models.BooleanField(_("enabled"), default=True)

    objects: ClassVar[models.Manager["SensorSettings"]] = SensorSettingsQuerySet.as_manager()

    class Meta:
        verbose_name = _("sensor")
        verbose_name_plural = _("sensors")
        ordering = ("name",)
        constraints = (models.CheckConstraint(condition=~Q(code=""), name="sensor_code_given"),)

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """Settings are an object; an emptied field means none."""
        super().clean()
        if self.settings is None:
            self.settings = {}
        if not isinstance(self.settings, dict):
            raise ValidationError({"settings": _("The settings must be an object: {...}.")})


def check_zones(camera: Camera, zones: Iterable[Zone]) -> None:
    """Zones of a sensor are its camera's. Raises ValidationError."""
    if strange := sorted(zone.name for zone in zones if zone.camera_id != camera.pk):
        raise ValidationError(
            {
                "zones": ValidationError(
                    _("These zones belong to another camera: %(names)s."),
                    code="strange_zone",
                    params={"names": ", ".join(strange)},
                )
            }
        )
