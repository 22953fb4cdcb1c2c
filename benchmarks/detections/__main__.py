"""`python -m benchmarks detections [--rows N] [--sets lists,search,...] [--keep]`: questions to a full table.

Fills a database of its own with N passages of twelve months (20 million by default: 25 GB on the disk and
about ten minutes), asks each question of the product's own code many times with other values each time, and
keeps the medians in benchmarks/results/detections.md. With --keep the database stays for the next run of the
same N.
"""

import argparse
import os
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import django
import time_machine

from benchmarks.detections import database
from benchmarks.recognition.report import machine

ROWS = 20_000_000
SEED = 20261121
RESULT = Path(__file__).resolve().parents[1] / "results" / "detections.md"


def main() -> int:
    """Fill, ask, write the tables."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks detections", description=__doc__)
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--sets", default="", help="names of sets, separated by commas; default: all")
    parser.add_argument("--keep", action="store_true", help="leave the database for another run")
    given = parser.parse_args()
    url = os.environ["DATABASE_URL"]
    mark = f"{given.rows} passages, seed {SEED}"
    new = database.prepare(mark=mark)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "anpr_site.settings")
    django.setup()
    try:
        if new:
            filled(given.rows)
            database.finished(url, mark)
        prepared()
        measured(given.rows, given.sets.split(",") if given.sets else [])
    finally:
        if not given.keep:
            django.db.connections.close_all()
            database.drop(url)
    return 0


def filled(rows: int) -> None:
    """Make the tables and the rows."""
    from django.core.management import call_command

    from benchmarks.detections import traffic

    started = time.monotonic()
    call_command("migrate", verbosity=0)
    traffic.fill(rows, SEED)
    print(f"{rows:,} passages made in {time.monotonic() - started:.0f} s", flush=True)


def prepared() -> None:
    """What a kept database of an older run may lack."""
    from django.core.management import call_command

    from benchmarks.detections import traffic
    from detections.models import SeenPlate

    call_command("migrate", verbosity=0)
    if not SeenPlate.objects.exists():
        started = time.monotonic()
        traffic.derive()
        traffic.analyse()
        print(f"dictionary and roll-ups made in {time.monotonic() - started:.0f} s", flush=True)


def measured(rows: int, wanted: list[str]) -> None:
    """Ask, print, and keep the tables when all was asked."""
    from benchmarks.detections.questions import SETS, server
    from benchmarks.detections.traffic import UNTIL

    lines = [
        "# Questions to the table of passages",
        "",
        f"`python -m benchmarks {' '.join(['detections', *sys.argv[1:]])}`; "
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC; {machine()}; {server()}.",
        "",
        f"{rows:,} passages of the twelve months before {UNTIL}, seed {SEED} "
        "(benchmarks/detections/traffic.py).",
        "Milliseconds that the client waits for the database, over all statements of a question; each is",
        "asked with 40 different values, twice: the first time finds them on the disk, the second in memory.",
    ]
    for name, ask in SETS.items():
        if wanted and name not in wanted:
            continue
        print(f"== {name}", flush=True)
        # As of the end of the filled year, which retention takes for today.
        with time_machine.travel(datetime(UNTIL.year, UNTIL.month, UNTIL.day, tzinfo=UTC)):
            section = ask()
        print(*section.lines, sep="\n", flush=True)
        lines += ["", f"## {section.title}", "", *section.lines]
    if not wanted and rows == ROWS:
        RESULT.write_text("\n".join(lines) + "\n", encoding="utf-8")
        print(f"Kept in {RESULT}")


if __name__ == "__main__":
    sys.exit(main())
