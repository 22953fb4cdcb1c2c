"""`manage.py partitions`: the months of the passage table; with `--ahead`, made where they are missing."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from detections import partitions


class Command(BaseCommand):
    """A line for each month: rows (estimated), size, state."""

    help = "Months of the passage table: rows (the planner's estimate), size, state; --ahead makes them."

    def add_arguments(self, parser: CommandParser) -> None:
        """How many months ahead, and the form of the answer."""
        parser.add_argument(
            "--ahead",
            type=int,
            nargs="?",
            const=partitions.MONTHS_AHEAD,
            metavar="MONTHS",
            help=f"first make the missing months up to so many ahead (default {partitions.MONTHS_AHEAD})",
        )
        parser.add_argument("--json", action="store_true", help="as a list of objects")

    def handle(self, *, ahead: int | None, json: bool, **_options: Any) -> None:
        """Make, then list."""
        month = partitions.month_of(timezone.now().date())
        made = partitions.ensure(month, partitions.add_months(month, ahead)) if ahead is not None else []
        rows = [
            {
                "month": f"{one.month:%Y-%m}",
                "table": partitions.name_of(one.month),
                "rows": one.rows,
                "bytes": one.size,
                "state": one.state(month),
                "made": partitions.name_of(one.month) in made,
            }
            for one in partitions.listed()
        ]
        self._write_json(rows) if json else self._write_table(rows)

    def _write_json(self, rows: list[dict[str, Any]]) -> None:
        self.stdout.write(json.dumps(rows, indent=2))

    def _write_table(self, rows: list[dict[str, Any]]) -> None:
        self.stdout.write(f"{'month':<9}{'rows':>14}{'MB':>11}  state")
        for row in rows:
            count = "?" if row["rows"] is None else f"{row['rows']:,}"
            new = ", made now" if row["made"] else ""
            self.stdout.write(
                f"{row['month']:<9}{count:>14}{row['bytes'] / 1e6:>11,.1f}  {row['state']}{new}"
            )
