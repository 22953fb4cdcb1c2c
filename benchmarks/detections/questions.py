"""What is asked of the table: each question many times, with other values each time."""

import statistics
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.db import connection

from benchmarks.detections.traffic import CAMERAS
from benchmarks.recognition.report import table
from detections.models import Detection

TIMES = 40


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
    """Median, 95 % and worst of one question."""
    times = sorted(milliseconds(ask) for ask in asked)
    place = min(len(times) - 1, round(0.95 * len(times)))
    return [name, goal, *(f"{value:.1f}" for value in (statistics.median(times), times[place], times[-1]))]


HEADS = ("question", "goal, median", "median, ms", "95 %", "worst")


def lists() -> Section:
    """The newest fifty."""
    newest = Detection.objects.newest().select_related("camera")
    doubtful = newest.filter(vehicle_type="motorcycle", confidence__lt=0.7)
    each = [newest.filter(camera=number)[:50] for number in range(1, 1 + min(TIMES, CAMERAS))]
    rows = [
        row("newest 50", "< 10", [lambda: list(newest[:50])] * TIMES),
        row("newest 50 of a camera", "< 10", [partial(list, found) for found in each]),
        row("newest 50, motorcycles read with less than 0.7", "< 10", [lambda: list(doubtful[:50])] * TIMES),
    ]
    return Section("Lists", table(HEADS, rows))


SETS: dict[str, Callable[[], Section]] = {"lists": lists}
