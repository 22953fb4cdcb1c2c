"""CSV of filtered passages: streamed, without formulas, and told to the audit trail."""

import csv
import io
import resource
from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from typing import Any, cast

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from accounts.models import AuditEvent, User
from cameras.models import Camera
from detections.models import Detection
from detections.passages import NewPassage
from detections.services import record

pytestmark = pytest.mark.django_db

EXPORT = "/api/v1/events/export.csv"
New = Callable[..., NewPassage]


@pytest.fixture
def reader(client: Client, viewer: User) -> Client:
    """A viewer who is logged in."""
    client.force_login(viewer)
    return client


def pieces(response: Any) -> Iterable[bytes]:
    """What goes out, as it goes."""
    assert response.status_code == 200, response.content
    assert response.streaming
    return cast(Iterable[bytes], response.streaming_content)


def table(response: Any) -> list[list[str]]:
    """The rows, as a spreadsheet in French reads them."""
    data = b"".join(pieces(response))
    assert data.startswith(b"\xef\xbb\xbf")
    return list(csv.reader(io.StringIO(data.decode("utf-8-sig")), delimiter=";"))


def test_all_that_the_filters_find_is_written_newest_first(reader: Client, new_passage: New) -> None:
    now = timezone.now()
    moments = [now - timedelta(seconds=number // 3) for number in range(4500)]
    rows = [new_passage(f"AB{n:04}", detected_at=moment) for n, moment in enumerate(moments)]
    for start in range(0, len(rows), 1000):
        record(rows[start : start + 1000])
    record([new_passage(confidence=0.2)])
    heading, *found = table(reader.get(f"{EXPORT}?reason=r&confidence_min=0.5"))
    assert heading[3] == "Plaque"
    wanted = Detection.objects.newest().filter(confidence__gte=0.5).values_list("pk", flat=True)
    assert [int(row[0]) for row in found] == list(wanted)
    assert found[0][4] == "93"
    assert found[0][2] == timezone.localtime(now).strftime("%Y-%m-%d %H:%M:%S")


def test_an_export_needs_a_reason_and_leaves_two_traces(
    reader: Client, viewer: User, new_passage: New
) -> None:
    record([new_passage(), new_passage()])
    assert reader.get(EXPORT).status_code == 400
    assert not AuditEvent.objects.filter(actor=viewer).exists()
    response = reader.get(f"{EXPORT}?reason=PV+7&camera=seme-krake-1")
    begun = AuditEvent.objects.get(actor=viewer)
    assert (begun.action, begun.reason) == ("passage.export", "PV 7")
    assert begun.details == {"filters": {"camera": "seme-krake-1"}}
    assert len(table(response)) == 3
    ended = AuditEvent.objects.get(action="passage.exported")
    assert ended.details == {"filters": {"camera": "seme-krake-1"}, "rows": 2, "complete": True}


def test_an_export_that_is_broken_off_is_told_as_far_as_it_went(reader: Client, new_passage: New) -> None:
    for _ in range(3):
        record([new_passage() for _ in range(1000)])
    response = reader.get(f"{EXPORT}?reason=r")
    sent = cast(Iterator[bytes], pieces(response))
    next(sent)
    next(sent)
    # What a server does; Django's own also tells of the end of the request, which would close our connection.
    for close in cast(Any, response)._resource_closers:
        close()
    ended = AuditEvent.objects.get(action="passage.exported")
    assert ended.details["complete"] is False
    assert ended.details["rows"] < 3000


def test_no_cell_is_a_formula(reader: Client, new_passage: New) -> None:
    Camera.objects.update(name="=HYPERLINK(1)", location_name="-2+3")
    record([new_passage(vehicle_brand="@SUM(A1)", lane="+1", vehicle_color='a;b"c')])
    [_heading, row] = table(reader.get(f"{EXPORT}?reason=r"))
    assert {"'=HYPERLINK(1)", "'-2+3", "'@SUM(A1)", "'+1", 'a;b"c'} <= set(row)


def test_more_than_the_limit_is_refused_before_it_begins(
    reader: Client, new_passage: New, settings: Any
) -> None:
    record([new_passage() for _ in range(4)])
    settings.MAX_EXPORT_ROWS = 4
    assert len(table(reader.get(f"{EXPORT}?reason=r"))) == 5
    settings.MAX_EXPORT_ROWS = 3
    refused = reader.get(f"{EXPORT}?reason=r")
    assert refused.status_code == 400
    assert refused.json()["errors"][0]["code"] == "too_many"


def test_who_may_not_see_passages_gets_none(client: Client, new_passage: New) -> None:
    record([new_passage()])
    assert client.get(f"{EXPORT}?reason=r").status_code in (401, 403)


def test_memory_stays_flat(reader: Client, new_passage: New) -> None:
    """The table is read by its place: 60,000 rows take no more memory than 4,000."""
    record([new_passage()])
    columns = {field.attname for field in Detection._meta.concrete_fields}
    names = sorted(columns - {"id", "event_id", "detected_at"})
    with connection.cursor() as cursor:
        kept, named = ", ".join(f"d.{name}" for name in names), ", ".join(names)
        cursor.execute(
            f"INSERT INTO detections_detection (event_id, detected_at, {named}) "
            f"SELECT gen_random_uuid(), d.detected_at - n * interval '1 second', {kept} "
            "FROM detections_detection d, generate_series(1, 60000) n"
        )
    sent = iter(pieces(reader.get(f"{EXPORT}?reason=r")))
    for _ in range(3):
        next(sent)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert sum(piece.count(b"\n") for piece in sent) > 55_000
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 20_000  # kB


def test_the_audit_trail_has_the_filters_as_they_were_meant(reader: Client, camera: Camera) -> None:
    """All cameras, and nothing that is no filter: NUL among it cannot be kept."""
    Camera.objects.create(name="Other", code="other")
    table(reader.get(f"{EXPORT}?reason=inquiry&camera={camera.code}&camera=other&x=%00"))
    details = AuditEvent.objects.get(action="passage.export").details
    assert details == {"filters": {"camera": f"{camera.code},other"}}
