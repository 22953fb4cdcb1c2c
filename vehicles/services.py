"""Writes of the register: a theft is reported, a vehicle is recovered."""

from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from accounts.services import audit
from recognition import plates
from vehicles.models import StolenVehicle, Vehicle


@transaction.atomic
def report_theft(*, report: StolenVehicle, by: User | None) -> StolenVehicle:
    """Store a filled-in, unsaved theft report and mark its vehicle stolen.

    Raises ValidationError (fields and reasons) when the report is not valid.
    """
    report.reported_by = by
    report.full_clean(exclude=["plate_key"])
    report.save()
    Vehicle.objects.filter(pk=report.vehicle_id).update(
        is_stolen=True, stolen_reported_at=timezone.now(), updated_at=timezone.now()
    )
    audit(by=by, action="theft.report", target=report, details={"report_number": report.report_number})
    return report


@transaction.atomic
def report_theft_of(
    *, plate_number: str, by: User | None, vehicle: dict[str, Any] | None = None, **fields: Any
) -> StolenVehicle:
    """Report the theft of a plate; the vehicle enters the register if it is not there yet."""
    plate = plates.normalise(plate_number)
    entry, _created = Vehicle.objects.get_or_create(plate_number=plate, defaults=vehicle or {})
    report = StolenVehicle(vehicle=entry, plate_number=entry.plate_number, **fields)
    return report_theft(report=report, by=by)


@transaction.atomic
def recover(report: StolenVehicle, *, by: User, at: datetime | None = None, location: str = "") -> bool:
    """Close the report: no further hit. False when it was closed already."""
    closed = StolenVehicle.objects.filter(pk=report.pk, is_active=True).update(
        is_active=False,
        recovered_date=at or timezone.now(),
        recovered_location=location,
        recovered_by=by,
        updated_at=timezone.now(),
    )
    if closed:
        Vehicle.objects.filter(pk=report.vehicle_id).update(is_stolen=False, updated_at=timezone.now())
        audit(by=by, action="theft.recover", target=report, details={"report_number": report.report_number})
    return bool(closed)
