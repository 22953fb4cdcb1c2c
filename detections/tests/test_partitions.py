"""`manage.py partitions`: what months there are, and those ahead."""

import io
import json
from collections.abc import Callable
from typing import Any

import pytest
import time_machine
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from conftest import at
from detections import partitions, services
from detections.passages import NewPassage

pytestmark = pytest.mark.django_db


def told(*options: str) -> str:
    """What the command says."""
    output = io.StringIO()
    call_command("partitions", *options, stdout=output)
    return output.getvalue()


def months(*options: str) -> dict[str, dict[str, Any]]:
    """The same as objects, by month."""
    return {one["month"]: one for one in json.loads(told("--json", *options))}


def test_months_are_listed_with_rows_size_and_state(new_passage: Callable[..., NewPassage]) -> None:
    services.record([new_passage("AA0001RB"), new_passage("AA0002RB")])
    month = partitions.month_of(timezone.now().date())
    with connection.cursor() as cursor:
        cursor.execute(f"ANALYZE {partitions.name_of(month)}")
    found = months()
    assert list(found) == sorted(found)
    assert found[f"{month:%Y-%m}"]["rows"] == 2
    assert found[f"{month:%Y-%m}"]["bytes"] > 8192
    assert found[f"{month:%Y-%m}"]["state"] == "current"
    assert found[f"{partitions.add_months(month, -1):%Y-%m}"]["state"] == "past"
    assert found[f"{partitions.add_months(month, 1):%Y-%m}"]["state"] == "ahead"
    lines = told().splitlines()
    assert lines[0].split() == ["month", "rows", "MB", "state"]
    assert any(line.startswith(f"{month:%Y-%m}") and line.endswith("current") for line in lines)


def test_months_ahead_are_made_once() -> None:
    with time_machine.travel(at("2031-11-15T12:00:00+00:00"), tick=False):
        before = set(months())
        assert {"2031-11", "2032-01"}.isdisjoint(before)
        made = [month for month, one in months("--ahead", "2").items() if one["made"]]
        assert made == ["2031-11", "2031-12", "2032-01"]
        assert not any(one["made"] for one in months("--ahead", "2").values())
        assert "ahead, made now" in told("--ahead")
    assert set(months()) - before == {"2031-11", "2031-12", "2032-01", "2032-02"}
