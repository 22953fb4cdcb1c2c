"""What a detector file finds in photographs that it never saw: figures by source, as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from recognition.engines.pose_detector import FoundPlate, PoseDetector
from recognition.synthesis.labels import yolo_boxes
from recognition.training.detection_data import (
    BOX,
    CLASSES,
    CORNERS,
    FIRST_VEHICLE,
    GIVEN,
    STATE,
    TWO_LINE,
    Photo,
    Targets,
    composed,
    photographs,
    real,
    unlabelled,
)
from recognition.training.detection_scores import Tally
from recognition.training.detection_views import patch_without_plates
from recognition.types import RGB, Box

#: Composites for checking are drawn from here on, far from the seeds of training.
CHECK_SEED = 900_000
#: The score at which the product believes in a plate, and the precision that is asked for.
USUAL_SCORE, ASKED_PRECISION = 0.25, 0.95
_LEAST = 0.02


def evaluate(model: Path, data: Path, *, image_size: int = 640, every: int = 1) -> dict[str, Any]:
    """All figures of the detector in `model`; `every` takes only each n-th photograph.

    Raises DataError without the photographs, WeightsError for an unusable file.
    """
    detector = PoseDetector(model, image_size=image_size, min_score=_LEAST, min_object_score=_LEAST)
    val, kept = photographs(data, "val")[::every], photographs(data, "held_out")[::every]
    plates, vehicles = _on_photographs(detector, {"val": val, "held_out": kept})
    return {
        "image_size": image_size,
        "plates": {name: _summary(tally) for name, tally in sorted(plates.items())},
        "vehicles_against_pseudo_labels": {
            CLASSES[number]: {"ap50": round(tally.average_precision(), 3), "labels": tally.wanted}
            for number, tally in sorted(vehicles.items())
        },
        "composites": _on_composites(detector, [*val, *kept]),
        "without_plates": _on_patches(detector, [*val, *kept]),
    }


def merit(figures: dict[str, Any]) -> float:
    """One number to choose between two files by the same check; more is better."""
    plates = figures["plates"]
    recalls = [plates[part][f"recall at precision {ASKED_PRECISION}"] for part in ("val", "held_out")]
    drawn = figures["composites"]
    return float(sum(recalls) + drawn["layout right"] - 2 * drawn["corner error of height"])


def _on_photographs(
    detector: PoseDetector, parts: dict[str, list[Photo]]
) -> tuple[dict[str, Tally], dict[int, Tally]]:
    plates: dict[str, Tally] = {}
    vehicles = {number: Tally() for number in range(FIRST_VEHICLE, len(CLASSES))}
    for part, photos in parts.items():
        for photo in photos:
            picture, targets = real(photo)
            sight = detector.look(picture)
            found = [(plate.box, plate.confidence) for plate in sight.plates]
            for name in (f"{part} {photo.source}", part):
                # Only labels of the photographs' makers are to be found; more plates are no mistake.
                plates.setdefault(name, Tally()).add(found, yolo_labels(photo, picture), unlabelled(photo))
            for number, tally in vehicles.items():
                seen = [(one.box, one.confidence) for one in sight.objects if one.kind == CLASSES[number]]
                tally.add(seen, _boxes(targets, number, number + 1))
    return plates, vehicles


def yolo_labels(photo: Photo, picture: RGB) -> list[Box]:
    """The plates that the photograph's maker labelled, in pixels."""
    return yolo_boxes(photo.plates.read_text(encoding="utf-8"), picture.shape[1], picture.shape[0])


def _boxes(targets: Targets, first: int, end: int) -> list[Box]:
    rows = targets[(targets[:, 0] < end) & (targets[:, 0] >= first)]
    return [(float(x1), float(y1), float(x2), float(y2)) for x1, y1, x2, y2 in rows[:, BOX]]


def _summary(tally: Tally) -> dict[str, float]:
    recall, precision = tally.at(USUAL_SCORE)
    asked, score = tally.best_recall(ASKED_PRECISION)
    return {
        "plates": tally.wanted,
        f"recall at score {USUAL_SCORE}": round(recall, 4),
        f"precision at score {USUAL_SCORE}": round(precision, 4),
        f"recall at precision {ASKED_PRECISION}": round(asked, 4),
        "score for that": round(score, 3),
        "ap50": round(tally.average_precision(), 4),
    }


def _on_composites(detector: PoseDetector, photos: Sequence[Photo]) -> dict[str, float]:
    """Corner error (mean over corners, as a share of the plate's height and in pixels), layouts right."""
    tally, errors, shares, layouts = Tally(), [], [], []
    for number, photo in enumerate(photos):
        picture, targets = composed(photo, CHECK_SEED + number)
        drawn = targets[(targets[:, 0] < FIRST_VEHICLE) & (targets[:, STATE] == GIVEN)]
        found = [plate for plate in detector.look(picture).plates if plate.confidence >= USUAL_SCORE]
        pairs = [(plate.box, plate.confidence) for plate in found]
        matches = tally.add(pairs, _boxes(drawn, 0, FIRST_VEHICLE), unlabelled(photo))
        for plate, match in zip(found, matches, strict=True):
            if match >= 0:
                error, height = corner_error(plate, drawn[match])
                errors.append(error)
                shares.append(error / height)
                layouts.append((plate.two_line > 0.5) == (drawn[match, 0] == TWO_LINE))
    recall, precision = tally.at(USUAL_SCORE)
    return {
        "plates": tally.wanted,
        "recall": round(recall, 4),
        "precision": round(precision, 4),
        "layout right": round(float(np.mean(layouts)) if layouts else 0.0, 4),
        "corner error px": round(float(np.mean(errors)) if errors else 0.0, 2),
        "corner error of height": round(float(np.mean(shares)) if shares else 0.0, 4),
        "corner error of height, 90 of 100 below": round(
            float(np.percentile(shares, 90)) if shares else 0.0, 4
        ),
    }


def corner_error(plate: FoundPlate, truth: Targets) -> tuple[float, float]:
    """Mean distance of the four corners in pixels, and the plate's height in pixels."""
    wanted = truth[CORNERS].reshape(4, 2)
    off = np.hypot(*(np.array(plate.polygon) - wanted).T)
    height = (np.hypot(*(wanted[3] - wanted[0])) + np.hypot(*(wanted[2] - wanted[1]))) / 2
    return float(off.mean()), float(max(height, 1.0))


def _on_patches(detector: PoseDetector, photos: Sequence[Photo]) -> dict[str, float]:
    """False plates in enlarged parts of the photographs that hold no labelled plate."""
    false = 0
    for number, photo in enumerate(photos):
        rng = np.random.default_rng([CHECK_SEED, number])
        patch, _ = patch_without_plates(*real(photo), 416, rng)
        false += sum(plate.confidence >= USUAL_SCORE for plate in detector.look(patch, image_size=416).plates)
    return {"patches": len(photos), "false plates": false}
