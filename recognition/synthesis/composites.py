"""Plates put into real photographs over the plates that were there, so that detectors see real vehicles.

The photographs come from the caller. The new plate takes over what can be measured of the old one: outline
and perspective, brightness, contrast and colour of the light, sharpness and noise.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from recognition.boxes import around
from recognition.synthesis.pose import Pose, homography, polygon, warped
from recognition.synthesis.samples import (
    CHARACTER_SHARE,
    EFFECTS,
    chance,
    chosen_strengths,
    colour_name,
    draw_mounted,
)
from recognition.synthesis.texts import PlateText, chosen_kinds, random_text
from recognition.synthesis.textures import Floats, noise
from recognition.synthesis.typefaces import FontSet
from recognition.synthesis.wear import ON_FACE, WORN_INK
from recognition.types import RGB, Box, Layout, Polygon

#: Four corners, one a row: top left, top right, bottom right, bottom left.
Quad: TypeAlias = NDArray[np.float64]
#: A smaller box shows nothing that could be matched, in pixels (width, height).
LEAST_BOX = (10, 5)
#: A wider outline takes a plate of one line, unless a layout is asked for.
_ONE_LINE_ASPECT = 2.4
#: Effects of the plate itself; light and camera are the photograph's.
_OF_THE_PLATE = frozenset({*WORN_INK, *ON_FACE, "frame", "strip", "bend"})
_BLURS = (0.0, 0.4, 0.6, 0.8, 1.0, 1.3, 1.7, 2.2, 3.0)
_GREY = np.array([0.3, 0.59, 0.11], np.float32)


@dataclass(frozen=True, slots=True)
class CompositeTruth:
    """What was put into a photograph; the fields mean what they mean in `PlateSample`.

    `box` is the upright box around the corners.
    """

    text: str
    layout: Layout
    colour: str
    country: str
    category: str
    corners: Polygon
    character_height: float
    box: Box
    conditions: tuple[str, ...]


def composite(
    photo: RGB,
    box: Box,
    seed: int,
    *,
    difficulty: float = 0.5,
    fonts: FontSet = "train",
    kinds: Collection[str] | None = None,
    layout: Layout | None = None,
) -> tuple[RGB, CompositeTruth]:
    """A copy of the photograph with a random plate over the labelled box, and its truth.

    `difficulty` says how worn the plate may be (0..1; light and camera are the photograph's own). The layout
    follows the shape of the old plate unless it is asked for. Raises ValueError for a box that is smaller
    than `LEAST_BOX` or reaches out of the photograph by more than a pixel, and when none of the `kinds` has
    the layout.
    """
    old, measured = _outline(photo, _checked(photo, box))
    target = old if measured else _turned(old, chance(seed, "perspective"))
    target = np.clip(target, 0, photo.shape[1::-1])
    wide, high = _sides(target)
    chosen = layout or ("one_line" if wide / high > _ONE_LINE_ASPECT else "two_line")
    plate = random_text(chance(seed, "text"), chosen_kinds(kinds), chosen)
    strengths = chosen_strengths(seed, difficulty, {})
    guess = high * CHARACTER_SHARE[len(plate.lines)]
    face, mounted, margin = draw_mounted(seed, plate, fonts, max(4.0, guess), strengths)
    height, width = face.ink.shape
    quad = _fitted(target, width / height, photo.shape[1], photo.shape[0])
    share = _sides(quad)[1] / height
    window = _window(old, quad, photo)
    layer = warped(mounted, _local_pose(quad, window, (width, height), margin, share))
    picture = photo.copy()
    x1, y1, x2, y2 = window
    picture[y1:y2, x1:x2] = _blended(photo, window, old, quad, layer, chance(seed, "noise"))
    worn = tuple(name for name in EFFECTS if name in _OF_THE_PLATE and strengths[name] > 0)
    return picture, _truth(plate, polygon(quad), (face.main[3] - face.main[1]) * share, worn)


def _truth(plate: PlateText, corners: Polygon, height: float, worn: tuple[str, ...]) -> CompositeTruth:
    kind, colour = plate.kind, colour_name(plate.ground)
    return CompositeTruth(plate.text, plate.layout, colour, kind.country, kind.category, corners, height,
                          around([corners]), worn)  # fmt: skip


def _checked(photo: RGB, box: Box) -> Box:
    height, width = photo.shape[:2]
    x1, y1, x2, y2 = box
    if not (x1 >= -1 and y1 >= -1 and x2 <= width + 1 and y2 <= height + 1):
        raise ValueError(f"The box {box} reaches out of the photograph of {width} x {height}")
    if x2 - x1 < LEAST_BOX[0] or y2 - y1 < LEAST_BOX[1]:
        raise ValueError(f"The box {box} is too small for a plate")
    return max(0.0, x1), max(0.0, y1), min(float(width), x2), min(float(height), y2)


def _outline(photo: RGB, box: Box) -> tuple[Quad, bool]:
    """The old plate's corners where a bright quadrilateral fills the box, else the box; and whether."""
    import cv2

    x1, y1, x2, y2 = box
    upright = np.array([(x1, y1), (x2, y1), (x2, y2), (x1, y2)], np.float64)
    left, top = int(x1), int(y1)
    grey = np.ascontiguousarray(
        (photo[top : int(np.ceil(y2)), left : int(np.ceil(x2))] @ _GREY).astype(np.uint8)
    )
    if min(grey.shape) < 12:
        return upright, False
    _, mask = cv2.threshold(grey, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    # Characters are holes in the ground: close them.
    side = max(3, grey.shape[0] // 4)
    mask = cv2.morphologyEx(np.pad(mask, side), cv2.MORPH_CLOSE, np.ones((side, side), np.uint8))
    contours, _ = cv2.findContours(mask[side:-side, side:-side], cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    if not contours:
        return upright, False
    hull = cv2.convexHull(max(contours, key=cv2.contourArea))
    _, _, wide, high = cv2.boundingRect(hull)
    if wide < 0.8 * grey.shape[1] or high < 0.8 * grey.shape[0]:
        return upright, False
    origin = np.array([left + 0.5, top + 0.5])
    for roughness in (0.02, 0.04, 0.06):
        near = cv2.approxPolyDP(hull, roughness * cv2.arcLength(hull, True), True)[:, 0].astype(np.float64)
        if len(near) == 4 and _plate_like(_in_order(near)):
            return _in_order(near + origin), True
    turned = np.asarray(cv2.boxPoints(cv2.minAreaRect(hull)), dtype=np.float64)
    sides = _sides(_in_order(turned))
    if cv2.contourArea(hull) > 0.85 * sides[0] * sides[1] and _plate_like(_in_order(turned)):
        return _in_order(turned + origin), True
    return upright, False


def _turned(box: Quad, rng: np.random.Generator) -> Quad:
    """A plate turned at random within the box: where nothing was measured, level plates would be a habit.

    Labels are upright boxes around turned plates, so the rectangle is the one whose box they are.
    """
    wide, high = _sides(box)
    roll = float(np.clip(rng.normal(0, np.radians(9)), -0.42, 0.42))
    cos, sin = np.cos(roll), abs(np.sin(roll))
    own_wide = (wide * cos - high * sin) / (cos**2 - sin**2)
    own_high = (high * cos - wide * sin) / (cos**2 - sin**2)
    if own_high < 0.55 * high or own_wide < 1.2 * own_high:
        roll, cos, own_wide, own_high = 0.0, 1.0, wide, high
    corners = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)]) * (own_wide / 2, own_high / 2)
    corners += rng.uniform(-0.04, 0.04, (4, 2)) * own_high
    turn = np.array([(cos, -np.sin(roll)), (np.sin(roll), cos)])
    turned: Quad = corners @ turn.T + box.mean(axis=0)
    return turned


def _plate_like(quad: Quad) -> bool:
    """Wider than high, not turned by more than some 35 degrees, and opposite sides about as long."""
    edges = np.roll(quad, -1, axis=0) - quad
    lengths = np.hypot(*edges.T)
    level = abs(edges[0, 1]) < 0.7 * edges[0, 0] and abs(edges[2, 1]) < -0.7 * edges[2, 0]
    upright = abs(edges[1, 0]) < 0.7 * edges[1, 1] and abs(edges[3, 0]) < -0.7 * edges[3, 1]
    alike = all(0.75 < lengths[side] / max(lengths[side + 2], 1.0) < 1.34 for side in (0, 1))
    return bool(level and upright and alike and lengths[0] > lengths[1])


def _in_order(points: Quad) -> Quad:
    """Top left, top right, bottom right, bottom left."""
    middle = points.mean(axis=0)
    turn = np.arctan2(points[:, 1] - middle[1], points[:, 0] - middle[0])
    ordered = points[np.argsort(turn)]
    start = int(np.argmin(ordered.sum(axis=1)))
    return np.roll(ordered, -start, axis=0)


def _sides(quad: Quad) -> tuple[float, float]:
    """Mean width and height of a quadrilateral."""
    lengths = np.hypot(*(np.roll(quad, -1, axis=0) - quad).T)
    return float(lengths[0] + lengths[2]) / 2, float(lengths[1] + lengths[3]) / 2


def _fitted(old: Quad, aspect: float, width: int, height: int) -> Quad:
    """The outline brought half-way to the new plate's shape in the old one's plane, kept in the picture."""
    wide, high = _sides(old)
    stretch = float(np.clip((aspect / (wide / high)) ** 0.5, 0.75, 1.33))
    across, down = 0.5 * stretch, 0.5 / stretch
    square = np.array([(0, 0), (1, 0), (1, 1), (0, 1)], np.float64)
    wanted = np.array([(-across, -down), (across, -down), (across, down), (-across, down)]) + 0.5
    placed = np.column_stack([wanted, np.ones(4)]) @ homography(square, old).T
    quad: Quad = placed[:, :2] / placed[:, 2:]
    inside = (quad >= 0).all() and (quad <= (width, height)).all()
    return quad if inside else old


def _window(old: Quad, new: Quad, photo: RGB) -> tuple[int, int, int, int]:
    """The part of the picture that changes, with room for frame and shadow."""
    points = np.vstack([old, new])
    reach = 0.3 * _sides(new)[1] + 4
    x1, y1 = np.maximum(np.floor(points.min(axis=0) - reach), 0).astype(int)
    x2, y2 = np.minimum(np.ceil(points.max(axis=0) + reach), photo.shape[1::-1]).astype(int)
    return int(x1), int(y1), int(x2), int(y2)


def _local_pose(
    quad: Quad, window: tuple[int, int, int, int], face: tuple[int, int], margin: int, share: float
) -> Pose:
    """The way from the mounted face to the window's own pixels; `share` is how much smaller it appears."""
    width, height = face
    outline = np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float64)
    local = quad - window[:2]
    finer = max(1, round(1 / share))
    matrix = homography(outline + margin - 0.5, local * finer - 0.5)
    size = (window[2] - window[0], window[3] - window[1])
    return Pose(matrix, size, finer, polygon(local), height * share)


def _blended(
    photo: RGB,
    window: tuple[int, int, int, int],
    old: Quad,
    new: Quad,
    layer: Floats,
    rng: np.random.Generator,
) -> RGB:
    """The window with the old plate painted over and the new one in its light."""
    import cv2

    x1, y1, x2, y2 = window
    before = photo[y1:y2, x1:x2]
    gone = np.zeros(before.shape[:2], np.uint8)
    grown = old.mean(axis=0) + (old - old.mean(axis=0)) * 1.12 - (x1, y1)
    cv2.fillConvexPoly(gone, np.rint(grown).astype(np.int32), 255)
    ground = np.asarray(
        cv2.inpaint(np.ascontiguousarray(before), gone, 3, cv2.INPAINT_TELEA), dtype=np.float32
    )
    inside = np.zeros(before.shape[:2], np.uint8)
    cv2.fillConvexPoly(inside, np.rint(old - (x1, y1)).astype(np.int32), 255)
    lit = _in_same_light(layer, before[inside > 0])
    blurred = _as_sharp(lit, ground, before, old - (x1, y1), new - (x1, y1))
    opacity = blurred[:, :, 3:]
    grain = noise(rng, *before.shape[:2]) * np.float32(_noise_level(before))
    # The painted-over ground lost its grain too.
    smooth = np.maximum(opacity, (gone > 0)[:, :, None])
    picture = ground * (1 - opacity) + blurred[:, :, :3] + grain * smooth
    shown: RGB = np.rint(np.clip(picture, 0, 255)).astype(np.uint8)
    return shown


def _in_same_light(layer: Floats, old: RGB) -> Floats:
    """The layer with its white where the old plate's bright ground was, and its black likewise."""
    pixels = old.astype(np.float32)
    white, black = np.percentile(pixels, 90, axis=0), np.percentile(pixels, 4, axis=0)
    if (white.max() - white.min()) > 0.55 * white.max():
        # A coloured plate tells how bright the light is, but not its colour.
        white = np.full(3, white.max())
    white = np.maximum(white, 40.0)
    black = np.minimum(np.full(3, black.mean()), 0.45 * white)
    gain, lift = ((white - black) / 228).astype(np.float32), black.astype(np.float32)
    lit = layer.copy()
    lit[:, :, :3] = np.clip(layer[:, :, :3] * gain + lift * layer[:, :, 3:], 0, 255)
    return lit


def _as_sharp(layer: Floats, ground: Floats, before: RGB, old: Quad,
              new: Quad) -> Floats:  # fmt: skip
    """The layer blurred until the new plate is as sharp as the old one was."""
    import cv2

    wanted = _sharpness(before.astype(np.float32), old)
    best, least = layer, np.inf
    for sigma in _BLURS:
        blurred = np.asarray(cv2.GaussianBlur(layer, (0, 0), sigma), dtype=np.float32) if sigma else layer
        shown = ground * (1 - blurred[:, :, 3:]) + blurred[:, :, :3]
        off = abs(float(np.log((_sharpness(shown, new) + 1e-3) / (wanted + 1e-3))))
        if off < least:
            best, least = blurred, off
    return best


def _sharpness(picture: Floats, quad: Quad) -> float:
    """How fast brightness changes within the outline, relative to its range."""
    (x1, y1), (x2, y2) = np.maximum(quad.min(axis=0), 0).astype(int), np.ceil(quad.max(axis=0)).astype(int)
    grey = picture[y1:y2, x1:x2] @ _GREY
    spread = float(np.percentile(grey, 95) - np.percentile(grey, 5))
    steps = np.abs(np.diff(grey, n=2, axis=1))
    return float(np.percentile(steps, 90)) / max(spread, 8.0) if steps.size else 0.0


def _noise_level(picture: RGB) -> float:
    """Deviation of the noise in grey levels, from the quietest parts (robust second differences)."""
    steps = np.abs(np.diff(picture.astype(np.float32) @ _GREY, n=2, axis=1))
    return float(min(np.percentile(steps, 35) / 0.45 / 6**0.5, 14.0)) if steps.size else 0.0
