"""A second reader for photographs that the first is unsure about: RapidOCR's, on the same detector's boxes.

On 201 labelled plates in photographs that were never learnt from (`recognition/training/plates.csv`), the two
together read more than either alone: their mistakes differ.
"""

from __future__ import annotations

import logging
import threading
from dataclasses import replace

from recognition.boxes import overlap
from recognition.engines.carriers import carrier_of
from recognition.engines.detector import Detection
from recognition.engines.pipeline import PlateEngine
from recognition.engines.pose_detector import PoseDetector
from recognition.types import RGB, PlateRead, SeenObject
from recognition.weights import WeightsError

logger = logging.getLogger(__name__)

#: A picture of at most this many pixels on its longer side is a crop of a plate, not a scene.
CROP_SIDE = 256
_CROP_SCORE = 0.5
#: Boxes that share so much (intersection over union) are one plate.
_SAME_PLATE = 0.3


class SecondOpinion:
    """RapidOCR's text networks, loaded when first asked. Safe to call from several threads."""

    def __init__(self, detector: PoseDetector, *, min_confidence: float, threads: int) -> None:
        """Nothing is loaded yet; reads below `min_confidence` (0..1) are dropped."""
        self._boxes = _Boxes(detector)
        self._min_confidence, self._threads = min_confidence, threads
        self._engine: PlateEngine | None = None
        self._missing = False
        self._lock = threading.Lock()

    def on(self, image: RGB, reads: list[PlateRead], objects: list[SeenObject]) -> list[PlateRead]:
        """The reads, replaced where the second reader is surer of the same plate, and what only it read."""
        engine = self._loaded()
        if engine is None:
            return reads
        kept = list(reads)
        for other in engine.find(image, thorough=True):
            same = [read for read in kept if overlap(read.box, other.box) >= _SAME_PLATE]
            if all(read.confidence < other.confidence for read in same):
                kept = [read for read in kept if read not in same]
                kept.append(replace(other, vehicle=carrier_of(other.box, objects)))
        return kept

    def _loaded(self) -> PlateEngine | None:
        with self._lock:
            if self._engine is None and not self._missing:
                try:
                    from recognition.engines.rapid_reader import RapidReader

                    reader = RapidReader(threads=self._threads)
                except (ImportError, WeightsError) as error:
                    logger.warning("Photographs are read without a second opinion: %s", error)
                    self._missing = True
                    return None
                self._engine = PlateEngine(
                    "second", "", self._boxes, reader, min_confidence=self._min_confidence
                )
            return self._engine


class _Boxes:
    """Our detector as the other engines know theirs."""

    def __init__(self, detector: PoseDetector) -> None:
        self._detector = detector

    def detect(self, image: RGB) -> list[Detection]:
        """The plates' boxes, best first; a crop is one plate."""
        height, width = image.shape[:2]
        if max(height, width) <= CROP_SIDE:
            return [Detection((0.0, 0.0, float(width), float(height)), _CROP_SCORE)]
        return [Detection(plate.box, plate.confidence) for plate in self._detector.look(image).plates]
