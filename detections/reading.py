"""From what recognition sees to what `services.record` stores."""

import uuid
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.utils import timezone

from accounts.models import User
from cameras.models import Camera
from detections import services
from detections.models import Detection, Source, Stay
from detections.passages import NewPassage, Outcome

REMEMBERED = timedelta(minutes=10)
"""A vehicle that stands before a camera for longer is another passage when another worker takes over."""
LONGEST_STAY = timedelta(days=35)
"""So far back is the passage of a parked vehicle looked for: two months of the table at most."""

if TYPE_CHECKING:  # recognition.types needs numpy, which a web process does not have
    from recognition.engines.observed import Observer
    from recognition.stays import Stay as VehicleStay
    from recognition.types import Passage, PlateRead


def new_passage(
    passage: "Passage",
    *,
    camera: Camera,
    source: Source,
    event_id: uuid.UUID | None = None,
    frame_path: str = "",
    metadata: dict[str, Any] | None = None,
    by: User | None = None,
) -> NewPassage:
    """The passage as `record` takes it; its best frame is encoded unless it is stored at `frame_path`."""
    from recognition.images import to_jpeg

    read = passage.read
    return NewPassage(
        event_id=event_id or passage.passage_id,
        camera=camera,
        source=source,
        plate_number=read.text,
        ocr_text=read.raw_text,
        detected_at=passage.captured_at,
        confidence=read.confidence,
        detection_confidence=read.detection_confidence,
        recognition_confidence=read.recognition_confidence,
        char_confidences=[round(float(value), 4) for value in read.char_confidences],
        candidates=[
            {"text": candidate.text, "likelihood": round(float(candidate.likelihood), 4)}
            for candidate in read.candidates
        ],
        countries=[
            {"country": match.country, "category": match.category, "likelihood": round(match.likelihood, 4)}
            for match in read.countries
        ],
        layout=read.layout,
        plate_color=read.plate_colour,
        bounding_box=[round(float(value), 1) for value in read.box],
        recognition_polygon=[[round(float(x), 1), round(float(y), 1)] for x, y in read.polygon],
        processing_time=passage.processing_ms,
        vehicle_type=passage.vehicle_type,
        vehicle_color=passage.vehicle_colour,
        direction=passage.direction,
        lane=str(passage.lane) if passage.lane else "",
        frame=None if frame_path else to_jpeg(passage.frame.image),
        frame_path=frame_path,
        crop=to_jpeg(passage.crop),
        metadata={**(metadata or {}), "reads": passage.reads},
        created_by=by,
    )


def passages_lately(camera: Camera) -> dict[str, tuple[uuid.UUID, datetime]]:
    """Passages of this camera whose vehicles may still stand in its picture, the latest of each plate."""
    now = timezone.now()
    since = now - REMEMBERED
    parked = list(Stay.objects.filter(camera=camera, ended_at__gte=since).values_list("event_id", flat=True))
    # Each by an index of its own: together they would have every passage of the camera looked at.
    queries = (
        Detection.objects.filter(camera=camera, detected_at__gte=since),
        Detection.objects.filter(camera=camera, event_id__in=parked, detected_at__gte=now - LONGEST_STAY),
    )
    found = sorted(
        (row for query in queries for row in query.values_list("detected_at", "plate_number", "event_id")),
    )
    return {plate: (event_id, detected_at) for detected_at, plate, event_id in found}


def read_camera(
    camera_id: int, *, told: "Callable[[Passage], None] | None" = None, observers: "Sequence[Observer]" = ()
) -> bool:
    """Read a camera and store its passages and stays; `told` hears of each passage once it is stored.

    False when another holds the camera. Raises NoRoomError (see `cameras.workers.watch`).
    """
    from cameras.workers import stopping, watch

    def keep(camera: Camera, passage: "Passage", event_id: uuid.UUID | None) -> None:
        new = new_passage(passage, camera=camera, source=Source.CAMERA, event_id=event_id)
        services.record_one(new, give_up=stopping)
        if told:
            told(passage)

    def keep_stay(camera: Camera, stay: "VehicleStay") -> None:
        services.record_stay(
            camera=camera, event_id=stay.passage_id, started_at=stay.since, ended_at=stay.until
        )

    return watch(camera_id, keep, keep_stay, known=passages_lately, observers=observers)


def as_dict(read: "PlateRead") -> dict[str, Any]:
    """A read for JSON output, like `python -m recognition read --json`."""
    return {
        "text": read.text,
        "confidence": round(float(read.confidence), 4),
        "box": [round(float(value), 1) for value in read.box],
        "layout": read.layout,
        "candidates": [
            {"text": candidate.text, "likelihood": round(float(candidate.likelihood), 4)}
            for candidate in read.candidates
        ],
    }


def stored(outcomes: Sequence[Outcome]) -> list[int]:
    """Ids of the passages that are in the table after `record`."""
    return [outcome.detection_id for outcome in outcomes if outcome.detection_id is not None]
