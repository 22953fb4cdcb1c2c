"""A car seen from the front, drawn from shapes."""

from __future__ import annotations

from PIL import Image

from recognition.synthesis.plate import ONE_LINE_SIZE
from recognition.synthesis.strokes import Canvas, Colour, both_sides, box, mirrored, mix

#: Height of the middle of the plate above the ground, in metres.
PLATE_HEIGHT = 0.47
HALF_WIDTH, BOTTOM, TOP = 1.2, -0.14, 1.56

_BLACK, _WHITE = (8, 9, 11), (255, 255, 255)
_SKY, _GLASS = (190, 212, 226), (38, 50, 60)


def draw_car(plate: Image.Image, paint: Colour, scale: float, *, taxi: bool = False) -> Image.Image:
    """The car as an RGBA picture: x in -1.2..1.2 and y in -0.14..1.56 metres, `scale` pixels a metre."""
    canvas = Canvas(HALF_WIDTH, BOTTOM, TOP, scale)
    _shadow_and_wheels(canvas)
    _cabin(canvas, paint)
    if taxi:
        _taxi_sign(canvas)
    _mirrors(canvas, paint)
    _body(canvas, paint)
    _lights(canvas)
    _front(canvas)
    canvas.place(_framed(plate), 0, PLATE_HEIGHT, ONE_LINE_SIZE[0] + 0.03, ONE_LINE_SIZE[1] + 0.03)
    return canvas.image


def _shadow_and_wheels(canvas: Canvas) -> None:
    canvas.ellipse(0, 0.0, 1.02, 0.085, _BLACK, blur=0.035, opacity=0.75)
    canvas.fill(box(-0.7, 0.06, 0.7, 0.3), (12, 12, 14), rounds=0)
    for side in (-1, 1):
        outer, inner = side * 0.86, side * 0.64
        left, right = min(outer, inner), max(outer, inner)
        tyre = [
            *box(left, -0.04, right, 0.46)[2:],
            (left, 0.0),
            (left + 0.02, -0.05),
            (right - 0.02, -0.05),
            (right, 0.0),
        ]
        mask = canvas.fill(tyre, (44, 44, 46), (14, 14, 15), rounds=1)
        for groove in (0.70, 0.75, 0.80):
            x = side * groove
            canvas.fill(box(x - 0.006, -0.06, x + 0.006, 0.46), (6, 6, 7), rounds=0, within=mask)


def _cabin(canvas: Canvas, paint: Colour) -> None:
    light, dark = mix(paint, _WHITE, 0.18), mix(paint, _BLACK, 0.35)
    shell = both_sides([(0.36, 1.475), (0.57, 1.45), (0.63, 1.36), (0.78, 0.97), (0.80, 0.9)])
    canvas.fill(shell, light, dark, rounds=2)
    glass = both_sides([(0.34, 1.40), (0.54, 1.385), (0.59, 1.31), (0.715, 0.965), (0.70, 0.93)])
    mask = canvas.fill(glass, mix(_GLASS, _SKY, 0.32), _GLASS, rounds=2)
    _seats_and_driver(canvas, mask)
    # The sky and a pale streak mirrored in the windscreen.
    canvas.fill([(-0.7, 1.5), (0.7, 1.5), (0.62, 1.27), (-0.3, 1.23)], _SKY, rounds=2, blur=0.03,
                opacity=0.42, within=mask)  # fmt: skip
    canvas.fill([(0.1, 1.5), (0.3, 1.5), (0.02, 0.9), (-0.2, 0.9)], _WHITE, rounds=0, blur=0.02, opacity=0.1,
                within=mask)  # fmt: skip
    canvas.fill(both_sides([(0.7, 0.985), (0.72, 0.93)]), (14, 15, 17), rounds=0, opacity=0.8)
    for x, tip in ((-0.28, 0.2), (0.24, 0.62)):
        canvas.line([(x, 0.955), ((x + tip) / 2, 0.985), (tip, 0.99)], (10, 10, 11), 0.012)
    canvas.fill(box(-0.1, 1.30, 0.1, 1.355), (18, 20, 22), (30, 33, 36), rounds=2)
    canvas.line([(-0.55, 1.455), (0.0, 1.475), (0.55, 1.455)], mix(paint, _WHITE, 0.65), 0.01, opacity=0.7)


def _seats_and_driver(canvas: Canvas, glass: Image.Image) -> None:
    inside = (22, 26, 30)
    for x in (-0.34, 0.34):
        canvas.fill(box(x - 0.16, 0.9, x + 0.16, 1.17), inside, rounds=3, opacity=0.75, within=glass)
        canvas.fill(box(x - 0.085, 1.15, x + 0.085, 1.27), inside, rounds=3, opacity=0.75, within=glass)
    # The driver sits on the left of the car, so to the right of the picture.
    shirt, skin = (92, 104, 122), (64, 44, 34)
    torso = [(0.16, 0.9), (0.17, 1.05), (0.27, 1.11), (0.41, 1.11), (0.51, 1.05), (0.52, 0.9)]
    canvas.fill(torso, shirt, mix(shirt, _BLACK, 0.4), rounds=2, opacity=0.85, within=glass)
    canvas.fill(
        box(0.27, 1.09, 0.41, 1.27), skin, mix(skin, _BLACK, 0.3), rounds=3, opacity=0.9, within=glass
    )
    canvas.line([(0.18, 0.99), (0.24, 1.035), (0.34, 1.05), (0.44, 1.035), (0.5, 0.99)], (12, 12, 13), 0.018)


def _mirrors(canvas: Canvas, paint: Colour) -> None:
    for side in (-1, 1):
        canvas.line([(side * 0.75, 0.985), (side * 0.86, 1.0)], (18, 18, 20), 0.035)
    right = [(0.80, 1.075), (0.93, 1.085), (0.965, 1.03), (0.95, 0.965), (0.83, 0.955)]
    for outline in (right, mirrored(right)):
        canvas.fill(outline, mix(paint, _WHITE, 0.2), mix(paint, _BLACK, 0.5), rounds=2)


def _body(canvas: Canvas, paint: Colour) -> None:
    light, dark = mix(paint, _WHITE, 0.22), mix(paint, _BLACK, 0.45)
    body = both_sides(
        [(0.74, 0.96), (0.845, 0.89), (0.885, 0.74), (0.90, 0.52), (0.885, 0.3), (0.84, 0.185), (0.6, 0.165)]
    )
    mask = canvas.fill(body, light, dark, rounds=2)
    bonnet = both_sides([(0.68, 0.955), (0.74, 0.90), (0.70, 0.745), (0.4, 0.70)])
    canvas.fill(bonnet, mix(paint, _SKY, 0.55), mix(paint, _WHITE, 0.06), rounds=2, within=mask)
    canvas.fill(box(-0.5, 0.86, 0.5, 0.945), _SKY, rounds=3, blur=0.025, opacity=0.4, within=mask)
    for side in (-1, 1):
        crease = [(side * 0.50, 0.945), (side * 0.44, 0.83), (side * 0.37, 0.71)]
        canvas.line(crease, mix(paint, _BLACK, 0.4), 0.012, opacity=0.45)
        canvas.line([(x - side * 0.012, y) for x, y in crease], _WHITE, 0.006, opacity=0.3)
        # The flanks turn away from the sun.
        flank = [(side * 0.78, 0.95), (side * 0.95, 0.95), (side * 0.95, 0.15), (side * 0.84, 0.15)]
        canvas.fill(flank, mix(paint, _BLACK, 0.6), rounds=0, blur=0.04, opacity=0.5, within=mask)
    canvas.line([(-0.68, 0.7), (-0.4, 0.685), (0.4, 0.685), (0.68, 0.7)], mix(paint, _BLACK, 0.65), 0.008)
    canvas.line([(-0.86, 0.555), (0.86, 0.555)], mix(paint, _WHITE, 0.5), 0.01, opacity=0.4)


def _lights(canvas: Canvas) -> None:
    right = [
        (0.47, 0.665),
        (0.64, 0.71),
        (0.815, 0.735),
        (0.875, 0.69),
        (0.85, 0.60),
        (0.66, 0.575),
        (0.5, 0.605),
    ]
    for outline, side in ((right, 1), (mirrored(right), -1)):
        mask = canvas.fill(outline, (150, 160, 168), (58, 64, 70), rounds=2)
        for x, radius in ((0.60, 0.047), (0.745, 0.056)):
            canvas.ellipse(side * x, 0.648, radius, radius, (30, 34, 38))
            canvas.ellipse(side * x, 0.648, radius * 0.82, radius * 0.82, _WHITE, (206, 214, 220))
            canvas.ellipse(side * x, 0.655, radius * 0.4, radius * 0.4, _WHITE, blur=0.006)
        canvas.fill([(side * 0.8, 0.73), (side * 0.87, 0.69), (side * 0.85, 0.61), (side * 0.81, 0.62)],
                    (236, 150, 50), (190, 96, 20), rounds=1, within=mask)  # fmt: skip
        canvas.fill([(side * 0.5, 0.69), (side * 0.86, 0.74), (side * 0.86, 0.715), (side * 0.5, 0.66)],
                    _WHITE, rounds=1, blur=0.006, opacity=0.5, within=mask)  # fmt: skip


def _front(canvas: Canvas) -> None:
    grille = both_sides([(0.40, 0.665), (0.43, 0.645), (0.37, 0.565)])
    mask = canvas.fill(grille, (16, 17, 19), (34, 36, 38), rounds=1)
    for y in (0.585, 0.607, 0.629, 0.651):
        canvas.fill(box(-0.5, y - 0.003, 0.5, y + 0.003), (116, 122, 126), rounds=0, within=mask)
    canvas.line([(-0.415, 0.668), (0.415, 0.668)], (206, 212, 216), 0.012)
    canvas.ellipse(0, 0.618, 0.05, 0.04, (214, 218, 222), (120, 126, 132))
    canvas.ellipse(0, 0.618, 0.036, 0.027, (36, 40, 46))
    intake = both_sides([(0.52, 0.365), (0.56, 0.34), (0.48, 0.225)])
    mask = canvas.fill(intake, (14, 15, 16), (30, 31, 33), rounds=1)
    for y in (0.26, 0.295, 0.33):
        canvas.fill(box(-0.6, y - 0.004, 0.6, y + 0.004), (52, 54, 57), rounds=0, within=mask)
    for side in (-1, 1):
        canvas.fill(box(side * 0.72 - 0.1, 0.27, side * 0.72 + 0.1, 0.37), (18, 19, 20), rounds=2)
        canvas.ellipse(side * 0.72, 0.32, 0.04, 0.035, (228, 232, 234), (110, 116, 120))
    canvas.fill(both_sides([(0.84, 0.2), (0.8, 0.155)]), (16, 16, 17), rounds=1)


def _taxi_sign(canvas: Canvas) -> None:
    canvas.fill(box(-0.16, 1.455, 0.16, 1.545), (250, 238, 180), (214, 176, 60), rounds=1)
    canvas.fill(box(-0.11, 1.478, 0.11, 1.522), (40, 36, 24), rounds=0, opacity=0.75)


def _framed(plate: Image.Image) -> Image.Image:
    """The plate in a dark holder 15 mm wide."""
    margin = round(0.015 * plate.width / ONE_LINE_SIZE[0])
    holder = Image.new("RGBA", (plate.width + 2 * margin, plate.height + 2 * margin), (20, 20, 22, 255))
    holder.alpha_composite(plate, (margin, margin))
    return holder
