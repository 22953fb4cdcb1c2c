"""The plate detector run by ultralytics itself (torch), with the reader of the engine `rapidocr`."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np

from recognition.engines.detector import Detection
from recognition.engines.pipeline import PlateEngine
from recognition.engines.rapid_reader import RapidReader
from recognition.engines.torch_compat import load_yolo
from recognition.engines.versions import versions
from recognition.types import RGB
from recognition.weights import detector_pt


class YoloDetector:
    """YOLO of ultralytics on the CPU. Any of its detection checkpoints whose class 0 is a plate."""

    def __init__(self, checkpoint: Path, *, image_size: int, min_score: float = 0.25) -> None:
        """Load the checkpoint; `image_size` is the longer side in pixels that pictures are scaled to."""
        self._yolo = load_yolo(checkpoint)
        self._image_size = image_size
        self._min_score = min_score
        # A YOLO object keeps the state of one prediction at a time.
        self._lock = threading.Lock()

    def detect(self, image: RGB) -> list[Detection]:
        """The plates of an RGB picture, best first."""
        with self._lock:
            # ultralytics takes arrays as BGR.
            result = self._yolo.predict(
                np.ascontiguousarray(image[:, :, ::-1]),
                imgsz=self._image_size,
                conf=self._min_score,
                device="cpu",
                classes=[0],
                verbose=False,
            )[0]
            rows = result.boxes.data.cpu().numpy()
        found = [Detection((float(r[0]), float(r[1]), float(r[2]), float(r[3])), float(r[4])) for r in rows]
        return sorted(found, key=lambda detection: -detection.confidence)


def build(*, min_confidence: float = 0.3, image_size: int = 640, threads: int = 1) -> PlateEngine:
    """Make the engine; `threads` concerns the reader (torch's threads belong to the whole process)."""
    return PlateEngine(
        "ultralytics",
        versions("ultralytics", "torch", "fastanpr", "rapidocr"),
        YoloDetector(detector_pt(), image_size=image_size),
        RapidReader(threads=threads),
        min_confidence=min_confidence,
    )
