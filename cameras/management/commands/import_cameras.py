"""`manage.py import_cameras FILE`: add and change many cameras at once, all or none."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.models import User
from cameras.importing import COLUMNS, ImportRefusedError, import_cameras, read_rows

SHOWN = 50
"""Problems that are told one by one."""


class Command(BaseCommand):
    """Says how many cameras are new, changed and as before; or every problem, by line and column."""

    help = f"Add and change cameras by their code, from CSV or JSON. Columns: {', '.join(COLUMNS)}."

    def add_arguments(self, parser: CommandParser) -> None:
        """File, rehearsal, and in whose name."""
        parser.add_argument("file", type=Path, metavar="FILE.csv|FILE.json")
        parser.add_argument("--dry-run", action="store_true", help="check everything, write nothing")
        parser.add_argument("--by", metavar="EMAIL", help="account that the audit trail names")

    def handle(self, *, file: Path, dry_run: bool, by: str | None, **_options: Any) -> None:
        """Read, check, write."""
        user = User.objects.filter(email__iexact=by).first() if by else None
        if by and user is None:
            raise CommandError(f"No account {by}.")
        try:
            outcome = import_cameras(read_rows(file), by=user, dry_run=dry_run)
        except OSError as error:
            raise CommandError(f"{file}: {error.strerror}") from error
        except ImportRefusedError as error:
            for one in error.problems[:SHOWN]:
                where = f"line {one.line}" + (f", {one.column}" if one.column else "")
                self.stderr.write(f"{where}: {one.message}")
            count = len(error.problems)
            more = f", {SHOWN} of them shown" if count > SHOWN else ""
            raise CommandError(f"{count} problems{more}. Nothing was written.") from error
        self.stdout.write(
            f"{outcome.created} new, {outcome.changed} changed, {outcome.unchanged} as before."
            + (" Nothing was written: this was a rehearsal." if dry_run else "")
        )
