"""What `services.record` takes and gives, and the rules a passage has to meet."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from cameras.models import Camera
from detections.models import Source
from detections.retention.rules import reads_cutoff
from recognition import plates

MIN_PLATE_LENGTH = 2
MAX_COORDINATE = 1_000_000
"""No picture is wider or higher, in pixels."""


@dataclass(kw_only=True, slots=True)
class NewPassage:
    """A passage to be stored. Nobody changes one; a frozen class would cost a batch three times as much.

    `detected_at` is aware. Confidences are shares 0..1. `bounding_box` is [x1, y1, x2, y2] in pixels of the
    frame. `frame` and `crop` are encoded pictures (JPEG, PNG, WebP, BMP); `frame_path` names a frame that is
    in media storage already. `processing_time` is in milliseconds.
    """

    camera: Camera
    plate_number: str
    detected_at: datetime
    confidence: float
    source: Source
    event_id: uuid.UUID = field(default_factory=uuid.uuid4)
    ocr_text: str = ""
    detection_confidence: float | None = None
    recognition_confidence: float | None = None
    char_confidences: Sequence[float] = ()
    candidates: Sequence[dict[str, Any]] = ()
    countries: Sequence[dict[str, Any]] = ()
    layout: str = ""
    plate_color: str = ""
    bounding_box: Sequence[float] | None = None
    recognition_polygon: Sequence[Sequence[float]] | None = None
    processing_time: float | None = None
    vehicle_type: str = ""
    vehicle_color: str = ""
    vehicle_brand: str = ""
    vehicle_model: str = ""
    direction: str = ""
    lane: str = ""
    tpms: Sequence[dict[str, Any]] = ()
    metadata: dict[str, Any] = field(default_factory=dict)
    frame: bytes | None = None
    frame_path: str = ""
    crop: bytes | None = None
    created_by: User | None = None


@dataclass(frozen=True)
class Refusal:
    """Why a passage was not taken: the field, a stable code, a sentence in the user's language."""

    field: str
    code: str
    message: str


@dataclass(slots=True)
class Outcome:
    """What became of one passage: status is "created", "duplicate" or "rejected"."""

    event_id: uuid.UUID
    status: str
    detection_id: int | None = None
    refusal: Refusal | None = None


def check_plate(text: str) -> Refusal | None:
    """A plate has 2 to 16 letters and digits once normalised."""
    length = len(plates.normalise(text))
    if length < MIN_PLATE_LENGTH:
        return Refusal("plate_number", "too_short", _("The plate has fewer than 2 letters and digits."))
    if length > plates.MAX_PLATE_LENGTH:
        return Refusal("plate_number", "too_long", _("The plate has more than 16 letters and digits."))
    return None


def times_taken() -> tuple[datetime, datetime]:
    """The oldest and the latest time that a passage of now may have."""
    return reads_cutoff(), timezone.now() + timedelta(seconds=settings.CLOCK_TOLERANCE_SECONDS)


def check_time(moment: datetime, taken: tuple[datetime, datetime]) -> Refusal | None:
    """Late uploads are normal; the future beyond the tolerance and what retention would purge are not.

    `taken`: see `times_taken`.
    """
    oldest, latest = taken
    if moment > latest:
        return Refusal(
            "detected_at", "in_the_future", _("The time lies in the future: check the sender's clock.")
        )
    if moment < oldest:
        return Refusal(
            "detected_at", "too_old", _("The time is older than passages are kept: check the clock.")
        )
    return None


def check_share(name: str, value: float | None) -> Refusal | None:
    """A confidence is a number from 0 to 1."""
    if value is None or 0 <= value <= 1:  # not so for NaN
        return None
    return Refusal(name, "not_a_share", _("A confidence is a number from 0 to 1."))


def check_box(box: Sequence[float] | None, size: tuple[int, int] | None) -> Refusal | None:
    """Four finite numbers, ordered, inside the frame (`size` in pixels) where one is given."""
    if box is None or _fits(box, size):
        return None
    return Refusal(
        "bounding_box", "invalid_box", _("The box must be [x1, y1, x2, y2] in pixels, inside the picture.")
    )


def _fits(box: Sequence[float], size: tuple[int, int] | None) -> bool:
    # The limit also keeps out NaN, and whole numbers too large for a float. True is an int to Python alone.
    if len(box) != 4 or not all(
        isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < MAX_COORDINATE
        for value in box
    ):
        return False
    x1, y1, x2, y2 = box
    if not (0 <= x1 < x2 and 0 <= y1 < y2):
        return False
    return size is None or (x2 <= size[0] + 1 and y2 <= size[1] + 1)


def first_refusal(
    passage: NewPassage, size: tuple[int, int] | None, taken: tuple[datetime, datetime]
) -> Refusal | None:
    """The first rule that `passage` breaks, or None.

    `size` is the frame's width and height in pixels, `taken` comes from `times_taken`.
    """
    return (
        check_plate(passage.plate_number)
        or check_time(passage.detected_at, taken)
        or check_share("confidence", passage.confidence)
        or check_share("detection_confidence", passage.detection_confidence)
        or check_share("recognition_confidence", passage.recognition_confidence)
        or check_box(passage.bounding_box, size)
    )
