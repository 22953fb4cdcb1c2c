"""Writes of the register: vehicles, thefts that are reported and amended, vehicles that are recovered."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.services import audit
from recognition import plates
from vehicles.models import FORMER_THEFTS, StolenVehicle, Vehicle

AMENDABLE = frozenset(
    {
        "stolen_date",
        "stolen_location",
        "stolen_location_lat",
        "stolen_location_lng",
        "description",
        "police_station",
        "contact_person",
        "contact_phone",
        "contact_email",
    }
)
"""What may be put right in a filed report; number, vehicle and plate are what it is filed under."""


@transaction.atomic
def save_vehicle(vehicle: Vehicle, *, changed: Sequence[str], created: bool, by: User | None) -> None:
    """Save a register entry from a form, with the audit row: the names of the fields that changed.

    Only those fields are written: a theft reported meanwhile stays, and so do earlier thefts.
    """
    if created:
        vehicle.save()
    else:
        stored = Vehicle.objects.select_for_update().get(pk=vehicle.pk)
        if "metadata" in changed and FORMER_THEFTS in stored.metadata:
            vehicle.metadata[FORMER_THEFTS] = stored.metadata[FORMER_THEFTS]
        vehicle.save(update_fields=[*changed, "updated_at"])
    details = {"plate": vehicle.plate_number, "fields": list(changed)}
    audit(by=by, action="vehicle.create" if created else "vehicle.change", target=vehicle, details=details)


@transaction.atomic
def report_theft(*, report: StolenVehicle, by: User | None) -> StolenVehicle:
    """Store a filled-in, unsaved theft report and mark its vehicle stolen.

    A vehicle that was stolen before and recovered keeps its one row: the new report takes it, and the
    former facts go to the vehicle and to the audit trail. Raises ValidationError (fields and reasons)
    when the report is not valid, or the vehicle is missing already.
    """
    vehicle = Vehicle.objects.select_for_update().filter(pk=report.vehicle_id).first()
    report.reported_by = by
    report.full_clean(exclude=["plate_key"])
    details: dict[str, Any] = {"report_number": report.report_number}
    former = StolenVehicle.objects.filter(vehicle=vehicle).first()
    if vehicle and former:
        details["former"] = _file_away(former, vehicle) | {"description": former.description}
        report.pk, report.created_at = former.pk, timezone.now()
        report._state.adding = False
    report.save()
    Vehicle.objects.filter(pk=report.vehicle_id).update(
        is_stolen=True, stolen_reported_at=timezone.now(), updated_at=timezone.now()
    )
    audit(by=by, action="theft.report", target=report, details=details)
    return report


def _file_away(report: StolenVehicle, vehicle: Vehicle) -> dict[str, Any]:
    """Keep what a closed report told with its vehicle, without persons to contact."""
    facts = {
        "report_number": report.report_number,
        "stolen_date": report.stolen_date.isoformat(),
        "stolen_location": report.stolen_location,
        "police_station": report.police_station,
        "reported_at": report.created_at.isoformat(),
        "reported_by": str(report.reported_by or ""),
        "recovered_date": report.recovered_date.isoformat() if report.recovered_date else "",
        "recovered_location": report.recovered_location,
        "recovered_by": str(report.recovered_by or ""),
    }
    vehicle.metadata[FORMER_THEFTS] = [*vehicle.metadata.get(FORMER_THEFTS, []), facts]
    vehicle.save(update_fields=["metadata", "updated_at"])
    return facts


@transaction.atomic
def report_theft_of(
    *, plate_number: str, by: User | None, vehicle: dict[str, Any] | None = None, **fields: Any
) -> StolenVehicle:
    """Report the theft of a plate; the vehicle enters the register if it is not there yet."""
    plate = plates.normalise(plate_number)
    entry, created = Vehicle.objects.get_or_create(plate_number=plate, defaults=vehicle or {})
    if created:
        details = {"plate": entry.plate_number, "fields": ["plate_number", *(vehicle or {})]}
        audit(by=by, action="vehicle.create", target=entry, details=details)
    report = StolenVehicle(vehicle=entry, plate_number=entry.plate_number, **fields)
    return report_theft(report=report, by=by)


@transaction.atomic
def amend_report(report: StolenVehicle, *, by: User | None, **changes: Any) -> StolenVehicle:
    """Put details of a filed report right; the audit row names the fields, never what they hold.

    Raises ValidationError when a change touches what the report is filed under, or is not valid.
    """
    fixed = {name: _("A filed report keeps this.") for name in changes if name not in AMENDABLE}
    if fixed:
        raise ValidationError(fixed)
    stored = StolenVehicle.objects.select_for_update().get(pk=report.pk)
    changed = sorted(name for name, value in changes.items() if getattr(stored, name) != value)
    if not changed:
        return stored
    for name in changed:
        setattr(stored, name, changes[name])
    stored.full_clean(exclude=["plate_key"])
    stored.save(update_fields=[*changed, "updated_at"])
    details = {"report_number": stored.report_number, "fields": changed}
    audit(by=by, action="theft.amend", target=stored, details=details)
    return stored


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
