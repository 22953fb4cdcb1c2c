"""POST /api/v1/events/search: what it finds, what it refuses, what it leaves in the audit trail."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import ApiKey, AuditEvent, Scope, User
from accounts.services import create_api_key
from cameras.models import Camera
from detections.passages import NewPassage
from detections.search import Place
from detections.services import record

pytestmark = pytest.mark.django_db

URL = "/api/v1/events/search"
New = Callable[..., NewPassage]
LogIn = Callable[[User], Client]
Ask = Callable[..., Any]


@pytest.fixture
def reader_key(db: None) -> tuple[ApiKey, str]:
    """A key that may read events."""
    return create_api_key(name="reader", scopes=[Scope.EVENTS_READ], by=None)


@pytest.fixture
def ask(logged_in: LogIn, operator: User) -> Ask:
    """Ask as an operator, in English, with a reason."""
    client = logged_in(operator)

    def _ask(plate: str = "BB6232", mode: str = "exact", **changes: Any) -> Any:
        body = {"plate": plate, "mode": mode, "reason": "control at Igolo"} | changes
        return client.post(URL, body, content_type="application/json", headers={"accept-language": "en"})

    return _ask


def errors(response: Any, status: int = 400) -> set[tuple[str, str]]:
    assert response.status_code == status, response.content
    assert set(response.json()) == {"detail", "timestamp", "errors"}
    return {(row["field"], row["code"]) for row in response.json()["errors"]}


def test_near_misses_come_with_score_and_words(ask: Ask, new_passage: New) -> None:
    record(
        [new_passage("8B6232", char_confidences=[1.0] * 6), new_passage("BB6232RB"), new_passage("KX1234")]
    )
    answer = ask(mode="fuzzy").json()
    assert [(row["plate_number"], row["match"]["score"]) for row in answer["results"]] == [
        ("BB6232RB", 1.0),
        ("8B6232", 0.9),
    ]
    near = answer["results"][1]
    assert near["match"]["kind"] == "confusable"
    assert near["match"]["characters"][0] == {
        "position": 1,
        "read": "8",
        "searched": "B",
        "kind": "confusable",
        "text": "1st character: 8 read, B possible",
    }
    assert near["match"]["characters"][1]["text"] == ""
    assert near["camera"] == "seme-krake-1"
    assert (answer["plates"], answer["cut"], answer["lags"], answer["older"]) == (2, False, False, None)


def test_pages_both_ways(ask: Ask, new_passage: New) -> None:
    now = timezone.now()
    record([new_passage("BB6232RB", detected_at=now - timedelta(minutes=at)) for at in range(7)])
    first = ask(page_size=3).json()
    second = ask(page_size=3, cursor=first["older"]).json()
    third = ask(page_size=3, cursor=second["older"]).json()
    ids = [[row["id"] for row in page["results"]] for page in (first, second, third)]
    assert [len(page) for page in ids] == [3, 3, 1]
    assert len({one for page in ids for one in page}) == 7
    assert (first["newer"], third["older"]) == (None, None)
    back = ask(page_size=3, cursor=third["newer"]).json()
    assert [row["id"] for row in back["results"]] == ids[1]
    assert "BB6232" not in first["older"]


def test_cameras_area_and_time_narrow(ask: Ask, new_passage: New, camera: Camera) -> None:
    other = Camera.objects.create(name="Porga", code="porga", latitude="11.05", longitude="0.97")
    now = timezone.now()
    record(
        [new_passage("BB6232RB"), new_passage("BB6232RB", camera=other, detected_at=now - timedelta(days=2))]
    )

    def places(**changes: Any) -> list[str]:
        return [row["camera"] for row in ask(**changes).json()["results"]]

    assert places() == [camera.code, "porga"]
    assert places(cameras=["porga"]) == ["porga"]
    assert places(**{"from": (now - timedelta(days=1)).isoformat()}) == [camera.code]
    assert places(to=(now - timedelta(days=1)).isoformat()) == ["porga"]
    north = [[[0, 10], [2, 10], [2, 12], [0, 12], [0, 10]]]
    assert places(area={"type": "Polygon", "coordinates": north}) == ["porga"]


CROSSING = [[1, 1], [2, 2], [1, 2], [2, 1], [1, 1]]
BAD: list[tuple[dict[str, Any], tuple[str, str]]] = [
    ({"reason": ""}, ("reason", "blank")),
    ({"reason": " x "}, ("reason", "required")),
    ({"plate": "*", "mode": "wildcard"}, ("plate", "too_short")),
    ({"plate": "A" * 40}, ("plate", "too_long")),
    ({"plate": "B\0B6232"}, ("plate", "null_characters_not_allowed")),
    ({"plate": "\ud800BB6232"}, ("plate", "surrogate_characters_not_allowed")),
    ({"mode": "guess"}, ("mode", "invalid_choice")),
    ({"max_edits": 3}, ("max_edits", "max_value")),
    ({"from": "yesterday"}, ("from", "invalid")),
    ({"to": "2090-01-01T00:00:00Z"}, ("to", "in_the_future")),
    ({"to": "1970-01-01T00:00:00Z"}, ("from", "too_old")),
    ({"to": "0001-01-02T00:00:00Z"}, ("from", "too_old")),
    ({"from": "2026-01-01T00:00:00Z", "to": "2025-12-31T00:00:00Z"}, ("from", "window_empty")),
    ({"cameras": ["nowhere"]}, ("cameras", "unknown")),
    ({"cameras": []}, ("cameras", "empty")),
    ({"area": {"type": "Point", "coordinates": [1, 2]}}, ("area", "geometry_type")),
    ({"area": {"type": "Polygon", "coordinates": [CROSSING]}}, ("area", "geometry_crossing")),
    ({"cursor": "AAAA"}, ("cursor", "invalid")),
    ({"cursor": "W10"}, ("cursor", "invalid")),
    ({"page_size": 5000}, ("page_size", "max_value")),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "expected"), BAD)
def test_bad_input_is_refused_in_the_one_format_and_searches_nothing(
    ask: Ask, changes: dict[str, Any], expected: tuple[str, str]
) -> None:
    response = ask(**changes)
    assert expected in errors(response), response.json()
    assert not AuditEvent.objects.filter(action="passage.search").exists()


def test_the_audit_row_tells_what_why_and_how_many(
    ask: Ask, new_passage: New, operator: User, camera: Camera
) -> None:
    record([new_passage("BB6232RB")])
    asked = {
        "mode": "fuzzy",
        "cameras": [camera.code],
        "case_reference": "PV 7",
        "to": timezone.now().isoformat(),
    }
    assert ask(**asked).status_code == 200
    event = AuditEvent.objects.get(action="passage.search")
    assert (event.actor, event.reason, event.case_reference) == (operator, "control at Igolo", "PV 7")
    assert event.ip_address == "127.0.0.1"
    details = event.details
    assert (details["mode"], details["plate"], details["max_edits"]) == ("fuzzy", "BB6232", 1)
    assert (details["cameras"], details["area"]) == ([camera.pk], None)
    assert (details["results"], details["more"], details["plates"]) == (1, False, 1)
    assert details["to"] == asked["to"]
    ask(**asked)
    assert AuditEvent.objects.filter(action="passage.search").count() == 1, "the same within an hour"
    ask(**(asked | {"case_reference": "PV 8"}))
    assert AuditEvent.objects.filter(action="passage.search").count() == 2


def test_a_search_that_was_ended_is_noted_too(
    ask: Ask, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    settings.SEARCH_TIMEOUT_MS = 1
    slow = "detections.search.dictionary._LAGS"
    monkeypatch.setattr(slow, "SELECT NULL, NULL FROM fresh, pg_sleep(1) HAVING count(*) > %(fresh_most)s")
    assert errors(ask("BB6232", "fuzzy")) == {("plate", "too_slow")}
    assert AuditEvent.objects.get(action="passage.search").details["results"] is None


def test_who_must_name_a_case(
    ask: Ask, logged_in: LogIn, viewer: User, reader_key: tuple[ApiKey, str], settings: Any
) -> None:
    body = {"plate": "BB6232", "reason": "control"}
    key = {"x-api-key": reader_key[1]}
    for client, headers in ((logged_in(viewer), {}), (Client(), key)):
        refused = client.post(URL, body, content_type="application/json", headers=headers)
        assert errors(refused) == {("case_reference", "required")}
        named = body | {"case_reference": "PV 1"}
        assert client.post(URL, named, content_type="application/json", headers=headers).status_code == 200
    [by_key] = AuditEvent.objects.filter(action="passage.search", actor=None)
    assert by_key.details["api_key"] == reader_key[0].prefix

    assert ask().status_code == 200, "an operator within the last days"
    long_ago = {"from": (timezone.now() - timedelta(days=16)).isoformat()}
    assert errors(ask(**long_ago)) == {("case_reference", "required")}
    assert ask(**long_ago, case_reference="PV 1").status_code == 200
    settings.SEARCH_CASE_REFERENCE_ROLES = ["operator"]
    assert errors(ask()) == {("case_reference", "required")}


def test_only_who_may_read_passages_searches(
    sensor_key: tuple[ApiKey, str], viewer: User, logged_in: LogIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = {"plate": "BB6232", "reason": "control", "case_reference": "PV 1"}
    assert errors(Client().post(URL, body, content_type="application/json"), 401)
    writer = Client().post(URL, body, content_type="application/json", headers={"x-api-key": sensor_key[1]})
    assert errors(writer, 403)
    monkeypatch.setattr("accounts.roles.VIEWER", frozenset())
    assert errors(logged_in(viewer).post(URL, body, content_type="application/json"), 403)


def test_a_full_page_costs_as_many_queries_as_an_empty_one(
    ask: Ask, new_passage: New, django_assert_max_num_queries: Any
) -> None:
    record([new_passage("BB6232RB") for _number in range(60)])
    for plate in ("BB6232", "ZZ9999"):
        with django_assert_max_num_queries(13):
            answer = ask(plate, "fuzzy").json()
        assert len(answer["results"]) == (50 if plate == "BB6232" else 0)


def test_fewer_cameras_or_corners_are_another_search(ask: Ask, camera: Camera) -> None:
    Camera.objects.create(name="Igolo", code="igolo")
    now = timezone.now()
    when = {"from": (now - timedelta(days=1)).isoformat(), "to": now.isoformat()}
    square = [[2.0, 6.0], [3.0, 6.0], [3.0, 7.0], [2.0, 7.0], [2.0, 6.0]]
    for where in (
        {"cameras": ["igolo", "seme-krake-1"]},
        {"cameras": ["igolo"]},
        {"area": {"type": "Polygon", "coordinates": [square]}},
        {"area": {"type": "Polygon", "coordinates": [[*square[:3], square[0]]]}},
    ):
        for _again in range(2):
            assert ask(**when, **where).status_code == 200
    assert AuditEvent.objects.filter(action="passage.search").count() == 4


@pytest.mark.parametrize("microseconds", [253_402_300_799_999_999, -62_135_596_800_000_000])
def test_a_made_up_cursor_is_no_fault_of_ours(ask: Ask, microseconds: int) -> None:
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=microseconds)
    for back in (False, True):
        assert ask(cursor=Place(0, moment, 1, back).encode()).status_code in (200, 400)
