"""`manage.py demo`: demonstration data, idempotent; prints the log-ins that it made."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import transaction

from anpr_site import demo


class Command(BaseCommand):
    """Cameras, vehicles, theft reports, accounts, a drawn clip."""

    help = "Create demonstration data (only what is missing) and print the log-ins made."

    def add_arguments(self, parser: CommandParser) -> None:
        """Reset."""
        parser.add_argument("--reset-passwords", action="store_true", help="new passwords and sensor key")

    def handle(self, *, reset_passwords: bool, **options: Any) -> None:
        """Create, print what is shown only once."""
        with transaction.atomic():
            log_ins = demo.create_accounts(reset_passwords=reset_passwords)
            token = demo.create_sensor_key(reset=reset_passwords)
            demo.create_vehicles()
            demo.create_cameras()
        for log_in in log_ins:
            self.stdout.write(f"{log_in.role:<16} {log_in.email:<20} {log_in.password}")
        if token:
            self.stdout.write(f"{'Clé de capteur':<16} {token}")
