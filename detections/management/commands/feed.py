"""`manage.py feed`: the consumers of the feed; give one its rows again, or let it pass over one."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from detections import counting, feed
from detections.feed import Position
from detections.models import FeedCursor


class Command(BaseCommand):
    """Without a verb: each consumer with its cursor and how far it is behind."""

    help = (
        "List the consumers of the feed; replay one from a cursor or a time; skip the row at which one fails."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Verbs."""
        verbs = parser.add_subparsers(dest="verb", metavar="replay|skip")
        replay = verbs.add_parser("replay", help="give a consumer again what came after a place behind it")
        place = replay.add_mutually_exclusive_group(required=True)
        place.add_argument("--to-cursor", metavar="XID-ROW", help="a cursor, as the list shows it; 0-0: all")
        place.add_argument("--since", metavar="TIME", help="all that was stored since then (ISO 8601)")
        skip = verbs.add_parser("skip", help="let a consumer pass over the one row at which it fails")
        for verb in (replay, skip):
            verb.add_argument("consumer")
            verb.add_argument("--reason", required=True, help="kept in the audit trail")
            verb.add_argument("--yes", action="store_true", help="do not ask")

    def handle(self, *, verb: str | None, **options: Any) -> None:
        """List, replay or skip."""
        if verb is None:
            self._list()
            return
        cursor = FeedCursor.objects.filter(consumer=options["consumer"]).first()
        if cursor is None:
            raise CommandError(f"No consumer {options['consumer']!r}: see manage.py feed.")
        try:
            if verb == "replay":
                self._replay(cursor, **options)
            else:
                self._skip(cursor, **options)
        except ValueError as error:
            raise CommandError(str(error)) from error

    def _list(self) -> None:
        for cursor in FeedCursor.objects.order_by("consumer"):
            try:
                lag = feed.lag(cursor.consumer)
                behind = f"{lag.passages}{'+' if lag.more else ''} waiting, {lag.seconds:.0f} s"
            except feed.FeedMovedError:
                behind = "restored data: run manage.py rebase_feed"
            if cursor.failing_since:
                behind += f", FAILS since {timezone.localtime(cursor.failing_since):%Y-%m-%d %H:%M:%S}"
            self.stdout.write(f"{cursor.consumer:<24}{cursor.stream:<13}{self._place(cursor):<24}{behind}")

    def _replay(self, cursor: FeedCursor, *, to_cursor: str, since: str, reason: str, **options: Any) -> None:
        if cursor.consumer == counting.CONSUMER:
            raise CommandError("It counts each passage once; to count again: manage.py recount --repair.")
        place = self._since(cursor, since) if since else self._read_place(to_cursor)
        self._ask(
            f"{cursor.consumer} gets again all {cursor.stream} from {place[0]}-{place[1]} to "
            f"{self._place(cursor)}, and may tell others of them again",
            options["yes"],
        )
        moved = feed.replay(cursor.consumer, after=place, reason=reason)
        self.stdout.write(f"{cursor.consumer} goes on after {self._place(moved)}.")

    def _skip(self, cursor: FeedCursor, *, reason: str, yes: bool, **_options: Any) -> None:
        self._ask(f"{cursor.consumer} passes over the row after {self._place(cursor)}", yes)
        moved = feed.skip(cursor.consumer, reason=reason)
        self.stdout.write(f"{cursor.consumer} goes on after {self._place(moved)}.")

    def _since(self, cursor: FeedCursor, text: str) -> Position:
        try:
            moment = parse_datetime(text)
        except ValueError as error:
            raise CommandError(f"--since: {error}") from error
        if moment is None:
            raise CommandError("--since: a time as 2026-11-21T08:00, local or with its offset.")
        if timezone.is_naive(moment):
            moment = timezone.make_aware(moment)
        place = feed.position_before(feed.STREAMS[cursor.stream], moment)
        if place is None:
            raise CommandError("Nothing was stored since then.")
        return place

    def _read_place(self, text: str) -> Position:
        xid, _dash, row = text.partition("-")
        if not (xid.isdecimal() and row.isdecimal()):
            raise CommandError("--to-cursor: two numbers, as manage.py feed shows them: 1234-567.")
        return int(xid), int(row)

    def _place(self, cursor: FeedCursor) -> str:
        return f"{cursor.xid}-{cursor.row_id}"

    def _ask(self, what: str, yes: bool) -> None:
        """Raises CommandError unless somebody says yes."""
        if not yes and input(f"{what}. Go on? [y/N] ").strip().lower() not in {"y", "yes", "o", "oui"}:
            raise CommandError("Nothing was changed.")
