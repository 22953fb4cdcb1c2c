"""`manage.py recount`: are the statistics what the passages are? With `--repair` they become so."""

from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from detections import counting

SHOWN = 50
"""Differences that are told one by one."""


def moment(text: str) -> datetime:
    """A day or a time, of Benin where it has no offset. Raises ValueError."""
    found = datetime.fromisoformat(text)
    return found if timezone.is_aware(found) else timezone.make_aware(found)


class Command(BaseCommand):
    """Tells each hour that differs; fails while one does."""

    help = (
        "Count passages again and compare with the roll-ups, while passages come in; --repair corrects them."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Period and whether to repair."""
        parser.add_argument("--from", type=moment, default=counting.FIRST, dest="since", metavar="DAY|TIME")
        parser.add_argument("--to", type=moment, default=counting.LAST, dest="until", metavar="DAY|TIME")
        parser.add_argument("--repair", action="store_true", help="make the roll-ups right")

    def handle(self, *, since: datetime, until: datetime, repair: bool, **_options: Any) -> None:
        """Compare and tell."""
        count = 0
        for count, one in enumerate(counting.recount(since=since, until=until, repair=repair), start=1):
            if count <= SHOWN:
                kind = one.vehicle_type or "-"
                self.stdout.write(
                    f"{one.hour:%Y-%m-%d %H:00Z} camera {one.camera_id} {kind}: "
                    f"{one.stored} in the roll-ups, {one.passages} passages"
                )
        if not count:
            self.stdout.write("The roll-ups are what the passages are.")
        elif repair:
            self.stdout.write(f"{count} hours corrected.")
        else:
            raise CommandError(f"{count} hours differ. manage.py recount --repair corrects them.")
