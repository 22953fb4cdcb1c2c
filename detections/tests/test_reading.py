"""From what recognition sees to what is stored."""

from datetime import UTC, datetime
from io import BytesIO

import pytest
from PIL import Image

from cameras.models import Camera
from detections.models import Source
from detections.reading import new_passage
from recognition.boxes import corners
from recognition.images import open_image
from recognition.types import Frame, Passage, PlateRead


@pytest.mark.parametrize(("lane", "stored"), [(0, ""), (2, "2")])
def test_a_passage_keeps_lane_and_what_votes_said_of_the_vehicle(lane: int, stored: str) -> None:
    now = datetime(2026, 11, 21, 12, tzinfo=UTC)
    grey = BytesIO()
    Image.new("RGB", (80, 40), "grey").save(grey, "PNG")
    picture = open_image(grey.getvalue())
    box = (10.0, 10.0, 50.0, 20.0)
    read = PlateRead(
        text="BB6232RB", raw_text="BB6232RB", confidence=0.9, detection_confidence=0.9,
        recognition_confidence=0.9, box=box, polygon=corners(box), layout="one_line", plate_colour="white",
        char_confidences=(), candidates=(), countries=(),
    )  # fmt: skip
    passage = Passage(
        read, Frame(picture, now, 0), picture[10:20, 10:50], now, now, now, 12.0,
        direction="leaving", vehicle_type="car", vehicle_colour="red", lane=lane,
    )  # fmt: skip
    made = new_passage(passage, camera=Camera(code="c"), source=Source.CAMERA)
    assert made.lane == stored
    assert (made.direction, made.vehicle_type, made.vehicle_color) == ("leaving", "car", "red")
