"""What is asked of the table: each question many times, with other values each time."""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from statistics import median
from typing import Any

from django.db import connection
from django.db.models import QuerySet

from accounts.models import User
from accounts.roles import Role
from benchmarks.detections import traffic
from benchmarks.detections.traffic import CAMERAS
from benchmarks.recognition.report import table
from detections import partitions, statistics
from detections.models import Detection, FeedCursor
from detections.retention import months
from detections.search import Criteria, Mode, find

TIMES = 40
SCANS = 3
"""How often what takes long is asked."""


@dataclass(frozen=True)
class Section:
    """One table of the result."""

    title: str
    lines: Sequence[str]


def server() -> str:
    """Which PostgreSQL, with what memory."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('server_version'), current_setting('shared_buffers'), "
                       "pg_size_pretty(pg_database_size(current_database()))")  # fmt: skip
        version, buffers, size = cursor.fetchone()
    return f"PostgreSQL {version.split()[0]}, shared_buffers {buffers}, database {size}"


def milliseconds(ask: Callable[[], object]) -> float:
    """How long the database takes for what `ask` asks of it."""
    spent = 0.0

    def timed(execute: Callable[..., Any], *statement: Any) -> Any:
        nonlocal spent
        started = time.perf_counter()
        try:
            return execute(*statement)
        finally:
            spent += time.perf_counter() - started

    with connection.execute_wrapper(timed):
        ask()
    return 1000 * spent


def row(name: str, goal: str, asked: Iterable[Callable[[], object]]) -> list[str]:
    """Medians of one question: with values that nobody asked for yet, and at once again."""
    first, again = [], []
    for ask in asked:
        first.append(milliseconds(ask))
        again.append(milliseconds(ask))
    again.sort()
    place = min(len(again) - 1, round(0.95 * len(again)))
    return [name, goal, *(f"{value:.1f}" for value in (median(again), again[place], median(first)))]


HEADS = ("question", "goal, median", "median, ms", "95 %", "the first time, median")


def lists() -> Section:
    """The newest fifty."""
    newest = Detection.objects.newest().select_related("camera")
    doubtful = newest.filter(vehicle_type="motorcycle", confidence__lt=0.7)
    each = [newest.filter(camera=number)[:50] for number in range(1, 1 + min(TIMES, CAMERAS))]
    rows = [
        row("newest 50", "< 10", [lambda: list(newest[:50])] * TIMES),
        row("newest 50 of a camera", "< 10", [partial(_again, found) for found in each]),
        row("newest 50, motorcycles read with less than 0.7", "< 10", [lambda: list(doubtful[:50])] * TIMES),
    ]
    return Section("Lists", table(HEADS, rows))


def _again(found: QuerySet[Detection]) -> list[Detection]:
    """Its rows, asked for anew."""
    return list(found.all())


def search() -> Section:
    """A year's passages of a plate, of a pattern, of what is nearly a plate."""
    since, until = traffic.window(365)
    plates = traffic.some_plates(TIMES, seed=1)
    passages = Detection.objects.visible_to(User(role=Role.ADMIN)).newest().select_related("camera")

    def asked(mode: Mode, texts: Iterable[str], edits: int = 0) -> list[Callable[[], object]]:
        wanted = [
            Criteria(mode=mode, plate=text, since=since, until=until, max_edits=edits) for text in texts
        ]
        return [partial(find, criteria, passages=passages) for criteria in wanted]

    rows = [
        row("exact plate", "< 5", asked(Mode.EXACT, plates)),
        row("prefix of 4 (`AB12*`)", "< 20", asked(Mode.WILDCARD, [f"{plate[:4]}*" for plate in plates])),
        row("prefix of 2 (`AB*`), met by thousands", "", asked(Mode.WILDCARD, [f"{p[:2]}*" for p in plates])),
        row("infix of 4 (`*1234*`)", "< 300", asked(Mode.WILDCARD, [f"*{plate[2:6]}*" for plate in plates])),
        row("infix of 5", "< 300", asked(Mode.WILDCARD, [f"*{plate[1:6]}*" for plate in plates])),
        row("`?` for one character", "< 300", asked(Mode.WILDCARD, [f"{p[:3]}?{p[4:]}" for p in plates])),
        row("confusions alone", "< 300", asked(Mode.FUZZY, plates, edits=0)),
        row("one edit and any confusions", "< 300", asked(Mode.FUZZY, plates, edits=1)),
        row("two edits and any confusions", "", asked(Mode.FUZZY, plates, edits=2)),
        row("the same infix of 4, read from the table itself (LIKE)", "",
            [partial(_scan, "LIKE", f"%{plate[2:6]}%") for plate in plates[:SCANS]]),
    ]  # fmt: skip
    return Section("Search over a year", table(HEADS, rows))


def _scan(operator: str, value: str) -> None:
    """What a table with indexes on plate and time alone has to do."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT id FROM detections_detection WHERE plate_number {operator} %s "
            "ORDER BY detected_at DESC LIMIT 50",
            [value],
        )
        cursor.fetchall()


def figures() -> Section:
    """Statistics from the roll-ups."""
    day, month = (statistics.Span(*traffic.window(days)) for days in (1, 30))
    rows = [
        row("24 hours, by hour", "< 10", [partial(statistics.tallies, day, statistics.By.HOUR)] * TIMES),
        row("24 hours, by camera", "< 10", [partial(statistics.tallies, day, statistics.By.CAMERA)] * TIMES),
        row("30 days, by hour", "", [partial(statistics.tallies, month, statistics.By.HOUR)] * TIMES),
        row("24 hours, counted in the table itself", "", [partial(_count, day)] * SCANS),
    ]
    return Section("Statistics", table(HEADS, rows))


def _count(period: statistics.Span) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT date_trunc('hour', detected_at), count(*) FROM detections_detection "
            "WHERE detected_at >= %s AND detected_at < %s GROUP BY 1",
            [period.since, period.until],
        )
        cursor.fetchall()


def drop() -> Section:
    """Retention drops the oldest month, with its certificate."""
    rebased = {"xid": 2**62, "row_id": 0}  # every consumer has seen all
    FeedCursor.objects.update_or_create(consumer="alerts", defaults=rebased)
    month, marks = partitions.months()[0], []

    def mark(execute: Callable[..., Any], sql: str, *more: Any) -> Any:
        if sql.startswith("LOCK TABLE"):
            marks.append(time.perf_counter())
        return execute(sql, *more)

    started = time.perf_counter()
    with connection.execute_wrapper(mark):
        certificate = months.drop(month, by=None)
    ended = time.perf_counter()
    rows = [
        ["passages of the month", "", f"{certificate.rows:,}"],
        ["count and digest, nothing locked, s", "", f"{marks[0] - started:.2f}"],
        ["lock, count again, drop, certificate, commit, s", "< 1", f"{ended - marks[0]:.2f}"],
    ]
    return Section("A month dropped", table(("step", "goal", "figure"), rows))


SETS: dict[str, Callable[[], Section]] = {
    "lists": lists,
    "search": search,
    "statistics": figures,
    "drop": drop,
}
"""In this order; the last takes a month away for good."""
