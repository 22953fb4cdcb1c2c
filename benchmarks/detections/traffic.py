"""Passages of a year, made by PostgreSQL itself from a seed: the same rows each time, on every machine.

Vehicles: one for each thirty passages, of which few pass often and most seldom; nine in ten bear a plate of
Benin, the others those of its neighbours (recognition.synthesis draws the texts). Four passages of a hundred
are misread by one confusable character. Two hundred cameras at the country's towns and posts; traffic ebbs at
night. Pictures are left out: a crop of 5 kB each would be 100 GB, and lies outside the row (TOAST).
"""

import io
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from multiprocessing import get_context

import numpy as np
from django.db import connection, connections

from benchmarks.detections.vehicles import lines
from cameras.models import Camera
from detections import counting, partitions
from detections.models import FeedCursor
from detections.search import dictionary

UNTIL = date(2026, 11, 1)
"""The filled year ends here, so that the rows do not depend on the day of the run."""
CAMERAS = 200
PASSAGES_A_VEHICLE = 30
MISREAD = 0.04
SKEW = 2.2
"""Exponent of the choice of a vehicle: a tenth of them makes 35 % of the passages."""

PIECE = 20_000
"""Vehicles that are drawn in one go."""

PLACES = {
    "Cotonou": (6.365, 2.418),
    "Porto-Novo": (6.497, 2.604),
    "Abomey-Calavi": (6.449, 2.356),
    "Parakou": (9.337, 2.630),
    "Bohicon": (7.178, 2.067),
    "Sèmè-Kraké": (6.38, 2.71),
    "Hillacondji": (6.25, 1.63),
    "Malanville": (11.88, 3.39),
    "Porga": (11.05, 0.97),
    "Djougou": (9.709, 1.666),
}

READS = """
    CREATE UNLOGGED TABLE benchmark_read (
        n int PRIMARY KEY, plate text, key text, confidence float8, confidences jsonb, candidates jsonb,
        layout text, kind text
    )
"""
CHANCE = "(hashint8extended({of}, {seed}) & 2147483647) / 2147483648.0"
"""A number from 0 to 1 for each passage."""

FILL = """
    INSERT INTO {table} (
        id, event_id, plate_number, plate_key, ocr_text, confidence, detection_confidence,
        recognition_confidence, char_confidences, candidates, countries, layout, plate_color,
        bounding_box, recognition_polygon, image_path, processing_time, vehicle_type, vehicle_color,
        vehicle_brand, vehicle_model, direction, lane, tpms, metadata, source, camera_id,
        detected_at, created_at, updated_at
    )
    SELECT p.i, md5(p.i::text)::uuid, r.plate, r.key, r.plate, r.confidence, 0.9, r.confidence, r.confidences,
           r.candidates, '[{{"country": "BJ", "likelihood": 0.9}}]', r.layout, 'white',
           '[412, 300, 540, 338]',
           '[[412, 300], [540, 301], [540, 338], [411, 337]]',
           'frames/camera-' || p.camera || '/' || to_char(p.moment, 'YYYY/MM/DD') || '/' || p.i || '.jpg',
           31.5, r.kind, (ARRAY['white', 'black', 'grey', 'red', 'blue'])[1 + (p.i %% 5)], '', '',
           'towards', '', '[]', '{{"reads": 5}}', 'camera', p.camera, p.moment, p.moment + interval '2 s',
           p.moment + interval '2 s'
      FROM (SELECT i, 1 + floor({camera} * %(cameras)s)::int AS camera,
                   floor(%(vehicles)s * power({vehicle}, %(skew)s))::int
                       + CASE WHEN {slip} < %(misread)s THEN %(vehicles)s ELSE 0 END AS read,
                   %(start)s::timestamptz + make_interval(secs => 86400 * (
                       floor(day) + (day - floor(day)) - 0.13 * sin(2 * pi() * (day - floor(day))))) AS moment
              FROM (SELECT i, (i - %(first)s) * %(days)s / %(rows)s::float8 AS day
                      FROM generate_series(%(first)s::bigint, %(first)s + %(rows)s - 1) AS i) AS numbers
           ) AS p JOIN benchmark_read AS r ON r.n = p.read
"""


def fill(rows: int, seed: int) -> None:
    """Put `rows` passages into the twelve months before UNTIL, and make their indexes."""
    vehicles = rows // PASSAGES_A_VEHICLE
    _cameras()
    _reads(vehicles, seed)
    months = [partitions.add_months(UNTIL, -back) for back in range(12, 0, -1)]
    share = -(-rows // len(months))
    firsts = [1 + share * place for place in range(len(months))]
    counts = [min(share, rows + 1 - first) for first in firsts]
    with ThreadPoolExecutor(2) as pool:
        jobs = [
            pool.submit(_month, month, first, count, vehicles, seed)
            for month, first, count in zip(months, firsts, counts, strict=True)
        ]
        for job in jobs:
            job.result()
    with connection.cursor() as cursor:
        cursor.execute("SET maintenance_work_mem = '1GB'")
        for month in months:
            bounds = [_midnight(day) for day in (month, partitions.add_months(month, 1))]
            cursor.execute(
                f"ALTER TABLE {partitions.TABLE} ATTACH PARTITION {_new(month)} FOR VALUES FROM (%s) TO (%s)",
                bounds,
            )
            cursor.execute(f"ALTER TABLE {_new(month)} RENAME TO {partitions.name_of(month)}")
        cursor.execute(f"SELECT setval(pg_get_serial_sequence('{partitions.TABLE}', 'id'), %s)", [rows + 1])


def analyse() -> None:
    """Fresh statistics and visibility map, as autovacuum leaves them."""
    with connection.cursor() as cursor:
        cursor.execute("VACUUM (ANALYZE)")


def _cameras() -> None:
    places = list(PLACES.items())
    Camera.objects.bulk_create(
        Camera(
            pk=number,
            name=f"{places[number % len(places)][0]} {number}",
            code=f"camera-{number}",
            latitude=round(places[number % len(places)][1][0] + (number % 7) / 1000, 4),
            longitude=round(places[number % len(places)][1][1] + (number % 5) / 1000, 4),
            is_enabled=False,
        )
        for number in range(1, CAMERAS + 1)
    )


def _reads(vehicles: int, seed: int) -> None:
    """Each vehicle's plate as it is and, `vehicles` further on, as it is misread now and then."""
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS benchmark_read")
        cursor.execute(READS)
        with ProcessPoolExecutor(2, get_context("spawn")) as pool:
            jobs = [
                pool.submit(lines, range(first, min(first + PIECE, vehicles)), vehicles, seed)
                for first in range(0, vehicles, PIECE)
            ]
            for job in jobs:
                cursor.cursor.copy_expert("COPY benchmark_read FROM STDIN", io.StringIO(job.result()))
        cursor.execute("ANALYZE benchmark_read")


def _month(month: date, first: int, rows: int, vehicles: int, seed: int) -> None:
    """One month's rows in a table that is no partition yet: without indexes, by two connections at once."""
    chances = {
        name: CHANCE.format(of="i", seed=seed + number)
        for number, name in enumerate(("camera", "vehicle", "slip"))
    }
    after = partitions.add_months(month, 1)
    given: dict[str, int | float | datetime] = {
        "cameras": CAMERAS,
        "vehicles": vehicles,
        "skew": SKEW,
        "misread": MISREAD,
        "first": first,
        "rows": rows,
        "days": (after - month).days - 1e-6,
        "start": _midnight(month),
    }
    try:
        with connection.cursor() as cursor:
            cursor.execute(f"DROP TABLE IF EXISTS {partitions.name_of(month)}")
            cursor.execute(
                f"CREATE TABLE {_new(month)} "
                f"(LIKE {partitions.TABLE} INCLUDING DEFAULTS INCLUDING CONSTRAINTS)"
            )
            cursor.execute(FILL.format(table=_new(month), **chances), given)
    finally:
        connections.close_all()


def _new(month: date) -> str:
    return f"benchmark_{month:%Y_%m}"


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def some_plates(count: int, seed: int, *, longer_than: int = 6) -> Sequence[str]:
    """Plates that passed at least once, by chance."""
    rng = np.random.default_rng(seed)
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) / 2 FROM benchmark_read")
        vehicles = int(cursor.fetchone()[0])
        cursor.execute(
            "SELECT plate FROM benchmark_read WHERE n = ANY(%s) AND length(plate) > %s ORDER BY n",
            [[int(n) for n in rng.integers(0, vehicles // 4, 3 * count)], longer_than],
        )
        return [row[0] for row in cursor.fetchall()][:count]


def window(days: int) -> tuple[datetime, datetime]:
    """The last `days` of the filled year."""
    end = _midnight(UNTIL)
    return end - timedelta(days=days), end


def derive() -> None:
    """The dictionary of plates and the roll-ups, as their consumers would have made them."""
    dictionary.rebuild()
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint")
        FeedCursor.objects.update_or_create(
            consumer=counting.CONSUMER, defaults={"xid": cursor.fetchone()[0], "row_id": 0}
        )
    for _difference in counting.recount(repair=True):
        pass
