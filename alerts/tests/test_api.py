"""/api/v1/alerts."""

from collections.abc import Callable

import pytest
from django.test import Client

from accounts.models import User
from alerts import tasks
from alerts.models import Alert
from detections.passages import NewPassage
from detections.services import record
from vehicles.models import StolenVehicle

pytestmark = pytest.mark.django_db(transaction=True)


def test_an_operator_takes_an_alert_once_and_a_viewer_never(
    client: Client, operator: User, viewer: User, new_passage: Callable[..., NewPassage], theft: StolenVehicle
) -> None:
    record([new_passage()])
    tasks.match_passages()
    address = f"/api/v1/alerts/{Alert.objects.get().pk}/acknowledge"
    client.force_login(viewer)
    assert client.post(address).status_code == 403
    assert [row["match_kind"] for row in client.get("/api/v1/alerts").json()["results"]] == ["exact"]
    client.force_login(operator)
    assert client.post(address).json()["status"] == "acknowledged"
    again = client.post(address)
    assert again.status_code == 409
    assert set(again.json()) == {"detail", "timestamp", "errors"}


def test_a_made_up_cursor_is_not_found(client: Client, viewer: User) -> None:
    client.force_login(viewer)
    answer = client.get("/api/v1/alerts?cursor=cD1hYmM=")
    assert answer.status_code == 404
    assert set(answer.json()) == {"detail", "timestamp", "errors"}


def test_nobody_sees_alerts_without_logging_in(client: Client) -> None:
    assert client.get("/api/v1/alerts").status_code == 401
