"""Incidents of cameras: opened when something stays wrong, closed when it stays well, told once.

What is wrong is found above (`detections.camera_health`), where passages are known too. Here it is only
decided what is worth telling: nothing that does not last `CAMERA_INCIDENT_SECONDS`, and of a camera that
comes and goes one incident, "unstable", instead of many. See docs/adr/0010.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeAlias

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Count, Q, Sum
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.services import audit
from cameras import push
from cameras.models import CameraIncident, CameraSample, Trouble

WINDOW = timedelta(minutes=15)
CHANGES = 6
"""More changes of state than this within `WINDOW` are one incident, "unstable"; half of them end it."""

QUIET = timedelta(days=1)
"""How long what was never told to anybody is kept."""

DOWN = (Trouble.OFFLINE, Trouble.ERROR)
"""Two names of one trouble: going from one to the other is neither a worsening nor an improvement."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found of one kind of trouble: why it is wrong and since when, or `WELL`."""

    reason: str
    since: datetime | None = None


WELL = Finding("")

Findings: TypeAlias = Mapping[Trouble, Finding]
"""What is known of a camera; a kind that is missing cannot be known now."""


class AlreadyAcknowledgedError(Exception):
    """Somebody else acknowledged the incident first."""


def open_of(camera_ids: Collection[int]) -> dict[int, list[CameraIncident]]:
    """The open incidents of these cameras, newest first."""
    found: dict[int, list[CameraIncident]] = {}
    for incident in CameraIncident.objects.open().filter(camera_id__in=camera_ids):
        found.setdefault(incident.camera_id, []).append(incident)
    return found


@transaction.atomic
def follow(found: Mapping[int, Findings], *, now: datetime) -> list[CameraIncident]:
    """Open and close incidents by what was found now of each camera; those that were told, once committed.

    Incidents of cameras that are not among them are over: they were switched off.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(hashtext('cameras.incidents'))")
        if not cursor.fetchone()[0]:
            return []  # another worker is at it
    going: dict[int, dict[Trouble, CameraIncident]] = {camera_id: {} for camera_id in found}
    told: list[CameraIncident] = []
    for incident in CameraIncident.objects.select_for_update().filter(ended_at=None):
        if incident.camera_id in going:
            going[incident.camera_id][Trouble(incident.kind)] = incident
        else:
            told += _end(incident, now)
    changes = _changes(now - WINDOW)
    for camera_id, findings in found.items():
        told += _Case(camera_id, going[camera_id], now).follow(findings, changes.get(camera_id, 0))
    for incident in told:
        push.incident(incident)
    return told


@dataclass(frozen=True, slots=True)
class _Case:
    """A camera, what is going on with it, and the time."""

    camera_id: int
    going: dict[Trouble, CameraIncident]
    now: datetime

    def follow(self, findings: Findings, changes: int) -> list[CameraIncident]:
        """What is to be told."""
        for kind, other in (DOWN, DOWN[::-1]):
            if other in self.going and findings.get(kind, WELL) is not WELL:
                self.going[kind] = self.going.pop(other)
                self.going[kind].kind = kind
                self.going[kind].save()
        told = self._stability(changes)
        for kind in Trouble:
            if kind is Trouble.UNSTABLE:
                continue
            finding = findings.get(kind)
            if finding is None:
                told += self._unknown(kind)
            elif finding is WELL:
                told += self._well(kind)
            else:
                told += self._worse(kind, finding, quiet=Trouble.UNSTABLE in self.going)
        return told

    def _stability(self, changes: int) -> list[CameraIncident]:
        """One incident that stands for all others while the camera comes and goes."""
        known = Trouble.UNSTABLE in self.going
        if changes <= (CHANGES // 2 if known else CHANGES):
            return self._well(Trouble.UNSTABLE)
        figures = {"count": changes, "minutes": WINDOW // timedelta(minutes=1)}
        reason = _("%(count)d changes of state in %(minutes)d minutes.") % figures
        if known:
            return self._worse(Trouble.UNSTABLE, Finding(reason))
        told: list[CameraIncident] = []
        for kind in [kind for kind, incident in self.going.items() if incident.noticed_at]:
            told += _end(self.going.pop(kind), self.now)
        opened = CameraIncident(camera_id=self.camera_id, kind=Trouble.UNSTABLE, since=self.now - WINDOW)
        opened.reason, opened.found_at, opened.noticed_at = reason, self.now, self.now
        opened.save()
        self.going[Trouble.UNSTABLE] = opened
        return [*told, opened]

    def _worse(self, kind: Trouble, finding: Finding, *, quiet: bool = False) -> list[CameraIncident]:
        incident = self.going.get(kind)
        if incident is None:
            since = min(finding.since or self.now, self.now)
            incident = CameraIncident(camera_id=self.camera_id, kind=kind, since=since, found_at=self.now)
            self.going[kind] = incident
        before = incident.pk, incident.reason, incident.better_since
        incident.reason, incident.better_since = finding.reason[:255], None
        ripe = not incident.noticed_at and not quiet and self.now - incident.found_at >= _lasting()
        if ripe:
            incident.noticed_at = self.now
        if ripe or before != (incident.pk, incident.reason, None) or incident.pk is None:
            incident.save()
        return [incident] if ripe else []

    def _well(self, kind: Trouble) -> list[CameraIncident]:
        incident = self.going.get(kind)
        if incident is None:
            return []
        if incident.noticed_at is None:
            return _end(self.going.pop(kind), self.now)
        if incident.better_since is None:
            incident.better_since = self.now
            incident.save()
        if self.now - incident.better_since < _lasting():
            return []
        return _end(self.going.pop(kind), incident.better_since)

    def _unknown(self, kind: Trouble) -> list[CameraIncident]:
        """What cannot be known now stays as it was told; what was not told yet begins anew."""
        if kind in self.going and self.going[kind].noticed_at is None:
            return _end(self.going.pop(kind), self.now)
        return []


def _lasting() -> timedelta:
    return timedelta(seconds=settings.CAMERA_INCIDENT_SECONDS)


def _end(incident: CameraIncident, moment: datetime) -> list[CameraIncident]:
    """Close an incident; it is told if its beginning was."""
    incident.ended_at = max(moment, incident.since)
    incident.save()
    return [incident] if incident.noticed_at else []


def _changes(since: datetime) -> dict[int, int]:
    """How often each camera changed its state since then, at least.

    Counted for each kind of trouble by itself: one breakdown that shows in three ways is no flapping. Drops
    that a worker mended within seconds, between two looks, are two changes each.
    """
    rows = (
        CameraIncident.objects.filter(Q(since__gte=since) | Q(ended_at__gte=since))
        .exclude(kind=Trouble.UNSTABLE)
        .order_by()
        .values("camera_id", "kind")
        .annotate(count=Count("pk", filter=Q(since__gte=since)) + Count("pk", filter=Q(ended_at__gte=since)))
    )
    counted: dict[tuple[int, str], int] = {}
    for row in rows:
        key = row["camera_id"], "down" if row["kind"] in DOWN else row["kind"]
        counted[key] = counted.get(key, 0) + row["count"]
    drops = CameraSample.objects.filter(minute__gte=since, drops__gt=0).order_by()
    for camera_id, count in drops.values_list("camera_id").annotate(Sum("drops")):
        counted[camera_id, "drops"] = 2 * count
    most: dict[int, int] = {}
    for (camera_id, _kind), count in counted.items():
        most[camera_id] = max(count, most.get(camera_id, 0))
    return most


@transaction.atomic
def acknowledge(incident_id: int, *, by: User, ip_address: str | None = None) -> CameraIncident:
    """`by` knows of the incident. One conditional update decides between two who click at once.

    Raises AlreadyAcknowledgedError and CameraIncident.DoesNotExist.
    """
    won = (
        CameraIncident.objects.noticed()
        .filter(pk=incident_id, acknowledged_at=None)
        .update(acknowledged_at=timezone.now(), acknowledged_by=by)
    )
    incident = CameraIncident.objects.noticed().select_related("camera").get(pk=incident_id)
    if not won:
        raise AlreadyAcknowledgedError
    audit(by=by, action="camera_incident.acknowledge", target=incident, ip_address=ip_address)
    push.incident(incident)
    return incident


def prune(now: datetime) -> int:
    """Delete what was never told to anybody; how many there were."""
    return CameraIncident.objects.filter(noticed_at=None, ended_at__lt=now - QUIET).delete()[0]
