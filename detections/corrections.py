"""Officers correct, confirm or give up a read. The read itself stays as the camera gave it."""

from collections.abc import Iterable
from datetime import date

from django.db import connection, transaction
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.services import audit
from detections import feed
from detections.models import Correction, CorrectionKind, Detection
from detections.passages import Refusal, check_plate
from detections.search import dictionary
from recognition import plates

MIN_REASON_LENGTH = 3


class CorrectionRefusedError(Exception):
    """What the officer gave breaks a rule; `refusal` says which."""

    def __init__(self, refusal: Refusal) -> None:
        """Carries the refusal to the caller."""
        super().__init__(refusal.message)
        self.refusal = refusal


class CorrectedMeanwhileError(Exception):
    """Somebody said something of this read that the caller has not seen; `correction` is it."""

    def __init__(self, correction: Correction) -> None:
        """Carries the correction in force."""
        super().__init__(str(correction.pk))
        self.correction = correction


@transaction.atomic
def correct(
    passage: Detection,
    *,
    by: User,
    kind: str = CorrectionKind.CORRECTED,
    plate_number: str = "",
    reason: str = "",
    case_reference: str = "",
    after: int = 0,
    ip_address: str | None = None,
) -> Correction:
    """Put an officer's word beside the read; the newest is in force. Consumers are woken after the commit.

    `after`: id of the correction in force that the officer knows, 0 for none; with it two officers at once
    cannot overwrite each other unseen. A plate equal to the read confirms it; the same word again by the same
    officer changes nothing.

    Raises CorrectionRefusedError, CorrectedMeanwhileError, and Detection.DoesNotExist when retention took the
    passage.
    """
    Detection.objects.at(passage.detected_at).select_for_update().only("pk").get(pk=passage.pk)
    plate = _plate(passage, kind, plate_number)
    if plate == passage.plate_number:
        kind = CorrectionKind.CONFIRMED
    refusal = None if kind == CorrectionKind.CONFIRMED else _check_reason(reason)
    if refusal:
        raise CorrectionRefusedError(refusal)
    newest = Correction.objects.of(passage).first()
    if newest and newest.pk != after:
        if (newest.created_by, newest.kind, newest.plate_number) == (by, kind, plate):
            return newest
        raise CorrectedMeanwhileError(newest)
    correction = Correction.objects.create(
        detection_id=passage.pk,
        detected_at=passage.detected_at,
        event_id=passage.event_id,
        kind=kind,
        plate_number=plate,
        plate_key=plates.fold(plate),
        reason=reason.strip(),
        case_reference=case_reference.strip(),
        created_by=by,
    )
    if plate:
        dictionary.enter(plate, passage.detected_at)
    audit(
        by=by,
        action="passage.correct",
        target=passage,
        reason=correction.reason,
        case_reference=correction.case_reference,
        details={"kind": str(kind), "read": passage.plate_number, "plate": plate},
        ip_address=ip_address,
    )
    transaction.on_commit(feed.wake_for_corrections, robust=True)
    return correction


def _plate(passage: Detection, kind: str, plate_number: str) -> str:
    """The plate as the officer says it is: "" for an unreadable one. Raises CorrectionRefusedError."""
    if kind == CorrectionKind.CONFIRMED:
        return passage.plate_number
    if kind == CorrectionKind.UNREADABLE:
        return ""
    refusal = check_plate(plate_number)
    if refusal:
        raise CorrectionRefusedError(refusal)
    return plates.normalise(plate_number)


def _check_reason(reason: str) -> Refusal | None:
    if len(reason.strip()) >= MIN_REASON_LENGTH:
        return None
    return Refusal("reason", "required", _("Say what the photo shows: the reason is kept with the passage."))


def with_corrections(passages: Iterable[Detection]) -> list[Detection]:
    """The passages, each with its correction in force as `passage.correction`; one query for all."""
    found = list(passages)
    newest = Correction.objects.newest_of(passage.pk for passage in found)
    for passage in found:
        passage.correction = newest.get(passage.pk)
    return found


@transaction.atomic
def forget_corrections(first: date, last: date) -> int:
    """Delete the corrections of passages seen from `first` to `last` (days of UTC, both included); how many.

    For retention alone, in the transaction that drops the months: nothing else may delete a correction.
    """
    with connection.cursor() as sql:
        sql.execute("SET LOCAL anpr.forget_corrections = 'on'")
        sql.execute(
            "DELETE FROM detections_correction WHERE detected_at >= %s::date::timestamp AT TIME ZONE 'UTC' "
            "AND detected_at < (%s::date + 1)::timestamp AT TIME ZONE 'UTC'",
            [first, last],
        )
        count = int(sql.rowcount)
        sql.execute("SET LOCAL anpr.forget_corrections = 'off'")
    return count
