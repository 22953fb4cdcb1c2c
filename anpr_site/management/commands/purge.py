"""`manage.py purge`: delete what retention makes due; `--dry-run` says what, `--verify` checks the proofs."""

from collections.abc import Sequence
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from accounts.models import User
from anpr_site import purging
from detections.models import DataKind, DeletionCertificate
from detections.retention import certificates, records, rules


class Command(BaseCommand):
    """A line for each thing that goes, and its certificate."""

    help = "Delete data older than they are kept, with certificates; --dry-run writes nothing."

    def add_arguments(self, parser: CommandParser) -> None:
        """What, in whose name, or only a look."""
        parser.add_argument("--dry-run", action="store_true", help="say what would go")
        parser.add_argument("--verify", action="store_true", help="check the chain of certificates")
        parser.add_argument("--kind", action="append", choices=DataKind.values, help="only this kind")
        parser.add_argument("--by", metavar="EMAIL", help="account that the certificates name")

    def handle(
        self, *, dry_run: bool, verify: bool, kind: Sequence[str] | None, by: str | None, **_options: Any
    ) -> None:
        """Look, check, or delete."""
        kinds = {DataKind(one) for one in kind or DataKind.values}
        if verify:
            self._verify()
        elif dry_run:
            self._tell_due(kinds)
        else:
            self._purge(kinds, self._user(by))

    def _user(self, email: str | None) -> User | None:
        user = User.objects.filter(email__iexact=email).first() if email else None
        if email and user is None:
            raise CommandError(f"No account {email}.")
        return user

    def _tell_due(self, kinds: set[DataKind]) -> None:
        found = [one for one in purging.due(timezone.now()) if one.kind in kinds]
        for one in found:
            rows = "?" if one.rows is None else f"{one.rows:,}"
            held = f"  kept: {one.held}" if one.held else ""
            self.stdout.write(
                f"{one.kind.value:<12} before {one.until:%Y-%m-%d}  {rows:>12} rows  "
                f"{one.images or 0:>9,} images  {(one.bytes or 0) / 1e6:>10,.1f} MB{held}"
            )
        if not found:
            kept = ", ".join(f"{one.value} {rules.days(one)} days" for one in DataKind if one in kinds)
            self.stdout.write(f"Nothing is due. Kept: {kept}.")

    def _purge(self, kinds: set[DataKind], by: User | None) -> None:
        try:
            issued = purging.purge(kinds=kinds, by=by)
        except purging.BusyError as error:
            raise CommandError(str(error)) from error
        for one in issued:
            self.stdout.write(
                f"{one.kind:<12} before {one.until:%Y-%m-%d}  {one.rows:>12,} rows  {one.images:>9,} images  "
                f"certificate {one.pk} {one.seal[:16]}"
            )
        held = [one for one in purging.due(timezone.now()) if one.kind in kinds]
        if held:
            reasons = "; ".join(f"{one.kind.value} before {one.until:%Y-%m-%d}: {one.held}" for one in held)
            raise CommandError(f"Kept though due: {reasons}")
        if not issued:
            self.stdout.write("Nothing was due.")

    def _verify(self) -> None:
        faults = [f"certificate {one.pk}: {words}" for one, words in certificates.faults()]
        if stuck := records.stuck():
            faults.append(f"{stuck} certificates are unfinished for more than a day")
        if faults:
            raise CommandError("\n".join(faults))
        self.stdout.write(f"{DeletionCertificate.objects.count()} certificates, the chain is whole.")
