"""/api/v1/events: what the filters find, paging both ways, and the same rows as the serializer shows."""

import json
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import ApiKey, AuditEvent, Scope, User
from accounts.services import create_api_key
from cameras.geometry import Space
from cameras.models import Camera, Zone
from detections import feed
from detections.api.events import Place, select
from detections.api.serializers import EventSerializer
from detections.models import Detection
from detections.passages import NewPassage
from detections.services import record

pytestmark = pytest.mark.django_db

LIST = "/api/v1/events"
New = Callable[..., NewPassage]
SQUARE = {"type": "Polygon", "coordinates": [[[2.7, 6.3], [2.8, 6.3], [2.8, 6.4], [2.7, 6.4], [2.7, 6.3]]]}


@pytest.fixture
def reader(client: Client, viewer: User) -> Client:
    """A viewer who is logged in."""
    client.force_login(viewer)
    return client


@pytest.fixture
def reading_key(db: None) -> dict[str, str]:
    """Headers of a program that may read."""
    _key, token = create_api_key(name="reader", scopes=[Scope.EVENTS_READ], by=None)
    return {"X-API-Key": token}


def plates(response: Any) -> set[str]:
    """Plates of a page."""
    assert response.status_code == 200, response.content
    return {row["plate_number"] for row in response.json()["results"]}


def test_rows_are_what_the_serializer_shows(reader: Client, new_passage: New) -> None:
    full = {
        "ocr_text": 'back\\slash\ttab\nline "quote" é',
        "detection_confidence": 0.5,
        "char_confidences": [0.1, 1e-7],
        "candidates": [{"text": "BB6232RB", "likelihood": 0.9}],
        "countries": [{"country": "BJ", "likelihood": 1}],
        "layout": "two_line",
        "bounding_box": [1, 2.5, 30, 40],
        "recognition_polygon": [[1, 2], [3, 4.5]],
        "processing_time": 12.25,
        "vehicle_brand": "Citroën",
        "tpms": [{"id": 10**25, "bar": 2.5}],
        "metadata": {"a": [None, True, "\\n\t\\"], "é": {"b": 1e-9}},
    }
    record([new_passage(), new_passage("AN0674RB", **full)])
    wanted = EventSerializer(Detection.objects.newest(), many=True).data
    assert reader.get(LIST).json()["results"] == json.loads(json.dumps(wanted, default=str))


def test_the_short_way_and_the_long_way_give_the_same(
    reader: Client, reading_key: dict[str, str], new_passage: New
) -> None:
    record([new_passage(f"AB{number:04}") for number in range(5)])
    for query in ("", "?page_size=2", "?camera=seme-krake-1&lane="):
        assert Client().get(LIST + query, headers=reading_key).json() == reader.get(LIST + query).json()


def test_pages_lead_both_ways_also_through_passages_of_one_instant(reader: Client, new_passage: New) -> None:
    now = timezone.now()
    moments = [now - timedelta(seconds=number // 4) for number in range(23)]
    record([new_passage(f"AB{n:04}", detected_at=moment) for n, moment in enumerate(moments)])
    forwards: list[list[int]] = []
    page = reader.get(f"{LIST}?page_size=5").json()
    assert page["previous"] is None
    while True:
        forwards.append([row["id"] for row in page["results"]])
        if not page["next"]:
            break
        page = reader.get(page["next"]).json()
    assert [len(ids) for ids in forwards] == [5, 5, 5, 5, 3]
    wanted = list(Detection.objects.newest().values_list("pk", flat=True))
    assert [pk for ids in forwards for pk in ids] == wanted
    backwards: list[list[int]] = []
    while page["previous"]:
        page = reader.get(page["previous"]).json()
        backwards.insert(0, [row["id"] for row in page["results"]])
    assert backwards == forwards[:-1]
    assert page["next"]


@pytest.fixture
def scene(new_passage: New, camera: Camera) -> Camera:
    """Passages that differ in everything, of two cameras 6 km apart; the second camera."""
    other = Camera.objects.create(name="Igolo", code="igolo", latitude="6.43", longitude="2.73")
    Camera.objects.create(name="Nowhere", code="nowhere")
    record(
        [
            new_passage(
                "AA0001",
                confidence=0.6,
                layout="two_line",
                vehicle_type="motorcycle",
                countries=[{"country": "NG", "likelihood": 0.8}, {"country": "BJ", "likelihood": 0.2}],
                detected_at=timezone.now() - timedelta(days=2),
                bounding_box=[100, 100, 200, 200],
            ),
            new_passage(
                "AA0002",
                camera=other,
                confidence=0.9,
                layout="one_line",
                vehicle_type="car",
                vehicle_color="red",
                vehicle_brand="Toyota",
                direction="leaving",
                lane="2",
                countries=[{"country": "BJ", "likelihood": 0.9}],
                bounding_box=[800, 400, 900, 500],
            ),
            new_passage("AA0003", camera=other, bounding_box=[100, 400, 200, 500]),
        ]
    )
    return other


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("camera=igolo", {"AA0002", "AA0003"}),
        ("camera=igolo,seme-krake-1", {"AA0001", "AA0002", "AA0003"}),
        ("camera=igolo&camera=seme-krake-1", {"AA0001", "AA0002", "AA0003"}),
        ("camera=nowhere", set()),
        ("country=NG", {"AA0001"}),
        ("country=BJ", {"AA0002"}),
        ("vehicle_type=motorcycle", {"AA0001"}),
        ("vehicle_color=red", {"AA0002"}),
        ("vehicle_brand=TOYOTA", {"AA0002"}),
        ("confidence_min=0.7", {"AA0002", "AA0003"}),
        ("confidence_max=0.7", {"AA0001"}),
        ("confidence_min=0.5&confidence_max=0.7", {"AA0001"}),
        ("layout=two_line", {"AA0001"}),
        ("direction=leaving&lane=2", {"AA0002"}),
        ("area=2.7,6.3,2.8,6.4", {"AA0001"}),
        (f"area={quote(json.dumps(SQUARE))}", {"AA0001"}),
        ("area=2.7,6.3,2.8,6.4&camera=igolo", set()),
        ("area=0,0,1,1", set()),
        ("near=6.43,2.73&radius_m=1000", {"AA0002", "AA0003"}),
        ("near=6.43,2.73&radius_m=7000", {"AA0001", "AA0002", "AA0003"}),
        ("near=6.43,2.73&radius_m=5500", {"AA0002", "AA0003"}),
        ("plate=aa-0002&reason=enquête&case_reference=PV-12", {"AA0002"}),
    ],
)
def test_filters(reader: Client, scene: Camera, query: str, wanted: set[str]) -> None:
    assert plates(reader.get(f"{LIST}?{query}")) == wanted


def test_a_period_includes_its_beginning_but_not_its_end(reader: Client, scene: Camera) -> None:
    moment = quote(Detection.objects.get(plate_number="AA0001").detected_at.isoformat())
    assert plates(reader.get(f"{LIST}?to={moment}")) == set()
    assert plates(reader.get(f"{LIST}?from={moment}")) == {"AA0001", "AA0002", "AA0003"}
    day = quote((timezone.now() - timedelta(days=1)).isoformat())
    assert plates(reader.get(f"{LIST}?from={day}")) == {"AA0002", "AA0003"}
    assert plates(reader.get(f"{LIST}?to={day}")) == {"AA0001"}


def test_a_zone_on_the_map_finds_the_cameras_in_it(reader: Client, scene: Camera) -> None:
    zone = Zone.objects.create(name="Frontière", camera=scene, space=Space.MAP, geometry=SQUARE)
    assert plates(reader.get(f"{LIST}?zone={zone.pk}")) == {"AA0001"}
    assert plates(reader.get(f"{LIST}?zone=Frontière")) == {"AA0001"}


def test_a_zone_in_a_picture_finds_the_boxes_in_it_but_not_in_its_holes(
    reader: Client, scene: Camera
) -> None:
    whole = [[0, 0], [1, 0], [1, 1], [0, 1], [0, 0]]
    hole = [[0.1, 0.7], [0.2, 0.7], [0.2, 1], [0.1, 1], [0.1, 0.7]]
    geometry = {"type": "Polygon", "coordinates": [whole, hole]}
    zone = Zone.objects.create(name="Voie", camera=scene, space=Space.PICTURE, geometry=geometry)
    assert_refused(reader.get(f"{LIST}?zone={zone.pk}"), "zone", "no_picture_size")
    Camera.objects.filter(pk=scene.pk).update(width=1000, height=600)
    assert plates(reader.get(f"{LIST}?zone={zone.pk}")) == {"AA0002"}


def assert_refused(response: Any, field: str, code: str) -> None:
    """A 400 in the one format."""
    assert response.status_code == 400, response.content
    assert set(response.json()) == {"detail", "timestamp", "errors"}
    assert (field, code) in {(row["field"], row["code"]) for row in response.json()["errors"]}


@pytest.mark.parametrize(
    ("query", "field", "code"),
    [
        ("camera=unheard-of", "camera", "unknown"),
        ("zone=unheard-of", "zone", "unknown"),
        ("zone=999999999999999999999", "zone", "unknown"),
        ("area=1,2,3", "area", "invalid_area"),
        ("area={", "area", "invalid_area"),
        ("area=a,b,c,d", "area", "invalid_area"),
        ("area=0,0,nan,1", "area", "geometry_number"),
        ("area=0,0,500,1", "area", "geometry_outside"),
        ('area={"type":"Point","coordinates":[1,2]}', "area", "geometry_type"),
        ("near=1", "near", "invalid_point"),
        ("near=95,1&radius_m=5", "near", "invalid_point"),
        ("near=nan,1&radius_m=5", "near", "invalid_point"),
        ("near=6,2", "radius_m", "required"),
        ("radius_m=6", "near", "required"),
        ("near=6,2&radius_m=-1", "radius_m", "min_value"),
        ("near=6,2&radius_m=nan", "radius_m", "invalid"),
        ("from=yesterday", "from", "invalid"),
        ("to=", "to", "invalid"),
        ("from=2026-02-01T00:00:00Z&to=2026-01-01T00:00:00Z", "to", "empty_period"),
        ("country=Benin", "country", "invalid"),
        ("confidence_min=2", "confidence_min", "max_value"),
        ("confidence_min=x", "confidence_min", "invalid"),
        ("confidence_min=0.9&confidence_max=0.1", "confidence_max", "empty_range"),
        ("layout=three_lines", "layout", "invalid_choice"),
        ("lane=" + "1" * 17, "lane", "max_length"),
        ("vehicle_color=a%00", "vehicle_color", "null_characters_not_allowed"),
        ("matched=perhaps", "matched", "invalid"),
        ("page_size=0", "page_size", "min_value"),
        ("page_size=100000", "page_size", "max_value"),
        ("page_size=x", "page_size", "invalid"),
    ],
)
def test_a_filter_that_makes_no_sense_is_a_400_on_both_ways(
    reader: Client, reading_key: dict[str, str], camera: Camera, query: str, field: str, code: str
) -> None:
    assert_refused(reader.get(f"{LIST}?{query}"), field, code)
    assert_refused(Client().get(f"{LIST}?{query}", headers=reading_key), field, code)


def test_a_search_of_a_program_by_plate_is_noted_with_its_key(
    client: Client, reading_key: dict[str, str], new_passage: New
) -> None:
    record([new_passage()])
    assert client.get(f"{LIST}?plate=BB6232RB", headers=reading_key).status_code == 400
    assert not AuditEvent.objects.filter(action="passage.search").exists()
    asked = f"{LIST}?plate=BB6232RB&reason=PV+12"
    assert client.get(asked, headers=reading_key).status_code == 400, "a key names its case"
    assert not AuditEvent.objects.filter(action="passage.search").exists()
    found = client.get(f"{asked}&case_reference=PV-12", headers=reading_key)
    assert plates(found) == {"BB6232RB"}
    event = AuditEvent.objects.get(action="passage.search")
    assert (event.reason, event.details["plate"]) == ("PV 12", "BB6232RB")
    assert event.case_reference == "PV-12"
    assert event.details["api_key"] == ApiKey.objects.get(name="reader").prefix


def test_a_key_that_may_only_send_reads_nothing(client: Client, sensor_key: tuple[ApiKey, str]) -> None:
    assert client.get(LIST, headers={"X-API-Key": sensor_key[1]}).status_code == 403
    assert client.get(LIST, headers={"X-API-Key": "wrong.key"}).status_code == 401
    assert client.get(LIST).status_code in (401, 403)


def test_queries_do_not_grow_with_the_page_and_nothing_is_counted(
    client: Client, reading_key: dict[str, str], new_passage: New
) -> None:
    record([new_passage(f"AB{number:04}") for number in range(120)])
    client.get(LIST, headers=reading_key)
    counts = []
    for size in (2, 100):
        with CaptureQueriesContext(connection) as queries:
            page = client.get(
                f"{LIST}?page_size={size}&camera=seme-krake-1&confidence_min=0.1", headers=reading_key
            )
        assert len(page.json()["results"]) == size
        counts.append(len(queries))
        assert not any("COUNT(" in query["sql"].upper() for query in queries)
    assert counts == [3, 3]  # key; cameras asked for; passages


def test_one_passage_is_found_by_its_time_without_opening_other_months(
    reader: Client, new_passage: New
) -> None:
    record([new_passage()])
    stored = Detection.objects.get()
    at = quote(stored.detected_at.isoformat())
    assert reader.get(f"{LIST}/{stored.pk}?at={at}").json()["id"] == stored.pk
    assert reader.get(f"{LIST}/{stored.pk}").json()["id"] == stored.pk
    assert reader.get(f"{LIST}/{stored.pk}?at=2020-01-01T00:00:00Z").status_code == 404
    assert_refused(reader.get(f"{LIST}/{stored.pk}?at=then"), "at", "invalid")
    plan = Detection.objects.filter(pk=stored.pk).at(stored.detected_at).explain()
    assert plan.count("Scan") == 1, plan


def test_a_page_further_on_opens_no_later_months(new_passage: New) -> None:
    past = timezone.now() - timedelta(days=45)
    record([new_passage(detected_at=past)])

    def plan(place: Place | None) -> str:
        sql, values = select("id", [], place, 50)
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN {sql}", values)
            return "\n".join(row[0] for row in cursor.fetchall())

    this_month = timezone.now().strftime("%Y_%m")
    assert this_month not in plan(Place(past, 1, backwards=False))
    assert this_month in plan(None)


def test_the_feed_is_untouched_by_reading(reader: Client, new_passage: New) -> None:
    record([new_passage(event_id=uuid.uuid4())])
    reader.get(LIST)
    assert feed.lag("nobody").passages == 1
