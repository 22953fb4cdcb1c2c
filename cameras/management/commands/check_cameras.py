"""`manage.py check_cameras [CODE ...]`: connect to cameras once and tell what came of it."""

import json
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from cameras.checking import AT_ONCE, check_all
from cameras.models import Camera


class Command(BaseCommand):
    """A line a camera; exit status 1 when one of them gave no picture. Never an address."""

    help = "Connect to cameras (all that are read, or those named) and wait for the first picture of each."

    def add_arguments(self, parser: CommandParser) -> None:
        """Which cameras, how many at once, output."""
        parser.add_argument("codes", nargs="*", metavar="CODE")
        parser.add_argument("--at-once", type=int, default=AT_ONCE, help=f"side by side; {AT_ONCE}")
        parser.add_argument("--json", action="store_true", help="print a list of objects")

    def handle(self, *, codes: list[str], at_once: int, **options: Any) -> None:
        """Connect, print."""
        cameras = Camera.objects.filter(code__in=codes) if codes else Camera.objects.to_read()
        found = list(cameras.order_by("code"))
        if unknown := sorted(set(codes) - {camera.code for camera in found}):
            raise CommandError(f"No camera {', '.join(unknown)}.")
        checks = []
        for one in check_all(found, at_once=max(1, at_once)):
            checks.append(one)
            if not options["json"]:
                size = f"{one.width} x {one.height}" if one.width else "folder"
                self.stdout.write(f"{one.code:<24}{one.seconds:6.1f} s  {one.words or size}")
        if options["json"]:
            self.stdout.write(json.dumps([asdict(one) for one in checks], ensure_ascii=False, indent=2))
        if failed := sum(bool(one.fault) for one in checks):
            raise CommandError(f"{failed} of {len(checks)} cameras gave no picture.")
