"""For how long each kind of data is kept: the rules that an administrator sets, within limits."""

import time
from datetime import datetime, timedelta

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.services import audit
from detections.models import LIMITS, DataKind, RetentionRule

REMEMBERED = 10.0
"""Seconds for which a process remembers the rules: ingest asks for them with each passage."""

_remembered: tuple[float, dict[str, int]] = (0.0, {})


def days(kind: DataKind) -> int:
    """For how many days a kind is kept; a change elsewhere is seen after REMEMBERED seconds."""
    global _remembered
    now = time.monotonic()
    if not _remembered[1] or now - _remembered[0] > REMEMBERED:
        stored = dict(RetentionRule.objects.values_list("kind", "days"))
        _remembered = (now, {one.value: stored.get(one.value, default_days(one)) for one in DataKind})
    kept = _remembered[1]
    # A photo never outlives its passage.
    return min(kept[kind], kept[DataKind.READS]) if kind == DataKind.IMAGES else kept[kind]


def forget() -> None:
    """Look the rules up again at the next question."""
    global _remembered
    _remembered = (0.0, {})


def default_days(kind: DataKind) -> int:
    """What holds where no rule is stored; for passages READS_RETENTION_DAYS, within the limits."""
    limits = LIMITS[kind]
    wanted = settings.READS_RETENTION_DAYS if kind == DataKind.READS else limits.default
    return max(limits.least, min(limits.most, wanted))


def cutoff(kind: DataKind, *, now: datetime | None = None) -> datetime:
    """Older data of this kind are due to be deleted."""
    return (now or timezone.now()) - timedelta(days=days(kind))


def reads_cutoff() -> datetime:
    """Passages before this moment are not taken any more, and are deleted with their month."""
    return cutoff(DataKind.READS)


@transaction.atomic
def change(kind: DataKind, *, to: int, by: User | None) -> RetentionRule:
    """Keep a kind for so many days from now on, with the audit row. Raises ValidationError outside limits."""
    limits = LIMITS[kind]
    if not limits.least <= to <= limits.most:
        words = _("Between %(least)d and %(most)d days.")
        raise ValidationError({"days": words % {"least": limits.least, "most": limits.most}})
    stored = RetentionRule.objects.select_for_update().filter(kind=kind).first()
    before = stored.days if stored else default_days(kind)
    rule, _created = RetentionRule.objects.update_or_create(kind=kind, defaults={"days": to})
    if before != to:
        audit(by=by, action="retention.change", target=rule, details={"from": before, "to": to})
    transaction.on_commit(forget)
    return rule
