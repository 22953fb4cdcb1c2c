"""Which vehicle of a picture carries a plate."""

from collections.abc import Sequence

from recognition.boxes import area, centre
from recognition.types import Box, SeenObject

#: A plate hangs in the lower part of its vehicle: below this share of the height.
_LOWER_PART = 0.35
#: A plate covers at most this share of its vehicle, however close the camera.
_LARGEST_SHARE = 0.5
#: Who comes first where boxes lie over each other: a motorcycle stands before the car behind it.
_BEFORE = {"motorcycle": 0, "car": 1, "bus": 1, "truck": 1, "bicycle": 2}


def carrier_of(plate: Box, objects: Sequence[SeenObject]) -> SeenObject | None:
    """The vehicle that carries the plate in this box, or None. A person never does."""
    x, y = centre(plate)

    def rank(vehicle: SeenObject) -> tuple[bool, int, float]:
        _, y1, _, y2 = vehicle.box
        return y < y1 + _LOWER_PART * (y2 - y1), _BEFORE[vehicle.kind], area(vehicle.box)

    holders = [
        one
        for one in objects
        if one.kind in _BEFORE
        and one.box[0] <= x <= one.box[2]
        and one.box[1] <= y <= one.box[3]
        and area(plate) <= _LARGEST_SHARE * area(one.box)
    ]
    return min(holders, key=rank, default=None)
