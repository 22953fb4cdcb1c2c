"""Months of the passage table: each is a partition `detections_detection_YYYY_MM`.

Plain SQL: the one library for Django (django-postgres-extra) replaces the database backend, see ADR 0003.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime

from django.db import connection

TABLE = "detections_detection"
MONTHS_AHEAD = 3


def month_of(moment: date) -> date:
    """First day of the month."""
    return date(moment.year, moment.month, 1)


def add_months(month: date, count: int) -> date:
    """First day of the month `count` months later (earlier when negative)."""
    years, index = divmod(month.month - 1 + count, 12)
    return date(month.year + years, index + 1, 1)


def name_of(month: date) -> str:
    """Table of a month."""
    return f"{TABLE}_{month:%Y_%m}"


def existing() -> set[str]:
    """Names of the partitions that are there."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = %s::regclass", [TABLE]
        )
        return {row[0] for row in cursor.fetchall()}


def ensure(first: date, last: date) -> list[str]:
    """Make the missing partitions from the month of `first` to that of `last`; the names made.

    Bounds are UTC months, so that they do not depend on the session's time zone. A concurrent call is safe:
    an advisory lock makes one wait for the other.
    """
    made: list[str] = []
    month, end = month_of(first), month_of(last)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [TABLE])
        present = existing()
        while month <= end:
            name, following = name_of(month), add_months(month, 1)
            if name not in present:
                bounds = [datetime(day.year, day.month, 1, tzinfo=UTC) for day in (month, following)]
                cursor.execute(
                    f'CREATE TABLE IF NOT EXISTS "{name}" PARTITION OF {TABLE} FOR VALUES FROM (%s) TO (%s)',
                    bounds,
                )
                made.append(name)
            month = following
    return made


def month_in(name: str) -> date:
    """The month of a partition, by its table's name."""
    year, month = name.removeprefix(f"{TABLE}_").split("_")
    return date(int(year), int(month), 1)


def months() -> list[date]:
    """The months that have a partition, oldest first."""
    return sorted(map(month_in, existing()))


@dataclass(frozen=True, slots=True)
class Partition:
    """A month of the table. `rows` is the planner's estimate (None: never analysed), `size` in bytes."""

    month: date
    rows: int | None
    size: int

    def state(self, today: date) -> str:
        """Of the past, the month that is being written, or made ahead."""
        present = month_of(today)
        return "past" if self.month < present else "current" if self.month == present else "ahead"


def listed() -> list[Partition]:
    """All partitions, oldest first, without looking into any of them."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.relname, nullif(c.reltuples, -1)::bigint, pg_total_relation_size(c.oid) "
            "FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = %s::regclass",
            [TABLE],
        )
        found = [Partition(month_in(name), rows, size) for name, rows, size in cursor.fetchall()]
    return sorted(found, key=lambda one: one.month)
