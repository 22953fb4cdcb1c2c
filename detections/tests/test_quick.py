"""The short way reads a body as IngestSerializer does, or leaves it to it."""

import json
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError, OperationalError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import ApiKey
from cameras.models import Camera
from conftest import picture
from detections import services
from detections.api import quick
from detections.api.ingest import quickly
from detections.api.serializers import IngestSerializer
from detections.models import Detection
from detections.services import storing

pytestmark = pytest.mark.django_db

GOOD: dict[str, Any] = {"camera": "seme-krake-1", "plate_number": "BB6232RB"}
VALUES: list[Any] = [
    *(None, True, False, 0, 1, -1, 7, 0.5, 1.0, 1.01, 1e400, 10**30, -0.0),
    *("", " ", "  a ", "0.5", "1_0", "nan", "inf", "x" * 16, "x" * 17, "x" * 64, "x" * 65, "x" * 101),
    *("a\0", "\ud800", "é", "🚗", "one_line", "two_line", "seme-krake-1", "BB 6232 RB", "---"),
    *("2026-11-21", "2026-11-21T09:15:02", "2026-11-21T09:15:02Z", "2026-11-21T09:15:02.5+01:00"),
    *("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "20261121T091502Z", "2026-W47-6T09:00Z"),
    *("6f1f3a2e-6f0a-4a5e-9d3b-0b7f2f7f6c11", "{6f1f3a2e6f0a4a5e9d3b0b7f2f7f6c11}", "7"),
    *([], [1], [1, 2, 3, 4], ["a"], [None], [[[]]], {}, {"a": 1}, {"a": "\0"}, {"a": "\ud800"}),
    *("[]", "[1, 2]", "[NaN]", "{}", '{"a": 1}', "{", {"a": "x" * 3000}, {"a": "x" * 20_000}),
    *([10**20], [1e300], [[0] * 3000], [{"a": [{"b": [1]}]}]),
]
NAMES = [*IngestSerializer().fields, "unknown"]


def by_serializer(data: Any) -> dict[str, Any] | None:
    """What the serializer makes of it; None where it refuses."""
    serializer = IngestSerializer(data=data)
    return dict(serializer.validated_data) if serializer.is_valid() else None


def by_hand(body: bytes) -> dict[str, Any] | None:
    """What the short way makes of it; None where it leaves it to the serializer."""
    try:
        data = quick.parsed(body)
    except quick.UnusualError:
        return None
    cameras = quick.cameras_of([data])
    return quick.fields_of(data, cameras, timezone.now(), simple=quick.is_simple(body))


@pytest.mark.parametrize("name", NAMES)
def test_both_read_the_same(camera: Camera, name: str) -> None:
    for value in VALUES:
        body = json.dumps(GOOD | {name: value})
        mine = by_hand(body.encode())
        if mine is None:
            continue
        wanted = by_serializer(json.loads(body))
        assert wanted is not None, body
        for either in (mine, wanted):
            if name != "detected_at":
                either.pop("detected_at")
        assert mine == wanted, body


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"event_id": str(uuid.uuid4()), "detected_at": "2026-11-21T09:15:02+01:00", "confidence": 1},
        {"bounding_box": [1, 2, 3, 4], "metadata": {"a": {"b": [1]}}, "tpms": [{"id": 1}], "lane": " 1 "},
        {"detection_confidence": None, "bounding_box": None, "layout": "", "vehicle_brand": "Citroën"},
        {"metadata": {"a": "x" * 5000}},
    ],
)
def test_usual_bodies_need_no_serializer(camera: Camera, changes: dict[str, Any]) -> None:
    assert by_hand(json.dumps(GOOD | changes).encode()) is not None


def test_what_is_too_deep_or_too_large_is_left_to_the_serializer(camera: Camera) -> None:
    deep = json.dumps(GOOD)[:-1] + ', "unknown": ' + "[" * 40 + "]" * 40 + "}"
    assert by_hand(deep.encode()) is None
    assert by_hand(json.dumps(GOOD | {"metadata": {"a": 10**20}}).encode()) is None


Send = Callable[..., Any]


def test_a_sensor_goes_the_short_way(camera: Camera, sensor_key: tuple[ApiKey, str], rf: Any) -> None:
    def request() -> Any:
        return rf.post(
            "/api/v1/events/ingest",
            GOOD,
            content_type="application/json",
            headers={"X-API-Key": sensor_key[1]},
        )

    assert quickly(request()) is not None
    with CaptureQueriesContext(connection) as queries:
        answer = quickly(request())
    # Key; the passage. The camera is remembered.
    assert len(queries) == 2, [query["sql"][:60] for query in queries]
    assert answer is not None
    assert answer.status_code == 201
    assert Detection.objects.count() == 2


def test_an_answer_that_is_lost_on_the_short_way_is_found_on_the_long_one(
    client: Client, camera: Camera, sensor_key: tuple[ApiKey, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without an event of the sender's: both ways give it the same, so that it is stored once."""
    real, calls = services.record, []

    def lost(passages: Any) -> Any:
        outcomes = real(passages)
        calls.append(outcomes)
        if len(calls) == 1:
            raise OperationalError("the answer was lost")
        return outcomes

    monkeypatch.setattr(services, "record", lost)
    answer = client.post(
        "/api/v1/events/ingest", GOOD, content_type="application/json", headers={"X-API-Key": sensor_key[1]}
    )
    assert (answer.status_code, answer.json()["status"]) == (200, "duplicate")
    assert Detection.objects.count() == 1


def test_a_camera_that_is_gone_by_the_commit_costs_an_answer_not_an_error(
    client: Client, sensor_key: tuple[ApiKey, str], camera: Camera, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, calls = storing.write, []

    def gone(*args: Any) -> Any:
        calls.append(args)
        if len(calls) == 1:
            raise IntegrityError("planted")
        return real(*args)

    monkeypatch.setattr(storing, "write", gone)
    answer = client.post(
        "/api/v1/events/ingest", GOOD, content_type="application/json", headers={"X-API-Key": sensor_key[1]}
    )
    assert answer.status_code == 201


@pytest.mark.parametrize(
    ("name", "value"),
    [("event_id", str(uuid.uuid4())), ("detected_at", "2026-11-21T09:15:02Z"), ("metadata", '{"a": 1}')],
)
def test_a_field_that_is_sent_as_a_file_is_not_passed_over(
    client: Client, sensor_key: tuple[ApiKey, str], camera: Camera, name: str, value: str
) -> None:
    """Without its event a repeat would be stored twice."""
    form = GOOD | {
        "crop": SimpleUploadedFile("crop.jpg", picture()),
        name: SimpleUploadedFile("part", value.encode()),
    }
    answer = client.post("/api/v1/events/ingest", form, headers={"X-API-Key": sensor_key[1]})
    assert answer.status_code == 400, answer.content
    assert [row["field"] for row in answer.json()["errors"]] == [name]
    assert not Detection.objects.exists()
