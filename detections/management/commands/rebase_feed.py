"""`manage.py rebase_feed`: once, after data were restored into another PostgreSQL cluster."""

from typing import Any

from django.core.management.base import BaseCommand

from detections import counting, feed


class Command(BaseCommand):
    """Makes the feed's transaction numbers fit the new cluster."""

    help = "After a restore into another PostgreSQL cluster: let the feed go on (safe to repeat)."

    def handle(self, *args: Any, **options: Any) -> None:
        """Rebase and tell; some passages are given again, which the roll-ups must not count twice."""
        self.stdout.write(f"{feed.rebase()} passages carried over to this cluster.")
        corrected = sum(1 for _one in counting.recount(repair=True))
        self.stdout.write(f"{corrected} hours of the statistics corrected.")
