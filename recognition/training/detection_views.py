"""What a camera might make of a labelled photograph: other distance, turn, light and faults.

Everything follows from the random generator that is handed in. Coordinates run in pixels from the picture's
upper left corner.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from recognition.training.detection_data import (
    BOX,
    CORNERS,
    FIRST_VEHICLE,
    GIVEN,
    STATE,
    Targets,
)
from recognition.types import RGB

_GREY = 114
#: Widths that plates are brought to, in pixels.
_PLATE_WIDTHS = (9.0, 360.0)
#: A photograph is never enlarged more: there is nothing more to see.
_MOST_ZOOM = 4.0
#: The least share of a plate or of a vehicle that must be in view to count.
_SEEN_PLATE, _SEEN_VEHICLE = 0.6, 0.25
#: A narrower plate is not worth finding, in pixels.
_LEAST_PLATE = 6.0
#: Corners after a mirror: left and right change places.
_MIRRORED = [1, 0, 3, 2]

Matrix = NDArray[np.float64]


def view(picture: RGB, targets: Targets, size: int, rng: np.random.Generator) -> tuple[RGB, Targets]:
    """A view of `size` x `size` pixels in which the photograph's plates have all sizes."""
    scale = _scale(picture, targets, size, rng)
    matrix = _placed(picture, targets, scale, size, rng) @ _turned(picture, targets, rng)
    return seen(picture, targets, matrix, size)


def patch_without_plates(
    picture: RGB, targets: Targets, size: int, rng: np.random.Generator
) -> tuple[RGB, Targets]:
    """A part of the photograph where no plate is, enlarged to the view; the plates greyed where none is."""
    height, width = picture.shape[:2]
    plates = targets[targets[:, 0] < FIRST_VEHICLE, BOX]
    for _ in range(12):
        side = rng.uniform(0.25, 0.7) * max(height, width)
        x, y = rng.uniform(-0.1 * side, max(width - 0.9 * side, 1)), rng.uniform(0, max(height - side, 1))
        apart = (
            (plates[:, 0] > x + side) | (plates[:, 2] < x) | (plates[:, 1] > y + side) | (plates[:, 3] < y)
        )
        if apart.all():
            break
    scale = size / side
    matrix = np.array([(scale, 0, -x * scale), (0, scale, -y * scale), (0, 0, 1)])
    cleared = picture.copy()
    for x1, y1, x2, y2 in plates:
        cleared[max(0, int(y1)) : int(y2) + 1, max(0, int(x1)) : int(x2) + 1] = _GREY
    return seen(cleared, targets[targets[:, 0] >= FIRST_VEHICLE], matrix, size)


def four_in_one(parts: list[tuple[RGB, Targets]], size: int, rng: np.random.Generator) -> tuple[RGB, Targets]:
    """Four photographs side by side, which meet at a random point."""
    cut_x, cut_y = (int(value) for value in rng.uniform(0.3, 0.7, 2) * size)
    canvas = np.full((size, size, 3), _GREY, np.uint8)
    kept = []
    for number, (picture, targets) in enumerate(parts):
        left, right = (0, cut_x) if number % 2 == 0 else (cut_x, size)
        top, bottom = (0, cut_y) if number < 2 else (cut_y, size)
        tile = max(right - left, bottom - top)
        shown, moved = view(picture, targets, tile, rng)
        shown, moved = _cropped(shown, moved, right - left, bottom - top)
        canvas[top:bottom, left:right] = shown
        moved[:, [1, 3, 5, 7, 9, 11]] += left
        moved[:, [2, 4, 6, 8, 10, 12]] += top
        kept.append(moved)
    return canvas, np.concatenate(kept)


def mirrored(picture: RGB, targets: Targets) -> tuple[RGB, Targets]:
    """Left and right exchanged."""
    width = picture.shape[1]
    turned = targets.copy()
    turned[:, 1], turned[:, 3] = width - targets[:, 3], width - targets[:, 1]
    corners = targets[:, CORNERS].reshape(-1, 4, 2)[:, _MIRRORED].copy()
    corners[:, :, 0] = width - corners[:, :, 0]
    turned[:, CORNERS] = corners.reshape(-1, 8)
    return np.ascontiguousarray(picture[:, ::-1]), turned


def seen(picture: RGB, targets: Targets, matrix: Matrix, size: int) -> tuple[RGB, Targets]:
    """The photograph through a 3 x 3 matrix (photograph to view, pixels), and what of its targets is left."""
    import cv2

    to_centres = np.array([(1, 0, -0.5), (0, 1, -0.5), (0, 0, 1.0)])
    centred = to_centres @ matrix @ np.linalg.inv(to_centres)
    shrunk = float(np.sqrt(abs(np.linalg.det(matrix[:2, :2]))))
    if shrunk < 0.7:
        # Linear interpolation alone would skip pixels.
        picture = np.asarray(cv2.GaussianBlur(picture, (0, 0), 0.45 / shrunk), np.uint8)
    border = (_GREY, _GREY, _GREY)
    shown = np.asarray(
        cv2.warpPerspective(picture, centred, (size, size), flags=cv2.INTER_LINEAR, borderValue=border),
        np.uint8,
    )
    return _left(shown, _mapped(targets, matrix))


def faults(picture: RGB, rng: np.random.Generator) -> RGB:
    """Light, colour, blur, noise and compression of another camera."""
    import cv2

    shown = picture.astype(np.float32)
    gain, lift = rng.uniform(0.55, 1.35), rng.uniform(-25, 25)
    tint = rng.uniform(0.88, 1.12, 3) if rng.random() < 0.5 else np.ones(3)
    shown = shown * (gain * tint).astype(np.float32) + np.float32(lift)
    if rng.random() < 0.12:
        shown = np.repeat(shown @ np.array([[0.3], [0.59], [0.11]], np.float32), 3, axis=2)
    if rng.random() < 0.2:
        shown = _blurred(shown, rng)
    if rng.random() < 0.3:
        fine = rng.standard_normal(picture.shape[:2], np.float32)[:, :, None]
        shown = shown + fine * np.float32(rng.uniform(2, 14))
    result = np.asarray(np.clip(shown, 0, 255), np.uint8)
    if rng.random() < 0.15:
        _, coded = cv2.imencode(".jpg", result, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(25, 80))])
        result = np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR), np.uint8)
    return result


def _blurred(shown: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    import cv2

    if rng.random() < 0.5:
        return np.asarray(cv2.GaussianBlur(shown, (0, 0), rng.uniform(0.5, 1.6)), np.float32)
    length = int(rng.integers(2, 8))
    kernel = np.zeros((length, length), np.float32)
    if rng.random() < 0.7:
        kernel[length // 2] = 1 / length
    else:
        kernel[np.arange(length), np.arange(length)] = 1 / length
    return np.asarray(cv2.filter2D(shown, -1, kernel), np.float32)


def _scale(picture: RGB, targets: Targets, size: int, rng: np.random.Generator) -> float:
    plates = targets[targets[:, 0] < FIRST_VEHICLE]
    whole = size / max(picture.shape[:2])
    if len(plates) == 0 or rng.random() < 0.5:
        return float(whole * np.exp(rng.uniform(np.log(0.75), np.log(1.6))))
    one = plates[rng.integers(len(plates))]
    wanted = np.exp(rng.uniform(*np.log(_PLATE_WIDTHS)))
    return float(np.clip(wanted / max(one[3] - one[1], 1.0), 0.6 * whole, min(5 * whole, _MOST_ZOOM)))


def _turned(picture: RGB, targets: Targets, rng: np.random.Generator) -> Matrix:
    """Roll and perspective about the middle of the photograph.

    Upright boxes of real plates grow when turned, so those pictures are turned little.
    """
    plates = targets[targets[:, 0] < FIRST_VEHICLE]
    exact = bool((plates[:, STATE] == GIVEN).all())
    if rng.random() < 0.55:
        return np.eye(3)
    angle = np.radians(rng.uniform(-15, 15) if exact else rng.uniform(-3, 3))
    height, width = picture.shape[:2]
    strength = (0.25 if exact else 0.06) / max(height, width)
    tilt = rng.uniform(-strength, strength, 2)
    stretch = np.exp(rng.uniform(-0.15, 0.15))
    cos, sin = np.cos(angle), np.sin(angle)
    turn = np.array([(cos * stretch, -sin * stretch, 0), (sin / stretch, cos / stretch, 0), (*tilt, 1)])
    to_middle = np.array([(1, 0, -width / 2), (0, 1, -height / 2), (0, 0, 1)])
    back: Matrix = np.linalg.inv(to_middle) @ turn @ to_middle
    return back


def _placed(picture: RGB, targets: Targets, scale: float, size: int, rng: np.random.Generator) -> Matrix:
    """The scaled photograph somewhere in the view, mostly with a plate in sight."""
    height, width = picture.shape[0] * scale, picture.shape[1] * scale
    plates = targets[targets[:, 0] < FIRST_VEHICLE]
    low_x, high_x = sorted((0.0, size - width))
    low_y, high_y = sorted((0.0, size - height))
    x, y = rng.uniform(low_x - 0.05 * size, high_x + 0.05 * size), rng.uniform(low_y - 0.05 * size, high_y)
    if len(plates) and rng.random() < 0.85:
        x1, y1, x2, y2 = plates[rng.integers(len(plates)), BOX] * scale
        x = float(np.clip(x, min(-x1, size - x2), max(-x1, size - x2)))
        y = float(np.clip(y, min(-y1, size - y2), max(-y1, size - y2)))
    return np.array([(scale, 0, x), (0, scale, y), (0, 0, 1)])


def _mapped(targets: Targets, matrix: Matrix) -> Targets:
    """Targets through the matrix; boxes become the upright boxes around their corners."""
    moved = targets.copy()
    if len(targets) == 0:
        return moved
    x1, y1, x2, y2 = targets[:, BOX].T
    outline = np.stack([x1, y1, x2, y1, x2, y2, x1, y2], axis=1)
    given = targets[:, STATE] == GIVEN
    outline[given] = targets[given, CORNERS]
    points = np.concatenate([outline.reshape(-1, 2), np.ones((len(targets) * 4, 1))], axis=1) @ matrix.T
    there = (points[:, :2] / points[:, 2:]).reshape(-1, 4, 2)
    moved[:, 1:3], moved[:, 3:5] = there.min(axis=1), there.max(axis=1)
    moved[given, CORNERS] = there[given].reshape(-1, 8)
    return moved


def _cropped(shown: RGB, targets: Targets, width: int, height: int) -> tuple[RGB, Targets]:
    """The upper left part of a view."""
    return _left(np.ascontiguousarray(shown[:height, :width]), targets)


def _left(shown: RGB, targets: Targets) -> tuple[RGB, Targets]:
    """What is in view; plates of which too little is in view are greyed, so that they teach nothing."""
    height, width = shown.shape[:2]
    boxes = targets[:, BOX]
    cut = np.clip(boxes, 0, (width, height, width, height)).astype(np.float32)
    whole = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    share = (cut[:, 2] - cut[:, 0]) * (cut[:, 3] - cut[:, 1]) / np.maximum(whole, 1e-6)
    plate = targets[:, 0] < FIRST_VEHICLE
    wide = boxes[:, 2] - boxes[:, 0] >= _LEAST_PLATE
    kept = np.where(plate, (share >= _SEEN_PLATE) & wide, share >= _SEEN_VEHICLE)
    for x1, y1, x2, y2 in cut[plate & ~kept & (share > 0)]:
        shown[int(y1) : int(y2) + 1, int(x1) : int(x2) + 1] = _GREY
    result = targets[kept].copy()
    result[:, BOX] = cut[kept]
    return shown, result
