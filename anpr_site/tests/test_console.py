"""The operator console: what each role finds there, at what cost, and what it leaves in the audit trail."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import ApiKey, AuditEvent, User
from alerts import tasks
from alerts.models import Alert
from conftest import picture
from detections.models import Detection
from detections.passages import NewPassage
from detections.services import record
from vehicles.models import StolenVehicle, Vehicle
from vehicles.services import recover

pytestmark = pytest.mark.django_db(transaction=True)

New = Callable[..., NewPassage]
LISTS = {
    "/admin/alerts/alert/": {"admin", "operator", "viewer"},
    "/admin/detections/detection/": {"admin", "operator", "viewer"},
    "/admin/cameras/camera/": {"admin", "operator", "viewer"},
    "/admin/cameras/zone/": {"admin", "operator"},
    "/admin/cameras/modelconfig/": {"admin"},
    "/admin/cameras/sensorsettings/": {"admin"},
    "/admin/vehicles/vehicle/": {"admin", "operator", "viewer"},
    "/admin/vehicles/stolenvehicle/": {"admin", "operator"},
    "/admin/detections/deletioncertificate/": {"admin"},
    "/admin/detections/retentionrule/": {"admin"},
    "/admin/detections/submission/": {"admin", "operator"},
    "/admin/detections/feedcursor/": {"admin"},
    "/admin/accounts/user/": {"admin"},
    "/admin/accounts/apikey/": {"admin"},
    "/admin/accounts/auditevent/": {"admin"},
}


@pytest.fixture
def passages(new_passage: New, theft: StolenVehicle) -> list[Detection]:
    """Thirty passages, one of a stolen vehicle."""
    record([new_passage(f"AB{number:04}") for number in range(29)] + [new_passage(frame=picture())])
    tasks.match_passages()
    return list(Detection.objects.order_by("pk"))


@pytest.mark.parametrize("address", sorted(LISTS))
def test_each_list_opens_for_its_roles_in_few_queries(
    address: str,
    admin_user: User,
    operator: User,
    viewer: User,
    passages: list[Detection],
    logged_in: Callable[[User], Client],
    django_assert_max_num_queries: Any,
) -> None:
    for user in (admin_user, operator, viewer):
        client = logged_in(user)
        with django_assert_max_num_queries(12):
            response = client.get(address)
        assert response.status_code == (200 if user.role in LISTS[address] else 403), (address, user.role)


def test_the_console_uses_the_one_log_in(client: Client) -> None:
    response = client.get("/admin/login/?next=/admin/alerts/alert/")
    assert response.status_code == 302
    assert response.headers["Location"].startswith("/connexion/?next=")


def test_a_look_at_a_passage_is_audited_and_a_plate_cannot_be_searched_without_reason(
    operator: User, passages: list[Detection], logged_in: Callable[[User], Client]
) -> None:
    client = logged_in(operator)
    assert client.get(f"/admin/detections/detection/{passages[0].pk}/change/").status_code == 200
    row = AuditEvent.objects.get(action="passage.view")
    assert (row.actor, row.target_id) == (operator, str(passages[0].pk))
    for lookup in ("plate_number=AB0001", "plate_number__startswith=AB", "plate_key=480001"):
        response = client.get(f"/admin/detections/detection/?{lookup}")
        assert response.status_code in (302, 400), lookup
    assert b'id="searchbar"' not in client.get("/admin/detections/detection/").content


def test_nobody_writes_passages_alerts_or_the_trail_by_hand(
    admin_user: User, passages: list[Detection], logged_in: Callable[[User], Client]
) -> None:
    client = logged_in(admin_user)
    alert, row = Alert.objects.get(), AuditEvent.objects.first()
    assert row is not None
    for address in (
        "/admin/detections/detection/add/",
        "/admin/alerts/alert/add/",
        "/admin/accounts/auditevent/add/",
    ):
        assert client.get(address).status_code == 403
    for address in (
        f"/admin/detections/detection/{passages[0].pk}/delete/",
        f"/admin/alerts/alert/{alert.pk}/delete/",
        f"/admin/accounts/auditevent/{row.pk}/delete/",
    ):
        assert client.post(address, {"post": "yes"}).status_code == 403


def test_a_theft_is_reported_and_closed_in_the_console(
    operator: User, logged_in: Callable[[User], Client]
) -> None:
    client = logged_in(operator)
    vehicle = Vehicle.objects.create(plate_number="AN0674RB")
    response = client.post(
        "/admin/vehicles/stolenvehicle/add/",
        {
            "plate_number": "an 0674 rb",
            "report_number": "PV-7",
            "vehicle": vehicle.pk,
            "stolen_date_0": timezone.localdate().isoformat(),
            "stolen_date_1": "08:00",
        },
    )
    assert response.status_code == 302, response.context["errors"]
    report = StolenVehicle.objects.get(report_number="PV-7")
    assert report.reported_by == operator
    assert Vehicle.objects.get().is_stolen
    client.post(
        "/admin/vehicles/stolenvehicle/", {"action": "mark_recovered", "_selected_action": [report.pk]}
    )
    assert not Vehicle.objects.get().is_stolen


def test_alerts_are_acknowledged_by_an_action_that_viewers_lack(
    operator: User, viewer: User, passages: list[Detection], logged_in: Callable[[User], Client]
) -> None:
    alert = Alert.objects.get()
    action = {"action": "acknowledge", "_selected_action": [alert.pk]}
    logged_in(viewer).post("/admin/alerts/alert/", action)
    alert.refresh_from_db()
    assert alert.acknowledged_by is None
    logged_in(operator).post("/admin/alerts/alert/", action)
    alert.refresh_from_db()
    assert alert.acknowledged_by == operator


def test_a_keys_token_is_shown_once(admin_user: User, logged_in: Callable[[User], Client]) -> None:
    client = logged_in(admin_user)
    response = client.post(
        "/admin/accounts/apikey/add/", {"name": "Poste d’Igolo", "scopes": "events:write"}, follow=True
    )
    key = ApiKey.objects.get()
    assert f"{key.prefix}.".encode() in response.content
    assert f"{key.prefix}.".encode() not in client.get("/admin/accounts/apikey/").content


def test_changes_of_accounts_leave_a_trace_without_the_password(
    admin_user: User, viewer: User, logged_in: Callable[[User], Client]
) -> None:
    client = logged_in(admin_user)
    response = client.post(
        f"/admin/accounts/user/{viewer.pk}/change/",
        {"email": viewer.email, "username": viewer.username, "role": "operator", "is_active": "on"},
    )
    assert response.status_code == 302
    row = AuditEvent.objects.get(action="user.change")
    assert row.details["role"] == "operator"
    assert "password" not in str(row.details)


def form_of(response: Any) -> dict[str, Any]:
    """What a browser would send of an unchanged console form."""
    data: dict[str, Any] = {}
    for field in response.context["adminform"].form:
        parts = field.subwidgets[0].data.get("subwidgets") or [field.subwidgets[0].data]
        data |= {part["name"]: "" if part["value"] is None else part["value"] for part in parts}
        if field.field.show_hidden_initial:
            data[field.html_initial_name] = data[field.html_name]
    return data


def test_a_filed_report_is_amended_with_a_trace_and_never_moved_to_another_vehicle(
    operator: User, theft: StolenVehicle, logged_in: Callable[[User], Client]
) -> None:
    other = Vehicle.objects.create(plate_number="AN0674RB")
    client, address = logged_in(operator), f"/admin/vehicles/stolenvehicle/{theft.pk}/change/"
    data = form_of(client.get(address))
    assert not {"vehicle", "plate_number", "report_number"} & set(data)
    moved = {"vehicle": other.pk, "plate_number": other.plate_number, "report_number": "PV-9"}
    response = client.post(address, data | moved | {"description": "rayures"})
    assert response.status_code == 302, response.context["errors"]
    theft.refresh_from_db()
    assert (theft.plate_number, theft.report_number) == ("BB6232RB", "PV-2026-0001")
    assert theft.description == "rayures"
    row = AuditEvent.objects.get(action="theft.amend")
    assert (row.actor, row.details["fields"]) == (operator, ["description"])


def test_a_recovered_vehicle_is_reported_again_in_the_console(
    operator: User, theft: StolenVehicle, logged_in: Callable[[User], Client]
) -> None:
    client = logged_in(operator)
    data = {
        "plate_number": "BB6232RB",
        "report_number": "PV-2",
        "vehicle": theft.vehicle_id,
        "stolen_date_0": timezone.localdate().isoformat(),
        "stolen_date_1": "08:00",
    }
    response = client.post("/admin/vehicles/stolenvehicle/add/", data)
    assert "vehicle" in response.context["adminform"].form.errors, "it is missing still"
    recover(theft, by=operator)
    response = client.post("/admin/vehicles/stolenvehicle/add/", data)
    assert response.status_code == 302, response.context["errors"]
    report = StolenVehicle.objects.get()
    assert (report.report_number, report.is_active) == ("PV-2", True)
    assert Vehicle.objects.get().is_stolen


def test_changes_of_the_register_leave_a_trace(operator: User, logged_in: Callable[[User], Client]) -> None:
    client = logged_in(operator)
    data = form_of(client.get("/admin/vehicles/vehicle/add/")) | {"plate_number": "AN 0674 RB"}
    assert client.post("/admin/vehicles/vehicle/add/", data).status_code == 302
    address = f"/admin/vehicles/vehicle/{Vehicle.objects.get().pk}/change/"
    assert client.post(address, form_of(client.get(address)) | {"color": "gris"}).status_code == 302
    rows = AuditEvent.objects.filter(actor=operator).order_by("pk")
    assert [(row.action, row.details["fields"]) for row in rows] == [
        ("vehicle.create", ["plate_number"]),
        ("vehicle.change", ["color"]),
    ]


def test_a_password_set_for_somebody_and_ones_own_leave_a_trace(
    admin_user: User, operator: User, logged_in: Callable[[User], Client]
) -> None:
    new = {"password1": "hjk345lkjdfg9", "password2": "hjk345lkjdfg9", "usable_password": "true"}
    client, address = logged_in(admin_user), f"/admin/accounts/user/{operator.pk}/password/"
    client.get(address)
    client.post(address, new | {"password2": "another"})
    assert not AuditEvent.objects.filter(action="user.password").exists()
    assert client.post(address, new).status_code == 302
    operator.refresh_from_db()
    assert operator.check_password(new["password1"])
    row = AuditEvent.objects.get(action="user.password")
    assert (row.actor, row.target_id, row.details) == (admin_user, str(operator.pk), {"usable": True})
    own = {"old_password": new["password1"], "new_password1": "mnb987qwert5", "new_password2": "mnb987qwert5"}
    assert logged_in(operator).post("/admin/password_change/", own).status_code == 302
    assert AuditEvent.objects.filter(action="user.password", actor=operator).count() == 1


def test_a_user_name_that_differs_in_case_only_is_told_in_the_form(
    admin_user: User, operator: User, viewer: User, logged_in: Callable[[User], Client]
) -> None:
    response = logged_in(admin_user).post(
        f"/admin/accounts/user/{viewer.pk}/change/",
        {"email": viewer.email, "username": "Operator", "role": "viewer", "is_active": "on"},
    )
    assert response.status_code == 200
    assert "majuscules" in response.content.decode()


@pytest.mark.parametrize(
    "address",
    [
        "cameras/camera/?status__exact=%00",
        "alerts/alert/?status=a%00",
        "accounts/auditevent/?q=%00",
        "vehicles/vehicle/?a%00=1",
    ],
)
def test_a_filter_with_a_nul_is_a_bad_request(
    admin_user: User, logged_in: Callable[[User], Client], address: str
) -> None:
    assert logged_in(admin_user).get(f"/admin/{address}").status_code == 400
