"""Drawn plates, photographs and clips for the demonstration and for tests; random ones for training.

No picture of others is used, save the photographs that a caller of `composite` brings.

Drawing is deterministic: the same seed gives the same pixels with the same versions of Pillow, numpy and
(for random plates) OpenCV, which is loaded by the first random plate and not before.
"""

from recognition.synthesis.clip import Vehicle, VehicleTruth, make_clip
from recognition.synthesis.composites import CompositeTruth, composite
from recognition.synthesis.plate import draw_plate
from recognition.synthesis.pose import rectified
from recognition.synthesis.samples import EFFECTS, PlateSample, sample, sample_stream
from recognition.synthesis.scene import KINDS, draw_empty_road, draw_photo

__all__ = [
    "EFFECTS",
    "KINDS",
    "CompositeTruth",
    "PlateSample",
    "Vehicle",
    "VehicleTruth",
    "composite",
    "draw_empty_road",
    "draw_photo",
    "draw_plate",
    "make_clip",
    "rectified",
    "sample",
    "sample_stream",
]
