"""The page of retention: for how long data are kept, what goes next, and the proofs of what went."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.views import person
from anpr_site import purging
from detections import partitions
from detections.models import LIMITS, DataKind, DeletionCertificate, Limits
from detections.retention import months, records, rules

SHOWN = 20


@dataclass(frozen=True, slots=True)
class Kept:
    """A kind of data, its rule, and the moment before which it goes."""

    kind: DataKind
    days: int
    limits: Limits
    cutoff: datetime


def next_month(now: datetime) -> tuple[datetime, datetime] | None:
    """The month of passages that goes next, and from when on; None where none is kept."""
    due = set(months.due(now))
    coming = [one for one in partitions.months() if one not in due]
    if not coming:
        return None
    since, until = months.bounds(coming[0])
    return since, until + timedelta(days=rules.days(DataKind.READS))


@require_safe
@permission_required("detections.view_retentionrule", raise_exception=True)
def retention(request: HttpRequest) -> HttpResponse:
    """Rules, what is due, certificates."""
    now = timezone.now()
    context = {
        "kept": [Kept(one, rules.days(one), LIMITS[one], rules.cutoff(one, now=now)) for one in DataKind],
        "due": purging.due(now),
        "next": next_month(now),
        "certificates": DeletionCertificate.objects.visible_to(person(request))[:SHOWN],
        "stuck": records.stuck(now),
    }
    return render(request, "home/retention.html", context)
