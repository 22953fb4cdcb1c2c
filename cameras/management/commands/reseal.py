"""`manage.py reseal`: encrypt the addresses of streams anew, after another key was put in front."""

from typing import Any

from django.core.management.base import BaseCommand

from cameras.services import reseal_cameras


class Command(BaseCommand):
    """Run it before the old key is taken out of ENCRYPTION_KEYS."""

    help = "Encrypt the addresses of all streams with the first of ENCRYPTION_KEYS."

    def handle(self, *args: Any, **options: Any) -> None:
        """Say how many cameras were written."""
        self.stdout.write(f"{reseal_cameras()} cameras written.")
