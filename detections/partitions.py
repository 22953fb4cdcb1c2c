"""Months of the passage table: each is a partition `detections_detection_YYYY_MM`.

Plain SQL: the one library for Django (django-postgres-extra) replaces the database backend, see ADR 0003.
"""

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
