"""Register of vehicles and theft reports (document A: vehicles, stolen_vehicles)."""

from collections.abc import Collection
from typing import Any, ClassVar, Self

from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import User, may
from recognition import plates

FORMER_THEFTS = "former_thefts"
"""Key of a vehicle's other data: the thefts before the one in its report, oldest first."""

PLATE_REGEX = r"^[A-Z0-9]{2,16}$"


class PlateField(models.CharField[str, str]):
    """A registration, kept normalised: A-Z and 0-9 only, 2 to 16 characters."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Like CharField; the length is fixed."""
        kwargs.setdefault("max_length", plates.MAX_PLATE_LENGTH)
        super().__init__(*args, **kwargs)

    def to_python(self, value: Any) -> Any:
        """Normalise what a form, an import or a serializer gives."""
        return plates.normalise(value) if isinstance(value, str) else super().to_python(value)

    def get_prep_value(self, value: Any) -> Any:
        """Normalise what is stored or looked up."""
        value = super().get_prep_value(value)
        return plates.normalise(value) if isinstance(value, str) else value


class VehicleType(models.TextChoices):
    """Kind of vehicle."""

    CAR = "car", _("Car")
    MOTORCYCLE = "motorcycle", _("Motorcycle")
    TRUCK = "truck", _("Truck")
    BUS = "bus", _("Bus")
    BICYCLE = "bicycle", _("Bicycle")
    OTHER = "other", _("Other")


class VehicleQuerySet(models.QuerySet["Vehicle"]):
    """Questions asked of the register."""

    def visible_to(self, user: User | AnonymousUser) -> Self:
        """Vehicles that `user` may see."""
        return self if may(user, "vehicles.view_vehicle") else self.none()

    def stolen(self) -> Self:
        """Vehicles under an active theft report."""
        return self.filter(is_stolen=True)


class Vehicle(models.Model):
    """A registered vehicle."""

    plate_number = PlateField(_("plate"), unique=True)
    brand = models.CharField(_("brand"), max_length=100, blank=True)
    model = models.CharField(_("model"), max_length=100, blank=True)
    color = models.CharField(_("colour"), max_length=50, blank=True)
    vehicle_type = models.CharField(_("type"), max_length=16, choices=VehicleType, blank=True)
    year = models.PositiveSmallIntegerField(
        _("year"), null=True, blank=True, validators=[MinValueValidator(1900), MaxValueValidator(2100)]
    )
    country = models.CharField(_("country"), max_length=2, default="BJ", help_text=_("ISO code, e.g. BJ"))
    is_stolen = models.BooleanField(_("reported stolen"), default=False, editable=False)
    stolen_reported_at = models.DateTimeField(_("theft reported"), null=True, blank=True, editable=False)
    metadata = models.JSONField(_("other data"), default=dict, blank=True)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    updated_at = models.DateTimeField(_("updated"), auto_now=True)

    objects: ClassVar[models.Manager["Vehicle"]] = VehicleQuerySet.as_manager()

    class Meta:
        verbose_name = _("vehicle")
        verbose_name_plural = _("vehicles")
        ordering = ("plate_number",)
        constraints = (
            models.CheckConstraint(
                condition=Q(plate_number__regex=PLATE_REGEX), name="vehicle_plate_normalised"
            ),
            models.CheckConstraint(
                condition=Q(year=None) | Q(year__range=(1900, 2100)), name="vehicle_year_plausible"
            ),
            models.CheckConstraint(condition=Q(country__regex=r"^[A-Z]{2}$"), name="vehicle_country_iso"),
            models.CheckConstraint(
                condition=Q(is_stolen=False) | Q(stolen_reported_at__isnull=False),
                name="vehicle_stolen_since_known",
            ),
        )

    def __str__(self) -> str:
        return self.plate_number

    @property
    def description(self) -> str:
        """Colour, brand and model in one line, as far as known."""
        return " ".join(part for part in (self.brand, self.model, self.color) if part)


class StolenVehicleQuerySet(models.QuerySet["StolenVehicle"]):
    """Questions asked of theft reports."""

    def visible_to(self, user: User | AnonymousUser) -> Self:
        """Reports that `user` may see; they hold a contact person, so viewers see none."""
        return self if may(user, "vehicles.view_stolenvehicle") else self.none()

    def active(self) -> Self:
        """Vehicles still missing."""
        return self.filter(is_active=True)

    def like(self, keys: list[str]) -> Self:
        """Active reports whose plate folds to one of `keys`: exact and confusable plates."""
        return self.active().filter(plate_key__in=keys)


class StolenVehicle(models.Model):
    """A theft report (document A: stolen_vehicles)."""

    plate_number = PlateField(_("plate"), db_index=True)
    plate_key = models.CharField(max_length=16, editable=False)
    report_number = models.CharField(_("report number"), max_length=64, unique=True)
    stolen_date = models.DateTimeField(_("stolen on"))
    stolen_location = models.CharField(_("stolen at"), max_length=255, blank=True)
    stolen_location_lat = models.DecimalField(
        _("latitude"), max_digits=9, decimal_places=6, null=True, blank=True
    )
    stolen_location_lng = models.DecimalField(
        _("longitude"), max_digits=9, decimal_places=6, null=True, blank=True
    )
    description = models.TextField(_("description"), blank=True)
    police_station = models.CharField(_("police station"), max_length=255, blank=True)
    contact_person = models.CharField(_("contact person"), max_length=200, blank=True)
    contact_phone = models.CharField(_("contact phone"), max_length=32, blank=True)
    contact_email = models.EmailField(_("contact e-mail"), blank=True)
    is_active = models.BooleanField(_("still missing"), default=True, editable=False)
    recovered_date = models.DateTimeField(_("recovered on"), null=True, blank=True, editable=False)
    recovered_location = models.CharField(_("recovered at"), max_length=255, blank=True, editable=False)
    vehicle = models.OneToOneField(
        Vehicle, on_delete=models.PROTECT, related_name="stolen_record", verbose_name=_("vehicle")
    )
    reported_by = models.ForeignKey(
        User,
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        editable=False,
        verbose_name=_("reported by"),
    )
    recovered_by = models.ForeignKey(
        User,
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        editable=False,
        verbose_name=_("recovered by"),
    )
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    updated_at = models.DateTimeField(_("updated"), auto_now=True)

    objects: ClassVar[models.Manager["StolenVehicle"]] = StolenVehicleQuerySet.as_manager()

    class Meta:
        verbose_name = _("theft report")
        verbose_name_plural = _("theft reports")
        ordering = ("-stolen_date",)
        indexes = (models.Index(fields=["plate_key"], name="stolen_active_key", condition=Q(is_active=True)),)
        constraints = (
            models.CheckConstraint(
                condition=Q(plate_number__regex=PLATE_REGEX), name="stolen_plate_normalised"
            ),
            models.CheckConstraint(
                condition=Q(is_active=True, recovered_date=None)
                | Q(is_active=False, recovered_date__isnull=False),
                name="stolen_recovered_or_active",
            ),
            models.CheckConstraint(
                condition=Q(stolen_location_lat=None, stolen_location_lng=None)
                | Q(
                    stolen_location_lat__isnull=False,
                    stolen_location_lng__isnull=False,
                    stolen_location_lat__range=(-90, 90),
                    stolen_location_lng__range=(-180, 180),
                ),
                name="stolen_place_on_earth",
            ),
        )

    def __str__(self) -> str:
        return f"{self.report_number} · {self.plate_number}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Keep the folded key beside the plate."""
        self.plate_key = plates.fold(self.plate_number)
        super().save(*args, **kwargs)

    def clean(self) -> None:
        """A report carries its vehicle's plate, and a number that no report had before."""
        if self.vehicle_id and self.plate_number and self.vehicle.plate_number != self.plate_number:
            raise ValidationError({"plate_number": _("This is not the plate of the chosen vehicle.")})
        former = {FORMER_THEFTS: [{"report_number": self.report_number}]}
        if Vehicle.objects.filter(metadata__contains=former).exists():
            raise ValidationError({"report_number": _("An earlier theft was reported under this number.")})

    def validate_unique(self, exclude: Collection[str] | None = None) -> None:
        """One report a vehicle. A closed one gives way to a new theft (see `services.report_theft`)."""
        skipped = set(exclude or ())
        if self._state.adding and self.vehicle_id and "vehicle" not in skipped:
            if StolenVehicle.objects.active().filter(vehicle=self.vehicle_id).exists():
                raise ValidationError({"vehicle": _("This vehicle is reported stolen already.")})
            skipped.add("vehicle")
        super().validate_unique(skipped)
