"""A motorcycle and its rider seen from behind, drawn from shapes."""

from __future__ import annotations

from PIL import Image

from recognition.synthesis.plate import TWO_LINE_SIZE
from recognition.synthesis.strokes import Canvas, Colour, both_sides, box, mirrored, mix

#: Height of the middle of the plate above the ground, in metres.
PLATE_HEIGHT = 0.62
HALF_WIDTH, BOTTOM, TOP = 0.62, -0.1, 1.86

_BLACK, _WHITE = (8, 9, 11), (255, 255, 255)
_STEEL, _TROUSERS, _SKIN = (168, 174, 180), (52, 58, 74), (70, 48, 36)


def draw_motorcycle(plate: Image.Image, shirt: Colour, helmet: Colour, scale: float) -> Image.Image:
    """Machine and rider as RGBA: x in -0.62..0.62, y in -0.1..1.86 metres, `scale` pixels a metre."""
    canvas = Canvas(HALF_WIDTH, BOTTOM, TOP, scale)
    canvas.ellipse(0, 0.0, 0.36, 0.05, _BLACK, blur=0.03, opacity=0.65)
    _handlebar(canvas)
    _legs(canvas)
    _wheel(canvas)
    _exhaust(canvas)
    _rider(canvas, shirt, helmet)
    _tail(canvas)
    canvas.fill(box(-0.135, 0.528, 0.135, 0.712), (18, 18, 20), rounds=0)
    canvas.place(plate, 0, PLATE_HEIGHT, *TWO_LINE_SIZE)
    return canvas.image


def _handlebar(canvas: Canvas) -> None:
    canvas.line([(-0.38, 1.03), (-0.2, 1.0), (0.2, 1.0), (0.38, 1.03)], (40, 42, 44), 0.035)
    for side in (-1, 1):
        canvas.line([(side * 0.33, 1.03), (side * 0.37, 1.2)], (30, 31, 33), 0.014)
        mirror = [(side * 0.31, 1.27), (side * 0.46, 1.28), (side * 0.47, 1.2), (side * 0.33, 1.18)]
        canvas.fill(mirror, (24, 25, 27), rounds=2)
        inner = [(side * 0.33, 1.255), (side * 0.445, 1.262), (side * 0.45, 1.21), (side * 0.345, 1.195)]
        canvas.fill(inner, (182, 202, 214), (110, 122, 128), rounds=2)


def _legs(canvas: Canvas) -> None:
    right = [
        (0.1, 0.9),
        (0.24, 0.9),
        (0.33, 0.78),
        (0.31, 0.5),
        (0.29, 0.3),
        (0.18, 0.3),
        (0.19, 0.55),
        (0.12, 0.75),
    ]
    shoe = [(0.17, 0.33), (0.30, 0.33), (0.31, 0.25), (0.29, 0.22), (0.18, 0.22)]
    for flip in (False, True):
        leg, foot = (mirrored(right), mirrored(shoe)) if flip else (right, shoe)
        mask = canvas.fill(leg, mix(_TROUSERS, _WHITE, 0.08), mix(_TROUSERS, _BLACK, 0.4), rounds=2)
        edge = [(x * 1.02 + (0.05 if x > 0 else -0.05), y) for x, y in leg]
        canvas.fill(edge, _BLACK, rounds=2, blur=0.02, opacity=0.25, within=mask)
        canvas.fill(foot, (34, 30, 28), (16, 15, 15), rounds=2)
    canvas.line([(-0.3, 0.25), (0.3, 0.25)], (30, 31, 33), 0.022)


def _wheel(canvas: Canvas) -> None:
    tyre = both_sides([(0.04, 0.6), (0.06, 0.56), (0.06, 0.02), (0.03, -0.03)])
    mask = canvas.fill(tyre, (52, 52, 54), (16, 16, 17), rounds=1)
    for tread in range(12):
        height = 0.56 - 0.05 * tread
        chevron = [(-0.06, height), (0, height - 0.025), (0.06, height), (0.06, height - 0.012),
                   (0, height - 0.037), (-0.06, height - 0.012)]  # fmt: skip
        canvas.fill(chevron, (8, 8, 9), rounds=0, within=mask)
    canvas.fill(box(-0.012, -0.03, 0.012, 0.6), (66, 66, 68), rounds=0, opacity=0.5, within=mask)
    for side in (-1, 1):
        # Shock absorbers and swing arm.
        canvas.line([(side * 0.11, 0.3), (side * 0.13, 0.78)], _STEEL, 0.02)
        for step in range(7):
            y = 0.42 + 0.035 * step
            canvas.line([(side * 0.085, y), (side * 0.145, y + 0.014)], (200, 60, 46), 0.013)
        canvas.line([(side * 0.09, 0.29), (side * 0.12, 0.36)], (60, 62, 64), 0.045)
    canvas.line([(-0.13, 0.3), (0.13, 0.3)], (120, 124, 128), 0.025)


def _exhaust(canvas: Canvas) -> None:
    canvas.ellipse(0.2, 0.36, 0.056, 0.056, (206, 210, 214), (92, 96, 100))
    canvas.ellipse(0.2, 0.36, 0.04, 0.04, (70, 72, 75), (34, 35, 37))
    canvas.ellipse(0.2, 0.36, 0.02, 0.02, (8, 8, 8))


def _rider(canvas: Canvas, shirt: Colour, helmet: Colour) -> None:
    right_arm = [
        (0.19, 1.43),
        (0.28, 1.38),
        (0.36, 1.2),
        (0.39, 1.06),
        (0.33, 1.02),
        (0.28, 1.12),
        (0.2, 1.22),
    ]
    for arm in (right_arm, mirrored(right_arm)):
        canvas.fill(arm, mix(shirt, _WHITE, 0.05), mix(shirt, _BLACK, 0.35), rounds=2)
    for side in (-1, 1):
        canvas.ellipse(side * 0.37, 1.035, 0.042, 0.035, _SKIN)
    torso = both_sides([(0.08, 1.49), (0.2, 1.455), (0.255, 1.37), (0.235, 1.1), (0.215, 0.92), (0.21, 0.84)])
    mask = canvas.fill(torso, mix(shirt, _WHITE, 0.12), mix(shirt, _BLACK, 0.18), rounds=2)
    for side in (-1, 1):
        shade = [(side * 0.16, 1.5), (side * 0.3, 1.5), (side * 0.3, 0.8), (side * 0.17, 0.8)]
        canvas.fill(shade, _BLACK, rounds=0, blur=0.035, opacity=0.3, within=mask)
        canvas.line([(side * 0.05, 0.9), (side * 0.1, 1.0), (side * 0.19, 1.05)], _BLACK, 0.008, opacity=0.22)
    canvas.line([(0.0, 1.44), (0.005, 1.2), (-0.005, 0.9)], _BLACK, 0.02, opacity=0.12)
    canvas.fill(box(-0.06, 1.42, 0.06, 1.54), _SKIN, mix(_SKIN, _BLACK, 0.3), rounds=1)
    canvas.fill(both_sides([(0.05, 1.5), (0.1, 1.48), (0.07, 1.445)]), mix(shirt, _BLACK, 0.2), rounds=1)
    mask = canvas.ellipse(0, 1.645, 0.132, 0.155, mix(helmet, _WHITE, 0.3), mix(helmet, _BLACK, 0.5))
    canvas.ellipse(-0.045, 1.72, 0.05, 0.035, _WHITE, blur=0.015, opacity=0.6)
    canvas.fill(box(-0.2, 1.55, 0.2, 1.572), (16, 16, 18), rounds=0, within=mask)


def _tail(canvas: Canvas) -> None:
    canvas.fill(both_sides([(0.13, 0.93), (0.19, 0.9), (0.185, 0.83), (0.13, 0.8)]), (40, 36, 34),
                (14, 13, 13), rounds=2)  # fmt: skip
    mudguard = both_sides([(0.09, 0.84), (0.1, 0.74), (0.085, 0.5), (0.05, 0.44)])
    canvas.fill(mudguard, (46, 48, 52), (20, 21, 23), rounds=2)
    lamp = both_sides([(0.085, 0.815), (0.1, 0.78), (0.08, 0.735)])
    mask = canvas.fill(lamp, (226, 44, 40), (120, 10, 14), rounds=2)
    canvas.fill(box(-0.1, 0.785, 0.1, 0.8), (255, 190, 180), rounds=1, opacity=0.6, within=mask)
    for side in (-1, 1):
        canvas.line([(side * 0.09, 0.77), (side * 0.2, 0.77)], (30, 30, 32), 0.014)
        canvas.ellipse(side * 0.215, 0.77, 0.033, 0.03, (250, 166, 50), (190, 96, 16))
    canvas.line([(-0.17, 0.86), (-0.2, 0.92)], _STEEL, 0.016)
    canvas.line([(0.17, 0.86), (0.2, 0.92)], _STEEL, 0.016)
