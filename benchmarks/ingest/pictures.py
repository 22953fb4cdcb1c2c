"""A frame of 1280 x 720 as the product draws them, and the plate cut from it, both JPEG."""

from detections import images
from recognition.images import to_jpeg
from recognition.synthesis import draw_photo

FRAME = to_jpeg(draw_photo("BB6232RB", "car", seed=1000))
CROP = images.cut(FRAME, [560.0, 460.0, 700.0, 500.0])
