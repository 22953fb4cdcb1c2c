"""Theft reports: reported, recovered, never contradictory."""

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import AuditEvent, User
from vehicles.models import StolenVehicle, Vehicle
from vehicles.services import amend_report, recover, report_theft, report_theft_of, save_vehicle

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
    assert list(AuditEvent.objects.values_list("action", flat=True)) == [
        "theft.recover",
        "theft.report",
        "vehicle.create",
    ]


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


def test_a_recovered_vehicle_can_be_reported_again_and_keeps_what_was(
    theft: StolenVehicle, operator: User
) -> None:
    recover(theft, by=operator, location="Parakou")
    again = report_theft_of(
        plate_number="BB6232RB", by=operator, report_number="PV-2", stolen_date=timezone.now()
    )
    again.refresh_from_db()
    assert (again.pk, again.is_active, again.report_number) == (theft.pk, True, "PV-2")
    assert (again.recovered_date, again.recovered_by, again.contact_person) == (None, None, "")
    assert again.created_at > theft.created_at
    vehicle = Vehicle.objects.get()
    assert vehicle.is_stolen
    [former] = vehicle.metadata["former_thefts"]
    assert (former["report_number"], former["stolen_date"]) == (
        "PV-2026-0001",
        theft.stolen_date.isoformat(),
    )
    assert (former["recovered_location"], former["recovered_by"]) == ("Parakou", str(operator))
    assert former["recovered_date"]
    assert "Dossou" not in str(former)
    row = AuditEvent.objects.filter(action="theft.report").latest("at")
    assert row.details == {"report_number": "PV-2", "former": former | {"description": ""}}
    recover(again, by=operator)
    report_theft_of(plate_number="BB6232RB", by=operator, report_number="PV-3", stolen_date=timezone.now())
    assert [entry["report_number"] for entry in Vehicle.objects.get().metadata["former_thefts"]] == [
        "PV-2026-0001",
        "PV-2",
    ]


def test_the_number_of_an_earlier_theft_is_not_used_again(theft: StolenVehicle, operator: User) -> None:
    def report(plate: str, number: str) -> None:
        report_theft_of(plate_number=plate, by=operator, report_number=number, stolen_date=timezone.now())

    recover(theft, by=operator)
    with pytest.raises(ValidationError, match="report_number"), transaction.atomic():
        report("BB6232RB", theft.report_number)
    report("BB6232RB", "PV-2")
    with pytest.raises(ValidationError, match="report_number"), transaction.atomic():
        report("AN0674RB", theft.report_number)


def test_a_report_is_amended_with_a_trace_of_the_fields(theft: StolenVehicle, operator: User) -> None:
    amend_report(theft, by=operator, description="rayures", contact_phone="97000000", police_station="")
    amend_report(theft, by=operator, description="rayures")
    theft.refresh_from_db()
    assert (theft.description, theft.contact_phone) == ("rayures", "97000000")
    row = AuditEvent.objects.get(action="theft.amend")
    assert (row.actor, row.target_id) == (operator, str(theft.pk))
    assert row.details == {
        "report_number": theft.report_number,
        "fields": ["contact_phone", "description", "police_station"],
    }


@pytest.mark.parametrize("name", ["vehicle", "plate_number", "report_number", "is_active", "recovered_date"])
def test_what_a_report_is_filed_under_stays(theft: StolenVehicle, operator: User, name: str) -> None:
    with pytest.raises(ValidationError):
        amend_report(theft, by=operator, **{name: "AN0674RB"})
    with pytest.raises(ValidationError):
        amend_report(theft, by=operator, contact_email="no address")
    assert not AuditEvent.objects.filter(action="theft.amend").exists()


def test_amending_does_not_undo_a_recovery_that_came_first(theft: StolenVehicle, operator: User) -> None:
    recover(StolenVehicle.objects.get(), by=operator)
    amend_report(theft, by=operator, description="rayures")
    assert not StolenVehicle.objects.get().is_active


def test_the_register_is_changed_with_a_trace(operator: User) -> None:
    vehicle = Vehicle(plate_number="AN0674RB", brand="Toyota")
    save_vehicle(vehicle, changed=["plate_number", "brand"], created=True, by=operator)
    stale = Vehicle.objects.get()
    recover(
        report_theft_of(plate_number="AN0674RB", by=operator, report_number="1", stolen_date=timezone.now()),
        by=operator,
    )
    report_theft_of(plate_number="AN0674RB", by=operator, report_number="2", stolen_date=timezone.now())
    stale.color, stale.metadata = "gris", {"note": 1}
    save_vehicle(stale, changed=["color", "metadata"], created=False, by=operator)
    stored = Vehicle.objects.get()
    assert (stored.color, stored.is_stolen, stored.metadata["note"]) == ("gris", True, 1)
    assert stored.metadata["former_thefts"][0]["report_number"] == "1"
    rows = AuditEvent.objects.filter(action__startswith="vehicle.").order_by("pk")
    assert [(row.action, row.actor, row.details) for row in rows] == [
        ("vehicle.create", operator, {"plate": "AN0674RB", "fields": ["plate_number", "brand"]}),
        ("vehicle.change", operator, {"plate": "AN0674RB", "fields": ["color", "metadata"]}),
    ]


def test_a_vehicle_that_a_report_brings_into_the_register_is_noted(theft: StolenVehicle) -> None:
    row = AuditEvent.objects.get(action="vehicle.create")
    assert row.target_id == str(theft.vehicle_id)
    assert row.details["plate"] == "BB6232RB"
