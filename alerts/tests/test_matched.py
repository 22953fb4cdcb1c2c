"""The list of passages can be narrowed to those that raised an alert."""

from collections.abc import Callable

import pytest
from django.test import Client

from accounts.models import User
from alerts.services import match_passages
from detections.models import Detection
from detections.passages import NewPassage
from detections.services import record
from vehicles.models import StolenVehicle

pytestmark = pytest.mark.django_db


def test_matched_passages_raised_an_alert_or_were_folded_into_one(
    client: Client, viewer: User, new_passage: Callable[..., NewPassage], theft: StolenVehicle
) -> None:
    record([new_passage("BB6232RB"), new_passage("BB6232RB"), new_passage("AN0674RB")])
    match_passages(list(Detection.objects.order_by("pk").select_related("camera")))
    client.force_login(viewer)

    def plates(query: str) -> list[str]:
        rows = client.get(f"/api/v1/events?{query}").json()["results"]
        return [row["plate_number"] for row in rows]

    assert plates("matched=true") == ["BB6232RB", "BB6232RB"]
    assert plates("matched=false") == ["AN0674RB"]
    assert len(plates("")) == 3
