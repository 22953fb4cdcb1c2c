"""`manage.py import_detections FILE`: many passages from CSV or JSON lines; repeat it after a break."""

import csv
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import InterfaceError, OperationalError

from accounts.models import User
from cameras.models import Camera
from detections.importing import COLUMNS, FileError, Problem, Progress, Reader, import_file

SECONDS_BETWEEN = 10.0
"""Where nobody looks on, progress is a line from time to time."""
WIDTH = 24


class Errors:
    """FILE.errors.csv: made with the first problem; one of an earlier run is taken away."""

    def __init__(self, path: Path) -> None:
        """Where it is to lie."""
        self.path = path.with_name(f"{path.name}.errors.csv")
        self.count = 0
        self.path.unlink(missing_ok=True)

    def write(self, problems: list[Problem]) -> None:
        """Add lines."""
        if not problems:
            return
        with self.path.open("a", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            if not self.count:
                writer.writerow(Problem._fields)
            writer.writerows(problems)
        self.count += len(problems)


class Command(BaseCommand):
    """Says how many passages are new and known; refused lines are told in a file."""

    help = f"Import passages from CSV or JSON lines (.gz too). Columns: {', '.join(COLUMNS)}."

    def add_arguments(self, parser: CommandParser) -> None:
        """File, names of its columns, camera, rehearsal, in whose name."""
        parser.add_argument("file", type=Path, metavar="FILE.csv|FILE.jsonl[.gz]")
        parser.add_argument("--dry-run", action="store_true", help="check everything, write nothing")
        parser.add_argument("--camera", default="", metavar="CODE", help="camera of lines that name none")
        parser.add_argument(
            "--map", action="append", default=[], metavar="THEIRS=OURS", help="another name of a column"
        )
        parser.add_argument("--by", metavar="EMAIL", help="account that the passages name")

    def handle(
        self, *, file: Path, dry_run: bool, camera: str, map: list[str], by: str | None, **_options: Any
    ) -> None:
        """Read, store, tell."""
        names = dict(self._pair(one) for one in map)
        if camera and not Camera.objects.filter(code=camera).exists():
            raise CommandError(f"No camera {camera}.")
        reader, progress = Reader(camera=camera, by=self._user(by)), Progress()
        with self._told(file):
            errors = Errors(file)
            for progress in self._shown(import_file(file, reader, names=names, dry_run=dry_run)):
                errors.write(progress.problems)
        self.stdout.write(
            f"{progress.lines:,} lines: {progress.created:,} passages new, {progress.known:,} known already, "
            f"{errors.count:,} refused." + (" Nothing was written: this was a rehearsal." if dry_run else "")
        )
        if errors.count:
            raise CommandError(f"{errors.count:,} lines were refused: {errors.path}")

    def _pair(self, text: str) -> tuple[str, str]:
        theirs, equals, ours = text.partition("=")
        if not equals or ours not in COLUMNS:
            raise CommandError(f"--map {text}: THEIRS=OURS is needed, OURS one of {', '.join(COLUMNS)}.")
        return theirs.strip().lower(), ours

    def _user(self, email: str | None) -> User | None:
        user = User.objects.filter(email__iexact=email).first() if email else None
        if email and user is None:
            raise CommandError(f"No account {email}.")
        return user

    @contextmanager
    def _told(self, file: Path) -> Iterator[None]:
        """What stops an import, in a sentence."""
        try:
            yield
        except OSError as error:
            raise CommandError(f"{file}: {error.strerror}") from error
        except FileError as error:
            raise CommandError(f"{file}: {error}") from error
        except (OperationalError, InterfaceError) as error:
            raise CommandError("The database went away. Run the import again: it goes on.") from error

    def _shown(self, steps: Iterator[Progress]) -> Iterator[Progress]:
        """A bar where somebody looks on, else a line from time to time."""
        bar, started, told = self.stderr.isatty(), time.monotonic(), time.monotonic()
        for progress in steps:
            yield progress
            now = time.monotonic()
            if not bar and now - told < SECONDS_BETWEEN:
                continue
            told = now
            done = "#" * round(progress.share * WIDTH)
            pace = progress.lines / max(0.001, now - started)
            text = f"[{done:<{WIDTH}}] {progress.share:4.0%}  {progress.lines:,} lines  {pace:,.0f}/s"
            self.stderr.write(f"\r{text}" if bar else text, ending="" if bar else "\n")
        if bar:
            self.stderr.write("")
