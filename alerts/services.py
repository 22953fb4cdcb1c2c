"""Writes of alerts: raised by the matcher, taken by an officer."""

import logging
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Greatest
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.services import audit
from alerts import push
from alerts.matching import Match, match
from alerts.models import OPEN, Alert, AlertStatus, AlertType, MatchKind, Severity
from detections.corrections import with_corrections
from detections.models import Correction, CorrectionKind, Detection
from vehicles.models import StolenVehicle

logger = logging.getLogger(__name__)


class AlreadyTakenError(Exception):
    """Somebody else acknowledged the alert first; `alert` says who."""

    def __init__(self, alert: Alert) -> None:
        """Carries the alert as it is now."""
        super().__init__(str(alert.pk))
        self.alert = alert


@transaction.atomic
def match_passages(passages: Sequence[Detection]) -> list[Alert]:
    """Raise an alert for each passage that meets an active theft report; those raised.

    Within the feed this is part of its transaction: cursor, alerts and counts move together. Browsers are
    told after the commit.
    """
    raised = _match(passages)
    if passages:
        newest = max(passages, key=lambda passage: passage.pk)
        transaction.on_commit(lambda: push.passages(count=len(passages), newest_id=newest.pk))
    return raised


@transaction.atomic
def match_corrections(corrections: Sequence[Correction]) -> list[Alert]:
    """Raise an alert for each passage whose plate, as an officer corrected it, meets an active theft report.

    Only the correction in force counts: one that was replaced meanwhile comes in the feed itself.
    """
    ids, moments = [one.detection_id for one in corrections], [one.detected_at for one in corrections]
    found = Detection.objects.filter(pk__in=ids, detected_at__range=(min(moments), max(moments)))
    passages = [
        _as_corrected(passage)
        for passage in with_corrections(found.select_related("camera"))
        if passage.correction and passage.correction.kind == CorrectionKind.CORRECTED
    ]
    return _match(passages)


def _as_corrected(passage: Detection) -> Detection:
    """The passage as if it had been read so; nothing of this is stored."""
    correction = passage.correction
    if correction is not None:
        passage.plate_number, passage.plate_key = correction.plate_number, correction.plate_key
        passage.char_confidences = []
    return passage


def _match(passages: Sequence[Detection]) -> list[Alert]:
    reports = StolenVehicle.objects.like(list({passage.plate_key for passage in passages})).select_related(
        "vehicle"
    )
    by_key: dict[str, list[StolenVehicle]] = {}
    for report in reports:
        by_key.setdefault(report.plate_key, []).append(report)
    raised = []
    for passage in passages:
        for report in by_key.get(passage.plate_key, ()):
            hit = match(passage.plate_number, report.plate_number, passage.char_confidences)
            if hit and (alert := raise_stolen(passage, report, hit)):
                raised.append(alert)
    return raised


MATCHED = """EXISTS (SELECT FROM alerts_alert
    WHERE alerts_alert.plate_number = detections_detection.plate_number
      AND alerts_alert.camera_id = detections_detection.camera_id
      AND detections_detection.detected_at BETWEEN alerts_alert.detected_at AND alerts_alert.last_seen_at)"""
"""Passages that raised an alert or were folded into one, as SQL (setting MATCHED_PASSAGES)."""


def raise_stolen(passage: Detection, report: StolenVehicle, hit: Match) -> Alert | None:
    """A new alert, or one more sighting on the open one of the same place; None in the second case."""
    kind = MatchKind(hit.kind)
    if _fold(passage, report, kind):
        return None
    alert, created = Alert.objects.get_or_create(
        detection_id=passage.pk,
        stolen_vehicle=report,
        defaults={
            **_words(report, kind),
            "type": AlertType.STOLEN,
            "severity": Severity.CRITICAL if kind == MatchKind.EXACT else Severity.HIGH,
            "details": _details(passage, hit),
            "match_kind": kind,
            "plate_number": passage.plate_number,
            "layout": passage.layout,
            "plate_color": passage.plate_color,
            "listed_plate": report.plate_number,
            "confidence": passage.confidence,
            "detected_at": passage.detected_at,
            "last_seen_at": passage.detected_at,
            "crop": passage.image_data,
            "image_path": _keep_frame(passage),
            "bounding_box": passage.bounding_box,
            "vehicle": report.vehicle,
            "camera": passage.camera,
        },
    )
    if not created:
        _sharpen(alert, passage, kind, hit)
        return None
    audit(by=None, action="alert.raise", target=alert, details={"match": str(kind)})
    transaction.on_commit(lambda: push.alert_raised(alert))
    return alert


def _sharpen(alert: Alert, passage: Detection, kind: MatchKind, hit: Match) -> None:
    """A probable hit whose read an officer corrected to the reported plate is an exact one from now on."""
    if passage.correction is None or kind != MatchKind.EXACT or not alert.is_near:
        return
    alert.match_kind, alert.severity, alert.plate_number = kind, Severity.CRITICAL, passage.plate_number
    alert.details = _details(passage, hit)
    alert.message = _words(alert.stolen_vehicle, kind)["message"] if alert.stolen_vehicle else alert.message
    alert.save(update_fields=["match_kind", "severity", "plate_number", "details", "message", "updated_at"])
    audit(by=None, action="alert.sharpen", target=alert, details={"match": str(kind)})
    transaction.on_commit(lambda: push.alert_changed(alert.pk))


def _details(passage: Detection, hit: Match) -> dict[str, Any]:
    """What a page shows of the comparison."""
    return {
        "score": round(hit.score, 3),
        "characters": hit.explanation(),
        "corrected": passage.correction is not None,
    }


def _words(report: StolenVehicle, kind: MatchKind) -> dict[str, str]:
    """Title and message of an alert, in the product's language."""
    with translation.override(settings.LANGUAGE_CODE):
        title = _("Stolen vehicle %(plate)s") % {"plate": report.plate_number}
        message = (
            _("Exact match with theft report %(number)s.")
            if kind == MatchKind.EXACT
            else _("Probable match with theft report %(number)s: check the photo.")
        ) % {"number": report.report_number}
    return {"title": title, "message": message}


def _fold(passage: Detection, report: StolenVehicle, kind: MatchKind) -> bool:
    """Count the sighting on the open alert of this vehicle at this camera, if there is a recent one.

    An exact hit never disappears in a near one: it is an alert of its own.
    """
    window = timedelta(seconds=settings.ALERT_FOLD_SECONDS)
    open_alert = (
        Alert.objects.select_for_update(of=("self",))
        .filter(
            stolen_vehicle=report,
            camera_id=passage.camera_id,
            status__in=OPEN,
            match_kind__in=[kind, MatchKind.EXACT],
            last_seen_at__range=(passage.detected_at - window, passage.detected_at + window),
        )
        .exclude(detection_id=passage.pk)
        .order_by("-created_at")
        .first()
    )
    if open_alert is None:
        return False
    Alert.objects.filter(pk=open_alert.pk).update(
        repeat_count=F("repeat_count") + 1,
        last_seen_at=Greatest(F("last_seen_at"), passage.detected_at),
        updated_at=timezone.now(),
    )
    transaction.on_commit(lambda: push.alert_changed(open_alert.pk))
    return True


def _keep_frame(passage: Detection) -> str:
    """Copy the frame beside the alert (the passage's own is purged with its month); "" when that fails.

    A storage that fails costs the copy, never the alert: the crop is in the row. The name is the passage's
    event, so that a batch that was rolled back and is matched again makes no second copy; what a killed
    worker left half written is written anew.
    """
    if not passage.image_path:
        return ""
    suffix = passage.image_path.rpartition(".")[2]
    path = f"alerts/{passage.detected_at:%Y/%m}/{passage.event_id}.{suffix}"
    try:
        if default_storage.exists(path):
            if default_storage.size(path) == default_storage.size(passage.image_path):
                return path
            default_storage.delete(path)
        with default_storage.open(passage.image_path) as frame:
            return default_storage.save(path, ContentFile(frame.read()))
    except OSError:
        logger.exception("the frame of passage %s could not be copied to its alert", passage.pk)
        return ""


@transaction.atomic
def acknowledge(alert_id: int, *, by: User, ip_address: str | None = None) -> Alert:
    """`by` takes the alert. One conditional update decides between two who click at once.

    Raises AlreadyTakenError (with the alert, which says who) and Alert.DoesNotExist.
    """
    won = Alert.objects.filter(pk=alert_id, status=AlertStatus.NEW).update(
        status=AlertStatus.ACKNOWLEDGED,
        acknowledged_at=timezone.now(),
        acknowledged_by=by,
        updated_at=timezone.now(),
    )
    alert = Alert.objects.select_related("acknowledged_by", "camera").get(pk=alert_id)
    if not won:
        raise AlreadyTakenError(alert)
    audit(by=by, action="alert.acknowledge", target=alert, ip_address=ip_address)
    transaction.on_commit(lambda: push.alert_changed(alert.pk))
    return alert
