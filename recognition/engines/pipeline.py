"""Detector, reader and formats put together: what every engine of this package has in common."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from recognition.boxes import around, corners, cut, overlap, padded
from recognition.colours import plate_colour
from recognition.engines.assembly import chars_of, plate_lines, stacked_pairs
from recognition.engines.detector import Detection, PlateDetector
from recognition.images import MIN_SIDE, ImageError
from recognition.reading import RankedText, TextLine, rank
from recognition.types import RGB, Box, Layout, PlateRead, Polygon

#: The detector's boxes cut close; the reader wants some ground around the characters.
_PADDING = 0.2
#: A detector's score is no probability: true plates score 0.5 to 0.9, whatever their legibility.
_SURELY_A_PLATE = 0.5
#: Shortest plate that is believed without a detector's box, lowest confidence for it, and the detection
#: confidence that such a read is given: a shop sign may say AB 1234.
_TEXT_ONLY_LENGTH, _TEXT_ONLY_CONFIDENCE, _TEXT_ONLY_DETECTION = 6, 0.6, 0.4
_MIN_LENGTH, _MIN_DIGITS = 4, 2
#: Wider than this, a plate has one line.
_ONE_LINE_ASPECT = 2.4


class TextReader(Protocol):
    """Reads text in pictures of plates and of whole scenes."""

    def lines(self, image: RGB) -> list[TextLine]:
        """The lines of text found in an RGB picture."""

    def line(self, image: RGB) -> TextLine:
        """The whole RGB picture taken as one line."""


class PlateEngine:
    """An engine made of a plate detector and a text reader (see `recognition.engines.Engine`)."""

    def __init__(
        self,
        name: str,
        version: str,
        detector: PlateDetector,
        reader: TextReader,
        *,
        min_confidence: float = 0.3,
    ) -> None:
        """Reads whose joint confidence is below `min_confidence` (0..1) are dropped."""
        self.name = name
        self.version = version
        self._detector = detector
        self.reader = reader
        self._min_confidence = min_confidence

    def find(self, image: RGB, *, thorough: bool = True) -> list[PlateRead]:
        """The plates in the picture, best first. See `Engine.find`."""
        check_picture(image)
        detections = self._detector.detect(image)
        reads = [read for found in detections if (read := self._read_plate(image, found)) is not None]
        if thorough and not reads:
            reads = self._read_anywhere(image)
        return sorted(reads, key=lambda read: -read.confidence)

    def warm_up(self) -> None:
        """Run detector and reader once on an empty picture."""
        blank = np.full((96, 320, 3), 128, dtype=np.uint8)
        self._detector.detect(blank)
        self.reader.lines(blank)
        self.reader.line(blank)

    def _read_plate(self, image: RGB, found: Detection) -> PlateRead | None:
        height, width = image.shape[:2]
        surroundings = padded(found.box, _PADDING, width, height)
        lines, layout = self.plate_lines(cut(image, surroundings), cut(image, found.box))
        colour = plate_colour(cut(image, found.box))
        ranked = rank(chars_of(lines), colour=colour, layout=layout)
        if not could_be_plate(ranked):
            return None
        return self._believed(_plate_read(ranked, found, corners(found.box), layout, colour))

    def plate_lines(self, surroundings: RGB, plate: RGB) -> tuple[tuple[TextLine, ...], Layout]:
        """The lines on one plate and its layout; `plate` is cut close, `surroundings` with room around it."""
        chosen = plate_lines(self.reader.lines(surroundings))
        return self._lines_unseen(plate) if chosen is None else chosen

    def _lines_unseen(self, plate: RGB) -> tuple[tuple[TextLine, ...], Layout]:
        """What the reader makes of a plate on which it saw no line: the rows are where they must be."""
        height, width = plate.shape[:2]
        if width >= _ONE_LINE_ASPECT * height:
            return (self.reader.line(plate),), "one_line"
        middle = max(1, height // 2)
        return (self.reader.line(plate[:middle]), self.reader.line(plate[height - middle :])), "two_line"

    def _read_anywhere(self, image: RGB) -> list[PlateRead]:
        """Plates that the detector missed: text anywhere that makes a known format beyond doubt."""
        lines = self.reader.lines(image)
        groups: list[tuple[tuple[TextLine, ...], Layout]] = [
            (pair, "two_line") for pair in stacked_pairs(lines)
        ]
        groups += [((line,), "one_line") for line in lines]
        reads: list[PlateRead] = []
        for group, layout in groups:
            read = self._read_group(image, group, layout)
            if read is not None and all(overlap(read.box, other.box) == 0 for other in reads):
                reads.append(read)
        return reads

    def _read_group(self, image: RGB, group: Sequence[TextLine], layout: Layout) -> PlateRead | None:
        polygon = _polygon_of(group)
        box = around([polygon])
        colour = plate_colour(cut(image, box))
        ranked = rank(chars_of(group), colour=colour, layout=layout)
        certain = ranked.confidence >= _TEXT_ONLY_CONFIDENCE and len(ranked.text) >= _TEXT_ONLY_LENGTH
        # The text must have stood there as a plate: a word does not become one by swapping O for 0.
        if not certain or not ranked.countries or ranked.text != ranked.raw_text:
            return None
        return self._believed(
            _plate_read(ranked, Detection(box, _TEXT_ONLY_DETECTION), polygon, layout, colour)
        )

    def _believed(self, read: PlateRead) -> PlateRead | None:
        return read if read.confidence >= self._min_confidence else None


def check_picture(image: RGB) -> None:
    """Raise ImageError unless the array is an RGB picture of 8 bits a channel and a usable size."""
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        raise ImageError("not_an_image", f"Expected H x W x 3 of 8 bits, got {image.shape} of {image.dtype}.")
    if min(image.shape[:2]) < MIN_SIDE:
        raise ImageError(
            "too_small", f"Each side must have {MIN_SIDE} pixels or more, got {image.shape[:2]}."
        )


def could_be_plate(ranked: RankedText) -> bool:
    """Whether a text inside a detected box may be a plate: a known format, or else long and digital enough.

    Foreign plates beyond the known formats must pass; names on badges and signs must not.
    """
    if ranked.countries:
        return len(ranked.text) >= _MIN_LENGTH
    return len(ranked.text) >= _MIN_LENGTH and sum(c.isdigit() for c in ranked.text) >= _MIN_DIGITS


def joint_confidence(recognition: float, detection: float, *, sure: float = _SURELY_A_PLATE) -> float:
    """Confidence of a read: the reader's, lessened where the detector doubts that there is a plate.

    A detector score of `sure` or more counts as certain, since scores of true plates lie anywhere above it
    however legible they are; below that the confidence falls in proportion. All in 0..1.
    """
    return recognition * min(1.0, detection / sure)


def _plate_read(
    ranked: RankedText, found: Detection, polygon: Polygon, layout: Layout, colour: str
) -> PlateRead:
    return PlateRead(
        text=ranked.text,
        raw_text=ranked.raw_text,
        confidence=joint_confidence(ranked.confidence, found.confidence),
        detection_confidence=found.confidence,
        recognition_confidence=ranked.confidence,
        box=found.box,
        polygon=polygon,
        layout=layout,
        plate_colour=colour,
        char_confidences=ranked.char_confidences,
        candidates=ranked.candidates,
        countries=ranked.countries,
    )


def _polygon_of(group: Sequence[TextLine]) -> Polygon:
    """Corners of one line, or of an upper and a lower line together."""
    upper, lower = group[0], group[-1]
    if upper is lower:
        return upper.polygon
    box: Box = around([upper.polygon, lower.polygon])
    return corners(box)
