"""How passages that met every rule are written: frames first, then all rows in one transaction, by COPY."""

import io
import json
from collections.abc import Iterable, Sequence
from datetime import UTC, date
from typing import Any, NamedTuple

import orjson
from django.core.files.storage import default_storage
from django.db import connection, transaction
from django.utils import timezone

from detections import feed, images, partitions
from detections.passages import NewPassage
from recognition import plates

# The look-up has a snapshot of its own, taken once the locks are held: a simultaneous repeat has committed by
# then and is seen. The unique key would let one through whose time differs. Numbers that a repeat leaves
# unused are gaps, which nothing minds.
_LOCK_AND_LOOK_UP = """
SELECT pg_advisory_xact_lock(hashtextextended(event, 0)) FROM unnest(%(events)s) AS event;
SELECT (SELECT json_object_agg(event_id, id)
          FROM detections_detection WHERE event_id = ANY(%(events)s::uuid[])),
       (SELECT json_object_agg(plate_number, id)
          FROM vehicles_vehicle WHERE plate_number = ANY(%(plates)s)),
       ARRAY(SELECT nextval('detections_detection_id_seq') FROM generate_series(1, %(count)s)),
       EXISTS (SELECT FROM unnest(%(months)s) AS month WHERE to_regclass(month) IS NULL)
"""
_COLUMNS = (
    "id",
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
)
# Straight into the table: a seventh of the time of INSERT, half of that by way of a temporary table.
_COPY = f"COPY detections_detection ({', '.join(_COLUMNS)}) FROM STDIN"
_NULL = r"\N"
_ESCAPES = str.maketrans({"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r"})


class Ready(NamedTuple):
    """A passage that met every rule, with its event as text and its pictures checked."""

    event: str
    passage: NewPassage
    frame: images.Picture | None
    crop: bytes | None


class _Found(NamedTuple):
    """What the database said once the events were locked."""

    known: dict[str, int]
    vehicles: dict[str, int]
    ids: list[int]


def store(ready: Sequence[Ready]) -> tuple[dict[str, int], dict[str, int]]:
    """Write the frames, then the rows in one transaction: ids of the rows made, and of those found, by event.

    Frames are removed when the rows were refused. Once COMMIT was sent nothing is removed, whatever comes:
    an answer that got lost may have been a yes.
    """
    paths: dict[str, str] = {}
    with transaction.atomic():
        try:
            for item in ready:
                if item.frame:
                    paths[item.event] = _keep(item.passage, item.frame)
            found = _lock_and_look_up(ready)
            created = write(ready, found, paths)
        except BaseException:
            _remove(paths.values())
            raise
        transaction.on_commit(feed.wake, robust=True)
    # A repeat that slipped in between the first look and the lock: its frame is there already.
    _remove(path for event, path in paths.items() if event not in created)
    return created, found.known


def _keep(passage: NewPassage, frame: images.Picture) -> str:
    folder = f"frames/{passage.camera.code}"
    return images.store(frame, folder=folder, name=str(passage.event_id), at=passage.detected_at)


def _remove(paths: Iterable[str]) -> None:
    for path in paths:
        default_storage.delete(path)


def _lock_and_look_up(ready: Sequence[Ready]) -> _Found:
    months = _months_of(ready)
    wanted: dict[str, Any] = {
        # In order, so that two senders of the same events wait for each other only one way round.
        "events": sorted(item.event for item in ready),
        "plates": _forms(item.passage.plate_number for item in ready),
        "count": len(ready),
        "months": [partitions.name_of(month) for month in months],
    }
    with connection.cursor() as cursor:
        cursor.execute(_LOCK_AND_LOOK_UP, wanted)
        known, vehicles, ids, month_missing = cursor.fetchone()
    if month_missing:
        # Made ahead every night; this is for what is older, or was missed.
        for month in months:
            partitions.ensure(month, month)
    return _Found(
        known=known or {},
        vehicles={plates.core(plate): pk for plate, pk in (vehicles or {}).items()},
        ids=ids,
    )


def _forms(plate_numbers: Iterable[str]) -> list[str]:
    """What a vehicle may be registered as: a read may lack the RB."""
    forms = set()
    for plate in {plates.normalise(text) for text in plate_numbers}:
        core = plates.core(plate)
        forms |= {plate, core, f"{core}RB"}
    return list(forms)


def _months_of(ready: Sequence[Ready]) -> list[date]:
    """Months are those of UTC, like the partitions."""
    moments = (item.passage.detected_at.astimezone(UTC) for item in ready)
    return [date(year, month, 1) for year, month in sorted({(at.year, at.month) for at in moments})]


def write(ready: Sequence[Ready], found: _Found, paths: dict[str, str]) -> dict[str, int]:
    """Copy the rows of events that nobody stored yet; their ids by event."""
    now = timezone.now().isoformat()
    created: dict[str, int] = {}
    lines = []
    for item, pk in zip(ready, found.ids, strict=True):
        if item.event not in found.known:
            created[item.event] = pk
            lines.append(_line(item, pk, paths.get(item.event, ""), found.vehicles, now))
    if lines:
        with connection.cursor() as cursor:
            cursor.copy_expert(_COPY, io.StringIO("".join(lines)))
    return created


def _line(item: Ready, pk: int, path: str, vehicles: dict[str, int], now: str) -> str:
    """A row as COPY reads it, in the order of _COLUMNS."""
    passage = item.passage
    plate = plates.normalise(passage.plate_number)
    metadata = passage.metadata
    if item.frame:
        metadata = {**metadata, "frame_sha256": item.frame.digest}
    fields = (
        str(pk),
        item.event,
        plate,
        plates.fold(plate),
        _text(passage.ocr_text or passage.plate_number, 64),
        _number(passage.confidence),
        _number(passage.detection_confidence),
        _number(passage.recognition_confidence),
        _json(passage.char_confidences),
        _json(passage.candidates),
        _json(passage.countries),
        passage.layout,
        _text(passage.plate_color, 16),
        _json(passage.bounding_box) if passage.bounding_box else _NULL,
        _json(passage.recognition_polygon) if passage.recognition_polygon else _NULL,
        _text(path or passage.frame_path, 255),
        rf"\\x{item.crop.hex()}" if item.crop else _NULL,
        _number(passage.processing_time),
        _text(passage.vehicle_type, 16),
        _text(passage.vehicle_color, 50),
        _text(passage.vehicle_brand, 100),
        _text(passage.vehicle_model, 100),
        _text(passage.direction, 16),
        _text(passage.lane, 16),
        _json(passage.tpms),
        _json(metadata) if metadata else "{}",
        str(passage.source),
        str(vehicles.get(plates.core(plate), _NULL)) if vehicles else _NULL,
        str(passage.camera.pk),
        str(passage.created_by.pk) if passage.created_by else _NULL,
        passage.detected_at.isoformat(),
        now,
        now,
    )
    return "\t".join(fields) + "\n"


def _text(value: str, most: int) -> str:
    if not value or value.isalnum():  # most are
        return value[:most]
    return value[:most].translate(_ESCAPES)


def _number(value: float | None) -> str:
    # Made a float here: recognition's may be numpy's, whose repr() is no number.
    return _NULL if value is None else repr(float(value))


def _json(value: Sequence[Any] | dict[str, Any]) -> str:
    """JSON, escaped for COPY. orjson is four times faster, but knows no whole number beyond 64 bits."""
    if not value:
        return "[]"
    try:
        text = orjson.dumps(value).decode()
    except TypeError:
        text = json.dumps(value)
    # JSON itself escapes tabs and line ends.
    return text.replace("\\", "\\\\") if "\\" in text else text
