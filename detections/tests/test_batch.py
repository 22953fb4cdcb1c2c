"""/api/v1/events/batch: good lines are kept, bad ones told, a repeat changes nothing, memory stays small."""

import gzip
import json
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import ApiKey, Scope, User
from accounts.services import create_api_key
from cameras.models import Camera
from detections.models import Detection

pytestmark = pytest.mark.django_db

BATCH = "/api/v1/events/batch"
NDJSON = "application/x-ndjson"
Post = Callable[..., Any]


@pytest.fixture
def post(client: Client, sensor_key: tuple[ApiKey, str]) -> Post:
    """Send a body as the sensor does."""

    def _post(body: bytes | str, content_type: str = NDJSON, **headers: str) -> Any:
        return client.post(
            BATCH, body, content_type=content_type, headers={"X-API-Key": sensor_key[1]} | headers
        )

    return _post


def reading(at: Camera, **changes: Any) -> dict[str, Any]:
    """A good line."""
    return {
        "event_id": str(uuid.uuid4()),
        "camera": at.code,
        "plate_number": "BB6232RB",
        "detected_at": timezone.now().isoformat(),
    } | changes


def lines(*rows: Any) -> str:
    """As NDJSON; text stays as it is."""
    return "\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows) + "\n"


def assert_error(response: Any, status: int, field: str = "", code: str = "") -> None:
    """The one error format."""
    assert response.status_code == status, response.content
    body = response.json()
    assert set(body) == {"detail", "timestamp", "errors"}
    assert body["detail"]
    if code:
        assert (field, code) in {(row["field"], row["code"]) for row in body["errors"]}


@pytest.mark.parametrize("content_type", [NDJSON, "application/json"])
def test_a_batch_is_stored_and_its_repeat_changes_nothing(
    post: Post, camera: Camera, content_type: str
) -> None:
    rows = [reading(camera, plate_number=f"AB{number:04}RB") for number in range(30)]
    body = lines(*rows) if content_type == NDJSON else json.dumps(rows)
    first, second = post(body, content_type).json(), post(body, content_type).json()
    assert (first["created"], first["duplicates"], first["rejected"]) == (30, 0, 0)
    assert (second["created"], second["duplicates"], second["rejected"]) == (0, 30, 0)
    assert [row["id"] for row in first["results"]] == [row["id"] for row in second["results"]]
    assert [row["line"] for row in first["results"]] == list(range(1, 31))
    assert [row["event_id"] for row in first["results"]] == [row["event_id"] for row in rows]
    assert Detection.objects.count() == 30


BAD_LINES: list[tuple[str | dict[str, Any], str, str]] = [
    ('{"camera": ', "", "parse_error"),
    ("no JSON at all", "", "parse_error"),
    ('{"confidence": NaN}', "", "parse_error"),
    ("[" * 60 + "]" * 60, "", "parse_error"),
    ("5", "non_field_errors", "invalid"),
    ({"camera": "nowhere"}, "camera", "unknown"),
    ({"camera": None}, "camera", "null"),
    ({"plate_number": "A" * 40}, "plate_number", "too_long"),
    ({"plate_number": "🚗🚗"}, "plate_number", "required"),
    ({"plate_number": "A\0B"}, "plate_number", "null_characters_not_allowed"),
    ({"confidence": 1.5}, "confidence", "max_value"),
    ({"confidence": "NaN"}, "confidence", "invalid"),
    ({"bounding_box": [5, 5, 1, 1]}, "bounding_box", "invalid_box"),
    ({"bounding_box": [0, 0, 1e9, 1e9]}, "bounding_box", "invalid_box"),
    ({"detected_at": "1970-01-01T00:00:00Z"}, "detected_at", "too_old"),
    ({"detected_at": "2090-01-01T00:00:00Z"}, "detected_at", "in_the_future"),
    ({"metadata": {"a": "x" * 20_000}}, "metadata", "too_large"),
    ({"metadata": {"a": "x" * 70_000}}, "", "too_large"),
]


@pytest.mark.parametrize(("bad", "field", "code"), BAD_LINES)
def test_a_bad_line_among_good_ones_costs_only_itself(
    post: Post, camera: Camera, bad: str | dict[str, Any], field: str, code: str
) -> None:
    middle = bad if isinstance(bad, str) else reading(camera, **bad)
    answer = post(lines(reading(camera), middle, reading(camera)))
    assert answer.status_code == 200, answer.content
    results = answer.json()["results"]
    assert [row["status"] for row in results] == ["created", "rejected", "created"]
    assert (field, code) in {(error["field"], error["code"]) for error in results[1]["errors"]}
    assert all(error["message"] for error in results[1]["errors"])
    assert Detection.objects.count() == 2


@pytest.mark.parametrize(("bad", "field", "code"), BAD_LINES)
def test_a_batch_without_a_good_line_is_a_400(
    post: Post, camera: Camera, bad: str | dict[str, Any], field: str, code: str
) -> None:
    only = bad if isinstance(bad, str) else reading(camera, **bad)
    assert_error(post(lines(only)), 400, f"1.{field}".rstrip("."), code)
    assert not Detection.objects.exists()


def test_blank_lines_count_but_are_no_passages(post: Post, camera: Camera) -> None:
    answer = post("\n\r\n" + lines(reading(camera))).json()
    assert [(row["line"], row["status"]) for row in answer["results"]] == [(3, "created")]


def test_one_event_twice_in_a_batch_is_stored_once(post: Post, camera: Camera) -> None:
    row = reading(camera)
    answer = post(lines(row, row)).json()
    assert [result["status"] for result in answer["results"]] == ["created", "duplicate"]
    assert Detection.objects.count() == 1


def test_a_batch_longer_than_a_chunk_is_stored_whole(post: Post, camera: Camera) -> None:
    answer = post(lines(*(reading(camera) for _ in range(1005)))).json()
    assert answer["created"] == 1005
    assert [row["line"] for row in answer["results"]] == list(range(1, 1006))


def test_a_batch_that_breaks_off_keeps_its_whole_lines(post: Post, camera: Camera) -> None:
    answer = post(lines(reading(camera), reading(camera))[:-40]).json()
    assert [row["status"] for row in answer["results"]] == ["created", "rejected"]


def test_a_packed_batch_is_unpacked(post: Post, camera: Camera) -> None:
    packed = gzip.compress(lines(reading(camera), reading(camera)).encode())
    assert post(packed, **{"Content-Encoding": "gzip"}).json()["created"] == 2
    assert_error(post(b"no gzip", **{"Content-Encoding": "gzip"}), 400)
    assert_error(post(packed, **{"Content-Encoding": "br"}), 415)


@pytest.mark.parametrize("body", [b"\n\n", b"[]", b"{}", b"[1,", b'"text"'])
def test_nothing_to_read_is_a_400(post: Post, body: bytes) -> None:
    assert_error(post(body, "application/json" if body.strip() else NDJSON), 400)


def test_what_is_no_json_is_a_415(post: Post) -> None:
    assert_error(post(b"a;b", "text/csv"), 415)


def test_limits(post: Post, camera: Camera, settings: Any) -> None:
    settings.MAX_BATCH_LINES = 2
    assert_error(post(json.dumps([reading(camera)] * 3), "application/json"), 413, "", "too_large")
    settings.MAX_BATCH_BYTES = 2000
    assert_error(post(b"x" * 3000), 413, "", "too_large")
    bomb = gzip.compress(b" " * 3000)
    assert_error(post(bomb, **{"Content-Encoding": "gzip"}), 413, "", "too_large")
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 100
    assert_error(post(b" " * 200, "application/json"), 413, "", "too_large")
    assert not Detection.objects.exists()


def test_lines_before_a_limit_are_kept(post: Post, camera: Camera, settings: Any) -> None:
    settings.MAX_BATCH_LINES = 1000
    answer = post(lines(*(reading(camera) for _ in range(1001))))
    assert_error(answer, 413, "", "too_large")
    assert "1000" in answer.json()["detail"]
    assert Detection.objects.count() == 1000


def test_a_batch_needs_a_key_with_its_scope_or_a_role(client: Client, camera: Camera, viewer: User) -> None:
    body = lines(reading(camera))
    assert_error(client.post(BATCH, body, content_type=NDJSON, headers={"X-API-Key": "no.key"}), 401)
    _key, token = create_api_key(name="reader", scopes=[Scope.EVENTS_READ], by=None)
    assert_error(client.post(BATCH, body, content_type=NDJSON, headers={"X-API-Key": token}), 403)
    client.force_login(viewer)
    assert_error(client.post(BATCH, body, content_type=NDJSON), 403)
    assert not Detection.objects.exists()


def test_an_operators_batch_says_who_sent_it(client: Client, camera: Camera, operator: User) -> None:
    client.force_login(operator)
    assert client.post(BATCH, lines(reading(camera)), content_type=NDJSON).status_code == 200
    assert Detection.objects.get().created_by == operator


def test_queries_do_not_grow_with_the_batch(post: Post, camera: Camera) -> None:
    post(lines(reading(camera)))  # notes that the key was used
    counts = []
    for size in (2, 200):
        with CaptureQueriesContext(connection) as queries:
            assert post(lines(*(reading(camera) for _ in range(size)))).json()["created"] == size
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 6, [query["sql"][:80] for query in queries]


@pytest.mark.parametrize(
    "field",
    ["camera", "plate_number", "vehicle_type", "lane", "detected_at", "event_id", "layout", "metadata"],
)
@pytest.mark.parametrize("content_type", [NDJSON, "application/json"])
@pytest.mark.parametrize("value", ["a\0", "\ud800", {"a": "\0"}, {"a": "\ud800"}, {"a": float("inf")}])
def test_what_postgresql_cannot_keep_costs_only_its_line(
    post: Post, camera: Camera, field: str, content_type: str, value: Any
) -> None:
    good, bad = reading(camera), json.dumps(reading(camera) | {field: value}).replace("Infinity", "1e400")
    sent = lines(good, bad) if content_type == NDJSON else f"[{json.dumps(good)}, {bad}]"
    response = post(sent, content_type)
    assert response.status_code == 200, response.content
    assert [result["status"] for result in response.json()["results"]] == ["created", "rejected"]


def test_a_batch_packed_in_parts_is_unpacked_to_its_end(post: Post, camera: Camera) -> None:
    """A gzip file may be several, one after the other: so write programs that pack as they go."""
    parts = [gzip.compress(lines(reading(camera)).encode()) for _part in range(3)]
    response = post(b"".join(parts), **{"Content-Encoding": "gzip"})
    assert response.json()["created"] == 3
