"""What passes between camera, engine and back-office. Unknown is "" in every text field, never a guess."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, TypeAlias
from uuid import UUID, uuid4

import numpy as np
from numpy.typing import NDArray

from recognition.formats import FormatMatch

#: A picture: H x W x 3, 8 bits a channel, RGB.
RGB: TypeAlias = NDArray[np.uint8]
#: x1, y1, x2, y2 in pixels of the picture; x2 and y2 lie just outside the box.
Box: TypeAlias = tuple[float, float, float, float]
Point: TypeAlias = tuple[float, float]
#: Corners in pixels: top left, top right, bottom right, bottom left, as one reads the plate.
Polygon: TypeAlias = tuple[Point, Point, Point, Point]
Layout: TypeAlias = Literal["one_line", "two_line"]
#: What the detector tells apart besides plates, named as `vehicle_type` is.
ObjectKind: TypeAlias = Literal["person", "bicycle", "car", "motorcycle", "bus", "truck"]


@dataclass(frozen=True, slots=True)
class Frame:
    """One picture of a camera: RGB pixels, aware time of capture, running number from 0."""

    image: RGB = field(repr=False)
    captured_at: datetime
    number: int = 0

    def __post_init__(self) -> None:
        """Refuse naive times: passages of two cameras could not be put in order.

        Raises ValueError.
        """
        if self.captured_at.tzinfo is None:
            raise ValueError("captured_at must carry a time zone")


@dataclass(frozen=True, slots=True)
class Candidate:
    """One possible plate text; likelihoods of the candidates of a read add up to at most 1."""

    text: str
    likelihood: float


@dataclass(frozen=True, slots=True)
class SeenObject:
    """A person or a vehicle in one picture: what it is, the detector's score 0 to 1, its box in pixels."""

    kind: ObjectKind
    confidence: float
    box: Box


@dataclass(frozen=True, slots=True)
class PlateRead:
    """One plate read in one picture.

    `text` is the best candidate after the known formats had their say, `raw_text` what the reader saw before
    (both normalised). `recognition_confidence` is the chance that every character of `text` is right as the
    reader puts it; `detection_confidence` is the detector's score that this is a plate; `confidence` joins
    them (see `recognition.engines.pipeline.joint_confidence`). All are in 0..1. `char_confidences` has one
    entry per character of `text`. `countries` are the formats the text fits, likeliest first. `vehicle` is
    the one that carries the plate, where the engine sees vehicles.
    """

    text: str
    raw_text: str
    confidence: float
    detection_confidence: float
    recognition_confidence: float
    box: Box
    polygon: Polygon
    layout: Layout
    plate_colour: str = ""
    char_confidences: tuple[float, ...] = ()
    candidates: tuple[Candidate, ...] = ()
    countries: tuple[FormatMatch, ...] = ()
    vehicle: SeenObject | None = None


@dataclass(frozen=True, slots=True)
class Passage:
    """One vehicle that went by (or stands there): the voted read with its best picture.

    `read` carries the voted text and candidates with box and polygon of the best `frame`; `crop` is the plate
    of that frame (RGB). `captured_at` is the time of the best frame, `first_seen` and `last_seen` bound the
    track as far as it was known when the passage was settled. `processing_ms` is the time that the engine
    spent on frames showing this plate, `reads` how many reads voted. `direction` is "approaching", "leaving"
    or "". `lane` counts from 1, from left to right as seen; 0 is unknown. `passage_id` is given once.
    """

    read: PlateRead
    frame: Frame
    crop: RGB = field(repr=False)
    captured_at: datetime
    first_seen: datetime
    last_seen: datetime
    processing_ms: float
    reads: int = 1
    direction: str = ""
    vehicle_type: str = ""
    vehicle_colour: str = ""
    lane: int = 0
    passage_id: UUID = field(default_factory=uuid4)
