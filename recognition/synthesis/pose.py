"""Where a plate stands before the camera: rotation, perspective, and its corners in the picture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recognition.synthesis.faces import Face
from recognition.synthesis.textures import Floats
from recognition.types import Polygon

#: Largest angle between the line of sight and the plate's normal, and largest turn in the picture, degrees.
MOST_ANGLE, MOST_ROLL = 60.0, 35.0


@dataclass(frozen=True, slots=True)
class Pose:
    """The way from a mounted face to the picture.

    `matrix` maps pixels of the mounted face to pixels of a picture `finer` times as large as `size` (width,
    height); it is scaled down afterwards, so that small plates are smooth. `corners` and `character_height`
    are in pixels of the final picture.
    """

    matrix: NDArray[np.float64]
    size: tuple[int, int]
    finer: int
    corners: Polygon
    character_height: float


def chosen_pose(
    rng: np.random.Generator,
    face: Face,
    margin: int,
    character_height: float,
    *,
    angles: float,
    shear: float,
    context: float,
) -> Pose:
    """A random view of the face in which the main line's characters are `character_height` pixels high.

    `angles` and `shear` (0..1) are the strengths of perspective and of the rolling shutter's slant.
    """
    height, width = face.ink.shape
    outline = np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float64)
    seen = _projected(outline, width, height, rng, angles)
    # A shutter that runs down the rows slants what moves sideways: exact, since the speed is constant.
    seen[:, 0] += seen[:, 1] * shear * 0.35 * (1 if rng.random() < 0.5 else -1) * float(rng.uniform(0.4, 1))
    share = character_height / _line_height(face, homography(outline, seen))
    seen *= share
    seen -= seen.min(axis=0)
    around = context * character_height * height / (face.main[3] - face.main[1])
    before, after = rng.uniform(0.35, 1.0, 2) * around, rng.uniform(0.35, 1.0, 2) * around
    seen += before
    size = np.ceil(seen.max(axis=0) + after).astype(int)
    finer = max(1, round((face.main[3] - face.main[1]) / character_height))
    matrix = homography(outline + margin - 0.5, seen * finer - 0.5)
    return Pose(matrix, (int(size[0]), int(size[1])), finer, polygon(seen), float(character_height))


def warped(mounted: Floats, pose: Pose) -> Floats:
    """The mounted face as it appears: RGBA weighed by opacity."""
    import cv2

    width, height = pose.size
    layer = cv2.warpPerspective(mounted, pose.matrix, (width * pose.finer, height * pose.finer))
    if pose.finer > 1:
        layer = cv2.resize(layer, pose.size, interpolation=cv2.INTER_AREA)
    return np.asarray(layer, dtype=np.float32)


def homography(source: NDArray[np.float64], target: NDArray[np.float64]) -> NDArray[np.float64]:
    """The 3 x 3 matrix that takes four points to four others."""
    import cv2

    matrix = cv2.getPerspectiveTransform(source.astype(np.float32), target.astype(np.float32))
    return np.asarray(matrix, dtype=np.float64)


def rectified(image: NDArray[np.uint8], corners: Polygon, width: int, height: int) -> NDArray[np.uint8]:
    """The plate cut out straight, `width` x `height`, by its corners (0 is the edge of the first pixel)."""
    import cv2

    straight = np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float64) - 0.5
    matrix = homography(np.array(corners, np.float64) - 0.5, straight)
    return np.asarray(cv2.warpPerspective(image, matrix, (width, height)), dtype=np.uint8)


def _projected(
    outline: NDArray[np.float64], width: int, height: int, rng: np.random.Generator, strength: float
) -> NDArray[np.float64]:
    """The outline after turning in space, through a pinhole at 2.5 to 8 plate widths."""
    tilt = np.radians(MOST_ANGLE) * strength * float(rng.uniform(0.3, 1.0))
    # Cameras look from above or beside, seldom from below: more yaw than pitch.
    towards = float(rng.uniform(0, 2 * np.pi))
    yaw, pitch = tilt * np.cos(towards), tilt * np.sin(towards) * 0.8
    roll = float(np.clip(rng.normal(0, 0.3), -1, 1)) * np.radians(MOST_ROLL) * strength
    points = np.column_stack([outline - (width / 2, height / 2), np.zeros(4)])
    points = points @ _about(1, yaw).T @ _about(0, pitch).T @ _about(2, roll).T
    away = width * (2.5 + 5.5 * float(rng.random()) ** 2 if strength > 0 else 8.0)
    seen: NDArray[np.float64] = points[:, :2] * (away / (away + points[:, 2:]))
    return seen


def _about(axis: int, angle: float) -> NDArray[np.float64]:
    cos, sin = np.cos(angle), np.sin(angle)
    turn = np.eye(3)
    first, second = [index for index in range(3) if index != axis]
    turn[first, first] = turn[second, second] = cos
    turn[first, second], turn[second, first] = -sin, sin
    return turn


def _line_height(face: Face, matrix: NDArray[np.float64]) -> float:
    """Height of the main line's characters, in the middle of the line, after the matrix."""
    left, top, right, bottom = face.main
    points = np.array([((left + right) / 2, top, 1.0), ((left + right) / 2, bottom, 1.0)]) @ matrix.T
    (x1, y1), (x2, y2) = points[:, :2] / points[:, 2:]
    return float(np.hypot(x2 - x1, y2 - y1))


def polygon(points: NDArray[np.float64]) -> Polygon:
    """Four points as a `Polygon`."""
    (a, b), (c, d), (e, f), (g, h) = ((float(x), float(y)) for x, y in points)
    return (a, b), (c, d), (e, f), (g, h)
