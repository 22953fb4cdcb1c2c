"""Wholly drawn plates, photographs and clips, for the demonstration and for tests.

No picture of others is used.

Drawing is deterministic: the same seed gives the same pixels with the same versions of Pillow and numpy.
"""

from recognition.synthesis.clip import Vehicle, VehicleTruth, make_clip
from recognition.synthesis.plate import draw_plate
from recognition.synthesis.scene import KINDS, draw_empty_road, draw_photo

__all__ = ["KINDS", "Vehicle", "VehicleTruth", "draw_empty_road", "draw_photo", "draw_plate", "make_clip"]
