"""Theft reports: reported, recovered, never contradictory."""

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import AuditEvent, User
from vehicles.models import StolenVehicle, Vehicle
from vehicles.services import recover, report_theft, report_theft_of

pytestmark = pytest.mark.django_db


def test_a_report_marks_the_vehicle_and_recovery_frees_it(theft: StolenVehicle, operator: User) -> None:
    vehicle = Vehicle.objects.get(plate_number="BB6232RB")
    assert vehicle.is_stolen
    assert vehicle.stolen_reported_at
    assert recover(theft, by=operator, location="Parakou")
    assert not recover(theft, by=operator)
    theft.refresh_from_db()
    assert not Vehicle.objects.get().is_stolen
    assert (theft.is_active, theft.recovered_by, theft.recovered_location) == (False, operator, "Parakou")
    assert list(AuditEvent.objects.values_list("action", flat=True)) == ["theft.recover", "theft.report"]


def test_plates_are_normalised_wherever_they_come_from(operator: User) -> None:
    report = report_theft_of(
        plate_number=" an-0674 rb ", by=operator, report_number="1", stolen_date=timezone.now()
    )
    assert report.plate_number == report.vehicle.plate_number == "AN0674RB"
    assert Vehicle.objects.get(plate_number="an 0674 rb") == report.vehicle


def test_a_report_number_is_used_once_and_a_vehicle_reported_once(theft: StolenVehicle) -> None:
    for plate, number in (("AN0674RB", theft.report_number), ("BB6232RB", "another")):
        with pytest.raises(ValidationError), transaction.atomic():
            report_theft_of(plate_number=plate, by=None, report_number=number, stolen_date=timezone.now())
    assert not Vehicle.objects.filter(plate_number="AN0674RB").exists()


def test_a_report_with_another_plate_than_its_vehicle_is_refused(operator: User) -> None:
    vehicle = Vehicle.objects.create(plate_number="AN0674RB")
    report = StolenVehicle(
        vehicle=vehicle, plate_number="BB6232RB", report_number="1", stolen_date=timezone.now()
    )
    with pytest.raises(ValidationError):
        report_theft(report=report, by=operator)


@pytest.mark.parametrize(
    "changes",
    [
        {"is_active": False},
        {"recovered_date": timezone.now()},
        {"stolen_location_lat": 6.3},
        {"stolen_location_lat": 91, "stolen_location_lng": 2},
    ],
)
def test_the_database_refuses_contradictions(theft: StolenVehicle, changes: dict[str, object]) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        StolenVehicle.objects.update(**changes)


@pytest.mark.parametrize("changes", [{"is_stolen": True}, {"year": 1700}, {"country": "bj"}])
def test_the_database_refuses_impossible_vehicles(db: None, changes: dict[str, object]) -> None:
    Vehicle.objects.create(plate_number="AN0674RB")
    with pytest.raises(IntegrityError), transaction.atomic():
        Vehicle.objects.update(**changes)
