"""How PostgreSQL answers a search: by indexes, in the months of the window alone."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.backends.utils import CursorWrapper
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import User
from cameras.models import Camera
from detections import partitions
from detections.models import Detection
from detections.search import Criteria, Mode, find, rebuild

pytestmark = pytest.mark.django_db(transaction=True)

FILL = """
    INSERT INTO detections_detection (
        event_id, plate_number, plate_key, ocr_text, confidence, char_confidences, candidates, countries,
        layout, plate_color, image_path, vehicle_type, vehicle_color, vehicle_brand, vehicle_model, direction,
        lane, tpms, metadata, source, detected_at, created_at, updated_at, camera_id)
    SELECT gen_random_uuid(), plate || 'RB', translate(plate, 'OQDILZSBG', '000112586'), '', 0.9, '[]', '[]',
           '[]', '', '', '', '', '', '', '', '', '', '[]', '{}', 'api',
           now() - number * interval '180 days' / 30000, now(), now(), %s
      FROM (SELECT number, CASE WHEN number %% 40 = 0 THEN 'BB6232'
                           ELSE chr(65 + number %% 11) || chr(65 + number / 11 %% 26)
                           || lpad((number * 7919 %% 10000)::text, 4, '0') END AS plate
              FROM generate_series(1, 30000) AS number) AS numbered
"""

CORRECT = """
    INSERT INTO detections_correction (detection_id, detected_at, event_id, kind, plate_number, plate_key,
                                       reason, case_reference, created_by_id, created_at)
    SELECT id, detected_at, event_id, 'corrected', 'ZZ' || lpad((id %% 10000)::text, 4, '0'), '', '', '', %s,
           now()
      FROM detections_detection WHERE id %% 10 = 0
"""


@pytest.fixture
def half_a_year(camera: Camera, operator: User) -> None:
    """30,000 passages of 180 days, of as many plates, known to the dictionary and to the planner.

    Every tenth was corrected.
    """
    now = timezone.now()
    partitions.ensure((now - timedelta(days=181)).date(), now.date())
    with connection.cursor() as cursor:
        cursor.execute(FILL, [camera.pk])
        assert rebuild() > 20_000
        cursor.execute(CORRECT, [operator.pk])
        cursor.execute("ANALYZE detections_detection")
        cursor.execute("ANALYZE detections_correction")
        cursor.execute("ANALYZE detections_seenplate")


def plans(asked: Criteria) -> list[str]:
    """The plan of each statement of a search on passages or on the dictionary."""
    seen: list[str] = []

    def explain(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        if re.search(r'FROM "?detections_(detection|seenplate)\b', sql):
            cursor: CursorWrapper = context["cursor"]
            execute(f"EXPLAIN {sql}", params, many, context)
            seen.append("\n".join(row[0] for row in cursor.fetchall()))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(explain):
        find(asked, passages=Detection.objects.select_related("camera"))
    return seen


def months(plan: str) -> set[str]:
    return set(re.findall(r"detections_detection_(\d{4}_\d{2})\b", plan))


def months_of(since: datetime, until: datetime) -> set[str]:
    month, found = partitions.month_of(since.date()), set()
    while month <= until.date():
        found.add(f"{month:%Y_%m}")
        month = partitions.add_months(month, 1)
    return found


MODES = [
    (Mode.EXACT, "BB6232", 0),
    (Mode.WILDCARD, "BB62*", 0),
    (Mode.WILDCARD, "*6232*", 0),
    (Mode.WILDCARD, "*232RB", 0),
    (Mode.WILDCARD, "BB?2*2*", 0),
    (Mode.FUZZY, "BB6232", 0),
    (Mode.FUZZY, "BB6232", 1),
    (Mode.FUZZY, "BB6232", 2),
]


def test_each_mode_uses_an_index_and_the_months_of_its_window(half_a_year: None) -> None:
    now = timezone.now()
    since, until = now - timedelta(days=75), now - timedelta(days=70)
    wanted = months_of(since, until)
    assert len(wanted) < 3
    for mode, text, edits in MODES:
        stated = plans(Criteria(mode=mode, plate=text, since=since, until=until, max_edits=edits))
        assert len(stated) >= (1 if mode == Mode.EXACT else 2)
        for plan in stated:
            # Three thousand corrections may be read as they lie; passages and the dictionary never.
            assert not re.search(r"Seq Scan on detections_(detection|seenplate)", plan), plan
            assert "Index" in plan
            assert months(plan) <= wanted, plan
        if mode != Mode.EXACT:
            index = r"(Index (Only )?Scan using|Bitmap Index Scan on) \w*seenplate"
            assert re.search(index, stated[0]), stated[0]
            assert months(stated[0]) == wanted, "the fresh passages"


def test_what_very_many_plates_meet_is_read_in_the_order_of_an_index_and_costs_no_more(
    half_a_year: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    now, counts = timezone.now(), []
    for text in ("ZZ99*", "BB*"):
        asked = Criteria(mode=Mode.WILDCARD, plate=text, since=now - timedelta(days=150), until=now)
        with CaptureQueriesContext(connection) as queries:
            found = find(asked, passages=Detection.objects.select_related("camera"))
        assert len(found.matches) == (50 if text == "BB*" else 0)
        counts.append(len(queries))
    # Transaction, limits, dictionary, passages in parts of the window, limits back, the page's rows.
    assert max(counts) <= 12
    monkeypatch.setattr("detections.search.engine.MOST_PLATES", 20)
    stated = plans(asked)
    assert "Seq Scan on detections_detection" not in stated[1]
    assert re.search(r"Index Scan using \w*detected_at\w* on", stated[1])
    assert months(stated[1]) <= months_of(asked.since, asked.until)
