"""The only way in for passages (`record`) and for photos that wait to be read (`submit_photo`)."""

import itertools
import json
import logging
import threading
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any

from django.core.files.storage import default_storage
from django.db import InterfaceError, OperationalError, connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from psycopg2.extras import execute_values

from accounts.models import ApiKey, User
from cameras.models import Camera
from detections import feed, images, partitions
from detections.models import Detection, Stay, Submission
from detections.passages import NewPassage, Outcome, Refusal, check_time, first_refusal
from recognition import plates
from recognition.images import ImageError
from vehicles.models import Vehicle

logger = logging.getLogger(__name__)

_COLUMNS = [
    "event_id",
    "plate_number",
    "plate_key",
    "ocr_text",
    "confidence",
    "detection_confidence",
    "recognition_confidence",
    "char_confidences",
    "candidates",
    "countries",
    "layout",
    "plate_color",
    "bounding_box",
    "recognition_polygon",
    "image_path",
    "image_data",
    "processing_time",
    "vehicle_type",
    "vehicle_color",
    "vehicle_brand",
    "vehicle_model",
    "direction",
    "lane",
    "tpms",
    "metadata",
    "source",
    "vehicle_id",
    "camera_id",
    "created_by_id",
    "detected_at",
    "created_at",
    "updated_at",
]
_INSERT = (
    f"INSERT INTO detections_detection ({', '.join(_COLUMNS)}) VALUES %s "  # noqa: S608 (constants only)
    "ON CONFLICT (event_id, detected_at) DO NOTHING RETURNING event_id, id"
)


class PhotoRefusedError(Exception):
    """A photo cannot be taken; `refusal` says why."""

    def __init__(self, refusal: Refusal) -> None:
        """Carries the refusal to the caller."""
        super().__init__(refusal.message)
        self.refusal = refusal


@dataclass(frozen=True)
class _Ready:
    """A passage that met every rule, with its pictures checked."""

    passage: NewPassage
    frame: images.Picture | None
    crop: bytes | None


def record(passages: Sequence[NewPassage]) -> list[Outcome]:
    """Validate, store and commit passages; one outcome each, in order.

    Idempotent on `event_id`: a repeat is a "duplicate" and changes nothing. A passage that breaks a rule is
    "rejected" and the others are stored. Nothing else happens in the transaction; consumers of the feed are
    woken after it. Raises what the database or the storage raises; then nothing was stored.
    """
    outcomes: dict[int, Outcome] = {}
    ready: dict[int, _Ready] = {}
    known = _known_events([passage.event_id for passage in passages])
    first: dict[uuid.UUID, int] = {}
    for index, passage in enumerate(passages):
        if passage.event_id in known:
            outcomes[index] = Outcome(passage.event_id, "duplicate", known[passage.event_id])
        elif passage.event_id in first:
            continue
        else:
            prepared = _prepare(passage)
            if isinstance(prepared, Refusal):
                outcomes[index] = Outcome(passage.event_id, "rejected", None, prepared)
            else:
                first[passage.event_id] = index
                ready[index] = prepared
    created = _store(list(ready.values())) if ready else {}
    again = _known_events([event for event in first if event not in created])
    for index, passage in enumerate(passages):
        if index in outcomes:
            continue
        new = index in ready and passage.event_id in created
        found = created.get(passage.event_id) or again.get(passage.event_id)
        outcomes[index] = Outcome(passage.event_id, "created" if new else "duplicate", found)
    return [outcomes[index] for index in range(len(passages))]


def record_one(passage: NewPassage, *, give_up: threading.Event) -> None:
    """`record` for a camera worker, which nobody sends the passage again: waits while the database is away.

    A storage that fails (disk full) costs the frame, not the passage. A refusal is logged, without the plate.
    Raises the database's error only once `give_up` is set.
    """
    for wait in itertools.chain((0.2, 0.5, 1, 2), itertools.repeat(5)):
        try:
            [outcome] = record([passage])
            break
        except (OperationalError, InterfaceError):
            if give_up.is_set():
                raise
            logger.warning("database away: a passage of camera %s waits", passage.camera.pk)
            connection.close()
            give_up.wait(wait)
        except OSError:
            if passage.frame is None:
                raise
            logger.exception("storage failed: a passage of camera %s has no frame", passage.camera.pk)
            passage = replace(passage, frame=None)
    if outcome.refusal:
        logger.error("passage of camera %s refused: %s", passage.camera.pk, outcome.refusal.code)


def record_stay(*, camera: Camera, event_id: uuid.UUID, started_at: datetime, ended_at: datetime) -> None:
    """Note until when the vehicle of a passage stood in a parking zone; told again it is made longer.

    While the database is away it is left out: a worker tells a stay each minute.
    """
    stay = Stay(event_id=event_id, camera=camera, started_at=started_at, ended_at=ended_at)
    try:
        Stay.objects.bulk_create(
            [stay],
            update_conflicts=True,
            unique_fields=["event_id", "started_at"],
            update_fields=["ended_at"],
        )
    except (OperationalError, InterfaceError):
        logger.warning("database away: a stay before camera %s was not noted", camera.pk)
        connection.close()


def _known_events(event_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, int]:
    return dict(Detection.objects.filter(event_id__in=list(event_ids)).values_list("event_id", "pk"))


def refusal_of(error: ImageError, name: str) -> Refusal:
    """A broken picture told to its sender."""
    messages = {
        "empty": _("The picture is empty."),
        "not_an_image": _("This is not a JPEG, PNG, WebP or BMP picture."),
        "truncated": _("The picture is cut off or damaged: send it again."),
        "too_many_pixels": _("The picture has too many pixels."),
        "too_many_bytes": _("The picture has too many bytes."),
        "too_small": _("The picture is too small to show a plate."),
    }
    return Refusal(name, error.code, messages.get(error.code, _("The picture cannot be read.")))


def _prepare(passage: NewPassage) -> _Ready | Refusal:
    frame, crop = None, None
    try:
        if passage.frame is not None:
            frame = images.check(passage.frame)
    except ImageError as error:
        return refusal_of(error, "frame")
    refusal = first_refusal(passage, (frame.width, frame.height) if frame else None)
    if refusal:
        return refusal
    try:
        if passage.crop is not None:
            crop = images.small(passage.crop)
    except ImageError as error:
        # A tiny crop is of no use, but no reason to lose a passage.
        if error.code != "too_small":
            return refusal_of(error, "crop")
    if crop is None and frame and passage.bounding_box:
        crop = images.cut(frame.data, list(passage.bounding_box))
    return _Ready(passage, frame, crop)


def _store(ready: list[_Ready]) -> dict[uuid.UUID, int]:
    """Write the frames, then the rows in one transaction; ids of the rows made, by event.

    Frames are removed when the rows were refused. Once COMMIT was sent nothing is removed, whatever comes:
    an answer that got lost may have been a yes.
    """
    paths: dict[uuid.UUID, str] = {}
    with transaction.atomic():
        try:
            for item in ready:
                if item.frame:
                    folder = f"frames/{item.passage.camera.code}"
                    paths[item.passage.event_id] = images.store(
                        item.frame,
                        folder=folder,
                        name=str(item.passage.event_id),
                        at=item.passage.detected_at,
                    )
            created = _insert(_still_new(ready), paths)
        except BaseException:
            _remove(paths.values())
            raise
        transaction.on_commit(feed.wake, robust=True)
    # A repeat that slipped in between the first look and the lock: its frame is there already.
    _remove(path for event, path in paths.items() if event not in created)
    return created


def _still_new(ready: list[_Ready]) -> list[_Ready]:
    """Those whose event nobody stored meanwhile. A lock per event makes a simultaneous repeat wait."""
    events = sorted(str(item.passage.event_id) for item in ready)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(event, 0)) FROM unnest(%s) AS event", [events]
        )
    known = _known_events([item.passage.event_id for item in ready])
    return [item for item in ready if item.passage.event_id not in known]


def _remove(paths: Iterable[str]) -> None:
    for path in paths:
        default_storage.delete(path)


def _insert(ready: list[_Ready], paths: dict[uuid.UUID, str]) -> dict[uuid.UUID, int]:
    if not ready:
        return {}
    # Months are those of UTC, like the partitions.
    days = [item.passage.detected_at.astimezone(UTC).date() for item in ready]
    _ensure_months(min(days), max(days))
    vehicles = _vehicles_of([plates.normalise(item.passage.plate_number) for item in ready])
    now = timezone.now()
    rows = [_row(item, paths.get(item.passage.event_id, ""), vehicles, now) for item in ready]
    with connection.cursor() as cursor:
        found = execute_values(cursor.cursor, _INSERT, rows, page_size=1000, fetch=True)
    return {uuid.UUID(str(event)): pk for event, pk in found}


def _ensure_months(first: date, last: date) -> None:
    """Months are made ahead every night; this is for what is older or was missed."""
    present = partitions.existing()
    wanted, month = [], partitions.month_of(first)
    while month <= partitions.month_of(last):
        wanted.append(partitions.name_of(month))
        month = partitions.add_months(month, 1)
    if not present.issuperset(wanted):
        partitions.ensure(first, last)


def _vehicles_of(plate_numbers: list[str]) -> dict[str, int]:
    """Registered vehicles by plate without country suffix: a read may lack the RB."""
    wanted = {
        form for plate in plate_numbers for form in (plate, plates.core(plate), f"{plates.core(plate)}RB")
    }
    found = Vehicle.objects.filter(plate_number__in=wanted).values_list("plate_number", "pk")
    return {plates.core(plate): pk for plate, pk in found}


def _row(item: _Ready, path: str, vehicles: dict[str, int], now: datetime) -> tuple[Any, ...]:
    passage = item.passage
    plate = plates.normalise(passage.plate_number)
    metadata = dict(passage.metadata)
    if item.frame:
        metadata["frame_sha256"] = item.frame.digest
    return (
        str(passage.event_id),
        plate,
        plates.fold(plate),
        (passage.ocr_text or passage.plate_number)[:64],
        passage.confidence,
        passage.detection_confidence,
        passage.recognition_confidence,
        json.dumps(list(passage.char_confidences)),
        json.dumps(list(passage.candidates)),
        json.dumps(list(passage.countries)),
        passage.layout,
        passage.plate_color[:16],
        json.dumps(list(passage.bounding_box)) if passage.bounding_box else None,
        json.dumps([list(corner) for corner in passage.recognition_polygon])
        if passage.recognition_polygon
        else None,
        path or passage.frame_path,
        item.crop,
        passage.processing_time,
        passage.vehicle_type[:16],
        passage.vehicle_color[:50],
        passage.vehicle_brand[:100],
        passage.vehicle_model[:100],
        passage.direction[:16],
        passage.lane[:16],
        json.dumps(list(passage.tpms)),
        json.dumps(metadata),
        str(passage.source),
        vehicles.get(plates.core(plate)),
        passage.camera.pk,
        passage.created_by.pk if passage.created_by else None,
        passage.detected_at,
        now,
        now,
    )


def submit_photo(
    *,
    camera: Camera,
    photo: bytes,
    detected_at: datetime,
    event_id: uuid.UUID,
    metadata: dict[str, Any] | None = None,
    extra: dict[str, Any] | None = None,
    api_key: ApiKey | None = None,
    by: User | None = None,
) -> Submission:
    """Keep a photo for the recognition workers; the same `event_id` again gives the first submission.

    `extra`: what the sender knows of the vehicle (fields of NewPassage), kept for the passage to come.

    Raises PhotoRefusedError when the picture or the time breaks a rule; then nothing is stored.
    """
    found = Submission.objects.filter(event_id=event_id).first()
    if found:
        return found
    try:
        picture = images.check(photo)
    except ImageError as error:
        raise PhotoRefusedError(refusal_of(error, "frame")) from error
    refusal = check_time(detected_at)
    if refusal:
        raise PhotoRefusedError(refusal)
    path = images.store(picture, folder=f"frames/{camera.code}", name=str(event_id), at=detected_at)
    with transaction.atomic():
        try:
            submission, created = Submission.objects.get_or_create(
                event_id=event_id,
                defaults={
                    "camera": camera,
                    "detected_at": detected_at,
                    "image_path": path,
                    "metadata": {**(metadata or {}), "frame_sha256": picture.digest},
                    "extra": extra or {},
                    "api_key": api_key,
                    "created_by": by,
                },
            )
        except BaseException:
            default_storage.delete(path)
            raise
        transaction.on_commit(feed.wake_readers, robust=True)
    if not created:
        default_storage.delete(path)
    return submission
