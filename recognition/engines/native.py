"""The default engine: our own detector and reader, shipped with the product, on onnxruntime alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from recognition.boxes import corners
from recognition.colours import is_monochrome, plate_colour
from recognition.engines.carriers import carrier_of
from recognition.engines.pipeline import check_picture, could_be_plate, joint_confidence
from recognition.engines.plate_reader import MARGIN, PlateReader, PlateText, averaged, straightened
from recognition.engines.pose_detector import FoundPlate, PoseDetector, Sight, distinct_plates
from recognition.engines.second_reader import SecondReader
from recognition.engines.versions import versions
from recognition.reading import RankedText, rank_spellings, together
from recognition.shapes import commonness
from recognition.types import RGB, Layout, PlateRead, SeenObject
from recognition.weights import check_folder, network_path

#: A plate with this score is one; below, the confidence of its text falls in proportion.
_SURELY_A_PLATE = 0.4
#: Plates of Benin have at least two characters (PR, W1); see `recognition.formats`.
_SHORTEST = 2
#: A short text, or one with a single digit, is believed where the detector is sure of the plate, the readers
#: are as sure as this, and plates are built like it. Shop signs and badges are boxes with letters too.
_SURELY_READ, _BUILT_LIKE_PLATES = 0.6, 0.005
#: A photograph's plates are cut out with each of these margins and the reads averaged: measured, a quarter of
#: the misreads of drawn plates go. In a stream the frames themselves are as many views.
_MARGINS = (0.02, MARGIN, 0.10)
#: Plates of a photograph that our reader is less sure of than this are shown to a second reader.
_SURE_ALONE = 0.9
#: Sure enough to spare the second reader's slower views.
_SURE_TOGETHER = 0.9
#: Other scales at which a photograph is searched where the usual one shows no readable plate: larger for
#: small plates in large pictures, smaller for plates that fill the picture.
_CLOSER, _FARTHER = 1280, 320
#: A plate that covers more than this share of the picture's longer side is larger than those that the
#: detector learnt from: it is looked at from farther away.
_LARGE = 0.3
#: A picture of at most this many pixels on its longer side is a crop of a plate, not a scene.
_CROP_SIDE = 256
#: Margins of a picture that is itself a plate, of which some is cut off.
_CLOSE = (-0.04, 0.0, 0.04)
#: The score that a picture which is nothing but a plate is given in place of a detector's.
_CROP_SCORE = 0.4
#: A crop read as surely as this is not searched for a plate in it.
_SURE_CROP = 0.8
#: Who shows a crop knows that there is a plate: even a doubtful read is told, with its low confidence,
#: if it is this long and has a digit.
_CROP_LEAST, _CROP_LENGTH = 0.1, 4
#: A picture that is itself a plate is at least this wide for its height, and at most; its text must be this
#: long and this sure, and it is given this score in place of a detector's.
_PLATE_SHAPE, _WHOLE_LENGTH, _WHOLE_SURE, _WHOLE_SCORE = (1.0, 7.0), 5, 0.8, 0.3


class Look(NamedTuple):
    """Everything in one picture: plates read, and people and vehicles, each best first."""

    plates: list[PlateRead]
    objects: list[SeenObject]


class NativeEngine:
    """Detector and reader of our own (see `recognition.engines.Engine`)."""

    name = "native"

    def __init__(
        self,
        detector: PoseDetector,
        reader: PlateReader,
        *,
        min_confidence: float = 0.3,
        second: SecondReader | None = None,
    ) -> None:
        """Reads whose joint confidence is below `min_confidence` (0..1) are dropped.

        `second` is asked about plates in photographs that our reader is unsure of.
        """
        self.version = f"{detector.version}, {reader.version}, {versions('onnxruntime')}"
        self._detector = detector
        self._reader = reader
        self._min_confidence = min_confidence
        self._second = second

    def find(self, image: RGB, *, thorough: bool = True) -> list[PlateRead]:
        """The plates in the picture, best first. See `Engine.find`."""
        return self.look(image, thorough=thorough).plates

    def look(self, image: RGB, *, thorough: bool = True) -> Look:
        """Plates, people and vehicles in the picture.

        With `thorough`, a picture without a readable plate is searched again at other scales and then taken
        as a picture of nothing but a plate. Raises ImageError when the array is not a picture.
        """
        check_picture(image)
        crop = self._read_crop(image) if thorough and max(image.shape[:2]) <= _CROP_SIDE else None
        if crop is not None and crop.confidence >= _SURE_CROP:
            return Look([crop], [])
        sight = self._see(image)
        reads = self._read(image, sight, thorough=thorough)
        if crop is not None and all(read.confidence < crop.confidence for read in reads):
            reads = [crop]
        elif thorough and not reads:
            reads = self._search(image, sight.objects)
        if thorough and self._second and not reads:
            found = self._second.anywhere(image)
            reads = [replace(read, vehicle=carrier_of(read.box, sight.objects)) for read in found]
        return Look(sorted(reads, key=lambda read: -read.confidence), sight.objects)

    def warm_up(self) -> None:
        """Run detector and reader once on an empty picture."""
        self._detector.look(np.full((360, 640, 3), 128, dtype=np.uint8))
        self._reader.read([np.full((64, 160, 3), 128, dtype=np.uint8)])

    def _see(self, image: RGB) -> Sight:
        sight = self._detector.look(image)
        longest = max((max(p.box[2] - p.box[0], p.box[3] - p.box[1]) for p in sight.plates), default=0.0)
        if longest <= _LARGE * max(image.shape[:2]):
            return sight
        farther = self._detector.look(image, image_size=_FARTHER).plates
        return Sight(distinct_plates([*sight.plates, *farther]), sight.objects)

    def _search(self, image: RGB, objects: list[SeenObject]) -> list[PlateRead]:
        size = max(image.shape[:2])
        scales = [_CLOSER] if size > self._detector.image_size else []
        for scale in (*scales, _FARTHER):
            plates = self._detector.look(image, image_size=scale).plates
            if reads := self._read(image, Sight(plates, objects), thorough=True):
                return reads
        return self._read_whole(image, objects)

    def _as_one_plate(self, image: RGB, score: float) -> tuple[FoundPlate, PlateText]:
        """The whole picture as a detector with that score would have found it, and what it says."""
        height, width = image.shape[:2]
        box = (0.0, 0.0, float(width), float(height))
        found = FoundPlate(box, score, 0.5, corners(box))
        crops = [straightened(image, found.polygon, margin=margin) for margin in _CLOSE]
        return found, averaged(self._reader.read(crops))

    def _read_crop(self, image: RGB) -> PlateRead | None:
        """A small picture read as one plate."""
        found, text = self._as_one_plate(image, _CROP_SCORE)
        return self._plate_read(
            image, found, text, [], monochrome=is_monochrome(image), thorough=True, crop=True
        )

    def _read_whole(self, image: RGB, objects: list[SeenObject]) -> list[PlateRead]:
        """The picture taken as one plate, which must be beyond doubt: most pictures are none."""
        height, width = image.shape[:2]
        if not _PLATE_SHAPE[0] <= width / height <= _PLATE_SHAPE[1]:
            return []
        found, text = self._as_one_plate(image, _WHOLE_SCORE)
        read = self._plate_read(image, found, text, objects, monochrome=is_monochrome(image), thorough=True)
        if read is None or len(read.text) < _WHOLE_LENGTH or read.recognition_confidence < _WHOLE_SURE:
            return []
        return [read]

    def _read(self, image: RGB, sight: Sight, *, thorough: bool) -> list[PlateRead]:
        """The readable ones of the plates seen, all their crops in one batch."""
        if not sight.plates:
            return []
        margins = _MARGINS if thorough else (MARGIN,)
        monochrome, count = is_monochrome(image), len(margins)
        crops = [straightened(image, found.polygon, margin=m) for found in sight.plates for m in margins]
        views = self._reader.read(crops)
        texts = [
            averaged(views[start : start + count], measured=plate_colour(crops[start]))
            for start in range(0, len(views), count)
        ]
        reads = [
            self._plate_read(image, found, text, sight.objects, monochrome=monochrome, thorough=thorough)
            for found, text in zip(sight.plates, texts, strict=True)
        ]
        return [read for read in reads if read is not None]

    def _plate_read(
        self,
        image: RGB,
        found: FoundPlate,
        text: PlateText,
        objects: Sequence[SeenObject],
        *,
        monochrome: bool,
        thorough: bool,
        crop: bool = False,
    ) -> PlateRead | None:
        layout = _layout(found.two_line, text.two_line)
        colour = "" if monochrome else text.colour
        spellings = text.spellings()
        ranked = rank_spellings(spellings, text.raw, colour=colour, layout=layout)
        if thorough and self._second and ranked.confidence < _SURE_ALONE:
            for opinion in self._second.opinions(image, found.polygon, layout):
                both = together(spellings, opinion)
                ranked = rank_spellings(both, text.raw, colour=colour, layout=layout)
                if ranked.confidence >= _SURE_TOGETHER:
                    break
        confidence = joint_confidence(ranked.confidence, found.confidence, sure=_SURELY_A_PLATE)
        if confidence < (_CROP_LEAST if crop else self._min_confidence):
            return None
        sure = found.confidence >= _SURELY_A_PLATE and _unusual_plate(ranked)
        told = crop and len(ranked.text) >= _CROP_LENGTH and any(map(str.isdigit, ranked.text))
        if not (could_be_plate(ranked) or sure or told):
            return None
        return PlateRead(
            text=ranked.text,
            raw_text=ranked.raw_text,
            confidence=confidence,
            detection_confidence=found.confidence,
            recognition_confidence=ranked.confidence,
            box=found.box,
            polygon=found.polygon,
            layout=layout,
            plate_colour=colour,
            char_confidences=ranked.char_confidences,
            candidates=ranked.candidates,
            countries=ranked.countries,
            vehicle=carrier_of(found.box, objects),
        )


def build(
    *,
    min_confidence: float = 0.3,
    image_size: int = 640,
    threads: int = 1,
    weights: str = "",
    weights_digest: str = "",
) -> NativeEngine:
    """Make the engine; the parameters are those of `recognition.engines.get_engine`."""
    if weights:
        check_folder(weights, weights_digest)
    detector_file = network_path("detector", folder=weights)
    detector = PoseDetector(detector_file, image_size=image_size, threads=threads)
    reader = PlateReader(network_path("reader", folder=weights), threads=threads)
    second = SecondReader(min_confidence=min_confidence, threads=threads)
    return NativeEngine(detector, reader, min_confidence=min_confidence, second=second)


def _unusual_plate(ranked: RankedText) -> bool:
    """Whether a sure read is built like plates that `could_be_plate` leaves out: short, or of one digit."""
    if ranked.confidence < _SURELY_READ or len(ranked.text) < _SHORTEST:
        return False
    digits = any(map(str.isdigit, ranked.text))
    return bool(ranked.countries) or (digits and commonness(ranked.text) >= _BUILT_LIKE_PLATES)


def _layout(*chances: float) -> Layout:
    """One line or two, by independent witnesses, each giving the chance of two lines."""
    both = np.clip(np.array(chances), 1e-3, 1 - 1e-3)
    return "two_line" if float(np.log(both / (1 - both)).sum()) > 0 else "one_line"
