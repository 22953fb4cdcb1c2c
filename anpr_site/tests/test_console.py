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

pytestmark = pytest.mark.django_db(transaction=True)

New = Callable[..., NewPassage]
LISTS = {
    "/admin/alerts/alert/": {"admin", "operator", "viewer"},
    "/admin/detections/detection/": {"admin", "operator", "viewer"},
    "/admin/cameras/camera/": {"admin", "operator", "viewer"},
    "/admin/vehicles/vehicle/": {"admin", "operator", "viewer"},
    "/admin/vehicles/stolenvehicle/": {"admin", "operator"},
    "/admin/detections/submission/": {"admin"},
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
