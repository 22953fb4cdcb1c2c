"""Drawing aids: smooth outlines, gradients and soft shapes on a canvas measured in metres."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageFilter

Colour: TypeAlias = tuple[int, int, int]
Points: TypeAlias = Sequence[tuple[float, float]]


class Canvas:
    """A transparent picture whose origin is on the ground in the middle: x to the right, y up, in metres."""

    def __init__(self, half_width: float, bottom: float, top: float, scale: float) -> None:
        """Covers x in -half_width..half_width and y in bottom..top; `scale` is pixels a metre."""
        self.half_width, self.bottom, self.top, self.scale = half_width, bottom, top, scale
        self.size = (round(2 * half_width * scale), round((top - bottom) * scale))
        self.image = Image.new("RGBA", self.size, (0, 0, 0, 0))

    def at(self, x: float, y: float) -> tuple[float, float]:
        """The pixel at a point in metres."""
        return (x + self.half_width) * self.scale, (self.top - y) * self.scale

    def mask(self, outline: Points, *, rounds: int = 3, blur: float = 0.0) -> Image.Image:
        """The inside of an outline (corners cut `rounds` times) as a mask, blurred by `blur` metres."""
        mask = Image.new("L", self.size, 0)
        points = [self.at(x, y) for x, y in rounded(outline, rounds)]
        ImageDraw.Draw(mask).polygon(points, fill=255)
        return mask.filter(ImageFilter.GaussianBlur(blur * self.scale)) if blur else mask

    def fill(
        self,
        outline: Points,
        top: Colour,
        bottom: Colour | None = None,
        *,
        rounds: int = 3,
        blur: float = 0.0,
        opacity: float = 1.0,
        within: Image.Image | None = None,
    ) -> Image.Image:
        """Fill an outline with a vertical gradient, clipped to the mask `within`; gives the mask."""
        mask = self.mask(outline, rounds=rounds, blur=blur)
        if within is not None:
            mask = ImageChops.multiply(mask, within)
        paint = self._gradient(mask, top, bottom or top)
        if opacity < 1:
            paint.putalpha(mask.point(lambda value: round(value * opacity)))
        else:
            paint.putalpha(mask)
        self.image.alpha_composite(paint)
        return mask

    def ellipse(self, x: float, y: float, rx: float, ry: float, top: Colour, bottom: Colour | None = None,
                *, blur: float = 0.0, opacity: float = 1.0) -> Image.Image:  # fmt: skip
        """Fill an ellipse around (x, y) with radii in metres."""
        turns = np.linspace(0, 2 * np.pi, 49)[:-1]
        outline = [(x + rx * float(np.cos(t)), y + ry * float(np.sin(t))) for t in turns]
        return self.fill(outline, top, bottom, rounds=0, blur=blur, opacity=opacity)

    def line(self, points: Points, colour: Colour, width: float, *, opacity: float = 1.0) -> None:
        """A line through points, `width` metres wide."""
        layer = Image.new("RGBA", self.size, (0, 0, 0, 0))
        pixels = [self.at(x, y) for x, y in points]
        thickness = max(1, round(width * self.scale))
        ImageDraw.Draw(layer).line(
            pixels, fill=(*colour, round(255 * opacity)), width=thickness, joint="curve"
        )
        self.image.alpha_composite(layer)

    def place(self, picture: Image.Image, x: float, y: float, width: float, height: float) -> None:
        """Put a picture with its middle at (x, y), scaled to a size in metres."""
        size = (round(width * self.scale), round(height * self.scale))
        left, top = self.at(x - width / 2, y + height / 2)
        scaled = picture.convert("RGBA").resize(size, Image.Resampling.LANCZOS)
        self.image.alpha_composite(scaled, (round(left), round(top)))

    def _gradient(self, mask: Image.Image, top: Colour, bottom: Colour) -> Image.Image:
        box = mask.getbbox() or (0, 0, 1, 1)
        height = max(1, box[3] - box[1])
        share = np.clip((np.arange(self.size[1]) - box[1]) / height, 0, 1)[:, None]
        column = np.array(top) * (1 - share) + np.array(bottom) * share
        strip = Image.fromarray(column.astype(np.uint8)[:, None, :])
        return strip.resize(self.size, Image.Resampling.NEAREST).convert("RGBA")


def mirrored(outline: Points) -> list[tuple[float, float]]:
    """The outline on the other side of the middle."""
    return [(-x, y) for x, y in outline]


def both_sides(right_half: Points) -> list[tuple[float, float]]:
    """A symmetric outline from its right half, given from top to bottom."""
    return [*right_half, *reversed(mirrored(right_half))]


def box(x1: float, y1: float, x2: float, y2: float) -> list[tuple[float, float]]:
    """The corners of an upright rectangle."""
    return [(x1, y1), (x2, y1), (x2, y2), (x1, y2)]


def rounded(outline: Points, rounds: int) -> list[tuple[float, float]]:
    """The closed outline with each corner cut off at a quarter of its sides, `rounds` times (Chaikin)."""
    points = np.array(outline, dtype=float)
    for _ in range(rounds):
        after = np.roll(points, -1, axis=0)
        points = np.stack([0.75 * points + 0.25 * after, 0.25 * points + 0.75 * after], axis=1).reshape(-1, 2)
    return [(float(x), float(y)) for x, y in points]


def mix(first: Colour, second: Colour, share: float) -> Colour:
    """The colour that lies `share` (0..1) of the way from the first to the second."""
    a, b, c = (round(p + (q - p) * share) for p, q in zip(first, second, strict=True))
    return a, b, c
