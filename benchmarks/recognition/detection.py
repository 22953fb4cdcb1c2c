"""The plate detectors: how many labelled plates they find, and what they take for plates."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np

from benchmarks.recognition.cases import MissingDataError
from benchmarks.recognition.decoys import decoys
from benchmarks.recognition.report import Section, percent, table
from recognition.boxes import overlap
from recognition.engines import EngineError, get_engine
from recognition.engines.detector import OnnxDetector
from recognition.engines.pose_detector import PoseDetector
from recognition.images import open_image
from recognition.synthesis.labels import yolo_boxes
from recognition.training.detection_data import DataError, Photo, photographs, unlabelled
from recognition.types import RGB, Box
from recognition.weights import WeightsError, detector_onnx, network_path

#: Detections from this score on are looked at; the engines take them from the higher one on.
_LEAST, _SHIPPED = 0.02, 0.25
_SAME, _WANTED_PRECISION = 0.5, 0.95
_HEIGHTS = (0.0, 12.0, 24.0, 48.0, 10_000.0)


class Found(NamedTuple):
    """A detection: score, whether it is a labelled plate."""

    score: float
    right: bool


@dataclass(frozen=True, slots=True)
class Hunt:
    """All detections in some photographs, and the score at which each labelled plate was found (0: never)."""

    found: Sequence[Found]
    plates: Sequence[tuple[float, float]]

    def recall(self, least: float, *, low: float = 0.0, high: float = np.inf) -> tuple[float, int]:
        """Share of the plates at least so high (and lower than) found with such a score, and their number."""
        scores = [score for height, score in self.plates if low <= height < high]
        return sum(score >= least and score > 0 for score in scores) / max(1, len(scores)), len(scores)

    def precision(self, least: float) -> float:
        """Share of the detections with such a score that are labelled plates."""
        kept = [found.right for found in self.found if found.score >= least]
        return sum(kept) / max(1, len(kept))

    def best_threshold(self) -> float:
        """The lowest score from which on precision is as wanted."""
        scores = sorted({found.score for found in self.found})
        return next((score for score in scores if self.precision(score) >= _WANTED_PRECISION), 1.0)


Detect = Callable[[RGB], Sequence[tuple[Box, float]]]


def detectors() -> dict[str, Detect]:
    """Ours and fastanpr's, by name; those whose weights are missing are left out."""
    made: dict[str, Detect] = {}
    try:
        ours = PoseDetector(network_path("detector"), min_score=_LEAST)
        made["native"] = lambda image: [(one.box, one.confidence) for one in ours.look(image).plates]
    except WeightsError as error:
        print(f"native is left out: {error}")
    theirs = OnnxDetector(detector_onnx(), min_score=_LEAST)
    made["fastanpr"] = lambda image: [(one.box, one.confidence) for one in theirs.detect(image)]
    return made


def detection(data: Path, *, limit: int = 0) -> Iterator[tuple[str, Section]]:
    """Both sections: recall and precision, and false plates. Raises MissingDataError."""
    try:
        parts = {part: photographs(data, part) for part in ("val", "held_out")}
    except DataError as error:
        raise MissingDataError(str(error)) from error
    groups = {"val: egm": parts["val"][: limit or None]}
    for source in sorted({photo.source for photo in parts["held_out"]}):
        chosen = [photo for photo in parts["held_out"] if photo.source == source]
        groups[f"held-out tenth: {source}"] = chosen[: limit or None]
    yield "detector", _accuracy(groups)
    yield "false-plates", _false_plates(parts["held_out"], limit)


def _accuracy(groups: dict[str, list[Photo]]) -> Section:
    rows, by_height, figures = [], [], {}
    for name, detect in detectors().items():
        hunts = {group: _hunt(photos, detect) for group, photos in groups.items()}
        hunts["all of these"] = _together(list(hunts.values()))
        hunts["held-out tenth, all"] = _together([h for g, h in hunts.items() if g.startswith("held")][:3])
        for group, hunt in hunts.items():
            best = hunt.best_threshold()
            recall, plates = hunt.recall(_SHIPPED)
            numbers = (recall, hunt.precision(_SHIPPED), hunt.recall(best)[0])
            rows.append([f"{name}, {group}", str(plates), *(percent(n) for n in numbers), f"{best:.2f}"])
            figures[f"{name}, {group}"] = [round(number, 4) for number in numbers]
        for low, high in pairwise(_HEIGHTS):
            recall, plates = hunts["all of these"].recall(_SHIPPED, low=low, high=high)
            label = f"{low:.0f} to {high:.0f} px" if high < _HEIGHTS[-1] else f"{low:.0f} px and more"
            by_height.append([f"{name}, plate of {label}", str(plates), percent(recall)])
    lines = [
        "Labelled plates found with an overlap (IoU) of 0.5 or more, pictures scaled to 640. Plates that the "
        "makers left unlabelled count for nothing where we saw that they are plates "
        "(`recognition/training/unlabelled_plates.csv`), else as wrong.",
        "",
        *table(("detector, photographs", "plates", f"recall % at {_SHIPPED}", f"precision % at {_SHIPPED}",
                f"recall % at precision {_WANTED_PRECISION:.0%}", "from score"), rows),
        "",
        *table(("by height of the plate", "plates", f"recall % at {_SHIPPED}"), by_height),
    ]  # fmt: skip
    return Section("Plate detector", lines, figures)


def _false_plates(photos: Sequence[Photo], limit: int) -> Section:
    pictures = decoys(photos, count=limit or 200)
    rows, figures = [], {}
    for name, detect in detectors().items():
        for kind, images in pictures.items():
            scores = [[score for _, score in detect(image) if score >= _SHIPPED] for image in images]
            read = _texts(name, images)
            count = sum(len(found) for found in scores)
            rows.append([f"{name}, {kind}", str(len(images)), str(count), str(sum(map(bool, scores))), read])
            figures[f"{name}, {kind}"] = [len(images), count, read]
    lines = [
        f"What is taken for a plate (score {_SHIPPED} and more) where there is none, and how many texts the "
        "whole engine then gives out. Crops are cut from the held-out photographs where no plate is labelled "
        "(some show an unlabelled one); boards and badges are drawn into such crops.",
        "",
        *table(
            ("detector, pictures", "pictures", "false plates", "pictures with one", "texts given out"), rows
        ),
    ]
    return Section("False plates", lines, figures)


def _texts(name: str, images: Sequence[RGB]) -> str:
    """How many plates the engine with this detector gives out in such frames."""
    try:
        engine = get_engine("native" if name == "native" else "rapidocr", threads=1)
        return str(sum(len(engine.find(image, thorough=False)) for image in images))
    except EngineError:
        return "?"


def _hunt(photos: Sequence[Photo], detect: Detect) -> Hunt:
    found: list[Found] = []
    plates: list[tuple[float, float]] = []
    for photo in photos:
        picture = open_image(photo.image.read_bytes())
        truth = yolo_boxes(photo.plates.read_text(encoding="utf-8"), picture.shape[1], picture.shape[0])
        scores = [0.0] * len(truth)
        for box, score in sorted(detect(picture), key=lambda one: -one[1]):
            free = [(overlap(box, plate), n) for n, plate in enumerate(truth) if scores[n] == 0]
            best, number = max(free, default=(0.0, -1))
            if best >= _SAME:
                scores[number] = score
            elif any(overlap(box, plate) >= _SAME for plate in unlabelled(photo)):
                continue
            found.append(Found(score, best >= _SAME))
        plates += [(plate[3] - plate[1], score) for plate, score in zip(truth, scores, strict=True)]
    return Hunt(found, plates)


def _together(hunts: Sequence[Hunt]) -> Hunt:
    return Hunt([f for hunt in hunts for f in hunt.found], [p for hunt in hunts for p in hunt.plates])
